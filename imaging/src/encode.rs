//! Encodes tiles and bands, each in one call and on its own, so that parts encoded anywhere in any order make one file
//! of fixed bytes. The file's head and tail are the business of [`tessera_formats::layout`].

use crate::{jpeg, jpeg_stream, png_band, tiff_write, webp_write};
use tessera_core::geometry::{Rect, Size};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::Depth;
use tessera_formats::checksum::ADLER_EMPTY;
use tessera_formats::jpeg_out::{mcu, restart};
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
    #[error("the {0} encoder failed: {1}")]
    Codec(&'static str, String),
}

/// Encodes the part `rect` of an output image from `region`, which holds its pixels.
///
/// - TIFF, COG: `rect` is a tile of the grid of a level, and `region` of the same level. Any `region` that holds it will do.
/// - PNG: `rect` is a band. `region` has the same columns and holds, above the band, the row before it (but for the
///   first band), since the filters of its first row look at it.
/// - JPEG: `rect` is a band, which begins with a row of MCUs. Any `region` of the same columns that holds it will do.
/// - WebP: `rect` is the whole image, and `annotations` go into its bytes; elsewhere they stand in the head.
///
/// # Errors
/// JPEG, also in TIFF: the image has alpha or 16 bits, or the codec fails. JPEG only: it has more than 65,500 pixels on a
/// side. WebP: the image has 16 bits, or more than 16,383 pixels on a side, or the codec fails.
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
        OutputFormat::Jpeg { quality } => Ok(Encoded::plain(encode_jpeg(region, rect, quality)?)),
        OutputFormat::WebP { coding } => {
            let icc = annotations.and_then(|all| all.icc.as_deref());
            Ok(Encoded::plain(webp_write::encode(region, coding, icc)?))
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

/// Encodes a band of a baseline JPEG: 4:2:0 where there is colour, standard Huffman tables, one restart interval for each
/// row of MCUs. Each of these rows is encoded as an image of its own, so that rows encoded anywhere join; the marker
/// before each is numbered by its place in the image.
fn encode_jpeg(region: &Region, band: Rect, quality: u8) -> Result<Vec<u8>, EncodeError> {
    let (channels, mcu) = (region.channels, mcu(region.channels));
    let samples = jpeg_samples(region)?;
    let side = band.right().max(band.bottom());
    if side > LARGEST_JPEG {
        let message =
            format!("a JPEG has at most {LARGEST_JPEG} pixels on a side, not {side}: write TIFF or PNG");
        return Err(EncodeError::Refused(message));
    }
    assert!(
        region.rect.x == 0 && region.rect.width == band.width && band.y.is_multiple_of(mcu),
        "a band is encoded from all its columns, and begins with a row of MCUs"
    );
    let row = band.width as usize * channels.count();
    let first = (band.y - region.rect.y) as usize * row;
    let samples = &samples[first..first + band.height as usize * row];
    let mut joined = Vec::new();
    for (number, rows) in (band.y / mcu..).zip(samples.chunks(row * mcu as usize)) {
        let strip = Size::new(band.width, (rows.len() / row) as u32);
        let strip = jpeg::encode_strip(rows, strip, channels, quality).map_err(jpeg_failed)?;
        joined.extend(restart(number).into_iter().flatten());
        joined.extend(jpeg_stream::scan(&strip));
    }
    Ok(joined)
}

fn jpeg_failed(error: String) -> EncodeError {
    EncodeError::Codec("JPEG", error)
}

/// Encodes a tile as a JPEG of its own. Where the image ends inside it, its last column and row are repeated.
fn encode_jpeg_tile(region: &Region, rect: Rect, side: u32, quality: u8) -> Result<Vec<u8>, EncodeError> {
    let samples = jpeg_samples(region)?;
    let (count, side) = (region.channels.count(), side as usize);
    let (stride, row) = (region.rect.width as usize * count, rect.width as usize * count);
    let first = (rect.y - region.rect.y) as usize * stride + (rect.x - region.rect.x) as usize * count;
    let mut padded = Vec::with_capacity(side * side * count);
    for y in 0..side {
        let from = first + y.min(rect.height as usize - 1) * stride;
        let samples = &samples[from..from + row];
        padded.extend(samples);
        let last = &samples[row - count..];
        padded.extend(last.iter().cycle().take((side - rect.width as usize) * count));
    }
    let size = Size::new(side as u32, side as u32);
    jpeg::encode_strip(&padded, size, region.channels, quality).map_err(jpeg_failed)
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
