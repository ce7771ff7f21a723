//! How a shard's blocks are cut into pieces and a piece into strips: pure arithmetic on the grid.
//! A piece is what is written to scratch at once; a strip is what is computed at once.

use crate::geometry::Rect;
use crate::grid::{Grid, TileAt};
use crate::pyramid::{Layer, Pyramid};
use std::ops::Range;

/// How large pieces are made, in raw bytes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Blocks are joined into one piece until it holds as much: below 5 MiB an object store cannot copy a piece.
    goal: u64,
    /// The most of a piece, unless one row of tiles alone is more.
    most: u64,
}

/// The pieces of a file without overviews.
const ALONE: Bounds = Bounds { goal: 16 << 20, most: 64 << 20 };

/// The pieces of an image that has overviews: one of each level is open at once.
const WITH_OVERVIEWS: Bounds = Bounds { goal: 16 << 20, most: 32 << 20 };

/// The pieces of overviews.
const OVERVIEWS: Bounds = Bounds { goal: 8 << 20, most: 32 << 20 };

/// Bands are joined into one strip up to this many rows, so that a source tile is not decoded again for every band.
const STRIP_ROWS: u32 = 1024;

/// Rows of tiles of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The block's number.
    pub block: u32,
    /// Rows of tiles inside the block.
    pub rows: Range<u32>,
}

/// A run of tiles of one layer, consecutive in file order, that becomes one object in scratch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Number within the shard, from 0.
    pub number: u32,
    /// What its tiles belong to.
    pub layer: Layer,
    /// What it holds, in file order.
    pub spans: Vec<Span>,
}

/// The tiles that are computed together, and the rectangle that they cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// Pixels of the output.
    pub rect: Rect,
    /// Tiles in file order.
    pub tiles: Vec<TileAt>,
}

/// Methods with a `grid` want that of the piece's layer.
impl Piece {
    /// The tiles in file order.
    pub fn tiles(&self, grid: &Grid) -> Vec<TileAt> {
        self.row_numbers().flat_map(|(block, row)| grid.row_of(block, row)).collect()
    }

    /// The number of tiles.
    pub fn tile_count(&self, grid: &Grid) -> u64 {
        self.tiles(grid).len() as u64
    }

    /// The strips in file order. A row of tiles of a block is a strip; bands are joined to up to 1024 rows.
    pub fn strips(&self, grid: &Grid) -> Vec<Strip> {
        let mut strips: Vec<Strip> = Vec::new();
        for (block, row) in self.row_numbers() {
            let (rect, tiles) = (grid.strip(block, row), grid.row_of(block, row));
            match strips.last_mut() {
                Some(last) if grid.block == 1 && last.rect.height + rect.height <= STRIP_ROWS => {
                    last.rect = last.rect.union(&rect);
                    last.tiles.extend(tiles);
                }
                _ => strips.push(Strip { rect, tiles }),
            }
        }
        strips
    }

    /// Rows of tiles in file order: numbers of the block, and of the row inside it.
    pub fn row_numbers(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.spans.iter().flat_map(|span| span.rows.clone().map(|row| (span.block, row)))
    }
}

/// Cuts the blocks `blocks` of all layers of pixels of `pixel_bytes` bytes into pieces, layer by layer.
pub fn pieces(pyramid: &Pyramid, pixel_bytes: usize, blocks: Range<u32>) -> Vec<Piece> {
    let layers = pyramid.layers();
    let cut = layers.iter().flat_map(|&layer| {
        let bounds = match layer {
            Layer::Level(0) if layers.len() == 1 => ALONE,
            Layer::Level(0) => WITH_OVERVIEWS,
            Layer::Level(_) | Layer::Crown => OVERVIEWS,
        };
        let spans = of_layer(pyramid.grid(layer), pixel_bytes as u64, blocks.clone(), bounds);
        spans.into_iter().map(move |spans| (layer, spans))
    });
    (0..).zip(cut).map(|(number, (layer, spans))| Piece { number, layer, spans }).collect()
}

/// The spans of the pieces of one layer.
fn of_layer(grid: &Grid, pixel_bytes: u64, blocks: Range<u32>, bounds: Bounds) -> Vec<Vec<Span>> {
    let mut spans: Vec<Vec<Span>> = Vec::new();
    let mut open = 0;
    for block in blocks {
        for (span, bytes) in spans_of(grid, pixel_bytes, block, bounds.most) {
            match spans.last_mut() {
                Some(last) if open < bounds.goal && open + bytes <= bounds.most => {
                    last.push(span);
                    open += bytes;
                }
                _ => {
                    spans.push(vec![span]);
                    open = bytes;
                }
            }
        }
    }
    spans
}

/// One block as spans of at most `most` raw bytes, each with its raw bytes (of whole tiles, since a TIFF pads them).
fn spans_of(grid: &Grid, pixel_bytes: u64, block: u32, most: u64) -> Vec<(Span, u64)> {
    let rows = grid.tile_rows_of(block);
    let row_bytes = grid.row_of(block, 0).len() as u64 * grid.tile.pixels() * pixel_bytes;
    let fit = u32::try_from(most / row_bytes.max(1)).unwrap_or(rows).clamp(1, rows);
    (0..rows)
        .step_by(fit as usize)
        .map(|first| first..(first + fit).min(rows))
        .map(|range| {
            let bytes = u64::from(range.end - range.start) * row_bytes;
            (Span { block, rows: range }, bytes)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use proptest::prelude::*;

    fn grid(width: u32, height: u32, tile: u32, block: u32) -> Grid {
        let tile = if block == 1 { Size::new(width, tile) } else { Size::new(tile, tile) };
        Grid { image: Size::new(width, height), tile, block }
    }

    /// The pieces of a file without overviews.
    fn pieces(grid: &Grid, pixel_bytes: usize, blocks: Range<u32>) -> Vec<Piece> {
        let alone = Pyramid { shared: vec![*grid], upper: Vec::new() };
        super::pieces(&alone, pixel_bytes, blocks)
    }

    #[test]
    fn a_block_of_16_bit_rgba_is_cut_into_pieces_of_at_most_64_mib() {
        let grid = grid(4096, 4096, 512, 8);
        let pieces = pieces(&grid, 8, 0..1);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0].spans, vec![Span { block: 0, rows: 0..4 }]);
        assert_eq!(pieces[1].strips(&grid)[0].rect, Rect::new(0, 2048, 4096, 512));
    }

    #[test]
    fn small_bands_are_joined() {
        let grid = grid(1000, 10_000, 16, 1);
        let pieces = pieces(&grid, 1, 0..grid.blocks());
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].strips(&grid).len(), 10);
        assert_eq!(pieces[0].tile_count(&grid), 625);
    }

    proptest! {
        #[test]
        fn tiles_cover_the_image_exactly_and_never_overlap(
            width in 1u32..900, height in 1u32..900, tile in 1u32..130, block in 1u32..9, cut in 0u32..40
        ) {
            let grid = grid(width, height, tile, block);
            let cut = cut.min(grid.blocks());
            let mut order = Vec::new();
            let mut seen = vec![0u8; (width * height) as usize];
            for range in [0..cut, cut..grid.blocks()] {
                for piece in pieces(&grid, 3, range) {
                    for strip in piece.strips(&grid) {
                        let area: u64 = strip.tiles.iter().map(|tile| grid.tile_rect(*tile).pixels()).sum();
                        prop_assert_eq!(area, strip.rect.pixels());
                        order.extend(strip.tiles);
                    }
                }
            }
            prop_assert_eq!(&order, &grid.file_order().collect::<Vec<_>>());
            prop_assert_eq!(order.len() as u64, grid.tiles());
            let rows = (0..grid.blocks()).flat_map(|block| (0..grid.tile_rows_of(block)).map(move |row| (block, row)));
            for (block, row) in rows {
                prop_assert_eq!(order[grid.first_of(block, row) as usize], grid.row_of(block, row)[0]);
            }
            for tile in order {
                let rect = grid.tile_rect(tile);
                for y in rect.y..rect.bottom() {
                    for x in rect.x..rect.right() {
                        seen[(y * width + x) as usize] += 1;
                    }
                }
            }
            prop_assert!(seen.iter().all(|count| *count == 1));
        }
    }
}
