//! Decodes a PNG, as a whole or in bands: palettes, low bit depths and transparent colours expanded, 16 bits in native order.
//! Chunks that are no pixels are left to the header parser.

use crate::decode::{Damage, region_of_bytes};
use crate::stream::Bands;
use png::{BitDepth, ColorType, DecodeOptions, Decoder, Limits, Reader, Transformations};
use std::io::{BufRead, Cursor, Seek};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::region::Region;

/// The least limit for the decoder's own buffers; it grows with the row.
const LEAST_LIMIT: usize = 64 << 20;

/// The stored image of size `size`, whose expanded pixels are of type `pixel`.
pub(crate) fn decode(bytes: &[u8], size: Size, pixel: PixelType) -> Result<Region, Damage> {
    let mut reader = open(Cursor::new(bytes), size, pixel)?;
    let mut samples = vec![0; reader.output_buffer_size().ok_or_else(|| Damage::Codec("too large".into()))?];
    reader.next_frame(&mut samples).map_err(codec)?;
    Ok(region_of_bytes(size.rect(), pixel, samples, true))
}

/// Gives `take` the stored image's bands, with the samples' bytes as PNG orders them, until it returns false.
pub(crate) fn decode_bands(
    source: impl BufRead + Seek,
    bands: &Bands,
    pixel: PixelType,
    take: &mut dyn FnMut(Rect, Vec<u8>) -> bool,
) -> Result<(), Damage> {
    let mut reader = open(source, bands.size, pixel)?;
    let row = bands.size.width as usize * pixel.bytes();
    for rect in bands.rects() {
        let mut samples = vec![0; row * rect.height as usize];
        for row in samples.chunks_exact_mut(row) {
            reader.read_row(row).map_err(codec)?;
        }
        if !take(rect, samples) {
            return Ok(());
        }
    }
    // What is behind the last row: the checksum of all.
    reader.read_row(&mut []).map_err(codec)?;
    Ok(())
}

/// A decoder before the first row of an image, which must be of this size and type.
fn open<R: BufRead + Seek>(source: R, size: Size, pixel: PixelType) -> Result<Reader<R>, Damage> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(source, options);
    let row = u64::from(size.width).saturating_mul(8);
    decoder.set_limits(Limits { bytes: usize::try_from(row * 8).unwrap_or(usize::MAX).max(LEAST_LIMIT) });
    decoder.set_transformations(Transformations::EXPAND);
    let reader = decoder.read_info().map_err(codec)?;
    let found =
        (Size::new(reader.info().width, reader.info().height), pixel_type(reader.output_color_type()));
    if found != (size, Some(pixel)) {
        let found = format!("{} pixels of type {:?}", found.0, reader.output_color_type());
        return Err(Damage::Other { found, expected: format!("{size} pixels of type {pixel}") });
    }
    Ok(reader)
}

fn codec(error: png::DecodingError) -> Damage {
    Damage::Codec(error.to_string())
}

fn pixel_type((colour, depth): (ColorType, BitDepth)) -> Option<PixelType> {
    let channels = match colour {
        ColorType::Grayscale => Channels::Gray,
        ColorType::GrayscaleAlpha => Channels::GrayAlpha,
        ColorType::Rgb => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
        ColorType::Indexed => return None,
    };
    match depth {
        BitDepth::Eight => Some(PixelType::new(channels, Depth::U8)),
        BitDepth::Sixteen => Some(PixelType::new(channels, Depth::U16)),
        BitDepth::One | BitDepth::Two | BitDepth::Four => None,
    }
}
