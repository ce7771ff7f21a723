//! The cases of multipart uploads, with the sizes at which AWS's rules begin to matter.

use std::ops::Range;

use bytes::Bytes;

use super::{Bench, Broken, Checked, fails, noise, same};
use crate::{
    CopySource, ErrorKind, Location, MIN_PART, Metadata, Part, PartBody, PutOptions, Scheme, Upload,
};

const MIN: usize = MIN_PART as usize;
const PAGE: usize = 1000;

fn by(job: &str) -> PutOptions {
    let metadata = Metadata::from([("job".to_owned(), job.to_owned())]);
    PutOptions { metadata, ..PutOptions::default() }
}

async fn open(bench: &Bench<'_>, name: &str) -> Result<Upload, Broken> {
    Ok(bench.store.create_upload(&bench.at(name)?, &by("uid")).await?)
}

async fn put(bench: &Bench<'_>, name: &str, body: Bytes) -> Result<CopySource, Broken> {
    let (from, size) = (bench.at(name)?, body.len() as u64);
    let etag = bench.store.put(&from, body, &PutOptions::default()).await?;
    Ok(CopySource { from, range: None, size, if_match: Some(etag) })
}

fn range(source: &CopySource, range: Range<usize>) -> CopySource {
    CopySource { range: Some(range.start as u64..range.end as u64), ..source.clone() }
}

async fn bytes(bench: &Bench<'_>, at: &Location) -> Result<Bytes, Broken> {
    Ok(bench.store.get(at).await?.1)
}

/// Header by upload, a piece by copy, the rest of a piece by ranged copy, a short tail: as an assembly does it.
pub(super) async fn parts_and_copies_are_joined(bench: &Bench<'_>) -> Checked {
    let (header, one, two) = (noise(MIN, 20), noise(MIN, 21), noise(MIN + 77_777, 22));
    let first = put(bench, "join/pieces/ü 1+1.data", one.clone()).await?;
    let second = put(bench, "join/pieces/2.data", two.clone()).await?;
    let upload = open(bench, "join/out.tif").await?;
    let parts = [
        bench.store.upload_part(&upload, 1, header.clone()).await?,
        bench.store.copy_part(&upload, 2, &range(&first, 0..MIN)).await?,
        bench.store.copy_part(&upload, 4, &range(&second, 77..MIN + 77)).await?,
        bench.store.upload_part(&upload, 9, two.slice(MIN + 77..)).await?,
    ];
    same("sizes", parts.iter().map(|part| part.size).sum(), (3 * MIN + 77_700) as u64)?;
    let etag = bench.store.complete_upload(&upload, &parts, &by("uid")).await?;
    let head = bench.store.head(&upload.at).await?;
    same("tag", &head.etag, &etag)?;
    if upload.at.scheme() == Scheme::S3 {
        same("metadata", head.metadata, by("uid").metadata)?;
    }
    let whole = [header, one, two.slice(77..)].concat();
    same("bytes are equal", bytes(bench, &upload.at).await? == whole, true)?;
    same("open uploads", bench.store.list_uploads(&upload.at.parent()).await?, Vec::new())
}

/// In chunks that no page of anything divides, the last part short.
pub(super) async fn parts_that_are_streamed_are_listed_and_joined(bench: &Bench<'_>) -> Checked {
    let (one, two) = (noise(MIN + 1, 30), noise(70_001, 31));
    let upload = open(bench, "streamed/out.tif").await?;
    let mut parts = Vec::new();
    for (number, bytes) in [(3, &two), (1, &one)] {
        let chunks: Vec<_> = bytes.chunks(65_521).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let body = PartBody::new(bytes.len() as u64, futures::stream::iter(chunks));
        parts.insert(0, bench.store.stream_part(&upload, number, body).await?);
    }
    same("parts", bench.store.list_parts(&upload).await?, parts.clone())?;
    bench.store.complete_upload(&upload, &parts, &by("uid")).await?;
    same("bytes are equal", bytes(bench, &upload.at).await? == [one, two].concat(), true)?;
    fails("parts of no upload", bench.store.list_parts(&upload).await, ErrorKind::NoSuchUpload)
}

/// The sender breaks off: nothing of the part stays.
pub(super) async fn a_part_that_breaks_off_is_no_part(bench: &Bench<'_>) -> Checked {
    let upload = open(bench, "broken/out.tif").await?;
    let chunks = [Ok(noise(10_000, 32)), Err(std::io::Error::other("gone"))];
    let body = PartBody::new(20_000, futures::stream::iter(chunks));
    same("failed", bench.store.stream_part(&upload, 1, body).await.is_err(), true)?;
    same("parts", bench.store.list_parts(&upload).await?, Vec::new())?;
    Ok(bench.store.abort_upload(&upload).await?)
}

pub(super) async fn a_part_can_be_replaced(bench: &Bench<'_>) -> Checked {
    let upload = open(bench, "replaced").await?;
    bench.store.upload_part(&upload, 1, noise(10, 30)).await?;
    let part = bench.store.upload_part(&upload, 1, noise(11, 31)).await?;
    bench.store.complete_upload(&upload, &[part], &by("uid")).await?;
    same("bytes", bytes(bench, &upload.at).await?, noise(11, 31))
}

pub(super) async fn a_small_part_in_the_middle_is_refused(bench: &Bench<'_>) -> Checked {
    let upload = open(bench, "small").await?;
    let small = bench.store.upload_part(&upload, 1, noise(MIN - 1, 40)).await?;
    let last = bench.store.upload_part(&upload, 2, noise(1, 41)).await?;
    let joined = bench.store.complete_upload(&upload, &[small, last.clone()], &by("uid")).await;
    fails("a part of 5 MiB - 1", joined, ErrorKind::TooSmall)?;
    fails("head", bench.store.head(&upload.at).await, ErrorKind::NotFound)?;
    let right = bench.store.upload_part(&upload, 1, noise(MIN, 42)).await?;
    bench.store.complete_upload(&upload, &[right, last], &by("uid")).await?;
    same("size", bench.store.head(&upload.at).await?.size, MIN_PART + 1)
}

pub(super) async fn a_wrong_part_is_refused(bench: &Bench<'_>) -> Checked {
    let upload = open(bench, "wrong").await?;
    let part = bench.store.upload_part(&upload, 2, noise(10, 45)).await?;
    let other = Part { number: 1, ..part.clone() };
    let unknown = bench.store.complete_upload(&upload, &[other.clone(), part.clone()], &by("uid")).await;
    fails("a part that was not uploaded", unknown, ErrorKind::Invalid)?;
    let order = bench.store.complete_upload(&upload, &[part, other], &by("uid")).await;
    fails("parts out of order", order, ErrorKind::Invalid)?;
    fails("no parts", bench.store.complete_upload(&upload, &[], &by("uid")).await, ErrorKind::Invalid)?;
    for number in [0, 10_001] {
        let part = bench.store.upload_part(&upload, number, Bytes::new()).await;
        fails("a number that no part has", part, ErrorKind::Invalid)?;
    }
    Ok(bench.store.abort_upload(&upload).await?)
}

pub(super) async fn a_copy_of_another_object_than_expected_is_refused(bench: &Bench<'_>) -> Checked {
    let source = put(bench, "copy/source", noise(MIN + 1, 50)).await?;
    let upload = open(bench, "copy/out").await?;
    put(bench, "copy/source", noise(MIN + 1, 51)).await?;
    let copy = bench.store.copy_part(&upload, 1, &source).await;
    fails("a source with another tag", copy, ErrorKind::Changed)?;
    let any = CopySource { if_match: None, ..source };
    let beyond = bench.store.copy_part(&upload, 1, &range(&any, 1..MIN + 2)).await;
    fails("a range over the end", beyond, ErrorKind::Invalid)?;
    let missing = CopySource { from: bench.at("copy/missing")?, ..any.clone() };
    fails("a missing source", bench.store.copy_part(&upload, 1, &missing).await, ErrorKind::NotFound)?;
    let part = bench.store.copy_part(&upload, 1, &any).await?;
    bench.store.complete_upload(&upload, &[part], &by("uid")).await?;
    same("bytes are equal", bytes(bench, &upload.at).await? == noise(MIN + 1, 51), true)
}

/// Only where metadata is kept can a second process know that the first one did it.
pub(super) async fn completing_twice_is_completing_once(bench: &Bench<'_>) -> Checked {
    let upload = open(bench, "twice").await?;
    let parts = [bench.store.upload_part(&upload, 1, noise(100, 60)).await?];
    let etag = bench.store.complete_upload(&upload, &parts, &by("uid")).await?;
    let again = bench.store.complete_upload(&upload, &parts, &by("uid")).await;
    match upload.at.scheme() {
        Scheme::S3 => same("tag", again?, etag),
        Scheme::File => fails("again", again, ErrorKind::NoSuchUpload),
    }
}

pub(super) async fn an_upload_does_not_replace_an_object_if_so_asked(bench: &Bench<'_>) -> Checked {
    let upload = open(bench, "guarded").await?;
    bench.store.put(&upload.at, noise(100, 70), &by("other")).await?;
    let parts = [bench.store.upload_part(&upload, 1, noise(100, 71)).await?];
    let guarded = PutOptions { if_absent: true, ..by("uid") };
    let refused = bench.store.complete_upload(&upload, &parts, &guarded).await;
    fails("over an object of the same size", refused, ErrorKind::Exists)?;
    same("bytes", bytes(bench, &upload.at).await?, noise(100, 70))?;
    bench.store.complete_upload(&upload, &parts, &by("uid")).await?;
    same("bytes when allowed", bytes(bench, &upload.at).await?, noise(100, 71))
}

pub(super) async fn an_aborted_upload_is_gone(bench: &Bench<'_>) -> Checked {
    let mut both = [open(bench, "abort/a").await?, open(bench, "abort/b").await?];
    both.sort();
    let prefix = both[0].at.parent();
    bench.store.upload_part(&both[0], 1, noise(100, 80)).await?;
    let mut listed = bench.store.list_uploads(&prefix).await?;
    listed.sort();
    same("open uploads", listed, both.to_vec())?;
    bench.store.abort_upload(&both[0]).await?;
    bench.store.abort_upload(&both[0]).await?;
    same("open uploads after one", bench.store.list_uploads(&prefix).await?, both[1..].to_vec())?;
    let part = bench.store.upload_part(&both[0], 1, noise(100, 80)).await;
    fails("a part of an aborted upload", part, ErrorKind::NoSuchUpload)?;
    same("aborted", bench.store.abort_all(&prefix).await?, 1)?;
    same("open uploads after all", bench.store.list_uploads(&prefix).await?, Vec::new())
}

pub(super) async fn all_pages_of_uploads_are_listed(bench: &Bench<'_>) -> Checked {
    let all = PAGE + 5;
    for index in 0..all {
        open(bench, &format!("uploads/{index:05}")).await?;
    }
    let prefix = bench.prefix.folder("uploads")?;
    same("listed", bench.store.list_uploads(&prefix).await?.len(), all)?;
    same("aborted", bench.store.abort_all(&prefix).await?, all as u64)
}
