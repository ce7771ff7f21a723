//! Whole objects and ranges over S3. A body that is not what was asked for is an error, never returned.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{Delete, Object, ObjectIdentifier};
use bytes::Bytes;

use super::answer::failed;
use super::{S3Store, bare, closed, exists, quoted};
use crate::{ErrorKind, Folder, Location, Metadata, ObjectInfo, Prefix, PutOptions, Result, StoreError};

/// The SDK repeats requests, but not a body that breaks off: we do.
const BODY_ATTEMPTS: u32 = 3;
const DELETE_BATCH: usize = 1000;

pub(super) async fn head(store: &S3Store, at: &Location) -> Result<ObjectInfo> {
    match store.client.head_object().bucket(at.bucket()).key(at.key()).send().await {
        Ok(found) => Ok(ObjectInfo {
            at: at.clone(),
            size: size(at, found.content_length())?,
            etag: bare(found.e_tag()),
            metadata: metadata(found.metadata()),
            modified: time(found.last_modified()),
        }),
        Err(error) => Err(missing_bucket(store, at, failed(at, error)).await),
    }
}

/// The answer to HEAD has no body, so a missing bucket looks like a missing object: ask for the bucket.
async fn missing_bucket(store: &S3Store, at: &Location, error: StoreError) -> StoreError {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    match store.client.head_bucket().bucket(at.bucket()).send().await.map_err(|cause| failed(at, cause)) {
        Err(bucket) if matches!(bucket.kind(), ErrorKind::NotFound | ErrorKind::NoSuchBucket) => {
            StoreError::NoSuchBucket { at: at.to_string() }
        }
        Ok(_) | Err(_) => error,
    }
}

pub(super) async fn get(store: &S3Store, at: &Location) -> Result<(ObjectInfo, Bytes)> {
    repeated(|| get_once(store, at)).await
}

async fn get_once(store: &S3Store, at: &Location) -> Result<(ObjectInfo, Bytes)> {
    let answer = store.client.get_object().bucket(at.bucket()).key(at.key()).send().await;
    let answer = answer.map_err(|error| failed(at, error))?;
    let info = ObjectInfo {
        at: at.clone(),
        size: size(at, answer.content_length())?,
        etag: bare(answer.e_tag()),
        metadata: metadata(answer.metadata()),
        modified: time(answer.last_modified()),
    };
    let bytes = body(store, at, answer, info.size).await?;
    Ok((info, bytes))
}

pub(super) async fn get_range(
    store: &S3Store,
    at: &Location,
    range: Range<u64>,
    if_match: Option<&str>,
) -> Result<Bytes> {
    if range.is_empty() {
        return Ok(Bytes::new());
    }
    repeated(|| get_range_once(store, at, &range, if_match)).await
}

async fn get_range_once(
    store: &S3Store,
    at: &Location,
    range: &Range<u64>,
    if_match: Option<&str>,
) -> Result<Bytes> {
    let request = store.client.get_object().bucket(at.bucket()).key(at.key()).range(closed(range));
    let answer =
        request.set_if_match(if_match.map(quoted)).send().await.map_err(|error| failed(at, error))?;
    check_range(at, range, answer.content_range())?;
    if if_match.is_some_and(|tag| tag != bare(answer.e_tag())) {
        return Err(StoreError::Changed { at: at.to_string() });
    }
    body(store, at, answer, range.end - range.start).await
}

/// Fails unless `bytes a-b/size` is the range asked for. A server cuts a range at the object's end.
fn check_range(at: &Location, asked: &Range<u64>, answered: Option<&str>) -> Result<()> {
    let Some(answered) = answered else {
        return Err(StoreError::wrong_bytes(at, "it ignored the range"));
    };
    let span = answered.strip_prefix("bytes ").and_then(|text| text.split('/').next());
    let ends = span.and_then(|span| span.split_once('-'));
    let ends = ends.and_then(|(a, b)| Some((a.parse::<u64>().ok()?, b.parse::<u64>().ok()?)));
    match ends {
        Some((start, last)) if start == asked.start && last == asked.end - 1 => Ok(()),
        Some((start, last)) if start == asked.start && last < asked.end => {
            Err(StoreError::invalid(at, "InvalidRange"))
        }
        Some(_) | None => Err(StoreError::wrong_bytes(at, "it sent another range")),
    }
}

/// Reads a body of exactly `size` bytes, within the time of one attempt.
async fn body(store: &S3Store, at: &Location, answer: GetObjectOutput, size: u64) -> Result<Bytes> {
    if answer.content_length().is_some_and(|length| u64::try_from(length) != Ok(size)) {
        return Err(StoreError::wrong_bytes(at, "its length is another"));
    }
    let read = tokio::time::timeout(store.timeouts.attempt, answer.body.collect()).await;
    let read = read.map_err(|_| StoreError::Timeout { at: at.to_string() })?;
    let bytes = read.map_err(|_| StoreError::wrong_bytes(at, "it broke off"))?.into_bytes();
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(StoreError::wrong_bytes(at, "it is short")) }
}

/// Repeats what failed after the answer had begun; before that the SDK has repeated already.
async fn repeated<T, F: Future<Output = Result<T>>>(call: impl Fn() -> F) -> Result<T> {
    let mut attempt = 1;
    loop {
        match call().await {
            Err(error) if error.kind() == ErrorKind::WrongBytes && attempt < BODY_ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

pub(super) async fn put(
    store: &S3Store,
    at: &Location,
    bytes: Bytes,
    options: &PutOptions,
) -> Result<String> {
    let request = store.client.put_object().bucket(at.bucket()).key(at.key());
    let answer = request
        .body(ByteStream::from(bytes))
        .set_metadata(to_map(&options.metadata))
        .set_content_type(options.content_type.clone())
        .set_if_none_match(options.if_absent.then(|| "*".to_owned()))
        .set_checksum_algorithm(store.checksum())
        .send()
        .await;
    let answer = answer.map_err(|error| exists(failed(at, error), options))?;
    Ok(bare(answer.e_tag()))
}

pub(super) async fn list(
    store: &S3Store,
    prefix: &Prefix,
    after: Option<&Location>,
) -> Result<Vec<ObjectInfo>> {
    let request = store.client.list_objects_v2().bucket(prefix.bucket()).prefix(prefix.path());
    let mut pages = request.set_start_after(after.map(|at| at.key().to_owned())).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed(prefix, error))?;
        for object in page.contents() {
            all.push(listed(prefix, object)?);
        }
    }
    Ok(all)
}

fn listed(prefix: &Prefix, object: &Object) -> Result<ObjectInfo> {
    let at = Location::listed(prefix.bucket(), object.key().unwrap_or_default());
    Ok(ObjectInfo {
        size: size(&at, object.size())?,
        at,
        etag: bare(object.e_tag()),
        metadata: Metadata::new(),
        modified: time(object.last_modified()),
    })
}

/// One page of a folder. Folders that others would not write are left out.
pub(super) async fn browse(
    store: &S3Store,
    prefix: &Prefix,
    from: Option<&str>,
    most: u16,
) -> Result<Folder> {
    let request = store.client.list_objects_v2().bucket(prefix.bucket()).prefix(prefix.path());
    let request = request.delimiter("/").max_keys(i32::from(most));
    let page = request.set_continuation_token(from.map(str::to_owned)).send().await;
    let page = page.map_err(|error| failed(prefix, error))?;
    let paths = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
    let objects: Result<Vec<ObjectInfo>> =
        page.contents().iter().map(|object| listed(prefix, object)).collect();
    Ok(Folder {
        folders: paths.filter_map(|path| Prefix::new(prefix.bucket(), path).ok()).collect(),
        objects: objects?,
        next: page.next_continuation_token().map(str::to_owned).filter(|next| !next.is_empty()),
    })
}

pub(super) async fn delete(store: &S3Store, all: &[Location]) -> Result<()> {
    let same_bucket = |a: &Location, b: &Location| a.bucket() == b.bucket();
    for run in all.chunk_by(same_bucket) {
        for batch in run.chunks(DELETE_BATCH) {
            delete_batch(store, batch).await?;
        }
    }
    Ok(())
}

/// One request for objects of one bucket.
async fn delete_batch(store: &S3Store, batch: &[Location]) -> Result<()> {
    let Some(first) = batch.first() else { return Ok(()) };
    let keys = batch.iter().map(|at| ObjectIdentifier::builder().key(at.key()).build());
    let keys: std::result::Result<Vec<_>, _> = keys.collect();
    let keys = keys.map_err(|_| StoreError::invalid(first, "Request"))?;
    let keys = Delete::builder().set_objects(Some(keys)).quiet(true).build();
    let keys = keys.map_err(|_| StoreError::invalid(first, "Request"))?;
    let answer = store.client.delete_objects().bucket(first.bucket()).delete(keys).send().await;
    let answer = answer.map_err(|error| failed(first, error))?;
    match answer.errors().iter().find(|error| error.code() != Some("NoSuchKey")) {
        None => Ok(()),
        Some(error) => {
            let at = Location::listed(first.bucket(), error.key().unwrap_or_default());
            Err(super::answer::refused(at.to_string(), 200, error.code().unwrap_or_default()))
        }
    }
}

fn size(at: &Location, length: Option<i64>) -> Result<u64> {
    let length = length.and_then(|length| u64::try_from(length).ok());
    length.ok_or_else(|| StoreError::wrong_bytes(at, "it gave no size"))
}

fn time(at: Option<&DateTime>) -> Option<SystemTime> {
    at.and_then(|at| SystemTime::try_from(*at).ok())
}

fn metadata(map: Option<&HashMap<String, String>>) -> Metadata {
    map.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(super) fn to_map(metadata: &Metadata) -> Option<HashMap<String, String>> {
    (!metadata.is_empty()).then(|| metadata.clone().into_iter().collect())
}
