//! WebP output: what is written is read again, by a decoder that is not the encoder's, and its bytes are fixed.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{CHANNELS, decode, picture, profile};
use sha2::{Digest, Sha256};
use tessera_core::geometry::Size;
use tessera_core::output::{OutputFormat, WebPCoding};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_imaging::{profile as profile_of, write_whole};
use tessera_operations::region::{Region, Samples};

const LOSSLESS: OutputFormat = OutputFormat::WebP { coding: WebPCoding::Lossless };
const LOSSY: OutputFormat = OutputFormat::WebP { coding: WebPCoding::Lossy { quality: 90 } };

/// The samples with colours.
fn coloured(image: &Region) -> Vec<u8> {
    let Samples::U8(samples) = &image.samples else { panic!("8 bits") };
    let count = image.channels.count();
    let pixels = samples.chunks(count);
    let alpha = image.channels.has_alpha();
    pixels
        .flat_map(|pixel| {
            let colours = if count < 3 { vec![pixel[0]; 3] } else { pixel[..3].to_vec() };
            colours.into_iter().chain(alpha.then(|| pixel[count - 1]))
        })
        .collect()
}

#[test]
fn without_loss_every_sample_comes_back_also_under_transparency() {
    for channels in CHANNELS {
        let image = picture(203, 111, PixelType::new(channels, Depth::U8));
        let (header, read) = decode(&write_whole(&image, LOSSLESS, None).unwrap());
        assert_eq!(header.format(), "webp");
        assert_eq!(read.samples, Samples::U8(coloured(&image)), "{channels:?}");
    }
}

#[test]
fn with_loss_the_picture_is_still_the_same_to_the_eye() {
    let size = Size::new(200, 150);
    let at = |i: u32| (i % 3, i / 3 % size.width, i / 3 / size.width);
    let value = |i: u32| {
        let (c, x, y) = at(i);
        (x + y / 2 + 20 * c) as u8
    };
    let samples = Samples::U8((0..size.pixels() as u32 * 3).map(value).collect());
    let image = Region { rect: size.rect(), channels: Channels::Rgb, samples };
    let (_, read) = decode(&write_whole(&image, LOSSY, None).unwrap());
    let (Samples::U8(before), Samples::U8(after)) = (&image.samples, &read.samples) else { panic!("8 bits") };
    let sum: u64 = before.iter().zip(after).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(sum < 3 * before.len() as u64, "{} on average", sum as f64 / before.len() as f64);
}

#[test]
fn a_profile_is_carried_in_every_form_of_the_container() {
    for (channels, format) in [
        (Channels::Rgb, LOSSY),
        (Channels::Rgba, LOSSY),
        (Channels::Rgb, LOSSLESS),
        (Channels::Rgba, LOSSLESS),
    ] {
        let image = picture(50, 40, PixelType::new(channels, Depth::U8));
        let raw = profile(b"RGB ", 301);
        let bytes = write_whole(&image, format, Some(&raw)).unwrap();
        let (header, read) = decode(&bytes);
        assert_eq!((profile_of(&header).as_ref(), read.channels), (Some(&raw), channels), "{format:?}");
        assert_eq!(read, decode(&write_whole(&image, format, None).unwrap()).1);
    }
}

#[test]
fn what_a_webp_cannot_hold_is_refused() {
    let deep = picture(3, 3, PixelType::new(Channels::Rgb, Depth::U16));
    assert!(write_whole(&deep, LOSSY, None).unwrap_err().to_string().contains("depth"));
    let long = picture(16_384, 1, PixelType::new(Channels::Gray, Depth::U8));
    assert!(write_whole(&long, LOSSLESS, None).unwrap_err().to_string().contains("16383"));
}

#[test]
fn a_webp_has_its_golden_bytes() {
    let digest = |format, channels| {
        let bytes =
            write_whole(&picture(300, 200, PixelType::new(channels, Depth::U8)), format, None).unwrap();
        let start: String = Sha256::digest(&bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{} {start}", bytes.len())
    };
    let kinds = [(LOSSLESS, Channels::Rgba), (LOSSY, Channels::Rgb), (LOSSY, Channels::Rgba)];
    let digests = kinds.map(|(format, channels)| digest(format, channels));
    assert_eq!(digests, ["35004 5c591403aa85f0cd", "12982 75fd553b8a07da7a", "23980 e7128a13ef0954f5"]);
}
