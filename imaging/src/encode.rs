//! Encodes tiles and bands, each in one call and on its own, so that parts encoded anywhere in any order make one file
//! of fixed bytes. The file's head and tail are the business of [`tessera_formats::layout`].

use crate::{jpeg, jpeg_stream, png_band, tiff_write};
use tessera_core::geometry::{Rect, Size};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth};
use tessera_formats::checksum::ADLER_EMPTY;
use tessera_formats::layout::Part;
use tessera_formats::notes::Annotations;
use tessera_formats::tiff_out::TRAILER;
use tessera_operations::region::{Region, Samples};

/// The largest side of a JPEG.
const LARGEST_JPEG: u32 = 65_500;

/// An encoded tile, band or image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The bytes as they stand in the file.
    pub bytes: Vec<u8>,
    /// Adler-32 of the filtered rows (PNG; else 1).
    pub adler: u32,
    /// Bytes of the filtered rows (PNG; else 0).
    pub filtered: u64,
}

impl Encoded {
    /// What the file's layout needs to know of it.
    ///
    /// # Panics
    /// It has 4 GiB or more; tiles and bands are far smaller.
    pub fn part(&self) -> Part {
        let size = u32::try_from(self.bytes.len()).expect("a part has less than 4 GiB");
        Part { size, adler: self.adler, filtered: self.filtered }
    }

    fn plain(bytes: Vec<u8>) -> Encoded {
        Encoded { bytes, adler: ADLER_EMPTY, filtered: 0 }
    }
}

/// Why pixels cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The format does not take such an image.
    #[error("{0}")]
    Refused(String),
    /// The codec failed, which it has no reason to.
    #[error("the JPEG encoder failed: {0}")]
    Codec(String),
}

/// Encodes the part `rect` of an output image from `region`, which holds its pixels.
///
/// - TIFF, COG: `rect` is a tile of the grid of a level, and `region` of the same level. Any `region` that holds it will do.
/// - PNG: `rect` is a band. `region` has the same columns and holds, above the band, the row before it (but for the
///   first band), since the filters of its first row look at it.
/// - JPEG: `rect` is the whole image, and `annotations` go into its bytes; elsewhere they stand in the head.
///
/// # Errors
/// JPEG, also in TIFF: the image has alpha or 16 bits, or the codec fails. JPEG only: it has more than 65,500 pixels on a
/// side.
///
/// # Panics
/// `region` does not hold what is said above: a mistake of the caller.
pub fn encode(
    region: &Region,
    rect: Rect,
    format: OutputFormat,
    annotations: Option<&Annotations>,
) -> Result<Encoded, EncodeError> {
    match format {
        OutputFormat::Tiff { tile, compression } => {
            Ok(Encoded::plain(encode_tile(region, rect, tile, compression)?))
        }
        OutputFormat::Cog { tile, compression } => {
            Ok(Encoded::plain(enclosed(&encode_tile(region, rect, tile, compression)?)))
        }
        OutputFormat::Png => Ok(png_band::encode(region, rect)),
        OutputFormat::Jpeg { quality } if region.rect == rect => {
            Ok(Encoded::plain(encode_jpeg(region, quality, annotations)?))
        }
        OutputFormat::Jpeg { quality } => {
            Ok(Encoded::plain(encode_jpeg(&region.crop(rect), quality, annotations)?))
        }
    }
}

/// Encodes a tile of a TIFF.
fn encode_tile(
    region: &Region,
    rect: Rect,
    side: u32,
    compression: TiffCompression,
) -> Result<Vec<u8>, EncodeError> {
    match compression {
        TiffCompression::Jpeg { quality } => encode_jpeg_tile(region, rect, side, quality),
        TiffCompression::None | TiffCompression::Deflate | TiffCompression::Lzw | TiffCompression::Zstd => {
            Ok(tiff_write::encode(region, rect, side, compression))
        }
    }
}

/// A tile between a COG's leader and trailer. No compression makes fewer than four bytes of a tile.
fn enclosed(tile: &[u8]) -> Vec<u8> {
    let length = u32::try_from(tile.len()).expect("a tile has less than 4 GiB");
    [&length.to_le_bytes(), tile, &tile[tile.len() - TRAILER..]].concat()
}

/// Encodes a whole image as a baseline JPEG: 4:2:0 where there is colour, standard Huffman tables, one restart interval
/// for each row of MCUs. Each of these rows is encoded as an image of its own, so that rows encoded anywhere join.
fn encode_jpeg(
    image: &Region,
    quality: u8,
    annotations: Option<&Annotations>,
) -> Result<Vec<u8>, EncodeError> {
    let (size, channels) = (image.rect.size(), image.channels);
    let samples = jpeg_samples(image)?;
    if size.width.max(size.height) > LARGEST_JPEG {
        let message =
            format!("a JPEG has at most {LARGEST_JPEG} pixels on a side, not {size}: write TIFF or PNG");
        return Err(EncodeError::Refused(message));
    }
    let mcu = if channels == Channels::Gray { 8 } else { 16 };
    let row = size.width as usize * channels.count();
    let strips = samples.chunks(row * mcu as usize).map(|rows| {
        let strip = Size::new(size.width, (rows.len() / row) as u32);
        jpeg::encode_strip(rows, strip, channels, quality).map_err(EncodeError::Codec)
    });
    let strips = strips.collect::<Result<Vec<_>, _>>()?;
    // Both fit, since a side has at most 65,500 pixels.
    Ok(jpeg_stream::join(&strips, size.height as u16, size.width.div_ceil(mcu) as u16, annotations))
}

/// Encodes a tile as a JPEG of its own. Where the image ends inside it, its last column and row are repeated.
fn encode_jpeg_tile(region: &Region, rect: Rect, side: u32, quality: u8) -> Result<Vec<u8>, EncodeError> {
    let tile = region.crop(rect);
    let samples = jpeg_samples(&tile)?;
    let (count, side) = (tile.channels.count(), side as usize);
    let row = rect.width as usize * count;
    let mut padded = Vec::with_capacity(side * side * count);
    for y in 0..side {
        let from = y.min(rect.height as usize - 1) * row;
        let samples = &samples[from..from + row];
        padded.extend(samples);
        let last = &samples[row - count..];
        padded.extend(last.iter().cycle().take((side - rect.width as usize) * count));
    }
    let size = Size::new(side as u32, side as u32);
    jpeg::encode_strip(&padded, size, tile.channels, quality).map_err(EncodeError::Codec)
}

/// The samples of an image that JPEG can hold.
fn jpeg_samples(image: &Region) -> Result<&[u8], EncodeError> {
    let pixel = image.pixel();
    if pixel.channels.has_alpha() {
        return Err(EncodeError::Refused(
            "JPEG holds no alpha: add the operation flatten, or write PNG".into(),
        ));
    }
    match &image.samples {
        Samples::U8(samples) => Ok(samples),
        Samples::U16(_) => {
            let bits = Depth::U16.bits();
            let message = format!(
                "JPEG holds no {bits}-bit samples: add the operation depth with bits 8, or write PNG"
            );
            Err(EncodeError::Refused(message))
        }
    }
}
