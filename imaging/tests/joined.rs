//! Parts encoded apart, in any order, from any surroundings, make the same valid file.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DEFLATE, LZW, ZSTD, decode, picture, tiles};
use tessera_core::geometry::Rect;
use tessera_core::operation::Extent;
use tessera_core::output::OutputFormat;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::layout::{Layout, Part};
use tessera_formats::notes::Annotations;
use tessera_imaging::{encode, write_whole};
use tessera_operations::region::{Region, Samples};

/// The least region that a part can be encoded from.
fn least(image: &Region, rect: Rect, format: OutputFormat) -> Region {
    let above = if format == OutputFormat::Png { u32::from(rect.y > 0) } else { 0 };
    image.crop(Rect { y: rect.y - above, height: rect.height + above, ..rect })
}

#[test]
fn parts_encoded_backwards_from_as_few_pixels_as_possible_make_the_same_file() {
    for pixel in [PixelType::new(Channels::Gray, Depth::U8), PixelType::new(Channels::Rgba, Depth::U16)] {
        // Several bands, several blocks.
        let image = picture(2100, 2600, pixel);
        let extent = Extent { size: image.rect.size(), pixel };
        let jpeg = OutputFormat::Jpeg { quality: 90 };
        for format in
            [DEFLATE, LZW, ZSTD, OutputFormat::Png].into_iter().chain((pixel.bytes() == 1).then_some(jpeg))
        {
            let rects = tiles(extent, format);
            assert!(rects.len() > 1);
            let one = |rect: &Rect| encode(&least(&image, *rect, format), *rect, format, None).unwrap();
            let mut encoded: Vec<_> = rects.iter().rev().map(one).collect();
            encoded.reverse();
            let parts: Vec<Part> = encoded.iter().map(|part| part.part()).collect();
            let layout = Layout::new(extent, format, Annotations::default());
            let mut bytes = layout.head(&parts);
            assert_eq!(bytes.len() as u64, layout.head_len());
            encoded.iter().for_each(|part| bytes.extend(&part.bytes));
            bytes.extend(layout.tail(&parts));
            assert_eq!(bytes, write_whole(&image, format, None).unwrap());
            if format != jpeg {
                assert_eq!(decode(&bytes).1, image);
            }
        }
    }
}

#[test]
fn a_jpeg_of_several_bands_is_what_the_encoder_makes_of_the_whole() {
    // 4:2:0 in bands of 16 rows: the same coefficients as one call of libjpeg on all rows would give, so the same pixels.
    let image = picture(3000, 1200, PixelType::new(Channels::Rgb, Depth::U8));
    let extent = Extent { size: image.rect.size(), pixel: image.pixel() };
    let format = OutputFormat::Jpeg { quality: 90 };
    assert!(tiles(extent, format).len() > 2);
    let bytes = write_whole(&image, format, None).unwrap();
    let markers: Vec<u8> = bytes
        .windows(2)
        .filter(|pair| pair[0] == 0xff && (0xd0..=0xd7).contains(&pair[1]))
        .map(|pair| pair[1] - 0xd0)
        .collect();
    assert_eq!(markers.len(), 1200 / 16 - 1);
    assert!(markers.iter().enumerate().all(|(at, marker)| usize::from(*marker) == at % 8));
    let (_, decoded) = decode(&bytes);
    let (Samples::U8(before), Samples::U8(after)) = (&image.samples, &decoded.samples) else {
        panic!("8 bits")
    };
    let apart: u64 = before.iter().zip(after).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = apart as f64 / before.len() as f64;
    assert!(mean < 24.0, "{mean}");
}

#[test]
fn a_bands_bytes_depend_on_the_row_above_and_on_no_other() {
    let pixel = PixelType::new(Channels::Rgb, Depth::U8);
    let image = picture(300, 96, pixel);
    let band = Rect::new(0, 32, 300, 32);
    let encoded = encode(&image, band, OutputFormat::Png, None).unwrap();
    let mut other = Region::zeroed(image.rect, pixel);
    other.paste(&image.crop(Rect::new(0, 31, 300, 33)));
    assert_eq!(encode(&other, band, OutputFormat::Png, None).unwrap(), encoded);
}

#[test]
fn a_jpeg_holds_what_an_encoder_of_the_whole_would_write() {
    // Two rows of MCUs and a part of a third, each an image of its own: the same pixels come out.
    let image = picture(50, 40, PixelType::new(Channels::Rgb, Depth::U8));
    let bytes = write_whole(&image, OutputFormat::Jpeg { quality: 90 }, None).unwrap();
    let whole = decode(&bytes).1;
    let first = image.crop(Rect::new(0, 0, 50, 16));
    let strip = decode(&write_whole(&first, OutputFormat::Jpeg { quality: 90 }, None).unwrap()).1;
    // Chroma is interpolated across rows of MCUs, so the last two rows of the strip see their neighbours.
    let inner = Rect::new(0, 0, 50, 14);
    assert_eq!(whole.crop(inner), strip.crop(inner));
}
