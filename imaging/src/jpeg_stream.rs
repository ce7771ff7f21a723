//! JPEG streams as marker segments (ITU-T T.81, annex B): completed from TIFF's abbreviated streams, and the coded data of
//! strips that were encoded on their own. Never touches coefficients.

use crate::decode::Damage;
use std::ops::Range;

const SOI: [u8; 2] = [0xff, 0xd8];
const APP0: u8 = 0xe0;
const APP14: u8 = 0xee;
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

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

/// The entropy-coded data of a strip that was encoded as an image of its own.
///
/// # Panics
/// It is not a baseline JPEG as the encoder writes it.
pub(crate) fn scan(strip: &[u8]) -> &[u8] {
    let segments = segments(strip).expect("the encoder writes segments");
    let start = segments.last().expect("the encoder writes a scan").range.end;
    &strip[start..strip.len() - 2]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::operation::Extent;
    use tessera_core::pixel::{Channels, Depth, PixelType};
    use tessera_formats::jpeg_out;
    use tessera_formats::notes::Annotations;

    #[test]
    fn the_head_that_is_written_apart_has_the_encoder_s_own_segments() {
        let size = Size::new(40, 16);
        for channels in [Channels::Gray, Channels::Rgb] {
            let extent = Extent { size, pixel: PixelType::new(channels, Depth::U8) };
            let pixels = vec![77; size.pixels() as usize * channels.count()];
            for quality in 1..=100 {
                let strip = crate::jpeg::encode_strip(&pixels, size, channels, quality).unwrap();
                let head = jpeg_out::head(extent, quality, &Annotations::default());
                let of = |stream: &[u8]| -> Vec<Vec<u8>> {
                    let all = segments(stream).unwrap().into_iter().filter(|segment| segment.code != 0xdd);
                    all.map(|segment| stream[segment.range].to_vec()).collect()
                };
                assert_eq!(of(&head), of(&strip), "{channels:?} {quality}");
            }
        }
    }
}
