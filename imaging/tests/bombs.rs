//! Files that mean harm: every kind of source with damage, and data that claims or becomes more than its pixels. There is
//! an error or there are pixels, never a panic, and memory stays bounded.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{picture, profile};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;
use tessera_core::geometry::Size;
use tessera_core::output::OutputFormat;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::png_out::chunk;
use tessera_imaging::{DecodeError, decode_file, decode_up_to, write_whole};

/// More pixels than any file here has before it is damaged, by far.
const MOST: u64 = 1 << 22;

/// What this process may hold at its peak, in MiB: several decoders at once, each of up to [`MOST`] pixels of 8 bytes.
const MEMORY: u64 = 700;

/// The peak of this process's memory in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// All files of data/kinds, each with its name.
fn kinds() -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/tests/data/kinds", env!("CARGO_MANIFEST_DIR"));
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let images = paths.filter(|path| path.extension().is_some_and(|ending| ending != "txt"));
    images.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

/// Decodes, and says whether there are pixels.
fn decodes(bytes: &[u8]) -> bool {
    match decode_up_to(bytes, MOST) {
        Ok((header, region)) => {
            assert_eq!((region.rect, region.pixel()), (header.extent.size.rect(), header.extent.pixel));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn damage(error: DecodeError) -> String {
    std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[test]
fn any_byte_of_any_kind_may_be_changed() {
    let mut pixels = 0;
    let mut all = 0;
    for (name, file) in kinds() {
        assert!(decodes(&file), "{name}");
        for at in 0..file.len() {
            // Headers, where every byte means something, with every bit; the rest with one.
            let bits = if at < 250 { 0..8 } else { at as u32 % 8..at as u32 % 8 + 1 };
            for bit in bits {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                pixels += u32::from(decodes(&changed));
                all += 1;
            }
        }
    }
    println!("{pixels} of {all} changed files give pixels; peak {} MiB", peak());
    assert!(peak() < MEMORY, "{} MiB", peak());
}

#[test]
fn any_kind_may_end_anywhere() {
    for (name, file) in kinds() {
        for length in 0..file.len() {
            // The end of a file may be metadata that is not read.
            assert!(!decodes(&file[..length]) || length > file.len() / 4, "{length} bytes of {name}");
        }
    }
    assert!(peak() < MEMORY, "{} MiB", peak());
}

/// Zeros that deflate to a thousandth.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    (0..bytes >> 20).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
    encoder.finish().unwrap()
}

/// A gray TIFF of one strip of `width` x `height` pixels with `data`, compressed as `compression` says.
fn strip(width: u32, height: u32, compression: u32, data: &[u8]) -> Vec<u8> {
    let fields: [(u16, u32); 9] = [
        (256, width),
        (257, height),
        (258, 8),
        (259, compression),
        (262, 1),
        (273, 122),
        (277, 1),
        (278, height),
        (279, data.len() as u32),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, value) in fields {
        bytes.extend([tag.to_le_bytes(), 4u16.to_le_bytes()].concat());
        bytes.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    // The next directory is the first again.
    bytes.extend(8u32.to_le_bytes());
    assert_eq!(bytes.len(), 122);
    bytes.extend(data);
    bytes
}

#[test]
fn a_directory_that_follows_itself_is_read_once() {
    let (header, region) = decode_file(&strip(4, 4, 1, &[7; 16])).unwrap();
    assert_eq!((header.extent.size, region.rect.pixels()), (Size::new(4, 4), 16));
}

#[test]
fn a_tile_that_inflates_to_more_than_its_pixels_is_damage() {
    let before = peak();
    // So many bytes for so few pixels are not even fetched.
    let file = strip(100, 100, 8, &[0; 2 << 20]);
    assert!(damage(decode_file(&file).unwrap_err()).contains("tile 0 has"));
    let file = strip(100, 100, 8, &bomb(256 << 20));
    assert!(damage(decode_file(&file).unwrap_err()).contains("does not end with its pixels"));
    // 128 KiB of zeros in a block of four bytes, again and again.
    let block = [&[0x02, 0x00, 0x10][..], &[0]].concat();
    let mut frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58].to_vec();
    (0..4000).for_each(|_| frame.extend(&block));
    frame.extend([0x03, 0x00, 0x10, 0]);
    let file = strip(100, 100, 50000, &frame);
    assert!(damage(decode_file(&file).unwrap_err()).contains("does not end with its pixels"));
    assert!(peak() < before + 200, "{} and {} MiB", before, peak());
}

#[test]
fn a_window_of_zstandard_that_no_tile_needs_is_refused() {
    // A window of 2^41 bytes.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x03, 0x00, 0x10, 0];
    assert!(damage(decode_file(&strip(10, 10, 50000, &frame)).unwrap_err()).starts_with("Zstandard"));
}

#[test]
fn tiles_that_hold_other_pixels_than_the_header_says_are_damage() {
    let gray = picture(60, 50, PixelType::new(Channels::Gray, Depth::U8));
    let jpeg = write_whole(&gray, OutputFormat::Jpeg { quality: 90 }, None).unwrap();
    assert!(decodes(&strip(60, 50, 7, &jpeg)));
    for (width, height) in [(61, 50), (60, 51), (59, 50), (60, 49), (30_000, 2000)] {
        let error = damage(decode_file(&strip(width, height, 7, &jpeg)).unwrap_err());
        assert!(error.contains("the data holds a JPEG of 60 x 50 pixels"), "{error}");
    }
    for compression in [1, 5, 8, 32773, 50000] {
        assert!(!decodes(&strip(60, 50, compression, &[0; 40])), "compression {compression}");
    }
}

#[test]
fn a_large_tile_of_several_scans_is_refused_before_its_coefficients_are_allocated() {
    let folder = format!("{}/tests/data/kinds", env!("CARGO_MANIFEST_DIR"));
    let mut jpeg = std::fs::read(format!("{folder}/gray-progressive.jpg")).unwrap();
    assert!(decodes(&strip(29, 19, 7, &jpeg)));
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc2]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x1f, 0x40, 0x1f, 0x40]);
    let before = peak();
    let error = damage(decode_file(&strip(8000, 8000, 7, &jpeg)).unwrap_err());
    assert!(error.contains("the data holds a JPEG of 8000 x 8000 pixels"), "{error}");
    assert!(peak() < before + 100);
}

#[test]
fn a_png_of_sixty_thousand_pixels_a_side_is_refused_from_its_header() {
    let header = [&60_000u32.to_be_bytes()[..], &60_000u32.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", &header));
    file.extend(chunk(b"IDAT", &bomb(449 << 20)));
    file.extend(chunk(b"IEND", b""));
    let before = peak();
    assert!(matches!(decode_file(&file), Err(DecodeError::TooLarge { .. })));
    assert!(peak() < before + 100);
}

#[test]
fn a_profile_that_inflates_without_end_is_left_out() {
    let rgb = picture(8, 8, PixelType::new(Channels::Rgb, Depth::U8));
    let mut file = write_whole(&rgb, OutputFormat::Png, Some(&profile(b"RGB ", 300))).unwrap();
    let start = file.windows(4).position(|name| name == b"iCCP").unwrap() - 4;
    let end = start + 12 + u32::from_be_bytes(file[start..start + 4].try_into().unwrap()) as usize;
    file.splice(start..end, chunk(b"iCCP", &[&b"x\0\0"[..], &bomb(512 << 20)].concat()));
    let (header, region) = decode_file(&file).unwrap();
    assert_eq!((tessera_imaging::profile(&header), region), (None, rgb));
}

#[test]
fn a_jpeg_of_scans_without_end_is_refused() {
    let folder = format!("{}/tests/data/kinds", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read(format!("{folder}/progressive.jpg")).unwrap();
    let scan = file.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let mut long = file[..scan].to_vec();
    (0..600).for_each(|_| long.extend(&file[scan..file.len() - 2]));
    long.extend([0xff, 0xd9]);
    assert!(damage(decode_file(&long).unwrap_err()).contains("scans, and at most 500"));
}
