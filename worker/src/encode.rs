//! A unit's tiles as they stand in the file, each with its record. All at once, on the pool's threads; no IO.

use rayon::prelude::*;
use tessera_core::geometry::Rect;
use tessera_core::output::OutputFormat;
use tessera_core::plan::Plan;
use tessera_core::record::{TileRecord, sha256};
use tessera_imaging::EncodeError;
use tessera_operations::{Operation, Region};

use crate::engine::Tile;
use crate::error::WorkError;
use crate::units::Unit;

/// Encodes the tiles of `unit` from its pixels. The raw profile `icc` stands in the bytes of a JPEG only.
pub(crate) fn encode(
    plan: &Plan<Operation>,
    pixels: &Region,
    unit: &Unit,
    icc: Option<&[u8]>,
) -> Result<Vec<Tile>, WorkError> {
    let format = plan.output.format;
    let encoded = rects(plan, unit).into_par_iter().map(|rect| {
        let encoded = tessera_imaging::encode(pixels, rect, format, icc)?;
        let adler = matches!(format, OutputFormat::Png).then_some((encoded.adler, encoded.filtered));
        let record = TileRecord { size: encoded.bytes.len() as u64, sha256: sha256(&encoded.bytes), adler };
        Ok(Tile { bytes: encoded.bytes, record })
    });
    encoded.collect::<Result<_, _>>().map_err(|error: EncodeError| WorkError::Limit(error.to_string()))
}

/// What is encoded in one call each: the tiles or bands, or all of a JPEG.
fn rects(plan: &Plan<Operation>, unit: &Unit) -> Vec<Rect> {
    match plan.output.format {
        OutputFormat::Jpeg { .. } => vec![unit.rect],
        OutputFormat::Tiff { .. } | OutputFormat::Png => {
            unit.tiles.iter().map(|tile| plan.grid.tile_rect(*tile)).collect()
        }
    }
}
