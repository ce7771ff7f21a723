//! Multipart uploads over S3. Unknown results are settled by the trait, not here.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::StreamExt;
use http_body::{Body, Frame, SizeHint};

use super::answer::failed;
use super::client::{while_completing, while_sending};
use super::objects::to_map;
use super::{S3Store, bare, closed, exists, quoted};
use crate::store::{check_number, check_range};
use crate::{
    CopySource, ErrorKind, Location, Part, PartBody, Prefix, PutOptions, Result, StoreError, Upload,
    joined_size,
};

/// Names no checksum: a store that knows them takes CRC-64/NVME over the object by itself. An upload that names one
/// gets a wrong sum from versitygw for ranges copied from objects with the same kind, and wants every part's sum again
/// when it is completed.
pub(super) async fn create(store: &S3Store, at: &Location, options: &PutOptions) -> Result<Upload> {
    let request = store.client.create_multipart_upload().bucket(at.bucket()).key(at.key());
    let answer = request
        .set_metadata(to_map(&options.metadata))
        .set_content_type(options.content_type.clone())
        .send()
        .await;
    let answer = answer.map_err(|error| failed(at, error))?;
    match answer.upload_id() {
        Some(id) => Ok(Upload { at: at.clone(), id: id.to_owned() }),
        None => Err(StoreError::invalid(at, "NoUploadId")),
    }
}

pub(super) async fn upload(store: &S3Store, to: &Upload, number: u16, body: Bytes) -> Result<Part> {
    check_number(to, number)?;
    let size = body.len() as u64;
    let request = store.client.upload_part().bucket(to.at.bucket()).key(to.at.key()).upload_id(&to.id);
    let answer = request
        .part_number(i32::from(number))
        .set_checksum_algorithm(store.checksum())
        .body(ByteStream::from(body))
        .send()
        .await;
    let answer = answer.map_err(|error| failed(&to.at, error))?;
    part(to, number, answer.e_tag(), size)
}

/// Sends the bytes on as they come. Neither the SDK nor we can repeat it. The sender may be slow: there is no limit but
/// that of an hour for the part.
pub(super) async fn stream(store: &S3Store, to: &Upload, number: u16, body: PartBody) -> Result<Part> {
    check_number(to, number)?;
    let size = body.size();
    let request = store.client.upload_part().bucket(to.at.bucket()).key(to.at.key()).upload_id(&to.id);
    let answer = request
        .part_number(i32::from(number))
        .set_checksum_algorithm(store.checksum())
        .body(ByteStream::from_body_1_x(SentBody(Mutex::new(body))))
        .customize()
        .config_override(while_sending(&store.timeouts))
        .send()
        .await;
    let answer = answer.map_err(|error| failed(&to.at, error))?;
    part(to, number, answer.e_tag(), size)
}

/// A part's bytes as the body of a request. The SDK wants it to be `Sync`, which a mutex makes of it; it is never locked.
struct SentBody(Mutex<PartBody>);

impl SentBody {
    fn inner(&mut self) -> &mut PartBody {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        self.inner().poll_next_unpin(context).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.lock().unwrap_or_else(PoisonError::into_inner).left())
    }
}

/// The parts that have arrived, page by page.
pub(super) async fn parts(store: &S3Store, upload: &Upload) -> Result<Vec<Part>> {
    let at = &upload.at;
    let request = store.client.list_parts().bucket(at.bucket()).key(at.key()).upload_id(&upload.id);
    let mut pages = request.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| no_upload(at, failed(at, error)))?;
        for found in page.parts() {
            let number = found.part_number().and_then(|number| u16::try_from(number).ok());
            let size = found.size().and_then(|size| u64::try_from(size).ok());
            let (Some(number), Some(size)) = (number, size) else {
                return Err(StoreError::invalid(at, "PartWithoutNumber"));
            };
            all.push(part(upload, number, found.e_tag(), size)?);
        }
    }
    all.sort_by_key(|part| part.number);
    Ok(all)
}

/// Of an upload that is not there some servers say that the object is not there.
fn no_upload(at: &Location, error: StoreError) -> StoreError {
    match error {
        StoreError::NotFound { .. } => StoreError::NoSuchUpload { at: at.to_string() },
        other => other,
    }
}

pub(super) async fn copy(store: &S3Store, to: &Upload, number: u16, source: &CopySource) -> Result<Part> {
    check_number(to, number)?;
    if let Some(range) = &source.range {
        check_range(&source.from, range, source.size)?;
    }
    let request = store.client.upload_part_copy().bucket(to.at.bucket()).key(to.at.key()).upload_id(&to.id);
    let answer = request
        .part_number(i32::from(number))
        .copy_source(copy_source(&source.from))
        .set_copy_source_range(source.partial().map(closed))
        .set_copy_source_if_match(source.if_match.as_deref().map(quoted))
        .send()
        .await;
    let answer = answer.map_err(|error| copy_failed(to, failed(&source.from, error)))?;
    part(to, number, answer.copy_part_result().and_then(|result| result.e_tag()), source.len())
}

/// The upload's own absence is about the upload, everything else about the source.
fn copy_failed(to: &Upload, error: StoreError) -> StoreError {
    match error {
        StoreError::NoSuchUpload { .. } => StoreError::NoSuchUpload { at: to.at.to_string() },
        other => other,
    }
}

fn part(to: &Upload, number: u16, etag: Option<&str>, size: u64) -> Result<Part> {
    match bare(etag) {
        etag if etag.is_empty() => Err(StoreError::invalid(&to.at, "NoTagOfPart")),
        etag => Ok(Part { number, etag, size }),
    }
}

/// `bucket/key`, percent-encoded but for the unreserved characters of RFC 3986 and the slash.
fn copy_source(from: &Location) -> String {
    let mut text = format!("{}/", from.bucket());
    for byte in from.key().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string does not fail");
        }
    }
    text
}

pub(super) async fn complete(
    store: &S3Store,
    upload: &Upload,
    parts: &[Part],
    options: &PutOptions,
) -> Result<String> {
    let at = &upload.at;
    let parts_sent = parts.iter().map(completed).collect();
    let request = store.client.complete_multipart_upload().bucket(at.bucket()).key(at.key());
    let answer = request
        .upload_id(&upload.id)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts_sent)).build())
        .set_if_none_match(options.if_absent.then(|| "*".to_owned()))
        .customize()
        .config_override(while_completing(&store.timeouts, joined_size(parts)))
        .send()
        .await;
    let answer = answer.map_err(|error| exists(failed(at, error), options))?;
    match bare(answer.e_tag()) {
        // A success without a tag was cut off: nothing is known.
        etag if etag.is_empty() => {
            Err(StoreError::Unavailable { at: at.to_string(), code: "NoTag".to_owned() })
        }
        etag => Ok(etag),
    }
}

fn completed(part: &Part) -> CompletedPart {
    CompletedPart::builder().part_number(i32::from(part.number)).e_tag(quoted(&part.etag)).build()
}

pub(super) async fn abort(store: &S3Store, upload: &Upload) -> Result<()> {
    let at = &upload.at;
    let request = store.client.abort_multipart_upload().bucket(at.bucket()).key(at.key());
    match request.upload_id(&upload.id).send().await.map_err(|error| failed(at, error)) {
        Err(error) if matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::NotFound) => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Pages by the key alone: some servers do not take the marker of the upload.
pub(super) async fn list(store: &S3Store, prefix: &Prefix) -> Result<Vec<Upload>> {
    let mut all = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let request = store.client.list_multipart_uploads().bucket(prefix.bucket()).prefix(prefix.path());
        let page = request.set_key_marker(marker.clone()).send().await;
        let page = page.map_err(|error| failed(prefix, error))?;
        all.extend(page.uploads().iter().map(|upload| Upload {
            at: Location::listed(prefix.bucket(), upload.key().unwrap_or_default()),
            id: upload.upload_id().unwrap_or_default().to_owned(),
        }));
        let next = page.next_key_marker().filter(|next| !next.is_empty()).map(str::to_owned);
        if page.is_truncated() != Some(true) || next.is_none() || next == marker {
            return Ok(all);
        }
        marker = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_source_is_encoded_so_that_every_key_survives() {
        let from: Location = "s3://images/a b/ü+%.tif".parse().unwrap();
        assert_eq!(copy_source(&from), "images/a%20b/%C3%BC%2B%25.tif");
    }
}
