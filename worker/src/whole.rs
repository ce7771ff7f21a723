//! The stage `whole`: one process writes the pieces in file order into one upload and publishes it.
//! The bytes are those of `tiles` and `assemble`.

use tessera_core::output::OutputFormat;
use tessera_core::plan::{Plan, Stage};
use tessera_core::record::{Published, TileRecord};
use tessera_operations::Operation;

use crate::context::Context;
use crate::engine::{Encoded, Engine};
use crate::error::WorkError;
use crate::frame::Frame;
use crate::places::ScratchPlace;
use crate::publish::Target;
use crate::upload::{Writer, Written};

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
    let mut engine = Engine::start(context, plan, &all_pieces(plan)).await?;
    let frame = Frame::of(plan, engine.profile());
    let mut writer = Writer::new(target, frame.head_len(), bound(plan));
    let mut tiles = Vec::new();
    let written = match fill(context, &mut engine, &mut writer, &mut tiles).await {
        Ok(()) => writer.finish(frame.head(tiles.iter())?, &frame.tail(tiles.iter())?).await,
        Err(error) => Err(error),
    };
    let Written { etag, size, crc } = match written {
        Ok(written) => written,
        Err(error) => {
            writer.abort().await;
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

async fn fill(
    context: &Context,
    engine: &mut Engine,
    writer: &mut Writer,
    tiles: &mut Vec<TileRecord>,
) -> Result<(), WorkError> {
    while let Some(Encoded { tiles: encoded, covers, .. }) = engine.next().await? {
        for tile in encoded {
            writer.push(&tile.bytes).await?;
            tiles.push(tile.record);
        }
        context.progress.tiles(covers);
    }
    Ok(())
}

/// The pieces of the whole image, however the plan spreads it.
fn all_pieces(plan: &Plan<Operation>) -> Vec<tessera_core::piece::Piece> {
    tessera_core::piece::pieces(&plan.grid, plan.output.extent.pixel.bytes(), 0..plan.grid.blocks())
}

/// About the most bytes that the file can have.
fn bound(plan: &Plan<Operation>) -> u64 {
    let tile = plan.grid.tile.pixels() * plan.output.extent.pixel.bytes() as u64;
    match plan.output.format {
        OutputFormat::Jpeg { .. } => plan.grid.image.pixels() * 3,
        OutputFormat::Tiff { .. } | OutputFormat::Png => plan.grid.tiles() * (tile + tile / 32 + 1024),
    }
}
