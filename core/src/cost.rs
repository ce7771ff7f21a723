//! The cost model: how long work takes on one core, how many shards that makes, and how much memory a worker needs.
//! Predictions only: nothing that a file contains depends on them.

use crate::geometry::Size;
use crate::operation::{Chain, Extent};
use crate::output::{OutputFormat, TiffCompression, WebPCoding};
use crate::plan::{Access, SourceImage};

/// Seconds from creating a pod to its first pixel.
pub const POD_START: f64 = 2.0;

/// Seconds between two pods of one slot.
const POD_GAP: f64 = 2.0;

/// Seconds of work above which fan-out and assembly cost less than they save.
pub(crate) const WORTH_DISTRIBUTING: f64 = 8.0;

/// The most shards of a stage: a Job's status and a listing stay small.
const MAX_SHARDS: u32 = 2000;

/// Memory of a worker before it holds any pixel, in bytes: code, runtime, connections.
pub(crate) const BASE_MEMORY: u64 = 48 << 20;

/// Encoding needs this many nanoseconds of one core per pixel of 3 channels.
fn encode_cost(format: OutputFormat) -> f64 {
    match format {
        OutputFormat::Tiff { compression, .. } => tile_cost(compression),
        // A third more pixels in the overviews, and what it costs to make them.
        OutputFormat::Cog { compression, .. } => tile_cost(compression) * 4.0 / 3.0 + 2.0,
        OutputFormat::Png => 7.0,
        OutputFormat::Jpeg { .. } => 4.0,
        OutputFormat::WebP { coding: WebPCoding::Lossless } => 450.0,
        OutputFormat::WebP { coding: WebPCoding::Lossy { .. } } => 110.0,
    }
}

/// The same of tiles.
fn tile_cost(compression: TiffCompression) -> f64 {
    match compression {
        TiffCompression::None => 1.0,
        TiffCompression::Deflate => 65.0,
        TiffCompression::Lzw => 45.0,
        TiffCompression::Zstd => 20.0,
        TiffCompression::Jpeg { .. } => 5.0,
    }
}

/// Bytes that libwebp holds for each pixel while it encodes, its result included: 7 to 10 were measured of a photograph, 23
/// to 26 without loss; the rest is for pictures that are harder.
pub(crate) fn webp_bytes(coding: WebPCoding) -> u64 {
    match coding {
        WebPCoding::Lossless => 40,
        WebPCoding::Lossy { .. } => 16,
    }
}

/// Predicted seconds of one core for the whole image.
pub fn work_seconds(image: &SourceImage, chain: &Chain<'_>, format: OutputFormat) -> f64 {
    let output = chain.output();
    let scale = output.pixel.bytes() as f64 / 3.0;
    let read = match image.access {
        Access::Tiles { .. } => chain.reads(output.size.rect())[0].pixels(),
        Access::Rows { .. } | Access::Whole => chain.source().size.pixels(),
    };
    let encode = output.size.pixels() as f64 * encode_cost(format) * scale;
    (read as f64 * image.decode_cost + chain.cost() + encode) / 1e9
}

/// Seconds of work of the longest shard: what a failure may cost.
pub const LONGEST: f64 = 60.0;

/// The same where nodes may vanish at any time.
pub const BRIEF: f64 = 20.0;

/// How many shards `work` seconds make: each about `clamp(2 sqrt(gap x work), 5 s, longest)` long. `None`: do not distribute.
pub fn shards(work: f64, blocks: u32, longest: f64) -> Option<u32> {
    if work <= WORTH_DISTRIBUTING || blocks < 2 {
        return None;
    }
    let length = (2.0 * (POD_GAP * work).sqrt()).clamp(5.0, longest);
    // The quotient is positive and clamped right after, so the conversion cannot lose anything that matters.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 2..=2000")]
    let wanted = (work / length).ceil().clamp(2.0, f64::from(MAX_SHARDS)) as u32;
    Some(wanted.min(blocks))
}

/// The source's tiles, of size `tile`, around what a step of size `step` reads, at most: in pixels.
pub fn window(chain: &Chain<'_>, step: Size, tile: Size) -> Size {
    let (read, image) = (chain.windows(step)[0], chain.source().size);
    let side = |read: u32, image: u32, tile: u32| {
        (read.min(image) + 2 * tile).min(image.next_multiple_of(tile.max(1)))
    };
    Size::new(side(read.width, image.width, tile.width), side(read.height, image.height, tile.height))
}

/// Pixels of a working tile: its images stay in a core's cache.
const WORKING_TILE: u32 = 512 * 512;

/// The fewest and the most rows of a working tile that a halo asks for, and how many it has where the halo is a pixel at most.
const ROWS: (u32, u32) = (64, 512);
const FEW_ROWS: u32 = 16;

/// How many it has at least where its rows are columns of the source, whose rows are to be read for longer than a few pixels.
const TURNED_ROWS: u32 = 256;

/// Columns and rows of what one thread takes at once through a chain of this halo, which turns the image or not, for a step of
/// size `step`: as wide as may be, since memory is fetched ahead along rows, but with rows enough that not too many are computed
/// twice. Larger where the most rows are fewer than eight halos.
fn working_tile(step: Size, halo: u32, turns: bool) -> Size {
    let rows = rows_for(halo, turns);
    let pixels = if halo > ROWS.1 / 8 { 2 * WORKING_TILE } else { WORKING_TILE };
    let width = step.width.clamp(1, pixels / rows);
    Size::new(width, step.height.min(ROWS.1).min((pixels / width).max(rows)))
}

/// The fewest rows that a working tile of a high step has.
fn rows_for(halo: u32, turns: bool) -> u32 {
    let rows = if halo <= 1 { FEW_ROWS } else { halo.saturating_mul(8).clamp(ROWS.0, ROWS.1) };
    if turns { rows.max(TURNED_ROWS) } else { rows }
}

/// The fewest rows of a step in which working tiles for `chain` are as high as they are meant to be.
pub(crate) fn working_rows(chain: &Chain<'_>) -> u32 {
    rows_for(chain.halo(), chain.turns())
}

/// A working tile has no fewer rows for the sake of more threads; then it has fewer columns, down to these.
const LEAST_ROWS: u32 = 32;
const LEAST_COLUMNS: u32 = 128;

/// Columns and rows of working tiles for `chain`, of which a step of size `step` makes two for each of `threads`, if it is large
/// enough. They stay in a core's cache.
pub fn shared_tile(step: Size, chain: &Chain<'_>, threads: usize) -> Size {
    shared(step, working_tile(step, chain.halo(), chain.turns()), threads)
}

fn shared(step: Size, mut tile: Size, threads: usize) -> Size {
    let few = |tile: Size| {
        let count = step.width.div_ceil(tile.width) as usize * step.height.div_ceil(tile.height) as usize;
        count < 2 * threads
    };
    while few(tile) && tile.height >= 2 * LEAST_ROWS {
        tile.height = tile.height.div_ceil(2);
    }
    while few(tile) && tile.width >= 2 * LEAST_COLUMNS {
        tile.width = tile.width.div_ceil(2);
    }
    tile
}

/// What a worker holds at most, by part.
pub struct Footprint<'a> {
    /// The chain.
    pub chain: &'a Chain<'a>,
    /// The largest strip of the output.
    pub strip: Size,
    /// Columns and rows of a strip that are computed at once.
    pub step: Size,
    /// Decoded and encoded bytes of the source.
    pub source: u64,
    /// Raw bytes of the pieces that are open at once, or of the file where it is written at once.
    pub piece: u64,
    /// Raw bytes of the overviews that assembly makes.
    pub assembly: u64,
}

impl Footprint<'_> {
    /// Predicted peak memory of a worker in bytes.
    pub fn memory(&self) -> u64 {
        let output = self.chain.output().pixel.bytes() as u64;
        let strip = self.strip.pixels() * output;
        // The encoded pieces, the strip that is computed, its tiles while they are encoded, and the source around it.
        let shard = BASE_MEMORY + self.piece + self.piece / 8 + 2 * strip + self.source + self.steps();
        // Assembly holds its overviews twice: by level, and joined with the header.
        shard.max(BASE_MEMORY + 2 * self.assembly)
    }

    /// Bytes of the intermediate images of a fused chain: wide samples of one working tile.
    fn steps(&self) -> u64 {
        let tile = working_tile(self.step, self.chain.halo(), self.chain.turns());
        let images = self.chain.windows(tile).into_iter().zip(self.chain.extents());
        let samples = |(window, extent): (Size, &Extent)| {
            window.pixels().min(extent.size.pixels()) * extent.pixel.channels.count() as u64
        };
        images.map(samples).max().unwrap_or(0) * 4 * 3 * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_tile_is_wide_and_has_rows_enough_for_its_halo() {
        let tile = |width, height, halo| working_tile(Size::new(width, height), halo, false);
        assert_eq!(tile(8192, 512, 0), Size::new(8192, 32));
        assert_eq!(tile(8192, 512, 2), Size::new(4096, 64));
        assert_eq!(tile(1000, 512, 6), Size::new(1000, 262));
        assert_eq!(tile(8192, 512, 21), Size::new(1560, 168));
        assert_eq!(tile(8192, 512, 64), Size::new(512, 512));
        assert_eq!(tile(8192, 512, 300), Size::new(1024, 512));
        assert_eq!(tile(40, 30, 9), Size::new(40, 30));
        assert_eq!(working_tile(Size::new(8192, 512), 0, true), Size::new(1024, 256));
    }

    #[test]
    fn every_thread_has_work_in_low_bands_too() {
        let tile = |width, height, threads| {
            let step = Size::new(width, height);
            shared(step, working_tile(step, 5, false), threads)
        };
        assert_eq!(tile(4096, 512, 2), Size::new(4096, 64));
        assert_eq!(tile(4096, 48, 2), Size::new(1024, 48));
        assert_eq!(tile(4096, 16, 8), Size::new(256, 16));
        assert_eq!(tile(4096, 512, 32), Size::new(1024, 32));
        assert_eq!(tile(90, 20, 32), Size::new(90, 20));
    }

    #[test]
    fn small_work_is_not_distributed_and_large_work_has_shards_of_a_minute_at_most() {
        assert_eq!(shards(7.0, 100, LONGEST), None);
        assert_eq!(shards(100.0, 1, LONGEST), None);
        assert_eq!(shards(41.0, 30, LONGEST), Some(3));
        assert_eq!(shards(6000.0, 5000, LONGEST), Some(100));
        assert_eq!(shards(6000.0, 5000, BRIEF), Some(300));
        assert_eq!(shards(1e7, 100_000, LONGEST), Some(2000));
    }
}
