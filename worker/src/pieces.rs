//! The pieces of one shard of a stage in scratch: written as data and then the record that makes it count; of an earlier
//! attempt, those that are finished.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use tessera_core::name::Entry;
use tessera_core::plan::Stage;
use tessera_core::record::{PieceRecord, TileRecord};

use crate::checksum::Crc64;
use crate::error::WorkError;
use crate::places::ScratchPlace;

/// Requests at once for records.
const AT_ONCE: usize = 8;

/// A piece that is being filled.
#[derive(Default)]
pub(crate) struct Buffer {
    pub(crate) data: Vec<u8>,
    pub(crate) tiles: Vec<TileRecord>,
}

/// Where a shard's pieces are.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    pub(crate) scratch: ScratchPlace,
    /// Of the plan.
    pub(crate) digest: String,
    pub(crate) stage: Stage,
    pub(crate) shard: u32,
}

impl Pieces {
    /// The records of finished pieces by number: the record is of this plan and `complete`, and its data is there as recorded.
    pub(crate) async fn finished(
        &self,
        complete: impl Fn(&PieceRecord) -> bool,
    ) -> Result<HashMap<u32, PieceRecord>, WorkError> {
        let keys = &self.scratch.keys;
        let listed = self.scratch.list(format!("{}{}/", keys.stage(self.stage.name()), self.shard)).await?;
        let mut data = HashMap::new();
        let mut records = Vec::new();
        for info in listed {
            match keys.parse(info.at.key()).map(|key| key.entry) {
                Some(Entry::Data(piece)) => drop(data.insert(piece, (info.size, info.etag))),
                Some(Entry::Record(piece)) => records.push(piece),
                Some(Entry::Manifest | Entry::Progress) | None => {}
            }
        }
        let read = futures::stream::iter(records).map(|piece| self.record(piece)).buffer_unordered(AT_ONCE);
        let records: Vec<Option<PieceRecord>> = read.try_collect().await?;
        let right = |record: &PieceRecord| {
            let there = data.get(&record.piece) == Some(&(record.size, record.etag.clone()));
            there && self.is_ours(record) && complete(record)
        };
        Ok(records.into_iter().flatten().filter(right).map(|record| (record.piece, record)).collect())
    }

    /// Whether a record is of this plan and shard.
    pub(crate) fn is_ours(&self, record: &PieceRecord) -> bool {
        record.plan == self.digest && record.shard == self.shard
    }

    /// The record of a piece.
    pub(crate) async fn record(&self, piece: u32) -> Result<Option<PieceRecord>, WorkError> {
        self.scratch.get_json(self.scratch.keys.record(self.stage.name(), self.shard, piece)).await
    }

    /// Writes a piece: the data, then the record that makes it count.
    pub(crate) async fn write(&self, piece: u32, buffer: Buffer) -> Result<PieceRecord, WorkError> {
        let (stage, keys) = (self.stage.name(), &self.scratch.keys);
        let (size, crc) = (buffer.data.len() as u64, Crc64::of(&buffer.data));
        let etag = self.scratch.put(keys.data(stage, self.shard, piece), buffer.data.into()).await?;
        let record = PieceRecord {
            plan: self.digest.clone(),
            shard: self.shard,
            piece,
            size,
            etag,
            crc64: crc.hex(),
            tiles: buffer.tiles,
        };
        self.scratch.put_json(keys.record(stage, self.shard, piece), &record).await?;
        tracing::info!(
            stage,
            shard = self.shard,
            piece,
            bytes = size,
            tiles = record.tiles.len(),
            "piece written"
        );
        Ok(record)
    }
}
