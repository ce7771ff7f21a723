//! The stage `whole`: one process writes the tiles in file order into one upload and publishes it.
//! The bytes are those of `tiles` and `assemble`.

use std::collections::BTreeMap;

use tessera_core::grid::Grid;
use tessera_core::output::OutputFormat;
use tessera_core::piece::Piece;
use tessera_core::plan::{Access, Plan, Stage};
use tessera_core::pyramid::Layer;
use tessera_core::record::{Published, TileRecord};
use tessera_formats::tiff_out::{LEADER, TRAILER, tile_bound};
use tessera_operations::Operation;

use crate::context::Context;
use crate::engine::{Encoded, Engine, Tile};
use crate::error::WorkError;
use crate::frame::Frame;
use crate::places::ScratchPlace;
use crate::publish::Target;
use crate::upload::{Writer, Written};
use crate::upper::Upper;

/// Computes and publishes the whole file.
///
/// # Errors
/// See [`WorkError`]. The output is complete or as it was before.
pub async fn run_whole(
    context: &Context,
    plan: &Plan<Operation>,
    digest: &str,
) -> Result<Published, WorkError> {
    crate::check::plan(plan)?;
    let scratch = ScratchPlace::of(plan, &context.stores)?;
    let target = Target::of(plan, &context.stores, scratch.clone())?;
    let record = scratch.keys.manifest(Stage::Whole.name(), 0);
    if let Some(info) = target.published().await? {
        let earlier: Option<Published> = scratch.get_json(record.clone()).await?;
        if let Some(earlier) = earlier.filter(|earlier| earlier.plan == digest && earlier.etag == info.etag) {
            return Ok(earlier);
        }
    }
    let published = write(context, plan, digest, target).await?;
    scratch.put_json(record, &published).await?;
    Ok(published)
}

async fn write(
    context: &Context,
    plan: &Plan<Operation>,
    digest: &str,
    target: Target,
) -> Result<Published, WorkError> {
    let pieces = plan.all_pieces();
    let mut engine = Engine::start(context, plan, digest, &pieces).await?;
    let frame = Frame::of(plan, engine.annotations());
    let writer = Writer::new(target, frame.head_len(), &bounds(plan));
    let levels = plan.pyramid().shared.iter().map(|_| Level::default()).collect();
    let mut file = File { writer, levels, upper: Upper::new(plan), room: waiting(plan) };
    let written = match file.fill(context, &mut engine, &pieces).await {
        Ok(()) => file.finish(&frame).await,
        Err(error) => Err(error),
    };
    let (Written { etag, size, crc }, tiles) = match written {
        Ok(written) => written,
        Err(error) => {
            file.writer.abort().await;
            return Err(error);
        }
    };
    Ok(Published {
        plan: digest.to_owned(),
        uri: plan.output.uri.clone(),
        etag,
        size,
        digest: frame.digest(tiles.iter())?,
        crc64: crc.hex(),
        tiles: plan.grid.tiles(),
    })
}

/// The file as it grows.
struct File {
    /// A lane for each level, the smallest first.
    writer: Writer,
    /// The image's first.
    levels: Vec<Level>,
    upper: Option<Upper>,
    /// Bytes of tiles that are computed while others are written.
    room: u64,
}

/// The tiles of a level, which may come in another order than that of the file.
#[derive(Default)]
struct Level {
    /// Those that are written, in file order.
    written: Vec<TileRecord>,
    /// Those that are not yet, by number.
    waiting: BTreeMap<u64, Tile>,
}

impl Level {
    /// The tile that comes next in the file, if it is there.
    fn next(&mut self) -> Option<Tile> {
        let tile = self.waiting.remove(&(self.written.len() as u64))?;
        self.written.push(tile.record.clone());
        Some(tile)
    }
}

impl File {
    /// Writes the tiles as they come. While parts of the file are on their way, others are computed.
    async fn fill(
        &mut self,
        context: &Context,
        engine: &mut Engine,
        pieces: &[Piece],
    ) -> Result<(), WorkError> {
        let mut computing = true;
        loop {
            while self.writer.has_room()
                && let Some((lane, tile)) = self.next()
            {
                self.writer.push(lane, &tile.bytes).await?;
            }
            let full = !self.writer.has_room();
            let wanted = computing && (!full || self.waiting() < self.room);
            tokio::select! {
                encoded = engine.next(), if wanted => match encoded? {
                    Some(Encoded { piece, number, tile, covers, .. }) => {
                        match pieces.get(piece).map_or(Layer::Level(0), |piece| piece.layer) {
                            Layer::Level(level) => drop(self.levels[level as usize].waiting.insert(number, tile)),
                            Layer::Crown => self.crown(context, tile).await?,
                        }
                        context.progress.tiles(covers);
                    }
                    None => computing = false,
                },
                sent = self.writer.sent(), if full => sent?,
                else => return Ok(()),
            }
        }
    }

    /// A tile that comes next in its level, and the lane that it goes to.
    fn next(&mut self) -> Option<(usize, Tile)> {
        let lanes = self.levels.iter_mut().rev().enumerate();
        lanes.filter_map(|(lane, level)| Some((lane, level.next()?))).next()
    }

    /// Bytes of the tiles that are not written yet.
    fn waiting(&self) -> u64 {
        self.levels.iter().flat_map(|level| level.waiting.values()).map(|tile| tile.record.size).sum()
    }

    async fn crown(&mut self, context: &Context, tile: Tile) -> Result<(), WorkError> {
        if let Some(upper) = self.upper.take() {
            self.upper = Some(upper.take(context, std::iter::once(tile.bytes)).await?);
        }
        Ok(())
    }

    /// Publishes the file, and gives its tiles in file order.
    async fn finish(&mut self, frame: &Frame) -> Result<(Written, Vec<TileRecord>), WorkError> {
        if self.levels.iter().any(|level| !level.waiting.is_empty()) {
            return Err(WorkError::Incomplete("a tile of the output was not computed".into()));
        }
        let upper = self.upper.take().map_or_else(Vec::new, Upper::finish);
        let levels = std::mem::take(&mut self.levels).into_iter().rev().flat_map(|level| level.written);
        let tiles: Vec<TileRecord> = upper.iter().map(|tile| tile.record.clone()).chain(levels).collect();
        let mut head = frame.head(tiles.iter())?;
        upper.iter().for_each(|tile| head.extend(&tile.bytes));
        let written = self.writer.finish(head, &frame.tail(tiles.iter())?).await?;
        Ok((written, tiles))
    }
}

/// The most bytes of tiles that wait for their place in the file, as the plan has it.
fn waiting(plan: &Plan<Operation>) -> u64 {
    if !matches!(plan.source.access, Access::Rows { .. }) {
        return 0;
    }
    tessera_core::streamed::waiting(&plan.pyramid().shared, plan.output.extent.pixel.bytes())
}

/// About the most bytes of each level, the smallest first.
fn bounds(plan: &Plan<Operation>) -> Vec<u64> {
    let tile = plan.grid.tile.pixels() * plan.output.extent.pixel.bytes() as u64;
    let level = |grid: &Grid| match plan.output.format {
        OutputFormat::Jpeg { .. } | OutputFormat::WebP { .. } => grid.image.pixels() * 4,
        OutputFormat::Tiff { compression, .. } => grid.tiles() * tile_bound(tile, compression),
        OutputFormat::Cog { compression, .. } => {
            grid.tiles() * (tile_bound(tile, compression) + (LEADER + TRAILER) as u64)
        }
        OutputFormat::Png => grid.tiles() * (tile + tile / 32 + 1024),
    };
    plan.pyramid().shared.iter().rev().map(level).collect()
}
