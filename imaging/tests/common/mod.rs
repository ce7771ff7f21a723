//! Pictures for the tests: made by arithmetic, so that every run sees the same.

// Every test binary compiles its own copy and uses a part of it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use tessera_core::geometry::{Rect, Size};
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::Header;
use tessera_operations::region::{Region, Samples};

pub const CHANNELS: [Channels; 4] = [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];

pub const DEFLATE: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::Deflate };
pub const PLAIN: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::None };
pub const LZW: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::Lzw };
pub const ZSTD: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::Zstd };
pub const JPEG: OutputFormat =
    OutputFormat::Tiff { tile: 256, compression: TiffCompression::Jpeg { quality: 90 } };

pub const COG: OutputFormat = OutputFormat::Cog { tile: 256, compression: TiffCompression::Deflate };

/// All pixel types.
pub fn pixel_types() -> impl Iterator<Item = PixelType> {
    CHANNELS
        .into_iter()
        .flat_map(|channels| [Depth::U8, Depth::U16].map(|depth| PixelType::new(channels, depth)))
}

/// Decodes a file that is whole and small.
pub fn decode(bytes: &[u8]) -> (Header, Region) {
    tessera_imaging::decode_file(bytes).unwrap()
}

/// The tiles or bands of an image in file order.
pub fn tiles(extent: Extent, format: OutputFormat) -> Vec<Rect> {
    let grid = Grid::new(extent, format);
    grid.file_order().map(|at| grid.tile_rect(at)).collect()
}

/// A picture with slopes, flat areas and noise.
pub fn picture(width: u32, height: u32, pixel: PixelType) -> Region {
    let count = pixel.channels.count() as u32;
    let sample = |at: u32| {
        let (channel, x, y) = (at % count, at / count % width, at / count / width);
        let noise = (x * 7919 + y * 104_729 + channel * 31).wrapping_mul(2_654_435_761) >> 27;
        let flat = if (x / 37 + y / 29) % 3 == 0 { 0 } else { x * 3 + y * 2 + noise };
        (flat * 131 + channel * 4000) as u16
    };
    let all = 0..width * height * count;
    let samples = match pixel.depth {
        Depth::U8 => Samples::U8(all.map(|at| (sample(at) >> 8) as u8).collect()),
        Depth::U16 => Samples::U16(all.map(sample).collect()),
    };
    Region { rect: Size::new(width, height).rect(), channels: pixel.channels, samples }
}

/// A minimal profile: only the fields that are looked at.
pub fn profile(space: &[u8; 4], length: usize) -> Vec<u8> {
    let mut profile: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
    profile[..4].copy_from_slice(&(length as u32).to_be_bytes());
    profile[16..20].copy_from_slice(space);
    profile[36..40].copy_from_slice(b"acsp");
    profile
}
