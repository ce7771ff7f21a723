//! The decoders: an error, or all pixels that the header promises; the same ones each time.

use crate::tiff::{BYTE, Field, LONG, SHORT, file, longs};
use tessera_formats::checksum::adler32;
use tessera_formats::png_out::chunk;
use tessera_imaging::decode_up_to;

/// More pixels are not decoded.
const MOST: u64 = 1 << 20;

/// Tests the tiles of a TIFF: the first bytes choose the kind, one more how many are JPEG tables; the rest is every tile's data.
pub fn tiff(data: &[u8]) {
    let Some((choices, rest)) = data.split_first_chunk::<10>() else { return };
    let mut left = choices.iter();
    let mut choose = |values: &[u32]| values[usize::from(*left.next().unwrap_or(&0)) % values.len()];
    let big_endian = choose(&[0, 1]) == 1;
    let compression = choose(&[1, 5, 8, 7, 32773, 50000, 32946]);
    let (bits, photometric) = (choose(&[8, 16, 1, 2, 4]), choose(&[1, 2, 0, 3, 6]));
    let (extra, planar, predictor) = (choose(&[9, 0, 1, 2]), choose(&[1, 2]), choose(&[1, 2]));
    let (width, height) = (choose(&[1, 5, 17, 32, 40, 64]), choose(&[1, 4, 16, 30, 48]));
    let tiles = choose(&[0, 16, 32, 64]);
    let colours = if matches!(photometric, 2 | 6) { 3 } else { 1 };
    let samples = colours + u32::from(extra < 9);
    let (tables, rest) = match (compression, rest.split_first()) {
        (7, Some((&length, rest))) => rest.split_at(rest.len().min(usize::from(length))),
        _ => (&rest[..0], rest),
    };
    let parts = if tiles == 0 { 1 } else { width.div_ceil(tiles) * height.div_ceil(tiles) };
    let parts = parts * if planar == 2 { samples } else { 1 };
    let field = |tag, value| (tag, LONG, longs(big_endian, [value]));
    // The data stands at the end, so that its place is known once the rest has been written.
    let mut fields: Vec<Field> = vec![
        field(256, width),
        field(257, height),
        (258, LONG, longs(big_endian, (0..samples).map(|_| bits))),
        field(259, compression),
        field(262, photometric),
        field(277, samples),
        field(284, planar),
        field(317, predictor),
        (320, SHORT, (0..6u32 << bits.min(8)).map(|value| value as u8).collect()),
    ];
    if extra < 9 {
        fields.push(field(338, extra));
    }
    if !tables.is_empty() {
        fields.push((347, BYTE, tables.to_vec()));
    }
    if tiles > 0 {
        fields.extend([field(322, tiles), field(323, tiles)]);
    }
    let (offsets, counts) = if tiles > 0 { (324, 325) } else { (273, 279) };
    let with_places = |at: usize| {
        let mut fields = fields.clone();
        fields.push((offsets, LONG, longs(big_endian, (0..parts).map(|_| at as u32))));
        fields.push((counts, LONG, longs(big_endian, (0..parts).map(|_| rest.len() as u32))));
        file(big_endian, &fields)
    };
    let length = with_places(0).len();
    decode(&[with_places(length), rest.to_vec()].concat());
}

/// Tests a PNG: the first bytes are its IHDR, the rest its filtered rows; or, with an odd byte, its zlib stream.
pub fn png(data: &[u8]) {
    let Some((&[kind, width, height, bits, colour, interlace], rest)) = data.split_first_chunk() else {
        return;
    };
    let image = [0, 0, 0, width, 0, 0, 0, height, 1 << (bits % 5), colour % 7, 0, 0, interlace & 1];
    let stream = if kind & 1 == 1 { rest.to_vec() } else { stored(rest) };
    let palette: Vec<u8> = (0..3 * (1 + usize::from(kind >> 1))).map(|value| value as u8).collect();
    let mut parts = vec![b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &image)];
    if colour % 7 == 3 {
        parts.push(chunk(b"PLTE", &palette));
    }
    if kind & 2 == 2 && rest.len() > 6 {
        parts.push(chunk(b"tRNS", &rest[..[2, 6, 6, 4, 0, 0, 0][usize::from(colour % 7)]]));
    }
    parts.extend([chunk(b"IDAT", &stream), chunk(b"IEND", b"")]);
    decode(&parts.concat());
}

/// Tests a JPEG, from its first marker's code on.
pub fn jpeg(data: &[u8]) {
    decode(&[&b"\xff\xd8\xff"[..], data].concat());
}

/// Tests a WebP, from behind its magic number on.
pub fn webp(data: &[u8]) {
    let length = (data.len() as u32 + 4).to_le_bytes();
    decode(&[&b"RIFF"[..], &length, b"WEBP", data].concat());
}

fn decode(bytes: &[u8]) {
    match decode_up_to(bytes, MOST) {
        Ok((header, region)) => {
            assert_eq!((region.rect, region.pixel()), (header.extent.size.rect(), header.extent.pixel));
            let again = decode_up_to(bytes, MOST).expect("it was decoded before").1;
            assert!(region == again, "the same bytes give the same pixels");
        }
        Err(error) => assert!(error.to_string().len() > 20),
    }
}

/// A zlib stream of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = bytes.chunks(65_535);
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(index == last));
        stream.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}
