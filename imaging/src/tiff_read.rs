//! Decodes one tile or strip of a TIFF: decompress, undo the predictor, bring the samples to our pixel types.
//! Knows the stored image only; orientation comes after.

use crate::decode::{Damage, inflate, region_of_bytes};
use crate::jpeg::{self, Claim};
use crate::jpeg_stream::complete;
use crate::tiff_unpack::{interleave, pack_bits, paint, unpack, zstd};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::{Channels, PixelType};
use tessera_formats::tiff::{Compression, Photometric, TiffSource};
use tessera_operations::region::{Region, Samples};
use weezl::{BitOrder, LzwStatus, decode::Configuration};

/// The most pixels of a tile whose JPEG comes in several scans, since it takes the memory of all coefficients as well.
/// TIFF's writers use one scan.
const MOST_PIXELS_IN_SCANS: u64 = 1 << 20;

/// The pixels of tile `index`, clipped to the stored image, from the bytes of its planes.
pub(crate) fn decode(tiff: &TiffSource, index: u64, planes: &[impl AsRef<[u8]>]) -> Result<Region, Damage> {
    if planes.len() != tiff.planes() {
        let (found, expected) = (format!("{} planes", planes.len()), format!("{}", tiff.planes()));
        return Err(Damage::Other { found, expected });
    }
    let decoded = planes.iter().map(|bytes| plane(tiff, index, bytes.as_ref()));
    let mut tile = interleave(decoded.collect::<Result<Vec<_>, _>>()?, tiff.pixel.channels);
    match tiff.photometric {
        Photometric::WhiteIsZero => invert(&mut tile),
        Photometric::Palette => tile = paint(&tile, &tiff.palette),
        Photometric::BlackIsZero | Photometric::Rgb | Photometric::YCbCr => {}
    }
    if tiff.associated_alpha {
        unassociate(&mut tile);
    }
    Ok(tile)
}

/// One plane of a tile, clipped to the stored image.
fn plane(tiff: &TiffSource, index: u64, bytes: &[u8]) -> Result<Region, Damage> {
    let rect = tiff.tile_rect(index);
    let mut plane = stored_plane(tiff, rect, tiff.tile_stored(index), bytes)?;
    if tiff.predictor && !bytes.is_empty() {
        undo_predictor(&mut plane);
    }
    Ok(if plane.rect == rect { plane } else { plane.crop(rect) })
}

/// The samples as stored, with padding: those of a tile of size `stored`, or of the size that its JPEG has.
fn stored_plane(tiff: &TiffSource, rect: Rect, stored: Size, bytes: &[u8]) -> Result<Region, Damage> {
    let area = Rect::new(rect.x, rect.y, stored.width, stored.height);
    let pixel = plane_pixel(tiff);
    if bytes.is_empty() {
        return Ok(filled(area, pixel, tiff.sparse));
    }
    let expected = tiff.plane_bytes(stored) as usize;
    let samples = match tiff.compression {
        Compression::None => {
            bytes.get(..expected).ok_or(Damage::Short { found: bytes.len(), expected })?.to_vec()
        }
        Compression::PackBits => pack_bits(bytes, expected)?,
        Compression::Deflate => inflate(bytes, expected)?,
        Compression::Zstd => zstd(bytes, expected)?,
        Compression::Lzw => lzw(bytes, expected)?,
        Compression::Jpeg => return jpeg_plane(tiff, rect, bytes),
    };
    let samples = if tiff.bits < 8 { unpack(tiff, stored, &samples) } else { samples };
    Ok(region_of_bytes(area, pixel, samples, tiff.big_endian))
}

/// Pixels all of whose samples are `value`.
fn filled(area: Rect, pixel: PixelType, value: u16) -> Region {
    let mut region = Region::zeroed(area, pixel);
    match &mut region.samples {
        Samples::U8(samples) => samples.fill(value as u8),
        Samples::U16(samples) => samples.fill(value),
    }
    region
}

/// The type of the pixels of one plane. What is one sample is taken for gray: of a plane, and an index of a palette.
fn plane_pixel(tiff: &TiffSource) -> PixelType {
    let channels = if tiff.plane_samples() == 1 { Channels::Gray } else { tiff.pixel.channels };
    PixelType::new(channels, tiff.pixel.depth)
}

/// Decodes TIFF's LZW to exactly `length` bytes.
fn lzw(bytes: &[u8], length: usize) -> Result<Vec<u8>, Damage> {
    // The first code, 256, as programs wrote it before TIFF 5.0.
    if let [0, second, ..] = bytes
        && second & 1 == 1
    {
        let old = "LZW as it was before TIFF 5.0, with the lowest bits first: write the file again";
        return Err(Damage::Codec(old.into()));
    }
    let mut samples = vec![0; length];
    let mut decoder =
        Configuration::with_tiff_size_switch(BitOrder::Msb, 8).with_yield_on_full_buffer(true).build();
    let (mut read, mut written) = (0, 0);
    while written < length {
        let result = decoder.decode_bytes(&bytes[read..], &mut samples[written..]);
        read += result.consumed_in;
        written += result.consumed_out;
        let status = result.status.map_err(|error| Damage::Codec(format!("LZW: {error}")))?;
        let stuck = result.consumed_in == 0 && result.consumed_out == 0;
        if written < length && (stuck || matches!(status, LzwStatus::Done)) {
            return Err(Damage::Short { found: written, expected: length });
        }
    }
    Ok(samples)
}

/// A tile, or a plane of it, that is a JPEG of its own, at least as large as what is seen of the tile.
fn jpeg_plane(tiff: &TiffSource, rect: Rect, bytes: &[u8]) -> Result<Region, Damage> {
    let channels = plane_pixel(tiff).channels;
    let stream = complete(bytes, tiff.jpeg_tables.as_deref(), tiff.photometric == Photometric::YCbCr)?;
    let (least, most) = (rect.size(), tiff.tile);
    let fits = |Claim { size, scans }: Claim| {
        (scans <= 1 || size.pixels() <= MOST_PIXELS_IN_SCANS)
            && (least.width..=most.width).contains(&size.width)
            && (least.height..=most.height).contains(&size.height)
    };
    let (size, samples) = jpeg::decode(&stream, channels.count(), fits)?;
    let area = Rect::new(rect.x, rect.y, size.width, size.height);
    Ok(Region { rect: area, channels, samples: Samples::U8(samples) })
}

/// Sums the horizontal differences (TIFF 6.0, section 14), each channel on its own, modulo the samples' range.
fn undo_predictor(tile: &mut Region) {
    let (width, channels) = (tile.rect.width as usize, tile.channels);
    match &mut tile.samples {
        Samples::U8(samples) => sum_rows(samples, width, channels, u8::wrapping_add),
        Samples::U16(samples) => sum_rows(samples, width, channels, u16::wrapping_add),
    }
}

fn sum_rows<T: Copy + Default>(
    samples: &mut [T],
    width: usize,
    channels: Channels,
    add: impl Fn(T, T) -> T + Copy,
) {
    for row in samples.chunks_exact_mut((width * channels.count()).max(1)) {
        match channels {
            Channels::Gray => sum::<T, 1>(row, add),
            Channels::GrayAlpha => sum::<T, 2>(row, add),
            Channels::Rgb => sum::<T, 3>(row, add),
            Channels::Rgba => sum::<T, 4>(row, add),
        }
    }
}

fn sum<T: Copy + Default, const N: usize>(row: &mut [T], add: impl Fn(T, T) -> T) {
    let mut left = [T::default(); N];
    for pixel in row.as_chunks_mut::<N>().0 {
        left = std::array::from_fn(|channel| add(left[channel], pixel[channel]));
        *pixel = left;
    }
}

/// Turns 0 = white into 0 = black; alpha stays.
fn invert(tile: &mut Region) {
    let count = tile.channels.count();
    match &mut tile.samples {
        Samples::U8(samples) => samples.iter_mut().step_by(count).for_each(|sample| *sample = !*sample),
        Samples::U16(samples) => samples.iter_mut().step_by(count).for_each(|sample| *sample = !*sample),
    }
}

/// Divides the colours by alpha, rounded half to even; colour 0 where alpha is 0.
fn unassociate(tile: &mut Region) {
    let count = tile.channels.count();
    match &mut tile.samples {
        Samples::U8(samples) => {
            for pixel in samples.chunks_exact_mut(count) {
                let alpha = u32::from(pixel[count - 1]);
                pixel[..count - 1].iter_mut().for_each(|c| *c = divide(u32::from(*c), alpha, 255) as u8);
            }
        }
        Samples::U16(samples) => {
            for pixel in samples.chunks_exact_mut(count) {
                let alpha = u32::from(pixel[count - 1]);
                pixel[..count - 1].iter_mut().for_each(|c| *c = divide(u32::from(*c), alpha, 65_535) as u16);
            }
        }
    }
}

/// `colour * max / alpha`, at most `max`.
fn divide(colour: u32, alpha: u32, max: u32) -> u32 {
    if alpha == 0 {
        return 0;
    }
    let (quotient, rest) = (colour * max / alpha, colour * max % alpha);
    let up = 2 * rest > alpha || (2 * rest == alpha && quotient % 2 == 1);
    (quotient + u32::from(up)).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lzw_of_an_old_kind_is_named() {
        // 256, 7, 7, 257 in 9 bits each, the lowest first.
        let message = lzw(&[0x00, 0x0f, 0x1c, 0x08, 0x08], 2).unwrap_err().to_string();
        assert!(message.contains("before TIFF 5.0"), "{message}");
    }

    #[test]
    fn associated_alpha_is_divided_out_and_ties_go_to_even() {
        assert_eq!(divide(64, 128, 255), 128); // 127.5
        assert_eq!(divide(1, 2, 255), 128); // 127.5
        assert_eq!(divide(3, 2, 255), 255);
        assert_eq!(divide(9, 0, 255), 0);
        assert_eq!(divide(65_535, 65_535, 65_535), 65_535);
        assert_eq!(divide(1, 3, 255), 85);
    }
}
