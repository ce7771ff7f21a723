//! A unit's tiles as they stand in the file, each with its record. On the pool's threads; no IO.

use std::collections::VecDeque;
use std::sync::mpsc::channel;

use rayon::prelude::*;
use tessera_core::geometry::Rect;
use tessera_core::grid::Grid;
use tessera_core::output::OutputFormat;
use tessera_core::plan::Plan;
use tessera_core::record::{TileRecord, sha256};
use tessera_formats::notes::Annotations;
use tessera_imaging::{EncodeError, crown};
use tessera_operations::{Operation, Region};

use crate::engine::Tile;
use crate::error::WorkError;
use crate::levels::Row;
use crate::units::Unit;

/// Tiles that are made ahead of the one that comes next, for each thread.
const AHEAD: usize = 4;

/// Makes the tiles of `rects`, and gives each in order as soon as it is there: however many there are, few are held.
///
/// # Errors
/// Of the first tile that could not be made, or that was not taken.
pub(crate) fn in_order<E: From<WorkError>>(
    threads: &rayon::ThreadPool,
    rects: Vec<Rect>,
    make: impl Fn(Rect) -> Result<Tile, WorkError> + Sync,
    mut give: impl FnMut(Tile) -> Result<(), E>,
) -> Result<(), E> {
    let ahead = AHEAD * threads.current_num_threads();
    threads.in_place_scope(|scope| {
        let mut rects = rects.into_iter();
        let mut coming = VecDeque::new();
        loop {
            for rect in rects.by_ref().take(ahead - coming.len()) {
                let (to, tile) = channel();
                let make = &make;
                scope.spawn(move |_| drop(to.send(make(rect))));
                coming.push_back(tile);
            }
            // Without one to come, all are made; or its maker has panicked, and so does the scope at its end.
            let Some(Ok(tile)) = coming.pop_front().map(|tile| tile.recv()) else { return Ok(()) };
            give(tile?)?;
        }
    })
}

/// Encodes one of [`rects`] from the pixels of its unit. The annotations stand in the bytes of a WebP only.
///
/// # Errors
/// The format does not take such an image.
pub(crate) fn encode(
    format: OutputFormat,
    pixels: &Region,
    rect: Rect,
    annotations: Option<&Annotations>,
) -> Result<Tile, WorkError> {
    let encoded = tessera_imaging::encode(pixels, rect, format, annotations)
        .map_err(|error: EncodeError| WorkError::Limit(error.to_string()))?;
    let adler = matches!(format, OutputFormat::Png).then_some((encoded.adler, encoded.filtered));
    Ok(tile(encoded.bytes, adler))
}

/// Packs the pixels `rect` for assembly.
pub(crate) fn pack(pixels: &Region, rect: Rect) -> Tile {
    tile(crown::pack(pixels, rect), None)
}

/// Encodes a row of tiles of an overview, all at once.
pub(crate) fn encode_row(format: OutputFormat, grid: &Grid, row: &Row) -> Result<Vec<Tile>, WorkError> {
    let rects = rects_of(grid, row).into_par_iter();
    rects.map(|rect| encode(format, &row.pixels, rect, None)).collect()
}

/// The tiles of a row.
pub(crate) fn rects_of(grid: &Grid, row: &Row) -> Vec<Rect> {
    grid.row_of(row.block, row.row).into_iter().map(|at| grid.tile_rect(at)).collect()
}

fn tile(bytes: Vec<u8>, adler: Option<(u32, u64)>) -> Tile {
    let record = TileRecord { size: bytes.len() as u64, sha256: sha256(&bytes), adler };
    Tile { bytes, record }
}

/// What is encoded in one call each: the tiles or bands, or all of a WebP.
pub(crate) fn rects(plan: &Plan<Operation>, unit: &Unit) -> Vec<Rect> {
    match plan.output.format {
        OutputFormat::WebP { .. } => vec![unit.rect],
        OutputFormat::Tiff { .. }
        | OutputFormat::Cog { .. }
        | OutputFormat::Png
        | OutputFormat::Jpeg { .. } => unit.tiles.iter().map(|tile| plan.grid.tile_rect(*tile)).collect(),
    }
}
