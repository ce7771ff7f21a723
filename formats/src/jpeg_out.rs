//! The header of a baseline JPEG whose rows of MCUs are encoded on their own, each a restart interval, and joined
//! (ITU-T T.81, annex B): 4:2:0 where there is colour, the tables of annex K. Compresses nothing.

use crate::notes::{Annotations, Resolution, Unit};
use tessera_core::geometry::Size;
use tessera_core::operation::Extent;
use tessera_core::pixel::Channels;

/// What stands behind the last row of MCUs: EOI.
pub const TAIL: [u8; 2] = [0xff, 0xd9];

/// The largest part of a profile in an APP2 segment.
const PROFILE_PART: usize = 65_519;

/// Below this quality the tables are scaled as floating-point numbers and cut at 255, since beyond that they are no baseline.
const LOWEST_PLAIN_QUALITY: u8 = 25;

/// Rows and columns of an MCU, for an image of these channels.
pub fn mcu(channels: Channels) -> u32 {
    if channels.colours() == 1 { 8 } else { 16 }
}

/// What stands between the row of MCUs number `row` (from 0) and the one before it: a restart marker, counted modulo 8.
pub fn restart(row: u32) -> Option<[u8; 2]> {
    let number = row.checked_sub(1)? % 8;
    Some([0xff, 0xd0 + number as u8])
}

/// What stands before the first row of MCUs: from SOI to SOS, with the profile and the resolution of `annotations`.
///
/// The image has at most 65,535 pixels on a side, 8 bits and no alpha, which the plan has checked.
pub fn head(extent: Extent, quality: u8, annotations: &Annotations) -> Vec<u8> {
    let colour = extent.pixel.channels.colours() > 1;
    let mut head = vec![0xff, 0xd8];
    head.extend(segment(0xe0, &jfif(annotations.notes.resolution)));
    head.extend(profile_segments(annotations.icc.as_deref().unwrap_or_default()));
    let tables: [(&[u8; 64], &[u8], &[u8]); 2] =
        [(&LUMA, &LUMA_DC, &LUMA_AC), (&CHROMA, &CHROMA_DC, &CHROMA_AC)];
    let tables = &tables[..if colour { 2 } else { 1 }];
    for (number, (quantizers, ..)) in (0u8..).zip(tables) {
        head.extend(segment(0xdb, &[&[number], &zigzag(&scaled(quantizers, quality))[..]].concat()));
    }
    head.extend(segment(0xc0, &frame(extent.size, colour)));
    for (number, (_, dc, ac)) in (0u8..).zip(tables) {
        head.extend(segment(0xc4, &[&[number][..], dc].concat()));
        head.extend(segment(0xc4, &[&[0x10 | number][..], ac].concat()));
    }
    let interval = extent.size.width.div_ceil(mcu(extent.pixel.channels)) as u16;
    head.extend(segment(0xdd, &interval.to_be_bytes()));
    let scan: &[u8] = if colour { &[3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0] } else { &[1, 1, 0, 0, 63, 0] };
    head.extend(segment(0xda, scan));
    head
}

/// A marker segment.
fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let mut segment = vec![0xff, marker];
    segment.extend((data.len() as u16 + 2).to_be_bytes());
    segment.extend(data);
    segment
}

/// The data of the JFIF header, version 1.01.
fn jfif(resolution: Option<Resolution>) -> Vec<u8> {
    let density = resolution.and_then(density).unwrap_or([0, 0, 1, 0, 1]);
    [&b"JFIF\0\x01\x01"[..], &density, &[0, 0]].concat()
}

/// Unit and density of a JFIF header, where they fit.
fn density(resolution: Resolution) -> Option<[u8; 5]> {
    let (x, y) = resolution.rounded(resolution.unit, 1.0);
    let fits = |value: f64| (1.0..=f64::from(u16::MAX)).contains(&value);
    let unit = match resolution.unit {
        Unit::Inch => 1,
        Unit::Centimetre => 2,
    };
    let ([x1, x0], [y1, y0]) = ((x as u16).to_be_bytes(), (y as u16).to_be_bytes());
    (fits(x) && fits(y)).then_some([unit, x1, x0, y1, y0])
}

/// A profile in APP2 segments (ICC.1:2022, section B.4).
fn profile_segments(icc: &[u8]) -> Vec<u8> {
    let parts = icc.chunks(PROFILE_PART);
    let count = parts.len() as u8;
    let part = |(number, part): (u8, &[u8])| {
        segment(0xe2, &[&b"ICC_PROFILE\0"[..], &[number, count], part].concat())
    };
    (1..=count).zip(parts).flat_map(part).collect()
}

/// The data of SOF0: components with their sampling factors and tables.
fn frame(size: Size, colour: bool) -> Vec<u8> {
    let mut data = vec![8];
    data.extend((size.height as u16).to_be_bytes());
    data.extend((size.width as u16).to_be_bytes());
    data.extend(if colour { &[3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1][..] } else { &[1, 1, 0x11, 0] });
    data
}

/// libjpeg's scaling of a table for a quality of 1 to 100.
fn scaled(table: &[u8; 64], quality: u8) -> [u8; 64] {
    let quality = quality.clamp(1, 100);
    let scale = if quality < 50 { 5000 / u32::from(quality) } else { 200 - 2 * u32::from(quality) };
    table.map(|value| {
        let value = if quality < LOWEST_PLAIN_QUALITY {
            (f32::from(value) * (50.0 / f32::from(quality))).round() as u32
        } else {
            (u32::from(value) * scale + 50) / 100
        };
        value.clamp(1, 255) as u8
    })
}

/// The values in the order of the zigzag (figure A.6).
fn zigzag(table: &[u8; 64]) -> [u8; 64] {
    let mut at: Vec<usize> = (0..64).collect();
    // Diagonal by diagonal, upwards on the even ones and downwards on the odd ones.
    at.sort_by_key(|&at| {
        let (x, y) = (at % 8, at / 8);
        (x + y, if (x + y) % 2 == 0 { x } else { y })
    });
    std::array::from_fn(|index| table[at[index]])
}

/// Tables K.1 and K.2.
static LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
static CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// Tables K.3 to K.6: the number of code words of each length, then their values.
static LUMA_DC: [u8; 28] =
    [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
static LUMA_AC: [u8; 178] = [
    0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125, 1, 2, 3, 0, 4, 17, 5, 18, 33, 49, 65, 6, 19, 81, 97, 7,
    34, 113, 20, 50, 129, 145, 161, 8, 35, 66, 177, 193, 21, 82, 209, 240, 36, 51, 98, 114, 130, 9, 10, 22,
    23, 24, 25, 26, 37, 38, 39, 40, 41, 42, 52, 53, 54, 55, 56, 57, 58, 67, 68, 69, 70, 71, 72, 73, 74, 83,
    84, 85, 86, 87, 88, 89, 90, 99, 100, 101, 102, 103, 104, 105, 106, 115, 116, 117, 118, 119, 120, 121,
    122, 131, 132, 133, 134, 135, 136, 137, 138, 146, 147, 148, 149, 150, 151, 152, 153, 154, 162, 163, 164,
    165, 166, 167, 168, 169, 170, 178, 179, 180, 181, 182, 183, 184, 185, 186, 194, 195, 196, 197, 198, 199,
    200, 201, 202, 210, 211, 212, 213, 214, 215, 216, 217, 218, 225, 226, 227, 228, 229, 230, 231, 232, 233,
    234, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250,
];
static CHROMA_DC: [u8; 28] =
    [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
static CHROMA_AC: [u8; 178] = [
    0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119, 0, 1, 2, 3, 17, 4, 5, 33, 49, 6, 18, 65, 81, 7, 97,
    113, 19, 34, 50, 129, 8, 20, 66, 145, 161, 177, 193, 9, 35, 51, 82, 240, 21, 98, 114, 209, 10, 22, 36,
    52, 225, 37, 241, 23, 24, 25, 26, 38, 39, 40, 41, 42, 53, 54, 55, 56, 57, 58, 67, 68, 69, 70, 71, 72, 73,
    74, 83, 84, 85, 86, 87, 88, 89, 90, 99, 100, 101, 102, 103, 104, 105, 106, 115, 116, 117, 118, 119, 120,
    121, 122, 130, 131, 132, 133, 134, 135, 136, 137, 138, 146, 147, 148, 149, 150, 151, 152, 153, 154, 162,
    163, 164, 165, 166, 167, 168, 169, 170, 178, 179, 180, 181, 182, 183, 184, 185, 186, 194, 195, 196, 197,
    198, 199, 200, 201, 202, 210, 211, 212, 213, 214, 215, 216, 217, 218, 226, 227, 228, 229, 230, 231, 232,
    233, 234, 242, 243, 244, 245, 246, 247, 248, 249, 250,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zigzag_is_that_of_the_specification() {
        let order = zigzag(&std::array::from_fn(|at| at as u8));
        assert_eq!(order[..16], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5]);
        assert_eq!(order[60..], [47, 55, 62, 63]);
    }

    #[test]
    fn restart_markers_count_to_seven_and_begin_again() {
        assert_eq!(restart(0), None);
        assert_eq!(
            (restart(1), restart(8), restart(9)),
            (Some([0xff, 0xd0]), Some([0xff, 0xd7]), Some([0xff, 0xd0]))
        );
    }
}
