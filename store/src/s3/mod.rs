//! The store behind an S3 endpoint. Every answer is checked for being what was asked.
//! Keeps nothing between calls but connections.

mod answer;
mod client;
mod multipart;
mod objects;

use std::ops::Range;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;

use crate::{
    Checksums, ConfigError, CopySource, Folder, Location, ObjectInfo, Part, PartBody, Prefix, PutOptions,
    Result, Scheme, Store, StoreConfig, StoreError, Timeouts, Upload,
};

/// Objects of AWS S3 and of servers that speak its protocol. Cheap to clone.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    checksums: Checksums,
    timeouts: Timeouts,
}

impl S3Store {
    /// A store for a configuration, which is checked; no connection is opened.
    pub fn new(config: &StoreConfig) -> std::result::Result<S3Store, ConfigError> {
        config.check()?;
        let client = client::client(config);
        Ok(S3Store { client, checksums: config.checksums, timeouts: config.timeouts })
    }

    /// The algorithm that combines over parts; none where the server may not know it.
    fn checksum(&self) -> Option<ChecksumAlgorithm> {
        match self.checksums {
            Checksums::WhenSupported => Some(ChecksumAlgorithm::Crc64Nvme),
            Checksums::WhenRequired => None,
        }
    }
}

/// Tags travel in quotes and are kept without.
fn bare(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// A tag as the conditional headers want it.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// A half-open range as HTTP writes it, closed.
fn closed(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end - 1)
}

/// With `If-None-Match: *`, 412 means that something is there.
fn exists(error: StoreError, options: &PutOptions) -> StoreError {
    match error {
        StoreError::Changed { at } if options.if_absent => StoreError::Exists { at },
        other => other,
    }
}

fn served(scheme: Scheme, shown: impl ToString) -> Result<()> {
    match scheme {
        Scheme::S3 => Ok(()),
        Scheme::File => Err(StoreError::invalid(shown, "NotAnS3Address")),
    }
}

#[async_trait]
impl Store for S3Store {
    async fn head(&self, at: &Location) -> Result<ObjectInfo> {
        served(at.scheme(), at)?;
        objects::head(self, at).await
    }

    async fn get(&self, at: &Location) -> Result<(ObjectInfo, Bytes)> {
        served(at.scheme(), at)?;
        objects::get(self, at).await
    }

    async fn get_range(&self, at: &Location, range: Range<u64>, if_match: Option<&str>) -> Result<Bytes> {
        served(at.scheme(), at)?;
        objects::get_range(self, at, range, if_match).await
    }

    async fn put_once(&self, at: &Location, body: Bytes, options: &PutOptions) -> Result<String> {
        served(at.scheme(), at)?;
        objects::put(self, at, body, options).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Location>) -> Result<Vec<ObjectInfo>> {
        served(prefix.scheme(), prefix)?;
        objects::list(self, prefix, after).await
    }

    async fn browse(&self, prefix: &Prefix, from: Option<&str>, most: u16) -> Result<Folder> {
        served(prefix.scheme(), prefix)?;
        objects::browse(self, prefix, from, most).await
    }

    async fn delete(&self, all: &[Location]) -> Result<()> {
        objects::delete(self, all).await
    }

    async fn create_upload(&self, at: &Location, options: &PutOptions) -> Result<Upload> {
        served(at.scheme(), at)?;
        multipart::create(self, at, options).await
    }

    async fn upload_part(&self, to: &Upload, number: u16, body: Bytes) -> Result<Part> {
        multipart::upload(self, to, number, body).await
    }

    async fn stream_part(&self, to: &Upload, number: u16, body: PartBody) -> Result<Part> {
        multipart::stream(self, to, number, body).await
    }

    async fn list_parts(&self, upload: &Upload) -> Result<Vec<Part>> {
        multipart::parts(self, upload).await
    }

    async fn copy_part(&self, to: &Upload, number: u16, source: &CopySource) -> Result<Part> {
        served(source.from.scheme(), &source.from)?;
        multipart::copy(self, to, number, source).await
    }

    async fn complete_once(&self, upload: &Upload, parts: &[Part], options: &PutOptions) -> Result<String> {
        multipart::complete(self, upload, parts, options).await
    }

    async fn abort_upload(&self, upload: &Upload) -> Result<()> {
        multipart::abort(self, upload).await
    }

    async fn list_uploads(&self, prefix: &Prefix) -> Result<Vec<Upload>> {
        served(prefix.scheme(), prefix)?;
        multipart::list(self, prefix).await
    }
}
