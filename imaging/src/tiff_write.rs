//! Encodes one tile of a TIFF: padded to its full size with zeros, little-endian, with the horizontal predictor before
//! what compresses without loss, in one call. The bytes depend on the tile's pixels and the options, and on nothing else.

use flate2::{Compress, Compression, FlushCompress, Status};
use tessera_core::geometry::Rect;
use tessera_core::output::TiffCompression;
use tessera_formats::tiff_out::predicts;
use tessera_operations::region::{Region, Samples};
use weezl::BitOrder;

/// The level of deflate.
const LEVEL: u32 = 6;

/// The level of Zstandard.
const ZSTD_LEVEL: i32 = 3;

/// Encodes the pixels `rect` of `region` as a tile of `side` x `side` pixels, without loss.
///
/// # Panics
/// `rect` is larger than a tile or not inside `region`: a mistake of the caller.
pub(crate) fn encode(region: &Region, rect: Rect, side: u32, compression: TiffCompression) -> Vec<u8> {
    assert!(rect.width <= side && rect.height <= side && region.rect.contains(&rect), "a tile of the region");
    let predict = predicts(compression);
    let raw = match &region.samples {
        Samples::U8(samples) => padded(region, rect, side, |rows: &mut Tile<u8>| {
            rows.fill(samples, predict, u8::wrapping_sub, |sample| [sample])
        }),
        Samples::U16(samples) => padded(region, rect, side, |rows: &mut Tile<u16>| {
            rows.fill(samples, predict, u16::wrapping_sub, u16::to_le_bytes)
        }),
    };
    match compression {
        TiffCompression::None => raw,
        TiffCompression::Deflate => deflate(&raw),
        TiffCompression::Lzw => lzw(&raw),
        TiffCompression::Zstd => zstd::bulk::compress(&raw, ZSTD_LEVEL).expect("Zstandard takes any bytes"),
        TiffCompression::Jpeg { .. } => unreachable!("JPEG loses something"),
    }
}

/// A tile being filled: where its rows stand in a region's samples, and the bytes so far.
struct Tile<T> {
    count: usize,
    stride: usize,
    first: usize,
    /// Samples of a row inside the image.
    length: usize,
    rows: usize,
    /// A full row, reused.
    row: Vec<T>,
    bytes: Vec<u8>,
}

fn padded<T: Copy + Default>(
    region: &Region,
    rect: Rect,
    side: u32,
    fill: impl FnOnce(&mut Tile<T>),
) -> Vec<u8> {
    let count = region.channels.count();
    let stride = region.rect.width as usize * count;
    let full = side as usize * region.pixel().bytes();
    let mut tile = Tile {
        count,
        stride,
        first: (rect.y - region.rect.y) as usize * stride + (rect.x - region.rect.x) as usize * count,
        length: rect.width as usize * count,
        rows: rect.height as usize,
        row: vec![T::default(); side as usize * count],
        bytes: Vec::with_capacity(full * side as usize),
    };
    fill(&mut tile);
    tile.bytes.resize(full * side as usize, 0);
    tile.bytes
}

impl<T: Copy> Tile<T> {
    /// Appends all rows inside the image, each padded to the full width.
    fn fill<const N: usize>(
        &mut self,
        samples: &[T],
        predict: bool,
        minus: impl Fn(T, T) -> T,
        bytes: impl Fn(T) -> [u8; N],
    ) {
        for y in 0..self.rows {
            let start = self.first + y * self.stride;
            self.row[..self.length].copy_from_slice(&samples[start..start + self.length]);
            let (first, others) = self.row.split_at(if predict { self.count } else { self.row.len() });
            self.bytes.extend(first.iter().flat_map(|&sample| bytes(sample)));
            self.bytes
                .extend(others.iter().zip(&self.row).flat_map(|(&sample, &left)| bytes(minus(sample, left))));
        }
    }
}

/// TIFF's LZW, whose codes grow one code early.
fn lzw(raw: &[u8]) -> Vec<u8> {
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
    encoder.encode(raw).expect("LZW takes any bytes")
}

/// A zlib stream, written by one call with room for all of it: zlib-rs gives other bytes for other sizes of writes.
fn deflate(raw: &[u8]) -> Vec<u8> {
    let mut encoder = Compress::new(Compression::new(LEVEL), true);
    let mut bytes = vec![0; raw.len() + raw.len() / 64 + 1024];
    let status = encoder.compress(raw, &mut bytes, FlushCompress::Finish).expect("deflate takes any bytes");
    assert_eq!(status, Status::StreamEnd, "there is room for incompressible data");
    bytes.truncate(encoder.total_out() as usize);
    bytes
}
