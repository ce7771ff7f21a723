//! The container of a WebP (RFC 9649): what an encoder wrote, with a colour profile. Codes no pixel.

use tessera_core::geometry::Size;

/// The flags of a VP8X chunk (section 2.7.1).
const PROFILE: u8 = 0x20;
const ALPHA: u8 = 0x10;

/// The file `coded`, a still WebP of size `size`, with the profile `icc` where there is one.
///
/// # Panics
/// `coded` is not a WebP as encoders write it.
pub fn with_profile(coded: Vec<u8>, size: Size, icc: Option<&[u8]>) -> Vec<u8> {
    let Some(icc) = icc else { return coded };
    assert!(coded.len() > 20 && &coded[8..12] == b"WEBP", "an encoder writes a container");
    let image = &coded[12..];
    // An encoder writes VP8X only before an alpha plane; the flag of VP8L stands in its header (section 3.4).
    let (image, alpha) = match &image[..4] {
        b"VP8X" => (&image[18..], image[8] & ALPHA != 0),
        b"VP8L" => (image, image[12] & 0x10 != 0),
        _ => (image, false),
    };
    let mut extended = vec![PROFILE | if alpha { ALPHA } else { 0 }, 0, 0, 0];
    extended.extend(&(size.width - 1).to_le_bytes()[..3]);
    extended.extend(&(size.height - 1).to_le_bytes()[..3]);
    let chunks = [b"WEBP".to_vec(), chunk(b"VP8X", &extended), chunk(b"ICCP", icc), image.to_vec()].concat();
    chunk(b"RIFF", &chunks)
}

/// A chunk: name, length, data, and a byte of padding where the length is odd.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend((data.len() as u32).to_le_bytes());
    chunk.extend(data);
    chunk.extend(vec![0; data.len() % 2]);
    chunk
}
