//! A tile as a browser shows it: 8 bits, as a PNG where that is small, where the picture is transparent, or where every pixel
//! counts; else as a JPEG.

use bytes::Bytes;
use tessera_core::output::OutputFormat;
use tessera_formats::icc;
use tessera_imaging::{EncodeError, write_whole};
use tessera_operations::{Region, Samples};

/// The most bits of a PNG for each pixel, where a JPEG would do: edges, masks and plain pictures have fewer, photographs have more.
const SMALL: usize = 4;

/// The quality of a JPEG.
const QUALITY: u8 = 90;

/// An encoded tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub media: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Encodes a tile, with the profile of its image where that describes such pixels. `lossless`: every pixel counts.
///
/// # Errors
/// The codec fails, which it has no reason to.
pub fn encode(tile: Region, profile: Option<&[u8]>, lossless: bool) -> Result<Picture, EncodeError> {
    let tile = displayed(tile);
    let profile = profile.filter(|raw| icc::suits(raw, tile.channels));
    let png = write_whole(&tile, OutputFormat::Png, profile)?;
    let most = tile.rect.pixels() as usize * SMALL / 8 + (4 << 10);
    if lossless || tile.channels.has_alpha() || png.len() <= most {
        return Ok(Picture { media: "image/png", bytes: png.into() });
    }
    let jpeg = write_whole(&tile, OutputFormat::Jpeg { quality: QUALITY }, profile)?;
    Ok(Picture { media: "image/jpeg", bytes: jpeg.into() })
}

/// The pixels in 8 bits, rounded, as a picture of its own.
fn displayed(tile: Region) -> Region {
    let samples = match tile.samples {
        Samples::U8(samples) => samples,
        Samples::U16(samples) => {
            samples.into_iter().map(|sample| ((u32::from(sample) + 128) / 257) as u8).collect()
        }
    };
    Region { rect: tile.rect.size().rect(), channels: tile.channels, samples: Samples::U8(samples) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Rect;
    use tessera_core::pixel::Channels;
    use tessera_imaging::decode_file;

    fn tile(channels: Channels, samples: Samples) -> Region {
        Region { rect: Rect::new(512, 0, 64, 64), channels, samples }
    }

    #[test]
    fn sixteen_bits_are_rounded_to_eight_and_transparency_is_kept() {
        let samples = [0, 128, 129, 65_535].repeat(64 * 64 / 2);
        let picture = encode(tile(Channels::GrayAlpha, Samples::U16(samples)), None, false).unwrap();
        assert_eq!(picture.media, "image/png");
        let (_, image) = decode_file(&picture.bytes).unwrap();
        assert_eq!(image.samples, Samples::U8([0, 0, 1, 255].repeat(64 * 64 / 2)));
    }

    #[test]
    fn noise_is_a_jpeg_unless_every_pixel_counts() {
        let noise = |index: usize| {
            let mixed = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8
        };
        let samples = Samples::U8((0..64 * 64 * 3).map(noise).collect());
        assert_eq!(encode(tile(Channels::Rgb, samples.clone()), None, false).unwrap().media, "image/jpeg");
        let exact = encode(tile(Channels::Rgb, samples.clone()), None, true).unwrap();
        assert_eq!(decode_file(&exact.bytes).unwrap().1.samples, samples);
        let plain = Samples::U8(vec![7; 64 * 64 * 3]);
        assert_eq!(encode(tile(Channels::Rgb, plain), None, false).unwrap().media, "image/png");
    }
}
