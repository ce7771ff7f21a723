//! A source that is read once, from its first row to its last, while the image is computed: in bands of rows, of which those
//! are held that are still needed. Pure: how it is cut, and which rows are held when.

use crate::geometry::{Rect, Size};
use crate::grid::Grid;
use crate::operation::Chain;
use crate::piece;
use crate::plan::{Access, SourceImage, Streaming};
use crate::pyramid::Pyramid;
use std::ops::Range;

/// About the most raw bytes of a band.
const BAND: u64 = 4 << 20;

/// Rows of a band: a power of two between these.
const ROWS: std::ops::RangeInclusive<u32> = 8..=512;

/// Bands beside those that are held: one is decoded, one waits, and the first and the last of the held rows may be part of one.
const BANDS: u64 = 4;

/// Encoded bytes of a streamed source that are on their way.
pub(crate) const FETCHED: u64 = 16 << 20;

/// Rows of a band of about `bytes` bytes, as [`ROWS`] has them, where a row has `row` bytes.
pub(crate) fn rows_of_band(bytes: u64, row: u64) -> u32 {
    let fit = u32::try_from(bytes / row.max(1)).unwrap_or(u32::MAX);
    1 << fit.clamp(*ROWS.start(), *ROWS.end()).ilog2()
}

/// The source as a stage sees it that streams it, if its rows come in the order of the image's.
pub(crate) fn image(image: &SourceImage) -> Option<SourceImage> {
    let Streaming::Rows { in_order: true, .. } = image.streaming else { return None };
    let row = u64::from(image.extent.size.width) * image.extent.pixel.bytes() as u64;
    Some(SourceImage { access: Access::Rows { rows: rows_of_band(BAND, row) }, ..*image })
}

/// The rows that are held while each step is computed, `needs` being those that it reads: from the first that it or a later
/// step reads to the last that it or an earlier one has read.
pub fn held(needs: &[Range<u32>]) -> Vec<Range<u32>> {
    let mut held = needs.to_vec();
    let mut last = 0;
    for rows in &mut held {
        last = rows.end.max(last);
        rows.end = last;
    }
    let mut first = last;
    for rows in held.iter_mut().rev() {
        first = rows.start.min(first);
        rows.start = first;
    }
    held
}

/// The most bytes that are held of the source, in bands of `rows` rows, while the image of `grid` is computed by rows of
/// tiles, `step` rows at once: decoded, of the next step too, and encoded.
pub(crate) fn memory(image: &SourceImage, rows: u32, chain: &Chain<'_>, grid: &Grid, step: u32) -> u64 {
    let Streaming::Rows { memory, .. } = image.streaming else { return u64::MAX };
    let reads = |top: u32, bottom: u32| {
        // With the row above, which a PNG's filters look at.
        let top = top.saturating_sub(1);
        let rect = Rect::new(0, top, grid.image.width, bottom - top);
        let read = chain.reads(rect)[0];
        read.y..read.bottom()
    };
    let cut = |strip: Rect| {
        let tops = (strip.y..strip.bottom()).step_by(step.max(1) as usize);
        tops.map(move |top| (top, strip.bottom().min(top + step.max(1))))
    };
    // Two blocks beside each other hold what any number of them do, which may be very many.
    let two = grid.tile.width.saturating_mul(grid.block).saturating_mul(2);
    let narrow = Grid { image: Size::new(grid.image.width.min(two), grid.image.height), ..*grid };
    let alone = Pyramid { shared: vec![narrow], upper: Vec::new() };
    let pieces = piece::pieces(&alone, chain.output().pixel.bytes(), 0..narrow.blocks());
    let strips = pieces.iter().flat_map(|piece| piece.strips(&narrow)).map(|strip| strip.rect);
    let mut strips: Vec<Rect> = strips.collect();
    strips.sort_by_key(|strip| (strip.y, strip.x));
    let needs: Vec<Range<u32>> =
        strips.into_iter().flat_map(cut).map(|(top, bottom)| reads(top, bottom)).collect();
    let held = held(&needs);
    let next = held.iter().skip(1).chain(held.last());
    let most = held.iter().zip(next).map(|(rows, next)| u64::from(next.end - rows.start)).max().unwrap_or(0);
    let pixels = (most + BANDS * u64::from(rows)) * u64::from(image.extent.size.width);
    pixels * image.extent.pixel.bytes() as u64 + memory + FETCHED
}

/// The most raw bytes of tiles of `pixel` bytes a pixel that wait for their place in the file, while the image with these
/// levels is computed by rows of tiles: those of a row of blocks, but for its first.
pub fn waiting(levels: &[Grid], pixel: usize) -> u64 {
    let of_level = |grid: &Grid| {
        let tiles = u64::from(grid.columns().saturating_sub(grid.block)) * u64::from(grid.tile_rows_of(0));
        tiles * grid.tile.pixels() * pixel as u64
    };
    levels.iter().map(of_level).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_held_from_their_first_use_to_their_last() {
        // Two blocks side by side, then the two below them, with a halo of 1.
        assert_eq!(held(&[0..5, 4..9, 0..5, 4..9, 8..12, 8..12]), [0..5, 0..9, 0..9, 4..9, 8..12, 8..12]);
        // From the bottom to the top: all of it.
        assert_eq!(held(&[8..12, 4..9, 0..5]), [0..12, 0..12, 0..12]);
        // A step that reads nothing.
        assert_eq!(held(&[0..0, 3..5, 5..5, 9..9]), [0..0, 3..5, 5..5, 9..9]);
        assert_eq!(held(&[]), []);
    }

    #[test]
    fn bands_are_lower_where_rows_are_longer() {
        let rows = [1, 3000, 30_000, 300_000, 30_000_000].map(|row| rows_of_band(BAND, row));
        assert_eq!(rows, [512, 512, 128, 8, 8]);
    }
}
