//! Writes a file whose head is known last as one multipart upload, perhaps in several lanes at once: runs of bytes that
//! follow each other in the file. The first bytes of each lane are held back and go with the end of what is before it.
//! A small file is one put.

use tessera_core::lanes::{AT_ONCE, HELD, part_size};
use tessera_store::{Part, StoreError, Upload};
use tokio::task::JoinSet;

use crate::checksum::Crc64;
use crate::error::WorkError;
use crate::publish::Target;

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    target: Target,
    upload: Option<Upload>,
    part_size: usize,
    /// Whether all parts but the last have that size: the first lane begins where the head ends a part.
    even: bool,
    lanes: Vec<Lane>,
    sending: JoinSet<Result<Part, StoreError>>,
    parts: Vec<Part>,
}

/// A run of bytes of the file with a range of part numbers of its own.
#[derive(Debug)]
struct Lane {
    /// The first bytes, up to `room`.
    first: Vec<u8>,
    room: usize,
    /// Bytes of the part that comes next.
    next: Vec<u8>,
    /// Number of the part that ends with `first`.
    start: u16,
    /// Number of the part that comes next.
    number: u16,
    crc: Crc64,
}

impl Lane {
    /// Whether parts of it were sent.
    fn sent(&self) -> bool {
        self.number > self.start + 1
    }
}

/// A file that was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) crc: Crc64,
}

impl Writer {
    /// A file with a head of `head` bytes, then lanes of at most about `bounds` bytes each.
    pub(crate) fn new(target: Target, head: u64, bounds: &[u64]) -> Writer {
        let part_size = part_size(bounds.iter().sum());
        let room = if bounds.len() > 1 { HELD } else { part_size.saturating_sub(head as usize) };
        let mut start = 1;
        let lane = |bound: &u64| {
            let lane = Lane {
                first: Vec::new(),
                room,
                next: Vec::new(),
                start,
                number: start + 1,
                crc: Crc64::default(),
            };
            let parts = u16::try_from(bound / part_size as u64).expect("not more than a store takes");
            start += parts + 3;
            lane
        };
        let lanes = bounds.iter().map(lane).collect();
        let even = bounds.len() == 1 && head <= part_size as u64;
        Writer { target, upload: None, part_size, even, lanes, sending: JoinSet::new(), parts: Vec::new() }
    }

    /// Adds the next bytes of lane number `lane`.
    pub(crate) async fn push(&mut self, lane: usize, mut bytes: &[u8]) -> Result<(), WorkError> {
        let part_size = self.part_size;
        let open = &mut self.lanes[lane];
        open.crc = open.crc.with(bytes);
        let held = bytes.len().min(open.room - open.first.len());
        open.first.extend_from_slice(&bytes[..held]);
        bytes = &bytes[held..];
        while !bytes.is_empty() {
            let open = &mut self.lanes[lane];
            if open.next.is_empty() {
                open.next.reserve_exact(part_size);
            }
            let taken = bytes.len().min(part_size - open.next.len());
            open.next.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if open.next.len() == part_size {
                let (body, number) = (std::mem::take(&mut open.next), open.number);
                open.number += 1;
                self.send(number, body).await?;
            }
        }
        Ok(())
    }

    /// Sends a part on its way.
    async fn send(&mut self, number: u16, body: Vec<u8>) -> Result<(), WorkError> {
        let upload = self.opened().await?;
        while !self.has_room() {
            self.sent().await?;
        }
        let store = self.target.store.clone();
        self.sending.spawn(async move { store.upload_part(&upload, number, body.into()).await });
        Ok(())
    }

    async fn opened(&mut self) -> Result<Upload, WorkError> {
        if let Some(upload) = &self.upload {
            return Ok(upload.clone());
        }
        let upload = self.target.open(self.even.then_some(self.part_size as u64)).await?;
        self.upload = Some(upload.clone());
        Ok(upload)
    }

    /// Whether a part can be sent without waiting for another.
    pub(crate) fn has_room(&self) -> bool {
        self.sending.len() < AT_ONCE
    }

    /// Waits for one of the parts. Nothing is lost if it is not waited for to its end.
    pub(crate) async fn sent(&mut self) -> Result<(), WorkError> {
        if let Some(part) = self.sending.join_next().await {
            let part = part
                .map_err(|error| WorkError::Panicked { at: "the upload".into(), what: error.to_string() })?;
            self.parts.push(part?);
        }
        Ok(())
    }

    /// Ends the file with its head, before the lanes, and its tail behind them, and publishes it.
    pub(crate) async fn finish(&mut self, head: Vec<u8>, tail: &[u8]) -> Result<Written, WorkError> {
        self.push(self.lanes.len() - 1, tail).await?;
        let crc = self.lanes.iter().fold(Crc64::of(&head), |crc, lane| crc.then(lane.crc));
        let (mut rest, mut last) = (head, 1);
        for lane in std::mem::take(&mut self.lanes) {
            rest.extend(&lane.first);
            if lane.sent() {
                self.send(lane.start, std::mem::take(&mut rest)).await?;
            }
            rest.extend(&lane.next);
            last = lane.number;
        }
        let etag = if self.upload.is_none() {
            self.target.put(rest.into()).await?
        } else {
            self.complete(last, rest).await?
        };
        Ok(Written { etag, size: crc.length(), crc })
    }

    async fn complete(&mut self, number: u16, rest: Vec<u8>) -> Result<String, WorkError> {
        if !rest.is_empty() {
            self.send(number, rest).await?;
        }
        while !self.sending.is_empty() {
            self.sent().await?;
        }
        let upload = self.opened().await?;
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
