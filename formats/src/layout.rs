//! What stands before and after the encoded tiles or bands of a file, for every output format alike.
//! A file is its head, its parts in file order (that of [`tessera_core::grid::Grid`], smaller levels first), and its tail.

use crate::checksum::{ADLER_EMPTY, adler32_join};
use crate::jpeg_out;
use crate::notes::Annotations;
use crate::png_out;
use crate::tiff_out::TiffFile;
use tessera_core::operation::Extent;
use tessera_core::output::OutputFormat;

/// What a file's layout needs to know of an encoded tile or band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its encoded bytes.
    pub size: u32,
    /// Adler-32 of its filtered rows (PNG; else 1).
    pub adler: u32,
    /// Bytes of its filtered rows (PNG; else 0).
    pub filtered: u64,
}

/// The layout of an output file.
#[derive(Debug, Clone)]
pub enum Layout {
    /// A TIFF, perhaps a COG: all is in the head.
    Tiff(TiffFile),
    /// A PNG.
    Png {
        /// Size and pixel type.
        extent: Extent,
        /// What is said beside the pixels.
        annotations: Annotations,
    },
    /// A WebP: one part, which is all of it.
    WebP,
    /// A JPEG.
    Jpeg {
        /// Size and pixel type.
        extent: Extent,
        /// 1 to 100.
        quality: u8,
        /// What is said beside the pixels.
        annotations: Annotations,
    },
}

impl Layout {
    /// The layout of a file of format `format` for an image of extent `extent`, with `annotations`; a WebP's stand
    /// in its one part.
    pub fn new(extent: Extent, format: OutputFormat, annotations: Annotations) -> Layout {
        match format {
            OutputFormat::Tiff { tile, compression } => {
                Layout::Tiff(TiffFile::new(extent, tile, compression, annotations))
            }
            OutputFormat::Cog { tile, compression } => {
                Layout::Tiff(TiffFile::cog(extent, tile, compression, annotations))
            }
            OutputFormat::Png => Layout::Png { extent, annotations },
            OutputFormat::WebP { .. } => Layout::WebP,
            OutputFormat::Jpeg { quality } => Layout::Jpeg { extent, quality, annotations },
        }
    }

    /// Length of the head, known before any part is encoded.
    pub fn head_len(&self) -> u64 {
        match self {
            Layout::Tiff(file) => file.header_len(),
            Layout::WebP => 0,
            Layout::Png { extent, annotations } => png_out::head(*extent, annotations).len() as u64,
            Layout::Jpeg { extent, quality, annotations } => {
                jpeg_out::head(*extent, *quality, annotations).len() as u64
            }
        }
    }

    /// What stands before the parts; `parts` are all of them in file order.
    ///
    /// # Panics
    /// The parts are not as many as the grid's tiles.
    pub fn head(&self, parts: &[Part]) -> Vec<u8> {
        match self {
            Layout::Tiff(file) => file.header(&parts.iter().map(|part| part.size).collect::<Vec<_>>()),
            Layout::WebP => Vec::new(),
            Layout::Png { extent, annotations } => png_out::head(*extent, annotations),
            Layout::Jpeg { extent, quality, annotations } => jpeg_out::head(*extent, *quality, annotations),
        }
    }

    /// What stands behind the parts.
    pub fn tail(&self, parts: &[Part]) -> Vec<u8> {
        match self {
            Layout::Tiff(_) | Layout::WebP => Vec::new(),
            Layout::Jpeg { .. } => jpeg_out::TAIL.to_vec(),
            Layout::Png { .. } => {
                let join = |adler, part: &Part| adler32_join(adler, part.adler, part.filtered);
                png_out::tail(parts.iter().fold(ADLER_EMPTY, join))
            }
        }
    }
}
