//! Encodes a band of a PNG's rows on its own: filtered, deflated, in IDAT chunks that any other bands may stand before
//! and after. The bytes depend on the band's rows and the row above it, and on nothing else.

use crate::deflate::deflate;
use crate::encode::Encoded;
use crate::png_filter::Filter;
use tessera_core::geometry::Rect;
use tessera_formats::checksum::adler32;
use tessera_formats::png_out::chunk;
use tessera_operations::region::{Region, Samples};

/// The most bytes of an IDAT chunk, well below the format's 2^31.
const LARGEST_CHUNK: usize = 1 << 30;

/// Encodes the rows of `band`, as wide as the image, from `region`, which has the same columns, holds all the band's
/// rows and, unless the band begins at row 0, the row above it.
///
/// # Panics
/// `region` does not hold these rows.
pub(crate) fn encode(region: &Region, band: Rect) -> Encoded {
    let filtered = filter(region, band);
    let deflated = deflate(&filtered);
    let chunks: Vec<Vec<u8>> = deflated.chunks(LARGEST_CHUNK).map(|data| chunk(b"IDAT", data)).collect();
    Encoded { bytes: chunks.concat(), adler: adler32(&filtered), filtered: filtered.len() as u64 }
}

/// All filtered rows, each behind its filter's number.
fn filter(region: &Region, band: Rect) -> Vec<u8> {
    let above = Rect::new(band.x, band.y - u32::from(band.y > 0), band.width, 1);
    assert!(
        region.rect.x == band.x
            && region.rect.width == band.width
            && region.rect.contains(&band)
            && region.rect.contains(&above),
        "a band is encoded from its rows and the row above"
    );
    let pixel = region.pixel().bytes();
    let length = band.width as usize * pixel;
    let mut filter = Filter::new(length, pixel);
    let mut out = Vec::with_capacity((length + 1) * band.height as usize);
    let (mut previous, mut row) = (vec![0; length], vec![0; length]);
    if band.y > 0 {
        read_row(region, above.y, &mut previous);
    }
    for y in band.y..band.bottom() {
        read_row(region, y, &mut row);
        filter.append(&row, &previous, &mut out);
        std::mem::swap(&mut row, &mut previous);
    }
    out
}

/// Row `y` as PNG has it: 16 bits with the most significant byte first.
fn read_row(region: &Region, y: u32, row: &mut [u8]) {
    let length = region.rect.width as usize * region.channels.count();
    let start = (y - region.rect.y) as usize * length;
    match &region.samples {
        Samples::U8(samples) => row.copy_from_slice(&samples[start..start + length]),
        Samples::U16(samples) => {
            for (bytes, sample) in row.as_chunks_mut::<2>().0.iter_mut().zip(&samples[start..start + length])
            {
                *bytes = sample.to_be_bytes();
            }
        }
    }
}
