//! The copy that the stage `split` makes of a source that is only read from its first row to its last: in bands of tiles that
//! can be read by ranges. Pure: how it is cut and what it costs.

use crate::cost::BASE_MEMORY;
use crate::geometry::Size;
use crate::grid::Grid;
use crate::plan::{Access, SourceImage, Streaming};
use crate::streamed::{self, FETCHED};
use serde::{Deserialize, Serialize};

/// About the most raw bytes of a band: a row of tiles, which becomes one object.
const BAND: u64 = 16 << 20;

/// Columns of a tile, more where it has few rows, so that it has [`AREA`] pixels at least.
const COLUMNS: u32 = 512;
const AREA: u32 = 1 << 15;

/// Bands that are held at once: one is decoded, one waits, one is packed, and two packed ones are on their way.
const BANDS: u64 = 5;

/// Nanoseconds of one core to pack a byte and to write it, and to unpack it.
const PACK: f64 = 3.0;
const UNPACK: f64 = 1.0;

/// The copy that a plan's source is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceCopy {
    /// Its tiles, one block of them, of the image as it is stored, before any orientation. Each row of them is a piece.
    pub grid: Grid,
    /// Predicted thousandths of seconds of one core to make it.
    pub work_millis: u64,
}

impl SourceCopy {
    /// The copy of a source, if its rows can be streamed.
    pub(crate) fn of(image: &SourceImage) -> Option<SourceCopy> {
        let Streaming::Rows { stored, .. } = image.streaming else { return None };
        let row = u64::from(stored.width) * image.extent.pixel.bytes() as u64;
        let rows = streamed::rows_of_band(BAND, row);
        let tile = Size::new(COLUMNS.max(AREA / rows), rows);
        let bytes = (stored.pixels() * image.extent.pixel.bytes() as u64) as f64;
        let nanoseconds = stored.pixels() as f64 * image.decode_cost + bytes * PACK;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, far below 2^64"
        )]
        let work_millis = (nanoseconds / 1e6) as u64;
        Some(SourceCopy { grid: Grid { image: stored, tile, block: u32::MAX }, work_millis })
    }

    /// The source as the stage `tiles` sees it.
    pub(crate) fn image(&self, image: &SourceImage) -> SourceImage {
        let turned = self.grid.image != image.extent.size;
        let Size { width, height } = self.grid.tile;
        let tile = if turned { Size::new(height, width) } else { self.grid.tile };
        let bytes = image.extent.pixel.bytes() as f64;
        SourceImage {
            access: Access::Tiles { tile },
            decode_cost: bytes * UNPACK,
            decode_memory: 0,
            ..*image
        }
    }

    /// The most bytes that the stage `split` holds.
    pub(crate) fn memory(&self, image: &SourceImage) -> u64 {
        let Streaming::Rows { memory, .. } = image.streaming else { return u64::MAX };
        let band = u64::from(self.grid.image.width) * u64::from(self.grid.tile.height);
        BASE_MEMORY + memory + FETCHED + BANDS * band * image.extent.pixel.bytes() as u64
    }

    /// Number of pieces.
    pub fn pieces(&self) -> u32 {
        self.grid.rows()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Extent;
    use crate::pixel::{Channels, Depth, PixelType};

    fn copy(width: u32, height: u32) -> SourceCopy {
        let stored = Size::new(width, height);
        let extent = Extent { size: stored, pixel: PixelType::new(Channels::Rgb, Depth::U8) };
        let streaming = Streaming::Rows { stored, memory: 0, in_order: true };
        let image = SourceImage {
            extent,
            access: Access::Whole,
            decode_cost: 13.0,
            decode_memory: 0,
            bytes: 1,
            streaming,
        };
        let copy = SourceCopy::of(&image).unwrap();
        assert!(copy.memory(&image) < 160 << 20 || width > 100_000, "{width}");
        copy
    }

    #[test]
    fn bands_are_lower_where_rows_are_longer() {
        assert_eq!(copy(4000, 3000).grid.tile, Size::new(512, 512));
        assert_eq!(copy(20_000, 20_000).grid.tile, Size::new(512, 256));
        assert_eq!(copy(100_000, 10).grid.tile, Size::new(1024, 32));
        assert_eq!(copy(1_000_000, 10).grid.tile, Size::new(4096, 8));
    }
}
