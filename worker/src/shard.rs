//! The stage `tiles`: one shard's pieces into scratch, each as data and then its record, and at the end the manifest.
//! What an earlier attempt finished is skipped.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use tessera_core::name::{Entry, Scratch};
use tessera_core::piece::Piece;
use tessera_core::plan::{Plan, Stage};
use tessera_core::pyramid::Layer;
use tessera_core::record::{Manifest, PieceRecord, TileRecord};
use tessera_operations::Operation;

use crate::checksum::Crc64;
use crate::context::Context;
use crate::engine::{Encoded, Engine};
use crate::error::WorkError;
use crate::places::ScratchPlace;

/// Requests at once for records.
const AT_ONCE: usize = 8;

/// Computes the shard `shard` of `plan`, whose digest is `digest`.
///
/// # Errors
/// See [`WorkError`]. Finished pieces are kept, and a further attempt computes only the others.
pub async fn run_shard(
    context: &Context,
    plan: &Plan<Operation>,
    digest: &str,
    shard: u32,
) -> Result<Manifest, WorkError> {
    crate::check::plan(plan)?;
    if shard >= plan.shards(Stage::Tiles) {
        return Err(WorkError::Plan(format!("it has no shard {shard}")));
    }
    let scratch = ScratchPlace::of(plan, &context.stores)?;
    let work = Shard { plan, digest, shard, scratch };
    let pieces = plan.pieces(shard);
    let mut records = work.finished(&pieces).await?;
    let missing: Vec<Piece> =
        pieces.iter().filter(|piece| !records.contains_key(&piece.number)).cloned().collect();
    context.progress.tiles(records.values().map(|record| covers(&pieces, record)).sum());
    if !missing.is_empty() {
        work.compute(context, &missing, &mut records).await?;
    }
    let pieces = pieces.iter().filter_map(|piece| records.remove(&piece.number)).collect();
    let manifest = Manifest { plan: digest.to_owned(), shard, pieces };
    let key = work.scratch.keys.manifest(Stage::Tiles.name(), shard);
    work.scratch.put_json(key, &manifest).await?;
    Ok(manifest)
}

/// Tiles of the image that a piece accounts for: none in one of an overview.
fn covers(pieces: &[Piece], record: &PieceRecord) -> u64 {
    match pieces.get(record.piece as usize).map(|piece| piece.layer) {
        Some(Layer::Level(0)) => record.tiles.len() as u64,
        Some(Layer::Level(_) | Layer::Crown) | None => 0,
    }
}

struct Shard<'a> {
    plan: &'a Plan<Operation>,
    digest: &'a str,
    shard: u32,
    scratch: ScratchPlace,
}

/// A piece while its strips arrive.
#[derive(Default)]
struct Buffer {
    data: Vec<u8>,
    tiles: Vec<TileRecord>,
}

impl Shard<'_> {
    /// The records of finished pieces by number: the record is of this plan and its data is there as recorded.
    async fn finished(&self, pieces: &[Piece]) -> Result<HashMap<u32, PieceRecord>, WorkError> {
        let keys = &self.scratch.keys;
        let listed = self.scratch.list(format!("{}{}/", keys.stage(Stage::Tiles.name()), self.shard)).await?;
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
        let pyramid = self.plan.pyramid();
        let right = |record: &PieceRecord| {
            let there = data.get(&record.piece) == Some(&(record.size, record.etag.clone()));
            let piece = pieces.get(record.piece as usize);
            let complete = piece.is_some_and(|piece| {
                piece.tile_count(pyramid.grid(piece.layer)) == record.tiles.len() as u64
            });
            record.plan == self.digest && record.shard == self.shard && there && complete
        };
        Ok(records.into_iter().flatten().filter(right).map(|record| (record.piece, record)).collect())
    }

    async fn record(&self, piece: u32) -> Result<Option<PieceRecord>, WorkError> {
        self.scratch.get_json(self.scratch.keys.record(Stage::Tiles.name(), self.shard, piece)).await
    }

    async fn compute(
        &self,
        context: &Context,
        missing: &[Piece],
        records: &mut HashMap<u32, PieceRecord>,
    ) -> Result<(), WorkError> {
        let mut engine = Engine::start(context, self.plan, missing).await?;
        // One piece of each layer is open at once.
        let mut open: HashMap<usize, Buffer> = HashMap::new();
        while let Some(Encoded { piece, last, tiles, .. }) = engine.next().await? {
            let mut buffer = open.remove(&piece).unwrap_or_default();
            for tile in tiles {
                buffer.data.extend_from_slice(&tile.bytes);
                buffer.tiles.push(tile.record);
            }
            if last {
                let Piece { number, layer, .. } = missing[piece];
                let record = self.write(number, buffer).await?;
                context.progress.tiles(if layer == Layer::Level(0) { record.tiles.len() as u64 } else { 0 });
                records.insert(number, record);
            } else {
                open.insert(piece, buffer);
            }
        }
        Ok(())
    }

    /// Writes a piece: the data, then the record that makes it count.
    async fn write(&self, piece: u32, buffer: Buffer) -> Result<PieceRecord, WorkError> {
        let (stage, keys): (_, &Scratch) = (Stage::Tiles.name(), &self.scratch.keys);
        let (size, crc) = (buffer.data.len() as u64, Crc64::of(&buffer.data));
        let etag = self.scratch.put(keys.data(stage, self.shard, piece), buffer.data.into()).await?;
        let record = PieceRecord {
            plan: self.digest.to_owned(),
            shard: self.shard,
            piece,
            size,
            etag,
            crc64: crc.hex(),
            tiles: buffer.tiles,
        };
        self.scratch.put_json(keys.record(stage, self.shard, piece), &record).await?;
        tracing::info!(shard = self.shard, piece, bytes = size, tiles = record.tiles.len(), "piece written");
        Ok(record)
    }
}
