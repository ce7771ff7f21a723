//! The stage `split`: reads a source once, from its first row to its last, and leaves a copy in scratch that can be read by
//! ranges: a piece for each row of the copy's tiles. Holds a few of these rows at once, whatever the source's size.
//! What an earlier attempt finished is decoded again, since there is no other way to what follows, but not written again.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;
use tessera_core::copied::SourceCopy;
use tessera_core::plan::{Plan, Stage};
use tessera_core::record::{Manifest, TileRecord, sha256};
use tessera_imaging::crown;
use tessera_operations::{Operation, Region};
use tokio::task::JoinSet;

use crate::context::Context;
use crate::error::WorkError;
use crate::pieces::{Buffer, Pieces};
use crate::places::ScratchPlace;
use crate::rowwise::Rowwise;
use crate::source;

/// Makes the copy of the plan's source.
///
/// # Errors
/// See [`WorkError`]. Finished pieces are kept, and a further attempt writes only the others.
pub async fn run_split(context: &Context, plan: &Plan<Operation>, digest: &str) -> Result<(), WorkError> {
    crate::check::plan(plan)?;
    let copy = plan.copy.ok_or_else(|| WorkError::Plan("it has no stage split".into()))?;
    let scratch = ScratchPlace::of(plan, &context.stores)?;
    let pieces = Pieces { scratch, digest: digest.to_owned(), stage: Stage::Split, shard: 0 };
    let columns = u64::from(copy.grid.columns());
    let finished = pieces.finished(|record| record.tiles.len() as u64 == columns).await?;
    let finished: HashSet<u32> = finished.into_keys().filter(|piece| *piece < copy.pieces()).collect();
    if finished.len() < copy.pieces() as usize {
        Splitter { context, copy, pieces: &pieces }.run(plan, &finished).await?;
    }
    let manifest = Manifest { plan: digest.to_owned(), shard: 0, pieces: Vec::new() };
    pieces.scratch.put_json(pieces.scratch.keys.manifest(Stage::Split.name(), 0), &manifest).await
}

struct Splitter<'a> {
    context: &'a Context,
    copy: SourceCopy,
    pieces: &'a Pieces,
}

impl Splitter<'_> {
    async fn run(&self, plan: &Plan<Operation>, finished: &HashSet<u32>) -> Result<(), WorkError> {
        let rows = self.copy.grid.tile.height;
        let (object, probed) = source::probe(self.context, plan).await?;
        let mut bands = Rowwise::start(object, &probed, rows).await?;
        // One piece is written while the next is packed.
        let mut writing = JoinSet::new();
        let mut next = 0;
        while let Some(band) = bands.next().await? {
            let piece = next;
            next += 1;
            if finished.contains(&piece) {
                continue;
            }
            let buffer = self.pack(band).await?;
            written(writing.join_next().await)?;
            let pieces = self.pieces.clone();
            writing.spawn(async move { pieces.write(piece, buffer).await.map(|_| ()) });
        }
        while !writing.is_empty() {
            written(writing.join_next().await)?;
        }
        if next == self.copy.pieces() {
            return Ok(());
        }
        Err(WorkError::Incomplete(format!("the source gave {next} of {} bands", self.copy.pieces())))
    }

    /// The piece of a band.
    async fn pack(&self, band: Region) -> Result<Buffer, WorkError> {
        let (threads, grid) = (self.context.threads.clone(), self.copy.grid);
        let pack = move || {
            let band = Arc::new(band);
            let row = band.rect.y / grid.tile.height;
            let tiles = grid.row_of(0, row).into_par_iter().map(|at| crown::pack(&band, grid.tile_rect(at)));
            let packed: Vec<(Vec<u8>, TileRecord)> = tiles.map(with_record).collect();
            let mut buffer = Buffer::default();
            for (bytes, record) in packed {
                buffer.data.extend(bytes);
                buffer.tiles.push(record);
            }
            buffer
        };
        let packed = tokio::task::spawn_blocking(move || threads.install(pack)).await;
        packed.map_err(|error| WorkError::Panicked { at: "the copy".into(), what: error.to_string() })
    }
}

fn with_record(bytes: Vec<u8>) -> (Vec<u8>, TileRecord) {
    let record = TileRecord { size: bytes.len() as u64, sha256: sha256(&bytes), adler: None };
    (bytes, record)
}

/// How the write of a piece ended, if there was one.
fn written(joined: Option<Result<Result<(), WorkError>, tokio::task::JoinError>>) -> Result<(), WorkError> {
    let panicked = |error: tokio::task::JoinError| WorkError::Panicked {
        at: "the copy".into(),
        what: error.to_string(),
    };
    joined.transpose().map_err(panicked)?.unwrap_or(Ok(()))
}
