//! The bytes of encoded tiles, bands and images are fixed. A new version of a codec, another processor or a change of
//! ours that gives other bytes fails here; then it is a new option, not a new default.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{COG, DEFLATE, JPEG, LZW, PLAIN, ZSTD, picture};
use sha2::{Digest, Sha256};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_imaging::write_whole;

fn digest(format: OutputFormat, channels: Channels, depth: Depth) -> String {
    let bytes = write_whole(&picture(700, 333, PixelType::new(channels, depth)), format, None).unwrap();
    format!("{} {}", bytes.len(), hex(&Sha256::digest(bytes)[..8]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn uncompressed_tiles_have_their_golden_bytes() {
    assert_eq!(digest(PLAIN, Channels::GrayAlpha, Depth::U16), "1573088 92ccfe03f793d6c3");
}

#[test]
fn deflated_tiles_have_their_golden_bytes() {
    assert_eq!(digest(DEFLATE, Channels::Gray, Depth::U8), "26944 ee64a30ba564b836");
    assert_eq!(digest(DEFLATE, Channels::Rgb, Depth::U16), "72692 8d53f70073c78712");
}

#[test]
fn tiles_of_the_other_compressions_have_their_golden_bytes() {
    assert_eq!(digest(LZW, Channels::Gray, Depth::U8), "37737 018a8b7ea12002f4");
    assert_eq!(digest(LZW, Channels::Rgb, Depth::U16), "165104 f01079f1643850fc");
    assert_eq!(digest(ZSTD, Channels::Gray, Depth::U8), "37011 bb1d7d9a14ab3e3e");
    assert_eq!(digest(ZSTD, Channels::Rgb, Depth::U16), "121082 7fd095fe470b1c4d");
    assert_eq!(digest(JPEG, Channels::Gray, Depth::U8), "84204 511c41e80d051529");
    assert_eq!(digest(JPEG, Channels::Rgb, Depth::U8), "92421 93dddfb4a23b06cd");
}

#[test]
fn a_cog_has_its_golden_bytes() {
    let jpeg = OutputFormat::Cog { tile: 256, compression: TiffCompression::Jpeg { quality: 90 } };
    assert_eq!(digest(COG, Channels::Rgba, Depth::U16), "407239 18e68094c2021d5b");
    assert_eq!(digest(jpeg, Channels::Rgb, Depth::U8), "143024 c1352bb576af1af6");
}

#[test]
fn bands_of_a_png_have_their_golden_bytes() {
    assert_eq!(digest(OutputFormat::Png, Channels::Gray, Depth::U8), "43622 d9151ce9476007f8");
    assert_eq!(digest(OutputFormat::Png, Channels::Rgba, Depth::U16), "490494 78123ae995b801d2");
}

#[test]
fn a_jpeg_has_its_golden_bytes() {
    let jpeg = OutputFormat::Jpeg { quality: 90 };
    assert_eq!(digest(jpeg, Channels::Gray, Depth::U8), "63544 5aca44a163bc7e26");
    assert_eq!(digest(jpeg, Channels::Rgb, Depth::U8), "67239 2ccbfd270b7569ed");
}
