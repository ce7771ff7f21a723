//! Files that other programs wrote (see data/README.md) give the pixels that those programs read.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{decode, picture};
use sha2::{Digest, Sha256};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::orientation::Orientation;
use tessera_formats::{Kind, Ranges, tiff};
use tessera_imaging::{decode_tile, orient::orient};
use tessera_operations::region::{Region, Samples};

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn original(channels: Channels, depth: Depth) -> Region {
    picture(50, 37, PixelType::new(channels, depth))
}

fn check(name: &str, expected: &Region) {
    assert_eq!(&decode(&read(name)).1, expected, "{name}");
}

#[test]
fn lossless_tiffs_give_the_picture() {
    check("big-endian-lzw-strips.tif", &original(Channels::Rgb, Depth::U16));
    check("big-endian-bigtiff-deflate-tiles.tif", &original(Channels::Rgba, Depth::U16));
    check("white-is-zero.tif", &original(Channels::Gray, Depth::U8));
    check("one-plain-strip.tif", &original(Channels::Rgb, Depth::U8));
}

#[test]
fn a_recorded_orientation_is_applied() {
    let original = original(Channels::Rgb, Depth::U8);
    let turned = |tag| orient(original.clone(), Orientation::from_tag(tag), Size::new(50, 37));
    check("orientation-6.tif", &turned(6));
    check("orientation-8.png", &turned(8));
}

#[test]
fn an_interlaced_png_of_16_bits_gives_the_picture() {
    check("interlaced-16.png", &original(Channels::Rgb, Depth::U16));
}

/// The first 8 bytes of the SHA-256 of the samples, which have 8 bits.
fn digest(name: &str, size: Size, channels: Channels) -> String {
    let (header, region) = decode(&read(name));
    assert_eq!((header.extent.size, region.channels), (size, channels), "{name}");
    let Samples::U8(samples) = region.samples else { panic!("{name} has 8 bits") };
    Sha256::digest(samples)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn jpegs_are_decoded_as_libjpeg_turbo_does() {
    let (wide, high) = (Size::new(50, 37), Size::new(37, 50));
    assert_eq!(digest("jpeg-ycbcr.tif", wide, Channels::Rgb), "710bba96f3495e85");
    assert_eq!(digest("jpeg-rgb.tif", wide, Channels::Rgb), "c2b83e779d4a2a36");
    assert_eq!(digest("progressive-orientation-8.jpg", high, Channels::Rgb), "b91181de4f7e3922");
}

#[test]
fn palettes_low_bit_depths_and_associated_alpha_are_expanded() {
    let size = Size::new(50, 37);
    assert_eq!(digest("palette-transparent.png", size, Channels::Rgba), "b4a6c966f3842aff");
    assert_eq!(digest("one-bit.png", size, Channels::Gray), "dd068965690bd34b");
    assert_eq!(digest("associated-alpha.tif", size, Channels::Rgba), "3081668af3de6b1d");
}

#[test]
fn a_part_of_a_turned_image_is_made_of_the_tiles_that_hold_it() {
    let bytes = read("orientation-6.tif");
    let (header, whole) = decode(&bytes);
    let ranges = Ranges::whole(bytes.clone());
    let Kind::Tiff(layout) = &header.kind else { panic!("a TIFF") };
    assert_eq!(header.tile_size(), Some(Size::new(16, 32)));
    let table = tiff::tile_table(&ranges, bytes.len() as u64, layout, 0..layout.tiles()).unwrap();
    let tessera_formats::Progress::Done(table) = table else { panic!("all bytes are there") };
    for rect in [Rect::new(0, 0, 1, 1), Rect::new(3, 30, 30, 5), Rect::new(36, 49, 1, 1), whole.rect] {
        let mut part = Region::zeroed(rect, whole.pixel());
        for index in header.tiles_for(rect) {
            let tile =
                decode_tile(&header, index, &[ranges.get(table.bytes_of(index).unwrap()).unwrap()]).unwrap();
            assert!(!tile.rect.intersect(&rect).is_empty(), "tile {index} is not needed for {rect:?}");
            part.paste(&tile);
        }
        assert_eq!(part, whole.crop(rect));
    }
}

#[test]
fn a_tile_of_no_bytes_is_all_zeros() {
    let (header, _) = decode(&read("jpeg-ycbcr.tif"));
    let tile = decode_tile(&header, 3, &[b""]).unwrap();
    assert_eq!(tile, Region::zeroed(Rect::new(32, 32, 18, 5), PixelType::new(Channels::Rgb, Depth::U8)));
}
