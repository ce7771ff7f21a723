//! What a TIFF's tiles need between their bytes and our samples: run lengths, Zstandard frames, samples of less than a
//! byte, planes, palettes. Every function allocates what it is told to make, whatever the bytes claim.

use crate::decode::Damage;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::Read;
use tessera_core::geometry::Size;
use tessera_core::pixel::Channels;
use tessera_formats::tiff::{Photometric, TiffSource};
use tessera_operations::region::{Region, Samples};

/// The window that a decoder of Zstandard must offer at least (RFC 8878, section 3.1.1.1.2).
const LEAST_WINDOW: usize = 8 << 20;

/// Expands runs of bytes (TIFF 6.0, section 9) to exactly `length` bytes; what comes behind them is left out.
pub(crate) fn pack_bits(bytes: &[u8], length: usize) -> Result<Vec<u8>, Damage> {
    let mut samples = Vec::with_capacity(length);
    let mut rest = bytes;
    while samples.len() < length {
        let short = Damage::Short { found: samples.len(), expected: length };
        let Some((&header, data)) = rest.split_first() else { return Err(short) };
        let room = length - samples.len();
        rest = match (header, usize::from(header)) {
            (128, _) => data,
            (0..128, run) => {
                let Some((run, behind)) = data.split_at_checked(run + 1) else { return Err(short) };
                samples.extend(&run[..run.len().min(room)]);
                behind
            }
            (_, run) => {
                let Some((&byte, behind)) = data.split_first() else { return Err(short) };
                samples.resize(samples.len() + (257 - run).min(room), byte);
                behind
            }
        };
    }
    Ok(samples)
}

/// Decodes a Zstandard frame to exactly `length` bytes. More than twice as many are damage, as with deflate.
pub(crate) fn zstd(bytes: &[u8], length: usize) -> Result<Vec<u8>, Damage> {
    let damaged = |error: String| Damage::Codec(format!("Zstandard: {error}"));
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(length.next_power_of_two().max(LEAST_WINDOW) as u64);
    let mut stream =
        StreamingDecoder::new_with_decoder(bytes, decoder).map_err(|error| damaged(error.to_string()))?;
    let mut samples = vec![0; length];
    let mut found = 0;
    while found < length {
        match stream.read(&mut samples[found..]).map_err(|error| damaged(error.to_string()))? {
            0 => return Err(Damage::Short { found, expected: length }),
            read => found += read,
        }
    }
    let most = length as u64 + (4 << 10);
    let more = std::io::copy(&mut stream.by_ref().take(most), &mut std::io::sink());
    let more = more.map_err(|error| damaged(error.to_string()))?;
    let decoder = stream.into_frame_decoder();
    let sums = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
    match sums {
        _ if more == most => Err(damaged("the frame does not end with its pixels".into())),
        (Some(stated), Some(found)) if stated != found => Err(damaged("the checksum is wrong".into())),
        _ => Ok(samples),
    }
}

/// The samples of rows of `size.width` samples of fewer than 8 bits, each row padded to a byte: the indexes of a palette as
/// they are, gray values scaled so that the largest is 255.
pub(crate) fn unpack(tiff: &TiffSource, size: Size, packed: &[u8]) -> Vec<u8> {
    let (bits, width) = (tiff.bits, size.width as usize);
    let mask = (1u8 << bits) - 1;
    let factor = if tiff.photometric == Photometric::Palette { 1 } else { 255 / mask };
    let in_byte = 8 / bits as usize;
    let sample = |row: &[u8], x: usize| {
        let shift = 8 - bits * (x % in_byte + 1) as u32;
        (row[x / in_byte] >> shift & mask) * factor
    };
    let rows = packed.chunks_exact(width.div_ceil(in_byte));
    rows.flat_map(|row| (0..width).map(move |x| sample(row, x))).collect()
}

/// One region of the samples of several planes, each of one sample; a single plane as it is.
pub(crate) fn interleave(mut planes: Vec<Region>, channels: Channels) -> Region {
    if planes.len() == 1 {
        return planes.swap_remove(0);
    }
    let rect = planes[0].rect;
    let mut joined =
        Region::zeroed(rect, tessera_core::pixel::PixelType::new(channels, planes[0].pixel().depth));
    let count = channels.count();
    for (channel, plane) in planes.iter().enumerate() {
        match (&mut joined.samples, &plane.samples) {
            (Samples::U8(to), Samples::U8(from)) => spread(to, from, channel, count),
            (Samples::U16(to), Samples::U16(from)) => spread(to, from, channel, count),
            (Samples::U8(_), Samples::U16(_)) | (Samples::U16(_), Samples::U8(_)) => {
                unreachable!("the planes of an image have one depth")
            }
        }
    }
    joined
}

fn spread<T: Copy>(to: &mut [T], from: &[T], channel: usize, count: usize) {
    to.iter_mut().skip(channel).step_by(count).zip(from).for_each(|(to, from)| *to = *from);
}

/// The colours of indexes.
pub(crate) fn paint(indexes: &Region, palette: &[[u8; 3]]) -> Region {
    let colours = match &indexes.samples {
        Samples::U8(samples) => samples.iter().flat_map(|&index| palette[usize::from(index)]).collect(),
        Samples::U16(_) => unreachable!("palettes are of at most 8 bits"),
    };
    Region { rect: indexes.rect, channels: Channels::Rgb, samples: Samples::U8(colours) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_expanded_as_the_specification_shows() {
        let packed =
            [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x80, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let expected: Vec<u8> = [
            &[0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22][..],
            &[0xaa; 10],
        ]
        .concat();
        assert_eq!(pack_bits(&packed, 24).unwrap(), expected);
        assert_eq!(pack_bits(&packed, 20).unwrap(), expected[..20]);
        for length in 0..packed.len() {
            assert!(matches!(pack_bits(&packed[..length], 24), Err(Damage::Short { expected: 24, .. })));
        }
    }
}
