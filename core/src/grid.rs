//! The grid of a file's tiles: fixed by the output's extent and format alone, never by memory, workers or shards.
//! It says which tiles there are, in which order they lie in the file, and what each block and tile covers.

use crate::geometry::{Rect, Size};
use crate::operation::Extent;
use crate::output::OutputFormat;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Tiles on a side of a TIFF's block.
const BLOCK_SIDE: u32 = 8;

/// The same of a COG with more than [`LARGE_COG`] pixels on a side: a block's part of the first overviews is then large
/// enough to be copied inside an object store.
const LARGE_BLOCK_SIDE: u32 = 16;
const LARGE_COG: u32 = 16_384;

/// The least raw bytes of a band; a band is the least multiple of 16 rows that holds them (so at most 16 MiB, unless
/// 16 rows alone are more).
const BAND_BYTES: u64 = 4 << 20;

/// Tiles of one size in a regular grid from the top left corner, grouped into square blocks of `block` x `block` tiles.
/// Tiles at the right and bottom edge are clipped to the image.
///
/// File order: block by block, row-major; row-major inside a block. A band is a tile as wide as the image, and a block of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The image.
    pub image: Size,
    /// Width and height of a tile in pixels.
    pub tile: Size,
    /// Tiles on a side of a block.
    pub block: u32,
}

/// A block's position: column and row in the grid of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BlockAt {
    column: u32,
    row: u32,
}

impl Grid {
    /// The grid of a file of format `format` for an image of extent `output`.
    pub fn new(output: Extent, format: OutputFormat) -> Grid {
        match format {
            OutputFormat::Tiff { tile, .. } => {
                Grid { image: output.size, tile: Size::new(tile, tile), block: BLOCK_SIDE }
            }
            OutputFormat::Cog { tile, .. } => {
                let large = output.size.width.max(output.size.height) > LARGE_COG;
                let block = if large { LARGE_BLOCK_SIDE } else { BLOCK_SIDE };
                Grid { image: output.size, tile: Size::new(tile, tile), block }
            }
            OutputFormat::Png | OutputFormat::Jpeg { .. } | OutputFormat::WebP { .. } => {
                let tile = Size::new(output.size.width, band_rows(output));
                Grid { image: output.size, tile, block: 1 }
            }
        }
    }

    /// Tiles in a row of the grid.
    pub fn columns(&self) -> u32 {
        self.image.width.div_ceil(self.tile.width)
    }

    /// Rows of tiles.
    pub fn rows(&self) -> u32 {
        self.image.height.div_ceil(self.tile.height)
    }

    /// Number of tiles.
    pub fn tiles(&self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// Number of blocks.
    pub fn blocks(&self) -> u32 {
        self.block_columns() * self.rows().div_ceil(self.block)
    }

    fn block_columns(&self) -> u32 {
        self.columns().div_ceil(self.block)
    }

    fn block_at(&self, block: u32) -> BlockAt {
        BlockAt { column: block % self.block_columns(), row: block / self.block_columns() }
    }

    /// Columns and rows of tiles that block number `block` holds.
    fn tiles_of(&self, block: u32) -> (Range<u32>, Range<u32>) {
        let at = self.block_at(block);
        let (left, top) = (at.column * self.block, at.row * self.block);
        (
            left..left.saturating_add(self.block).min(self.columns()),
            top..top.saturating_add(self.block).min(self.rows()),
        )
    }

    /// Number of rows of tiles in block number `block`: 1 to `self.block`.
    pub fn tile_rows_of(&self, block: u32) -> u32 {
        let (_, rows) = self.tiles_of(block);
        rows.end - rows.start
    }

    /// The pixels of one row of tiles, number `tile_row` of block number `block`.
    pub fn strip(&self, block: u32, tile_row: u32) -> Rect {
        self.row_of(block, tile_row)
            .into_iter()
            .fold(Rect::new(0, 0, 0, 0), |all, tile| all.union(&self.tile_rect(tile)))
    }

    /// The tiles of one row of tiles of a block, from left to right.
    pub fn row_of(&self, block: u32, tile_row: u32) -> Vec<TileAt> {
        let (columns, rows) = self.tiles_of(block);
        columns.map(|column| TileAt { column, row: rows.start + tile_row }).collect()
    }

    /// The number of the first tile of one row of tiles of a block, counted in file order.
    pub fn first_of(&self, block: u32, tile_row: u32) -> u64 {
        let (columns, rows) = self.tiles_of(block);
        let above = u64::from(rows.start) * u64::from(self.columns());
        let left = u64::from(columns.start) * u64::from(rows.end - rows.start);
        above + left + u64::from(tile_row) * u64::from(columns.end - columns.start)
    }

    /// The pixels of a tile, clipped to the image.
    pub fn tile_rect(&self, at: TileAt) -> Rect {
        let (x, y) = (at.column * self.tile.width, at.row * self.tile.height);
        let (width, height) =
            (self.tile.width.min(self.image.width - x), self.tile.height.min(self.image.height - y));
        Rect::new(x, y, width, height)
    }

    /// The row-major index of a tile, as TIFF's offset arrays want it.
    pub fn index(&self, at: TileAt) -> u64 {
        u64::from(at.row) * u64::from(self.columns()) + u64::from(at.column)
    }

    /// All tiles in file order.
    pub fn file_order(&self) -> impl Iterator<Item = TileAt> + '_ {
        (0..self.blocks()).flat_map(move |block| self.tiles_in(block))
    }

    /// The tiles of a block in file order.
    pub fn tiles_in(&self, block: u32) -> impl Iterator<Item = TileAt> + '_ {
        (0..self.tile_rows_of(block)).flat_map(move |row| self.row_of(block, row))
    }
}

/// A tile's position: column and row in the grid of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TileAt {
    /// Column, from the left.
    pub column: u32,
    /// Row, from the top.
    pub row: u32,
}

/// Rows of a band, a multiple of 16, from width and pixel type alone.
fn band_rows(output: Extent) -> u32 {
    let sixteen = u64::from(output.size.width) * output.pixel.bytes() as u64 * 16;
    let groups = BAND_BYTES.div_ceil(sixteen);
    u32::try_from(groups * 16).expect("at most 4 Mi groups of 16 rows")
}
