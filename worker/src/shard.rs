//! The stage `tiles`: one shard's pieces into scratch, each as data and then its record, and at the end the manifest.
//! What an earlier attempt finished is skipped.

use std::collections::HashMap;

use tessera_core::piece::Piece;
use tessera_core::plan::{Plan, Stage};
use tessera_core::pyramid::Layer;
use tessera_core::record::{Manifest, PieceRecord};
use tessera_operations::Operation;

use crate::context::Context;
use crate::engine::{Encoded, Engine};
use crate::error::WorkError;
use crate::pieces::{Buffer, Pieces};
use crate::places::ScratchPlace;

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
    let place = Pieces { scratch, digest: digest.to_owned(), stage: Stage::Tiles, shard };
    let pieces = plan.pieces(shard);
    let mut records = place.finished(|record| is_complete(plan, &pieces, record)).await?;
    let work = Shard { plan, place };
    let missing: Vec<Piece> =
        pieces.iter().filter(|piece| !records.contains_key(&piece.number)).cloned().collect();
    context.progress.tiles(records.values().map(|record| covers(&pieces, record)).sum());
    if !missing.is_empty() {
        work.compute(context, &missing, &mut records).await?;
    }
    let pieces = pieces.iter().filter_map(|piece| records.remove(&piece.number)).collect();
    let manifest = Manifest { plan: digest.to_owned(), shard, pieces };
    let key = work.place.scratch.keys.manifest(Stage::Tiles.name(), shard);
    work.place.scratch.put_json(key, &manifest).await?;
    Ok(manifest)
}

/// Tiles of the image that a piece accounts for: none in one of an overview.
fn covers(pieces: &[Piece], record: &PieceRecord) -> u64 {
    match pieces.get(record.piece as usize).map(|piece| piece.layer) {
        Some(Layer::Level(0)) => record.tiles.len() as u64,
        Some(Layer::Level(_) | Layer::Crown) | None => 0,
    }
}

/// Whether a piece's record accounts for all its tiles.
fn is_complete(plan: &Plan<Operation>, pieces: &[Piece], record: &PieceRecord) -> bool {
    let pyramid = plan.pyramid();
    let piece = pieces.get(record.piece as usize);
    piece.is_some_and(|piece| piece.tile_count(pyramid.grid(piece.layer)) == record.tiles.len() as u64)
}

struct Shard<'a> {
    plan: &'a Plan<Operation>,
    place: Pieces,
}

impl Shard<'_> {
    async fn compute(
        &self,
        context: &Context,
        missing: &[Piece],
        records: &mut HashMap<u32, PieceRecord>,
    ) -> Result<(), WorkError> {
        let mut engine = Engine::start(context, self.plan, &self.place.digest, missing).await?;
        // One piece of each layer is open at once.
        let mut open: HashMap<usize, Buffer> = HashMap::new();
        while let Some(Encoded { piece, last, tile, .. }) = engine.next().await? {
            let mut buffer = open.remove(&piece).unwrap_or_default();
            buffer.data.extend_from_slice(&tile.bytes);
            buffer.tiles.push(tile.record);
            if last {
                let Piece { number, layer, .. } = missing[piece];
                let record = self.place.write(number, buffer).await?;
                context.progress.tiles(if layer == Layer::Level(0) { record.tiles.len() as u64 } else { 0 });
                records.insert(number, record);
            } else {
                open.insert(piece, buffer);
            }
        }
        Ok(())
    }
}
