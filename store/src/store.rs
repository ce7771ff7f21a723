//! The contract of a store: what each call does, and what it may be relied on for.
//! The two calls whose result can be unknown are settled here, the same way for every implementation.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::folder::Folder;
use crate::part_body::PartBody;
use crate::{ErrorKind, Location, Prefix, Result, StoreError};

/// The smallest part of a multipart upload, in bytes, the last one excepted.
pub const MIN_PART: u64 = 5 << 20;

/// The largest number of parts of one multipart upload.
pub const MAX_PARTS: u16 = 10_000;

const COMPLETE_ATTEMPTS: u32 = 5;
const ABORT_ROUNDS: u32 = 100;

/// User metadata of an object. Keys are lower-case ASCII.
pub type Metadata = BTreeMap<String, String>;

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its address.
    pub at: Location,
    /// Its size in bytes.
    pub size: u64,
    /// An opaque tag without quotes that changes with the content. Not a digest.
    pub etag: String,
    /// Its metadata; empty in listings, and for files, which keep none.
    pub metadata: Metadata,
    /// When it was written, where the store says so.
    pub modified: Option<SystemTime>,
}

/// How to write an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// Metadata to keep with it (not by files). It names the writer: see [`Store::put`].
    pub metadata: Metadata,
    /// Its media type.
    pub content_type: Option<String>,
    /// Fail with `Exists` if there is an object already (`If-None-Match: *`). A guard, not a lock:
    /// some servers ignore it.
    pub if_absent: bool,
    /// Bytes of every part of an upload but the last, where all have as many: files are then written once, in place.
    pub part_size: Option<u64>,
}

/// An open multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upload {
    /// The object to be.
    pub at: Location,
    /// The store's identifier.
    pub id: String,
}

/// A part that has been uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place in the object, 1 to [`MAX_PARTS`].
    pub number: u16,
    /// Its tag, without quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What to copy into a part. The range is half-open and not empty.
///
/// A range short of the whole needs a source of more than 5 MiB, and a part other than the last at least [`MIN_PART`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The object to read, in the same store.
    pub from: Location,
    /// Which bytes; all of them when unset.
    pub range: Option<Range<u64>>,
    /// Its size, so that the part's is known without asking.
    pub size: u64,
    /// Fail with `Changed` unless it still has this tag.
    pub if_match: Option<String>,
}

impl CopySource {
    /// How many bytes the part will have.
    pub fn len(&self) -> u64 {
        self.range.as_ref().map_or(self.size, |range| range.end.saturating_sub(range.start))
    }

    /// The range, unless it is all of the source: such a copy has no lower limit of the source's size.
    pub fn partial(&self) -> Option<&Range<u64>> {
        self.range.as_ref().filter(|range| **range != (0..self.size))
    }

    /// Whether there is nothing to copy.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The size in bytes of the object that these parts make.
pub fn joined_size(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.size).sum()
}

/// An object store. Every call may be repeated: the same call twice leaves what one call leaves.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Size, tag and metadata of an object.
    async fn head(&self, at: &Location) -> Result<ObjectInfo>;

    /// The whole object, with its tag.
    async fn get(&self, at: &Location) -> Result<(ObjectInfo, Bytes)>;

    /// Exactly the bytes of a half-open range, or an error: `WrongBytes` for anything else that came, `Invalid` for
    /// a range beyond the object's end, `Changed` when the tag is not `if_match`. An empty range costs no call.
    async fn get_range(&self, at: &Location, range: Range<u64>, if_match: Option<&str>) -> Result<Bytes>;

    /// Writes once, without settling an unknown result. Callers use [`Store::put`].
    async fn put_once(&self, at: &Location, body: Bytes, options: &PutOptions) -> Result<String>;

    /// Everything below a prefix, in order of the keys' bytes, from the first key after `after`.
    async fn list(&self, prefix: &Prefix, after: Option<&Location>) -> Result<Vec<ObjectInfo>>;

    /// Deletes objects of one bucket. What is not there counts as deleted.
    async fn delete(&self, all: &[Location]) -> Result<()>;

    /// What lies directly in a folder: its folders and objects in order, at most `most` of both, from where `Folder::next`
    /// of the page before says.
    async fn browse(&self, prefix: &Prefix, from: Option<&str>, most: u16) -> Result<Folder> {
        Ok(Folder::of(prefix, self.list(prefix, None).await?, from, most))
    }

    /// Opens a multipart upload. `if_absent` has no effect here, see [`Store::complete_upload`].
    async fn create_upload(&self, at: &Location, options: &PutOptions) -> Result<Upload>;

    /// Writes a part; a number used before is replaced.
    async fn upload_part(&self, to: &Upload, number: u16, body: Bytes) -> Result<Part>;

    /// Writes a part while its bytes arrive, and holds only what is on its way. It is not repeated, since the bytes are
    /// gone: after an error the caller sends the part again.
    async fn stream_part(&self, to: &Upload, number: u16, body: PartBody) -> Result<Part> {
        let bytes = body.collect(&to.at).await?;
        self.upload_part(to, number, bytes).await
    }

    /// The parts of an open upload, in order.
    async fn list_parts(&self, upload: &Upload) -> Result<Vec<Part>>;

    /// Writes a part from another object of the same store, without passing the bytes through this machine.
    async fn copy_part(&self, to: &Upload, number: u16, source: &CopySource) -> Result<Part>;

    /// Completes once, without settling an unknown result. Callers use [`Store::complete_upload`].
    async fn complete_once(&self, upload: &Upload, parts: &[Part], options: &PutOptions) -> Result<String>;

    /// Drops an upload and its parts. One that is not there counts as dropped.
    async fn abort_upload(&self, upload: &Upload) -> Result<()>;

    /// The open uploads below a prefix. More than 1,000 of one key may come short: abort, then list again.
    async fn list_uploads(&self, prefix: &Prefix) -> Result<Vec<Upload>>;

    /// Writes an object and returns its tag. After `Exists`, an object of the same size that has all of
    /// `options.metadata` (which must then not be empty) counts as written by us: an earlier try may have had an
    /// effect without an answer.
    async fn put(&self, at: &Location, body: Bytes, options: &PutOptions) -> Result<String> {
        let size = body.len() as u64;
        match self.put_once(at, body, options).await {
            Err(error) if error.kind() == ErrorKind::Exists => {
                ours(self, at, size, &options.metadata).await?.ok_or(error)
            }
            other => other,
        }
    }

    /// Makes one object of the parts, which must be in ascending order, and returns its tag.
    ///
    /// After an answer that leaves the result unknown, and after `NoSuchUpload` and `Exists`, the object is looked at
    /// before anything else is done: if it has the parts' total size and all of `options.metadata` (which must then
    /// not be empty), the upload was completed. A store that is asked again while it still joins the parts may answer too
    /// early that it has, or that there is no such upload: after the first attempt only the object itself is believed.
    async fn complete_upload(&self, upload: &Upload, parts: &[Part], options: &PutOptions) -> Result<String> {
        check_parts(upload, parts)?;
        for attempt in 1.. {
            let error = match self.complete_once(upload, parts, options).await {
                Ok(etag) if attempt == 1 || options.metadata.is_empty() => return Ok(etag),
                Ok(_) => joining(upload),
                Err(error) if attempt > 1 && error.kind() == ErrorKind::NoSuchUpload => joining(upload),
                Err(error) => error,
            };
            let settled = matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::Exists);
            if (settled || error.retry())
                && let Some(etag) = ours(self, &upload.at, joined_size(parts), &options.metadata).await?
            {
                return Ok(etag);
            }
            if !error.retry() || attempt >= COMPLETE_ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
        }
        unreachable!("the loop ends by returning")
    }

    /// Deletes everything below a prefix and returns how many objects there were. Refuses a whole bucket.
    async fn delete_all(&self, prefix: &Prefix) -> Result<u64> {
        refuse_root(prefix)?;
        let all: Vec<Location> = self.list(prefix, None).await?.into_iter().map(|info| info.at).collect();
        self.delete(&all).await?;
        Ok(all.len() as u64)
    }

    /// Aborts every upload below a prefix, until a listing shows none. Refuses a whole bucket.
    async fn abort_all(&self, prefix: &Prefix) -> Result<u64> {
        refuse_root(prefix)?;
        let mut aborted = 0;
        for _ in 0..ABORT_ROUNDS {
            let open = self.list_uploads(prefix).await?;
            if open.is_empty() {
                return Ok(aborted);
            }
            for upload in &open {
                self.abort_upload(upload).await?;
            }
            aborted += open.len() as u64;
        }
        Err(StoreError::Unavailable { at: prefix.to_string(), code: "UploadsRemain".to_owned() })
    }
}

/// What an answer means that came while the store is still joining the parts, or because somebody has dropped them.
fn joining(upload: &Upload) -> StoreError {
    StoreError::Unavailable { at: upload.at.to_string(), code: "PartsAreBeingJoined".to_owned() }
}

/// The tag of the object if it is the one that we were about to write.
async fn ours<S: Store + ?Sized>(
    store: &S,
    at: &Location,
    size: u64,
    metadata: &Metadata,
) -> Result<Option<String>> {
    if metadata.is_empty() {
        return Ok(None);
    }
    match store.head(at).await {
        Ok(found) => {
            let same = found.size == size
                && metadata.iter().all(|(key, value)| found.metadata.get(key) == Some(value));
            Ok(same.then_some(found.etag))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_parts(upload: &Upload, parts: &[Part]) -> Result<()> {
    if parts.is_empty() || parts.len() > usize::from(MAX_PARTS) {
        return Err(StoreError::invalid(&upload.at, "NumberOfParts"));
    }
    if !parts.windows(2).all(|pair| pair[0].number < pair[1].number) {
        return Err(StoreError::invalid(&upload.at, "InvalidPartOrder"));
    }
    Ok(())
}

/// Fails unless a part's number is one that S3 takes.
pub(crate) fn check_number(upload: &Upload, number: u16) -> Result<()> {
    if (1..=MAX_PARTS).contains(&number) {
        Ok(())
    } else {
        Err(StoreError::invalid(&upload.at, "PartNumber"))
    }
}

/// Fails for a whole bucket: nobody means to empty one.
pub(crate) fn refuse_root(prefix: &Prefix) -> Result<()> {
    if prefix.is_root() { Err(StoreError::invalid(prefix, "WholeBucket")) } else { Ok(()) }
}

/// Fails unless the range lies in an object of this size. The range is not empty.
pub(crate) fn check_range(at: &Location, range: &Range<u64>, size: u64) -> Result<()> {
    if range.start < range.end && range.end <= size {
        Ok(())
    } else {
        Err(StoreError::invalid(at, "InvalidRange"))
    }
}
