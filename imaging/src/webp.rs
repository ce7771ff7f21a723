//! Decodes a WebP as a whole. Chunks that are no pixels are left to the header parser.

use crate::decode::Damage;
use image_webp::WebPDecoder;
use std::io::Cursor;
use tessera_core::geometry::Size;
use tessera_core::pixel::{Channels, PixelType};
use tessera_operations::region::{Region, Samples};

/// The stored image of size `size`, whose pixels are of type `pixel`.
pub(crate) fn decode(bytes: &[u8], size: Size, pixel: PixelType) -> Result<Region, Damage> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(codec)?;
    let (width, height) = decoder.dimensions();
    let channels = if decoder.has_alpha() { Channels::Rgba } else { Channels::Rgb };
    if (Size::new(width, height), channels, decoder.is_animated()) != (size, pixel.channels, false) {
        let found = format!("{width} x {height} pixels of {} channels", channels.count());
        return Err(Damage::Other { found, expected: format!("{size} pixels of type {pixel}") });
    }
    let mut samples = vec![0; size.pixels() as usize * channels.count()];
    decoder.read_image(&mut samples).map_err(codec)?;
    Ok(Region { rect: size.rect(), channels, samples: Samples::U8(samples) })
}

fn codec(error: image_webp::DecodingError) -> Damage {
    Damage::Codec(error.to_string())
}
