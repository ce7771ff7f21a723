//! What is written is read back the same, by our reader and by an independent one.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{COG, DEFLATE, JPEG, LZW, PLAIN, ZSTD, decode, picture, pixel_types, profile, tiles};
use image::{DynamicImage, ImageFormat};
use tessera_core::geometry::Size;
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::Kind;
use tessera_formats::notes::Annotations;
use tessera_formats::tiff_out::TiffFile;
use tessera_imaging::{encode, write_whole};
use tessera_operations::region::{Region, Samples};

const SIZES: [(u32, u32); 6] = [(1, 1), (1, 700), (300, 1), (256, 256), (257, 511), (70, 41)];

/// The samples of an image as the `image` crate reads it.
fn independent(bytes: &[u8], format: ImageFormat) -> Samples {
    match image::load_from_memory_with_format(bytes, format).unwrap() {
        DynamicImage::ImageLuma8(image) => Samples::U8(image.into_raw()),
        DynamicImage::ImageLumaA8(image) => Samples::U8(image.into_raw()),
        DynamicImage::ImageRgb8(image) => Samples::U8(image.into_raw()),
        DynamicImage::ImageRgba8(image) => Samples::U8(image.into_raw()),
        DynamicImage::ImageLuma16(image) => Samples::U16(image.into_raw()),
        DynamicImage::ImageLumaA16(image) => Samples::U16(image.into_raw()),
        DynamicImage::ImageRgb16(image) => Samples::U16(image.into_raw()),
        DynamicImage::ImageRgba16(image) => Samples::U16(image.into_raw()),
        other => panic!("unexpected {:?}", other.color()),
    }
}

fn check(picture: &Region, format: OutputFormat, reader: ImageFormat) {
    let bytes = write_whole(picture, format, None).unwrap();
    let (header, region) = decode(&bytes);
    assert_eq!(header.extent, Extent { size: picture.rect.size(), pixel: picture.pixel() });
    assert_eq!(&region, picture, "{format:?} {:?}", picture.rect);
    // The image crate has no gray with alpha in TIFF, and takes no clipped tiles of LZW.
    if reader == ImageFormat::Png || picture.channels != Channels::GrayAlpha && format != LZW {
        assert_eq!(independent(&bytes, reader), picture.samples, "{format:?} {:?}", picture.rect);
    }
}

#[test]
fn a_tiff_of_every_pixel_type_and_size_is_read_back_the_same() {
    for pixel in pixel_types() {
        for (width, height) in SIZES {
            let picture = picture(width, height, pixel);
            check(&picture, DEFLATE, ImageFormat::Tiff);
            check(&picture, PLAIN, ImageFormat::Tiff);
            check(&picture, LZW, ImageFormat::Tiff);
            check(&picture, ZSTD, ImageFormat::Tiff);
        }
    }
}

#[test]
fn the_tiles_of_a_tiff_can_be_jpegs() {
    for channels in [Channels::Gray, Channels::Rgb] {
        let picture = smooth(300, 270, channels);
        let bytes = write_whole(&picture, JPEG, None).unwrap();
        let (header, region) = decode(&bytes);
        assert_eq!(header.extent, Extent { size: picture.rect.size(), pixel: picture.pixel() });
        let (Samples::U8(read), Samples::U8(written)) = (&region.samples, &picture.samples) else { panic!() };
        let worst = read.iter().zip(written).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(6), "{channels:?}: {worst:?}");
    }
}

/// A picture that JPEG keeps well.
fn smooth(width: u32, height: u32, channels: Channels) -> Region {
    let count = channels.count() as u32;
    let sample = |at: u32| (at / count % width / 3 + at / count / width / 5 + at % count * 20) as u8;
    let samples = Samples::U8((0..width * height * count).map(sample).collect());
    Region { rect: Size::new(width, height).rect(), channels, samples }
}

#[test]
fn a_png_of_every_pixel_type_and_size_is_read_back_the_same() {
    for pixel in pixel_types() {
        for (width, height) in SIZES {
            check(&picture(width, height, pixel), OutputFormat::Png, ImageFormat::Png);
        }
    }
}

#[test]
fn pictures_of_several_blocks_and_bands_are_read_back_the_same() {
    let picture = picture(4500, 2300, PixelType::new(Channels::Gray, Depth::U8));
    check(&picture, DEFLATE, ImageFormat::Tiff);
    check(&picture, OutputFormat::Png, ImageFormat::Png);
}

#[test]
fn a_bigtiff_of_every_pixel_type_is_read_back_the_same() {
    for pixel in pixel_types() {
        let picture = picture(600, 300, pixel);
        let extent = Extent { size: picture.rect.size(), pixel };
        let profile = profile(b"RGB ", 501);
        let layout = TiffFile::new(
            extent,
            256,
            TiffCompression::Deflate,
            Annotations::of_profile(Some(profile.clone())),
        )
        .as_big();
        let rects = tiles(extent, DEFLATE);
        let parts: Vec<_> =
            rects.iter().map(|&rect| encode(&picture, rect, DEFLATE, None).unwrap()).collect();
        let mut bytes = layout.header(&parts.iter().map(|part| part.part().size).collect::<Vec<_>>());
        assert_eq!(bytes.len() as u64, layout.header_len());
        parts.iter().for_each(|part| bytes.extend(&part.bytes));
        let (header, region) = decode(&bytes);
        assert_eq!(region, picture);
        assert_eq!(tessera_imaging::profile(&header), Some(profile));
        if pixel.channels != Channels::GrayAlpha {
            assert_eq!(independent(&bytes, ImageFormat::Tiff), picture.samples);
        }
    }
}

#[test]
fn a_cog_of_every_pixel_type_is_read_back_the_same() {
    for pixel in pixel_types() {
        for (width, height) in [(1, 1), (256, 256), (700, 333), (2100, 300)] {
            check(&picture(width, height, pixel), COG, ImageFormat::Tiff);
        }
    }
}

#[test]
fn the_overviews_of_a_cog_are_its_halves() {
    let image = picture(1500, 700, PixelType::new(Channels::Rgb, Depth::U8));
    let bytes = write_whole(&image, COG, None).unwrap();
    let mut decoder = tiff::decoder::Decoder::new(std::io::Cursor::new(&bytes)).unwrap();
    let mut expected = image;
    for size in [(1500, 700), (750, 350), (375, 175), (188, 88)] {
        assert_eq!(decoder.dimensions().unwrap(), size);
        let tiff::decoder::DecodingResult::U8(samples) = decoder.read_image().unwrap() else {
            panic!("8 bits")
        };
        assert_eq!(expected.samples, Samples::U8(samples));
        expected = tessera_operations::halve(&expected);
        if size.0 > 188 {
            decoder.next_image().unwrap();
        }
    }
    assert!(!decoder.more_images());
}

#[test]
fn a_profile_is_carried_by_every_format() {
    let picture = picture(40, 30, PixelType::new(Channels::Rgb, Depth::U8));
    for length in [128, 65_519, 65_520, 200_001] {
        let profile = profile(b"RGB ", length);
        for format in [DEFLATE, PLAIN, COG, OutputFormat::Png, OutputFormat::Jpeg { quality: 90 }] {
            let bytes = write_whole(&picture, format, Some(&profile)).unwrap();
            let (header, _) = decode(&bytes);
            assert_eq!(
                tessera_imaging::profile(&header).as_ref(),
                Some(&profile),
                "{format:?}, {length} bytes"
            );
        }
    }
}

#[test]
fn a_jpeg_is_near_its_picture_and_has_a_restart_for_each_row_of_mcus() {
    for (channels, size) in [(Channels::Gray, (77, 41)), (Channels::Rgb, (77, 41)), (Channels::Rgb, (1, 1))] {
        let smooth: Vec<u8> =
            (0..size.0 * size.1 * channels.count() as u32).map(|i| (i / 97) as u8).collect();
        let rect = Size::new(size.0, size.1).rect();
        let picture = Region { rect, channels, samples: Samples::U8(smooth.clone()) };
        let bytes = write_whole(&picture, OutputFormat::Jpeg { quality: 90 }, None).unwrap();
        let (header, region) = decode(&bytes);
        let components = channels.count() as u8;
        assert_eq!(header.kind, Kind::Jpeg { progressive: false, components });
        let Samples::U8(decoded) = region.samples else { panic!("JPEG has 8 bits") };
        let error: u64 = decoded.iter().zip(&smooth).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        assert!(error < 8 * smooth.len() as u64, "mean error {}", error as f64 / smooth.len() as f64);
        let restarts =
            bytes.windows(2).filter(|pair| pair[0] == 0xff && (0xd0..=0xd7).contains(&pair[1])).count();
        assert_eq!(restarts as u32, size.1.div_ceil(if channels == Channels::Gray { 8 } else { 16 }) - 1);
    }
}

#[test]
fn a_jpeg_of_lowest_quality_is_still_baseline() {
    let picture = picture(64, 64, PixelType::new(Channels::Rgb, Depth::U8));
    for quality in [1, 10, 24, 25, 100] {
        let bytes = write_whole(&picture, OutputFormat::Jpeg { quality }, None).unwrap();
        assert!(bytes.windows(2).any(|pair| pair == [0xff, 0xc0]), "quality {quality}");
        decode(&bytes);
    }
}

#[test]
fn jpeg_refuses_alpha_and_16_bits_and_says_what_to_do() {
    let jpeg = OutputFormat::Jpeg { quality: 90 };
    let message = |channels, depth| {
        write_whole(&picture(8, 8, PixelType::new(channels, depth)), jpeg, None).unwrap_err().to_string()
    };
    assert!(message(Channels::Rgba, Depth::U8).contains("flatten"));
    assert!(message(Channels::Rgb, Depth::U16).contains("depth"));
}

#[test]
fn the_grid_and_the_parts_agree() {
    let extent = Extent { size: Size::new(3000, 2000), pixel: PixelType::new(Channels::Rgb, Depth::U8) };
    let rects = tiles(extent, DEFLATE);
    assert_eq!(rects.len() as u64, Grid::new(extent, DEFLATE).tiles());
    assert_eq!(rects.iter().map(|rect| rect.pixels()).sum::<u64>(), extent.size.pixels());
}
