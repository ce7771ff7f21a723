//! JPEG streams as marker segments (ITU-T T.81, annex B): completed from TIFF's abbreviated streams, and joined from
//! strips that were encoded on their own. Never touches coefficients.

use crate::decode::Damage;
use std::ops::Range;
use tessera_formats::notes::{Annotations, Resolution, Unit};

const SOI: [u8; 2] = [0xff, 0xd8];
const APP0: u8 = 0xe0;
const APP14: u8 = 0xee;
const SOF0: u8 = 0xc0;
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

/// The largest part of a profile in an APP2 segment.
const PROFILE_PART: usize = 65_519;

/// A marker segment: its code, and where it lies, from the marker to the end of its data.
struct Segment {
    code: u8,
    range: Range<usize>,
}

/// The segments of a stream from behind SOI up to SOS (included) or EOI (excluded); `None` where it is not a JPEG.
fn segments(stream: &[u8]) -> Option<Vec<Segment>> {
    let mut list = Vec::new();
    let mut at = stream.starts_with(&SOI).then_some(2)?;
    loop {
        let &[0xff, code] = stream.get(at..at + 2)? else { return None };
        match code {
            EOI => return Some(list),
            0xff => {
                at += 1;
                continue;
            }
            _ => {}
        }
        let &[high, low] = stream.get(at + 2..at + 4)? else { return None };
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        stream.get(at..end)?;
        list.push(Segment { code, range: at..end });
        if code == SOS {
            return Some(list);
        }
        at = end;
    }
}

/// The complete JPEG of a TIFF's tile: `stream` with the tables that the file keeps apart, and an Adobe marker that says
/// whether the components are YCbCr or RGB, since only the TIFF's own fields do (TIFF Technical Note 2).
pub(crate) fn complete(stream: &[u8], tables: Option<&[u8]>, ycbcr: bool) -> Result<Vec<u8>, Damage> {
    let broken = || Damage::Codec("its JPEG stream is not a sequence of markers".into());
    let mut whole = SOI.to_vec();
    whole.extend([0xff, APP14, 0, 14]);
    whole.extend(b"Adobe\0\x64\0\0\0\0");
    whole.push(u8::from(ycbcr));
    let tables = tables.unwrap_or(&[0xff, 0xd8, 0xff, EOI]);
    for segment in segments(tables).ok_or_else(broken)? {
        whole.extend(&tables[segment.range]);
    }
    let mut scan = 2;
    for segment in segments(stream).ok_or_else(broken)? {
        scan = segment.range.end;
        if !matches!(segment.code, APP0 | APP14) {
            whole.extend(&stream[segment.range]);
        }
    }
    whole.extend(&stream[scan..]);
    Ok(whole)
}

/// Joins strips of a row of MCUs each, every one encoded as an image of its own with the same tables, into one image of
/// `height` rows with a restart interval of `interval` MCUs. A profile goes behind the JFIF header, and a
/// resolution into it.
///
/// # Panics
/// A strip is not a baseline JPEG as the encoder writes it.
pub(crate) fn join(
    strips: &[Vec<u8>],
    height: u16,
    interval: u16,
    annotations: Option<&Annotations>,
) -> Vec<u8> {
    let mut image = SOI.to_vec();
    let first = &strips[0];
    for segment in segments(first).expect("the encoder writes segments") {
        if segment.code == SOS {
            image.extend([0xff, 0xdd, 0, 4]);
            image.extend(interval.to_be_bytes());
        }
        let start = image.len();
        image.extend(&first[segment.range]);
        match segment.code {
            APP0 => {
                if let Some(density) = annotations.and_then(|all| all.notes.resolution).and_then(density) {
                    image[start + 11..start + 16].copy_from_slice(&density);
                }
                image.extend(profile_segments(
                    annotations.and_then(|all| all.icc.as_deref()).unwrap_or_default(),
                ));
            }
            SOF0 => image[start + 5..start + 7].copy_from_slice(&height.to_be_bytes()),
            _ => {}
        }
    }
    for (index, strip) in strips.iter().enumerate() {
        if index > 0 {
            image.extend([0xff, 0xd0 + ((index - 1) % 8) as u8]);
        }
        image.extend(scan(strip));
    }
    image.extend([0xff, EOI]);
    image
}

/// The entropy-coded data of a strip.
fn scan(strip: &[u8]) -> &[u8] {
    let segments = segments(strip).expect("the encoder writes segments");
    let start = segments.last().expect("the encoder writes a scan").range.end;
    &strip[start..strip.len() - 2]
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
    let segment = |(number, part): (u8, &[u8])| {
        let mut bytes = vec![0xff, 0xe2];
        bytes.extend((part.len() as u16 + 16).to_be_bytes());
        bytes.extend(b"ICC_PROFILE\0");
        bytes.extend([number, count]);
        bytes.extend(part);
        bytes
    };
    (1..=count).zip(parts).flat_map(segment).collect()
}
