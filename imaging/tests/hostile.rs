//! Damaged files give errors: no panic, no pixels made up, no memory that the pixels do not need.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DEFLATE, PLAIN, picture};
use proptest::prelude::*;
use tessera_core::output::OutputFormat;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_imaging::{DecodeError, decode_file, decode_up_to, write_whole};

const MOST: u64 = 1 << 22;

/// A small valid file of each kind.
fn files() -> Vec<Vec<u8>> {
    let rgb = picture(60, 50, PixelType::new(Channels::Rgb, Depth::U8));
    let deep = picture(300, 40, PixelType::new(Channels::GrayAlpha, Depth::U16));
    let jpeg = OutputFormat::Jpeg { quality: 90 };
    [(&rgb, DEFLATE), (&deep, PLAIN), (&rgb, OutputFormat::Png), (&deep, OutputFormat::Png), (&rgb, jpeg)]
        .map(|(image, format)| write_whole(image, format, None).unwrap())
        .to_vec()
}

/// Where no checksum and no structure covers the samples, damage cannot be seen; everywhere else it must be no panic.
fn decode(bytes: &[u8]) -> Result<(), DecodeError> {
    decode_up_to(bytes, MOST).map(|(header, region)| assert_eq!(region.rect, header.extent.size.rect()))
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    for file in files() {
        for length in (0..file.len() - 1).step_by(1 + file.len() / 400) {
            let cut = decode(&file[..length]);
            // The last 12 bytes of a PNG are IEND, and of a JPEG the last two EOI: without them all pixels are there.
            assert!(cut.is_err() || file.len() - length <= 16, "{length} of {} bytes", file.len());
        }
    }
}

#[test]
fn a_flipped_bit_in_a_deflated_tile_is_seen_by_its_checksum() {
    let rgb = picture(60, 50, PixelType::new(Channels::Rgb, Depth::U8));
    let file = write_whole(&rgb, DEFLATE, None).unwrap();
    for at in (240..file.len()).step_by(97) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        let error = decode(&damaged).expect_err(&format!("byte {at} of {}", file.len()));
        assert!(error.to_string().starts_with("tile 0 of the source, at (0, 0)"), "{error}");
    }
}

#[test]
fn more_pixels_than_asked_for_are_refused_before_they_are_decoded() {
    let file = write_whole(&picture(60, 50, PixelType::new(Channels::Gray, Depth::U8)), PLAIN, None).unwrap();
    assert!(matches!(decode_up_to(&file, 2999), Err(DecodeError::TooLarge { .. })));
    assert!(decode_up_to(&file, 3000).is_ok());
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(
        kind in 0usize..5,
        // Half of the damage is done to the header.
        damage in prop::collection::vec((prop_oneof![0usize..300, any::<usize>()], any::<u8>()), 1..8),
        cut in prop::option::weighted(0.2, any::<usize>()),
    ) {
        let mut file = files().swap_remove(kind);
        let length = file.len();
        damage.into_iter().for_each(|(at, byte)| file[at % length] = byte);
        file.truncate(cut.map_or(length, |cut| cut % length));
        let _ = decode(&file);
    }
}

/// A file of data/kinds.
fn kind(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/kinds/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn bytes_before_the_end_that_are_no_pixels_are_an_error() {
    for name in ["rgb.jpg", "gray.jpg", "restarts.jpg", "progressive.jpg", "cmyk.jpg"] {
        let mut bytes = kind(name);
        let end = bytes.len() - 2;
        assert_eq!(bytes[end..], [0xff, 0xd9], "{name}");
        bytes.splice(end..end, [0x12, 0x34, 0x56, 0x78].repeat(8));
        assert!(decode_file(&bytes).is_err(), "{name}");
    }
}

#[test]
fn a_webp_whose_image_ends_behind_the_file_is_an_error() {
    for name in ["lossy.webp", "lossless.webp", "lossy-alpha.webp"] {
        let bytes = kind(name);
        for cut in 1..4 {
            assert!(decode_file(&bytes[..bytes.len() - cut]).is_err(), "{name} {cut}");
        }
    }
}

#[test]
fn a_transparent_level_beyond_its_bits_is_refused() {
    for (name, level) in [("gray-1-trns.png", 0x03), ("gray-4-trns.png", 0x13)] {
        let mut bytes = kind(name);
        assert!(decode_file(&bytes).is_ok());
        let at = bytes.windows(4).position(|name| name == b"tRNS").unwrap();
        bytes[at + 5] = level;
        let said = decode_file(&bytes).unwrap_err();
        assert!(format!("{said:?}").contains("write it again with one of its levels"), "{said:?}");
    }
}
