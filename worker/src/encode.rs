//! A unit's tiles as they stand in the file, each with its record. All at once, on the pool's threads; no IO.

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

/// Encodes the tiles `unit` from its pixels. The annotations stand in the bytes of a WebP only.
pub(crate) fn encode(
    plan: &Plan<Operation>,
    pixels: &Region,
    unit: &Unit,
    annotations: &Annotations,
) -> Result<Vec<Tile>, WorkError> {
    encode_rects(plan.output.format, pixels, rects(plan, unit), Some(annotations))
}

/// Encodes a row of tiles of an overview.
pub(crate) fn encode_row(format: OutputFormat, grid: &Grid, row: &Row) -> Result<Vec<Tile>, WorkError> {
    encode_rects(format, &row.pixels, rects_of(grid, row), None)
}

/// Packs the same tiles for assembly.
pub(crate) fn pack_row(grid: &Grid, row: &Row) -> Vec<Tile> {
    let packed = rects_of(grid, row).into_par_iter().map(|rect| tile(crown::pack(&row.pixels, rect), None));
    packed.collect()
}

fn rects_of(grid: &Grid, row: &Row) -> Vec<Rect> {
    grid.row_of(row.block, row.row).into_iter().map(|at| grid.tile_rect(at)).collect()
}

fn encode_rects(
    format: OutputFormat,
    pixels: &Region,
    rects: Vec<Rect>,
    annotations: Option<&Annotations>,
) -> Result<Vec<Tile>, WorkError> {
    let encoded = rects.into_par_iter().map(|rect| {
        let encoded = tessera_imaging::encode(pixels, rect, format, annotations)?;
        let adler = matches!(format, OutputFormat::Png).then_some((encoded.adler, encoded.filtered));
        Ok(tile(encoded.bytes, adler))
    });
    encoded.collect::<Result<_, _>>().map_err(|error: EncodeError| WorkError::Limit(error.to_string()))
}

fn tile(bytes: Vec<u8>, adler: Option<(u32, u64)>) -> Tile {
    let record = TileRecord { size: bytes.len() as u64, sha256: sha256(&bytes), adler };
    Tile { bytes, record }
}

/// What is encoded in one call each: the tiles or bands, or all of a WebP.
fn rects(plan: &Plan<Operation>, unit: &Unit) -> Vec<Rect> {
    match plan.output.format {
        OutputFormat::WebP { .. } => vec![unit.rect],
        OutputFormat::Tiff { .. }
        | OutputFormat::Cog { .. }
        | OutputFormat::Png
        | OutputFormat::Jpeg { .. } => unit.tiles.iter().map(|tile| plan.grid.tile_rect(*tile)).collect(),
    }
}
