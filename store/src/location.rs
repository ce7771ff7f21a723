//! Addresses of objects and of groups of objects, parsed once and valid from then on.
//! Does no IO: whether something is there, only a store can say.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest key that S3 accepts, in bytes of UTF-8.
const MAX_KEY: usize = 1024;

/// Why a text is not an address. Every message shows the right form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UriError {
    /// Neither `s3://` nor `file://`.
    #[error("`{0}` is not an address of an object: write s3://bucket/key or file:///absolute/path")]
    Scheme(String),
    /// `file://` must be followed by an absolute path.
    #[error("`{0}` has no absolute path: write three slashes, as in file:///home/me/picture.tif")]
    RelativePath(String),
    /// Not a name that S3 gives to buckets.
    #[error(
        "`{0}` is not a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://my-bucket/key"
    )]
    Bucket(String),
    /// A bucket or a folder where one object is meant.
    #[error("`{0}` does not name an object: write the whole key, as in s3://bucket/folder/picture.tif")]
    NoKey(String),
    /// One object where a prefix is meant.
    #[error("`{0}` is not a prefix: end it with a slash, as in s3://bucket/folder/")]
    NotPrefix(String),
    /// Empty, `.` and `..` segments are not the same object to every server.
    #[error("`{0}` has an empty, `.` or `..` segment: write every folder once, as in s3://bucket/folder/key")]
    Segment(String),
    /// Control characters.
    #[error("the address has a control character: use printable characters")]
    Control,
    /// Longer than S3 allows.
    #[error("the key has {0} bytes: use at most 1024")]
    TooLong(usize),
}

/// Where an address points: an object store or this machine's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// `s3://bucket/key`.
    S3,
    /// `file:///absolute/path`.
    File,
}

/// The address of one object, as `s3://bucket/key` or `file:///absolute/path`; a string in serde.
///
/// It is taken as written, without percent decoding. No segment is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location {
    bucket: String,
    key: String,
}

/// The address of a group of objects: a bucket, or a folder in it; ends with `/`; a string in serde.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    bucket: String,
    path: String,
}

impl Location {
    /// An object of a bucket; with an empty bucket, the file with the absolute path `key`.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Result<Location, UriError> {
        let at = Location { bucket: bucket.into(), key: key.into() };
        check_bucket(&at.bucket)?;
        check_start(&at.bucket, &at.key, &at.to_string())?;
        if at.key.is_empty() || at.key.ends_with('/') {
            return Err(UriError::NoKey(at.to_string()));
        }
        check_path(&at.key, &at.to_string())?;
        Ok(at)
    }

    /// An address that a server gave in a listing, which may hold keys that others would not write.
    pub(crate) fn listed(bucket: impl Into<String>, key: impl Into<String>) -> Location {
        Location { bucket: bucket.into(), key: key.into() }
    }

    /// The bucket; empty for a file.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key; for a file its absolute path.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What follows the last slash.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// The folder that holds the object: the bucket itself for a key without a slash.
    pub fn parent(&self) -> Prefix {
        let end = self.key.rfind('/').map_or(0, |slash| slash + 1);
        Prefix { bucket: self.bucket.clone(), path: self.key[..end].to_owned() }
    }

    /// Object store or local file.
    pub fn scheme(&self) -> Scheme {
        scheme(&self.bucket)
    }
}

impl Prefix {
    /// A folder of a bucket (or all of it, with an empty path); with an empty bucket, the absolute folder `path`.
    pub fn new(bucket: impl Into<String>, path: impl Into<String>) -> Result<Prefix, UriError> {
        let prefix = Prefix { bucket: bucket.into(), path: path.into() };
        check_bucket(&prefix.bucket)?;
        check_start(&prefix.bucket, &prefix.path, &prefix.to_string())?;
        if prefix.path.is_empty() || prefix.path == "/" {
            return Ok(prefix);
        }
        let inner = prefix.path.strip_suffix('/').ok_or_else(|| UriError::NotPrefix(prefix.to_string()))?;
        check_path(inner, &prefix.to_string())?;
        Ok(prefix)
    }

    /// The bucket; empty for a folder of files.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What all keys begin with: empty, or ending with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The object `rest` (which may hold slashes) below this prefix.
    pub fn object(&self, rest: &str) -> Result<Location, UriError> {
        Location::new(self.bucket.clone(), format!("{}{rest}", self.path))
    }

    /// The prefix `rest` below this one; a missing slash at its end is added.
    pub fn folder(&self, rest: &str) -> Result<Prefix, UriError> {
        let slash = if rest.is_empty() || rest.ends_with('/') { "" } else { "/" };
        Prefix::new(self.bucket.clone(), format!("{}{rest}{slash}", self.path))
    }

    /// Whether an object lies below this prefix.
    pub fn contains(&self, at: &Location) -> bool {
        self.bucket == at.bucket && at.key.starts_with(&self.path)
    }

    /// Whether this is a whole bucket or the root of the file system.
    pub fn is_root(&self) -> bool {
        self.path.is_empty() || self.path == "/"
    }

    /// Object store or local files.
    pub fn scheme(&self) -> Scheme {
        scheme(&self.bucket)
    }
}

fn scheme(bucket: &str) -> Scheme {
    if bucket.is_empty() { Scheme::File } else { Scheme::S3 }
}

/// Bucket and path of a text: the empty bucket for a file.
fn split(text: &str) -> Result<(&str, &str), UriError> {
    if let Some(path) = text.strip_prefix("file://") {
        return Ok(("", path));
    }
    let rest = text.strip_prefix("s3://").ok_or_else(|| UriError::Scheme(text.to_owned()))?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() { Err(UriError::Bucket(String::new())) } else { Ok((bucket, key)) }
}

fn check_bucket(bucket: &str) -> Result<(), UriError> {
    let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let right = bucket.is_empty()
        || (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|c| edge(c) || c == b'.' || c == b'-')
            && bucket.bytes().next().is_some_and(edge)
            && bucket.bytes().last().is_some_and(edge)
            && !bucket.contains("..");
    if right { Ok(()) } else { Err(UriError::Bucket(bucket.to_owned())) }
}

fn check_start(bucket: &str, path: &str, shown: &str) -> Result<(), UriError> {
    match (bucket.is_empty(), path.starts_with('/')) {
        (true, false) => Err(UriError::RelativePath(shown.to_owned())),
        (false, true) => Err(UriError::Segment(shown.to_owned())),
        (true, true) | (false, false) => Ok(()),
    }
}

fn check_path(path: &str, shown: &str) -> Result<(), UriError> {
    if path.chars().any(char::is_control) {
        return Err(UriError::Control);
    }
    if path.len() > MAX_KEY {
        return Err(UriError::TooLong(path.len()));
    }
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(UriError::Segment(shown.to_owned()));
    }
    Ok(())
}

impl FromStr for Location {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Location, UriError> {
        let (bucket, key) = split(text)?;
        Location::new(bucket, key)
    }
}

impl FromStr for Prefix {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Prefix, UriError> {
        let (bucket, path) = split(text)?;
        Prefix::new(bucket, path)
    }
}

impl TryFrom<String> for Location {
    type Error = UriError;

    fn try_from(text: String) -> Result<Location, UriError> {
        text.parse()
    }
}

impl TryFrom<String> for Prefix {
    type Error = UriError;

    fn try_from(text: String) -> Result<Prefix, UriError> {
        text.parse()
    }
}

impl From<Location> for String {
    fn from(at: Location) -> String {
        at.to_string()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.to_string()
    }
}

fn show(f: &mut fmt::Formatter<'_>, bucket: &str, path: &str) -> fmt::Result {
    match scheme(bucket) {
        Scheme::S3 => write!(f, "s3://{bucket}/{path}"),
        Scheme::File => write!(f, "file://{path}"),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.bucket, &self.key)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.bucket, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for text in ["s3://images/a.tif", "s3://my.bucket/a b/ü+%20.tif", "file:///home/me/my file.tif"] {
            let at: Location = text.parse().unwrap();
            assert_eq!(at.to_string(), text);
            let json = serde_json::to_string(&at).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Location>(&json).unwrap(), at);
        }
        for text in ["s3://images/", "s3://images/.tessera/", "file:///", "file:///tmp/x/"] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
        }
        assert_eq!("s3://images".parse::<Prefix>().unwrap().to_string(), "s3://images/");
    }

    #[test]
    fn a_wrong_address_says_what_a_right_one_looks_like() {
        let refused = |text: &str| text.parse::<Location>().unwrap_err().to_string();
        for text in ["picture.tif", "http://host/x", "/home/me/x.tif", "", "S3://images/x", "s3:/images/x"] {
            assert!(refused(text).contains("write s3://bucket/key or file:///absolute/path"), "{text}");
        }
        assert!(refused("file://home/x.tif").contains("three slashes"));
        assert!(refused("s3://Images/x").contains("lower-case"));
        assert!(refused("s3:///x").contains("bucket's name"));
        for text in ["s3://images", "s3://images/", "s3://images/folder/"] {
            assert!(refused(text).contains("does not name an object"), "{text}");
        }
        for text in ["s3://images//x", "s3://images/a//x", "s3://images/../x", "file:///a/./b", "file:////x"]
        {
            assert!(refused(text).contains("segment"), "{text}");
        }
        assert!(refused("s3://images/a\nb").contains("control character"));
        assert!(refused(&format!("s3://images/{}", "x".repeat(1025))).contains("at most 1024"));
        let prefix = "s3://images/folder".parse::<Prefix>().unwrap_err().to_string();
        assert!(prefix.contains("end it with a slash"), "{prefix}");
    }

    #[test]
    fn a_prefix_holds_what_lies_below_it_and_nothing_else() {
        let prefix: Prefix = "s3://images/in/".parse().unwrap();
        let holds = |text: &str| prefix.contains(&text.parse().unwrap());
        assert!(holds("s3://images/in/a.tif") && holds("s3://images/in/b/c.tif"));
        assert!(!holds("s3://images/inner.tif") && !holds("s3://other/in/a.tif") && !holds("file:///in/a"));
        let below = prefix.folder("uid").unwrap().object("0/1.data").unwrap();
        assert_eq!(below.to_string(), "s3://images/in/uid/0/1.data");
        assert_eq!((below.name(), below.parent().path()), ("1.data", "in/uid/0/"));
        assert!(prefix.object("../secret").is_err());
    }
}
