//! Encodes tiles and bands, each in one call and on its own, so that parts encoded anywhere in any order make one file
//! of fixed bytes. The file's head and tail are the business of [`tessera_formats::layout`].

use crate::{jpeg, jpeg_stream, png_band, tiff_write};
use tessera_core::geometry::{Rect, Size};
use tessera_core::output::OutputFormat;
use tessera_core::pixel::{Channels, Depth};
use tessera_formats::checksum::ADLER_EMPTY;
use tessera_formats::layout::Part;
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
/// - TIFF: `rect` is a tile of the grid. Any `region` that holds it will do.
/// - PNG: `rect` is a band. `region` has the same columns and holds, above the band, the row before it (but for the
///   first band), since the filters of its first row look at it.
/// - JPEG: `rect` is the whole image, and the raw profile `icc` goes into its bytes; elsewhere it stands in the head.
///
/// # Errors
/// JPEG only: the image has alpha or 16 bits or more than 65,500 pixels on a side, or the codec fails.
///
/// # Panics
/// `region` does not hold what is said above: a mistake of the caller.
pub fn encode(
    region: &Region,
    rect: Rect,
    format: OutputFormat,
    icc: Option<&[u8]>,
) -> Result<Encoded, EncodeError> {
    match format {
        OutputFormat::Tiff { tile, compression } => {
            Ok(Encoded::plain(tiff_write::encode(region, rect, tile, compression)))
        }
        OutputFormat::Png => Ok(png_band::encode(region, rect)),
        OutputFormat::Jpeg { quality } if region.rect == rect => {
            Ok(Encoded::plain(encode_jpeg(region, quality, icc)?))
        }
        OutputFormat::Jpeg { quality } => Ok(Encoded::plain(encode_jpeg(&region.crop(rect), quality, icc)?)),
    }
}

/// Encodes a whole image as a baseline JPEG: 4:2:0 where there is colour, standard Huffman tables, one restart interval
/// for each row of MCUs. Each of these rows is encoded as an image of its own, so that rows encoded anywhere join.
fn encode_jpeg(image: &Region, quality: u8, icc: Option<&[u8]>) -> Result<Vec<u8>, EncodeError> {
    let (size, channels) = (image.rect.size(), image.channels);
    let samples = jpeg_samples(image)?;
    let mcu = if channels == Channels::Gray { 8 } else { 16 };
    let row = size.width as usize * channels.count();
    let strips = samples.chunks(row * mcu as usize).map(|rows| {
        let strip = Size::new(size.width, (rows.len() / row) as u32);
        jpeg::encode_strip(rows, strip, channels, quality).map_err(EncodeError::Codec)
    });
    let strips = strips.collect::<Result<Vec<_>, _>>()?;
    // Both fit, since a side has at most 65,500 pixels.
    Ok(jpeg_stream::join(&strips, size.height as u16, size.width.div_ceil(mcu) as u16, icc))
}

/// The samples of an image that JPEG can hold.
fn jpeg_samples(image: &Region) -> Result<&[u8], EncodeError> {
    let pixel = image.pixel();
    if pixel.channels.has_alpha() {
        return Err(EncodeError::Refused(
            "JPEG holds no alpha: add the operation flatten, or write PNG".into(),
        ));
    }
    let size = image.rect.size();
    if size.width.max(size.height) > LARGEST_JPEG {
        let message =
            format!("a JPEG has at most {LARGEST_JPEG} pixels on a side, not {size}: write TIFF or PNG");
        return Err(EncodeError::Refused(message));
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
