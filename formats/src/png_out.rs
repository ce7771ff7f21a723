//! The layout of the PNG that is written: a head, bands that were deflated on their own, a tail that joins them.
//! Compresses nothing: the profile is stored.

use crate::checksum::{adler32, crc32};
use crate::notes::{Annotations, Resolution, Unit};
use tessera_core::operation::Extent;
use tessera_core::pixel::{Channels, Depth};

/// The largest stored block of deflate.
const STORED_BLOCK: usize = 65_535;

/// What stands before the first band: signature, IHDR, iCCP and pHYs where there are `annotations` of the kind, and an
/// IDAT with the two bytes of the zlib header. That IDAT of its own keeps a band's bytes free of where it stands.
///
/// The size is at most 2^31 - 1 on a side, which every image here is.
pub fn head(extent: Extent, annotations: &Annotations) -> Vec<u8> {
    let mut head = b"\x89PNG\r\n\x1a\n".to_vec();
    head.extend(chunk(b"IHDR", &image_header(extent)));
    if let Some(profile) = &annotations.icc {
        let mut data = b"ICC profile\0\0".to_vec();
        data.extend(stored(profile));
        head.extend(chunk(b"iCCP", &data));
    }
    if let Some(resolution) = annotations.notes.resolution {
        head.extend(chunk(b"pHYs", &pixels_in_a_metre(resolution)));
    }
    // A window of 32 KiB, the fastest of the compression levels.
    head.extend(chunk(b"IDAT", &[0x78, 0x01]));
    head
}

/// What stands behind the last band: an IDAT with the final, empty deflate block and the Adler-32 of all filtered rows,
/// and IEND.
pub fn tail(adler: u32) -> Vec<u8> {
    let mut data = vec![0x03, 0x00];
    data.extend(adler.to_be_bytes());
    let mut tail = chunk(b"IDAT", &data);
    tail.extend(chunk(b"IEND", &[]));
    tail
}

/// A chunk: length, name, data, CRC-32.
///
/// # Panics
/// `data` has 2^31 bytes or more, which no chunk can have.
pub fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    assert!(data.len() < 1 << 31, "a chunk has less than 2 GiB");
    let mut chunk = Vec::with_capacity(data.len() + 12);
    chunk.extend((data.len() as u32).to_be_bytes());
    chunk.extend(name);
    chunk.extend(data);
    chunk.extend(crc32(&[name, data]).to_be_bytes());
    chunk
}

/// The data of IHDR (section 11.2.1).
fn image_header(extent: Extent) -> Vec<u8> {
    let colour = match extent.pixel.channels {
        Channels::Gray => 0,
        Channels::Rgb => 2,
        Channels::GrayAlpha => 4,
        Channels::Rgba => 6,
    };
    let bits = match extent.pixel.depth {
        Depth::U8 => 8,
        Depth::U16 => 16,
    };
    let mut data = extent.size.width.to_be_bytes().to_vec();
    data.extend(extent.size.height.to_be_bytes());
    data.extend([bits, colour, 0, 0, 0]);
    data
}

/// The data of pHYs (section 11.3.4.3).
fn pixels_in_a_metre(resolution: Resolution) -> Vec<u8> {
    let (x, y) = resolution.rounded(Unit::Centimetre, 100.0);
    let mut data = (x as u32).to_be_bytes().to_vec();
    data.extend((y as u32).to_be_bytes());
    data.push(1);
    data
}

/// A zlib stream of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let count = bytes.len().div_ceil(STORED_BLOCK);
    for (index, block) in bytes.chunks(STORED_BLOCK).enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(index + 1 == count));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::pixel::PixelType;

    #[test]
    fn the_head_of_a_gray_image_is_the_bytes_of_the_specification() {
        let pixel = PixelType::new(Channels::Gray, Depth::U8);
        let head = head(Extent { size: Size::new(1, 2), pixel }, &Annotations::default());
        assert_eq!(head[..29], *b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x02\x08\0\0\0\0");
        assert_eq!(head[33..43], *b"\0\0\0\x02IDAT\x78\x01");
    }

    #[test]
    fn the_tail_ends_with_the_iend_of_the_specification() {
        assert!(tail(1).ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }
}
