//! Damaged files give errors: no panic, no pixels made up, no memory that the pixels do not need.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DEFLATE, PLAIN, picture};
use proptest::prelude::*;
use tessera_core::output::OutputFormat;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_imaging::{DecodeError, decode_up_to, write_whole};

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
