//! The output formats and their options, as the plan records them. How they look in a file is the business of `formats`.

use serde::{Deserialize, Serialize};

/// Compression of the tiles of a TIFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TiffCompression {
    /// Samples as they are.
    None,
    /// Deflate (zlib, level 6) with the horizontal predictor.
    Deflate,
    /// LZW with the horizontal predictor: what the oldest readers know.
    Lzw,
    /// Zstandard (level 3) with the horizontal predictor.
    Zstd,
    /// Each tile a baseline JPEG, 4:2:0 where there is colour. The only one that loses something.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
}

/// How a WebP is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WebPCoding {
    /// Every sample as it is, also under transparency.
    Lossless,
    /// As libwebp loses it; alpha without loss.
    Lossy {
        /// 1 to 100.
        quality: u8,
    },
}

/// An output file's format with its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputFormat {
    /// Tiled TIFF, or BigTIFF where the uncompressed bound passes 4 GiB.
    Tiff {
        /// Side of a square tile in pixels: 256, 512 or 1024.
        tile: u32,
        /// How tiles are compressed.
        compression: TiffCompression,
    },
    /// Cloud Optimized GeoTIFF: a tiled TIFF with overviews, directories and small levels first.
    Cog {
        /// Side of a square tile in pixels: 256, 512 or 1024.
        tile: u32,
        /// How tiles are compressed.
        compression: TiffCompression,
    },
    /// PNG in bands that are deflated on their own.
    Png,
    /// Baseline JPEG, 4:2:0, one restart interval for each MCU row.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
    /// A still WebP, coded as a whole: it cannot be joined.
    #[serde(rename = "webp")]
    WebP {
        /// How it is coded.
        coding: WebPCoding,
    },
}
