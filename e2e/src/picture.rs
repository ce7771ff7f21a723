//! Pictures for the tests, made by arithmetic: slopes, flat areas and noise, so that no operation leaves them as they
//! are and no two places look the same. It writes to no store.

use anyhow::Result;
use tessera_core::geometry::Rect;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::{Region, Samples};

/// 8-bit RGB.
pub const RGB: PixelType = PixelType::new(Channels::Rgb, Depth::U8);

/// 8-bit grey.
pub const GRAY: PixelType = PixelType::new(Channels::Gray, Depth::U8);

/// 16-bit RGB.
pub const RGB16: PixelType = PixelType::new(Channels::Rgb, Depth::U16);

/// 8-bit RGB with alpha.
pub const RGBA: PixelType = PixelType::new(Channels::Rgba, Depth::U8);

/// A TIFF in tiles of 512 pixels, compressed.
pub const DEFLATE: OutputFormat = OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate };

/// A TIFF in tiles of 512 pixels, not compressed: quickly written.
pub const PLAIN: OutputFormat = OutputFormat::Tiff { tile: 512, compression: TiffCompression::None };

/// A picture of `width` x `height` pixels.
pub fn picture(width: u32, height: u32, pixel: PixelType) -> Region {
    let channels = pixel.channels.count();
    let mut values = Vec::with_capacity(width as usize * height as usize * channels);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let noise = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663);
        let flat = (x / 61 + y / 47) % 4 == 0;
        let slope = if flat { 9_000 } else { x.wrapping_mul(29) + y.wrapping_mul(17) + (noise >> 20) % 700 };
        values.extend(
            (0..channels as u32).map(|channel| {
                u16::try_from((slope + channel * 11_000) % 65_536).expect("the remainder fits")
            }),
        );
    }
    let samples = match pixel.depth {
        Depth::U8 => Samples::U8(values.into_iter().map(|value| value.to_be_bytes()[0]).collect()),
        Depth::U16 => Samples::U16(values),
    };
    Region { rect: Rect::new(0, 0, width, height), channels: pixel.channels, samples }
}

/// The file of [`picture`].
///
/// # Errors
/// The format does not take these pixels.
pub fn file(width: u32, height: u32, pixel: PixelType, format: OutputFormat) -> Result<Vec<u8>> {
    Ok(tessera_imaging::write_whole(&picture(width, height, pixel), format, None)?)
}
