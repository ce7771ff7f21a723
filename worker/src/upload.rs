//! Writes a file whose head is known last as one multipart upload: the first bytes are held back and go with the head
//! into part 1. A small file is one put. At most four parts are in memory.

use bytes::Bytes;
use tessera_store::{Part, StoreError, Upload};
use tokio::task::JoinSet;

use crate::checksum::Crc64;
use crate::error::WorkError;
use crate::publish::Target;

/// The least bytes of a part.
const PART: u64 = 8 << 20;

/// Parts that a file of the largest size is cut into; a store takes 10,000.
const PARTS: u64 = 9000;

/// Parts that are on their way at once.
const AT_ONCE: usize = 2;

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    target: Target,
    upload: Option<Upload>,
    part_size: usize,
    /// Bytes of part 1 behind the head.
    first: Vec<u8>,
    first_size: usize,
    /// Bytes of the part that comes next.
    next: Vec<u8>,
    number: u16,
    sending: JoinSet<Result<Part, StoreError>>,
    parts: Vec<Part>,
    crc: Crc64,
}

/// A file that was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) crc: Crc64,
}

impl Writer {
    /// A file of at most about `bound` bytes with a head of `head` bytes.
    pub(crate) fn new(target: Target, head: u64, bound: u64) -> Writer {
        let part_size = (bound / PARTS).max(PART) as usize;
        let first_size = part_size.saturating_sub(head as usize);
        Writer {
            target,
            upload: None,
            part_size,
            first: Vec::new(),
            first_size,
            next: Vec::new(),
            number: 2,
            sending: JoinSet::new(),
            parts: Vec::new(),
            crc: Crc64::default(),
        }
    }

    /// Adds the next bytes behind the head.
    pub(crate) async fn push(&mut self, mut bytes: &[u8]) -> Result<(), WorkError> {
        self.crc = self.crc.then(Crc64::of(bytes));
        let held = bytes.len().min(self.first_size - self.first.len());
        self.first.extend_from_slice(&bytes[..held]);
        bytes = &bytes[held..];
        while !bytes.is_empty() {
            let taken = bytes.len().min(self.part_size - self.next.len());
            self.next.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.next.len() == self.part_size {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Sends the next part on its way.
    async fn send(&mut self) -> Result<(), WorkError> {
        let upload = self.opened().await?;
        while self.sending.len() >= AT_ONCE {
            self.sent().await?;
        }
        let body = Bytes::from(std::mem::take(&mut self.next));
        let (store, number) = (self.target.store.clone(), self.number);
        self.sending.spawn(async move { store.upload_part(&upload, number, body).await });
        self.number += 1;
        Ok(())
    }

    async fn opened(&mut self) -> Result<Upload, WorkError> {
        if let Some(upload) = &self.upload {
            return Ok(upload.clone());
        }
        let upload = self.target.open().await?;
        self.upload = Some(upload.clone());
        Ok(upload)
    }

    /// Waits for one of the parts.
    async fn sent(&mut self) -> Result<(), WorkError> {
        if let Some(part) = self.sending.join_next().await {
            let part = part
                .map_err(|error| WorkError::Panicked { at: "the upload".into(), what: error.to_string() })?;
            self.parts.push(part?);
        }
        Ok(())
    }

    /// Ends the file with its head and tail and publishes it.
    pub(crate) async fn finish(&mut self, head: Vec<u8>, tail: &[u8]) -> Result<Written, WorkError> {
        self.push(tail).await?;
        let crc = Crc64::of(&head).then(self.crc);
        let mut first = head;
        first.append(&mut self.first);
        let etag = if self.upload.is_none() && self.next.is_empty() {
            self.target.put(first.into()).await?
        } else {
            self.complete(first.into()).await?
        };
        Ok(Written { etag, size: crc.length(), crc })
    }

    async fn complete(&mut self, first: Bytes) -> Result<String, WorkError> {
        if !self.next.is_empty() {
            self.send().await?;
        }
        let upload = self.opened().await?;
        self.parts.push(self.target.store.upload_part(&upload, 1, first).await?);
        while !self.sending.is_empty() {
            self.sent().await?;
        }
        self.parts.sort_by_key(|part| part.number);
        self.target.complete(&upload, &self.parts).await
    }

    /// Drops the upload after a failure.
    pub(crate) async fn abort(mut self) {
        self.sending.shutdown().await;
        if let Some(upload) = self.upload.take() {
            self.target.abort(&upload).await;
        }
    }
}
