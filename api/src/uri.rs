//! Where an image lies, as a user writes it: `s3://bucket/key`, or a file for work on one machine. Only names; no access.

use std::fmt;

/// Characters that a URI may have.
pub const MAX_URI: u32 = 1100;

/// How a [`Uri`] is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// An object of an S3 store.
    S3,
    /// A file of this machine.
    File,
}

/// Which schemes are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locations {
    /// Objects only: the pods of a cluster do not share a file system.
    Cluster,
    /// Objects, `file://` and plain paths.
    Local,
}

/// An object or a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    /// How it is reached.
    pub scheme: Scheme,
    /// The bucket; empty for a file.
    pub bucket: String,
    /// The object's key, or the file's path, absolute or relative.
    pub key: String,
}

/// Why a text names no object and no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Neither an object nor, where allowed, a file.
    #[error("write it as s3://bucket/key, such as s3://images/photo.tif")]
    NotS3,
    /// A file, where only objects are allowed.
    #[error(
        "a cluster reads and writes objects only, since its pods share no file system: write it as s3://bucket/key; `tessera run` takes files"
    )]
    FileOnCluster,
    /// `file://` with a relative path, whose first part would be taken for a host.
    #[error(
        "file:// takes an absolute path, with three slashes, as in file:///tmp/photo.tif; a relative path stands alone"
    )]
    FileNotAbsolute,
    /// Not a bucket's name.
    #[error(
        "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://images/photo.tif"
    )]
    Bucket,
    /// No key, or one that ends in a slash.
    #[error("it must name one object, not a bucket or a folder, as in s3://images/photo.tif")]
    NoObject,
    /// A control character, or too long a key.
    #[error("a key has at most 1024 bytes and no control characters")]
    Key,
}

impl Uri {
    /// Reads `s3://bucket/key` and, with [`Locations::Local`], `file:///path` and plain paths.
    ///
    /// # Errors
    /// The text names no single object or file, or one that `locations` does not allow.
    pub fn parse(text: &str, locations: Locations) -> Result<Uri, UriError> {
        if let Some(rest) = text.strip_prefix("s3://") {
            return object(rest);
        }
        let path = text.strip_prefix("file://");
        match (path, locations) {
            (Some(_), Locations::Cluster) => Err(UriError::FileOnCluster),
            (Some(path), Locations::Local) if !path.starts_with('/') => Err(UriError::FileNotAbsolute),
            (Some(path), Locations::Local) => file(path),
            (None, Locations::Local) if !text.contains("://") => file(text),
            (None, Locations::Cluster | Locations::Local) => Err(UriError::NotS3),
        }
    }

    /// What follows the last dot of the last part of the name, in lower case.
    pub fn extension(&self) -> Option<String> {
        let name = self.key.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase())
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::S3 => write!(f, "s3://{}/{}", self.bucket, self.key),
            Scheme::File if !self.key.starts_with('/') => f.write_str(&self.key),
            Scheme::File => write!(f, "file://{}", self.key),
        }
    }
}

fn object(rest: &str) -> Result<Uri, UriError> {
    let (bucket, key) = rest.split_once('/').ok_or(UriError::NoObject)?;
    if !is_bucket(bucket) {
        return Err(UriError::Bucket);
    }
    if key.is_empty() || key.ends_with('/') {
        return Err(UriError::NoObject);
    }
    if key.len() > 1024 || key.chars().any(char::is_control) {
        return Err(UriError::Key);
    }
    Ok(Uri { scheme: Scheme::S3, bucket: bucket.to_owned(), key: key.to_owned() })
}

fn file(path: &str) -> Result<Uri, UriError> {
    if path.is_empty() || path.ends_with('/') {
        return Err(UriError::NoObject);
    }
    Ok(Uri { scheme: Scheme::File, bucket: String::new(), key: path.to_owned() })
}

fn is_bucket(name: &str) -> bool {
    let inside = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = name.bytes().next().is_some_and(inside) && name.bytes().last().is_some_and(inside);
    (3..=63).contains(&name.len()) && ends && name.bytes().all(|c| inside(c) || c == b'.' || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_a_bucket_and_a_key() {
        let uri = Uri::parse("s3://images/a/b.TIF", Locations::Cluster).unwrap();
        assert_eq!((uri.bucket.as_str(), uri.key.as_str()), ("images", "a/b.TIF"));
        assert_eq!(uri.extension().as_deref(), Some("tif"));
        assert_eq!(uri.to_string(), "s3://images/a/b.TIF");
    }

    #[test]
    fn what_names_no_object_is_refused_with_its_reason() {
        let refused = |text| Uri::parse(text, Locations::Cluster).unwrap_err();
        assert_eq!(refused("images/a.tif"), UriError::NotS3);
        assert_eq!(refused("http://images/a.tif"), UriError::NotS3);
        assert_eq!(refused("file:///tmp/a.tif"), UriError::FileOnCluster);
        assert_eq!(refused("s3://images"), UriError::NoObject);
        assert_eq!(refused("s3://images/a/"), UriError::NoObject);
        assert_eq!(refused("s3://Images/a.tif"), UriError::Bucket);
        assert_eq!(refused("s3://images/a\nb.tif"), UriError::Key);
    }

    #[test]
    fn files_are_allowed_on_one_machine() {
        let key = |text| Uri::parse(text, Locations::Local).map(|uri| uri.key);
        assert_eq!(key("file:///tmp/a.tif").unwrap(), "/tmp/a.tif");
        assert_eq!(key("out/a.tif").unwrap(), "out/a.tif");
        assert_eq!(key("file://tmp/a.tif").unwrap_err(), UriError::FileNotAbsolute);
        assert_eq!(key("http://x/a.tif").unwrap_err(), UriError::NotS3);
    }

    #[test]
    fn a_dot_in_a_folder_is_no_extension() {
        assert_eq!(Uri::parse("s3://images/v1.2/photo", Locations::Cluster).unwrap().extension(), None);
    }
}
