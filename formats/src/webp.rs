//! The header of a still WebP: the chunks of its RIFF container (RFC 9649). Never touches coded image data.

use crate::exif;
use crate::header::{Header, HeaderError, Kind, Stop, checked_size, unsupported};
use crate::icc::{Icc, LARGEST};
use crate::orientation::Orientation;
use crate::ranges::Reader;
use tessera_core::geometry::Size;
use tessera_core::pixel::{Channels, Depth, PixelType};

/// More chunks than any encoder writes.
const MOST_CHUNKS: u32 = 100;

/// Bytes of an EXIF block that are looked at: the orientation stands near its start.
const EXIF_BYTES: u64 = 64 << 10;

/// The flags of a VP8X chunk (section 2.7.1).
const ICC: u8 = 0x20;
const ALPHA: u8 = 0x10;
const EXIF: u8 = 0x08;
const ANIMATION: u8 = 0x02;

/// The header of a WebP, whose RIFF and WEBP have been checked.
pub(crate) fn parse(reader: Reader) -> Result<Header, Stop> {
    let first = Chunk::read(&reader, 12)?;
    let mut found = Found { bitstream: None, orientation: Orientation::NORMAL, icc: None };
    if &first.name != b"VP8X" {
        found.note(&reader, &first, 0)?;
        return found.header(&reader, None);
    }
    let [flags, _, _, _, w0, w1, w2, h0, h1, h2]: [u8; 10] = reader.array(first.at)?;
    if flags & ANIMATION != 0 {
        return unsupported("an animated WebP is not supported: write the frame to be processed as a PNG");
    }
    let side = |low, middle, high| u64::from(u32::from_le_bytes([low, middle, high, 0])) + 1;
    let canvas = checked_size(&reader, side(w0, w1, w2), side(h0, h1, h2))?;
    let mut at = first.end();
    for _ in 0..MOST_CHUNKS {
        if found.complete(flags) || at.saturating_add(8) > reader.total {
            return found.header(&reader, Some((canvas, flags)));
        }
        let chunk = Chunk::read(&reader, at)?;
        found.note(&reader, &chunk, flags)?;
        at = chunk.end();
    }
    reader.damaged(format!("more than {MOST_CHUNKS} chunks"))
}

/// A chunk's name and the place of its data.
struct Chunk {
    name: [u8; 4],
    at: u64,
    length: u64,
}

impl Chunk {
    fn read(reader: &Reader, at: u64) -> Result<Chunk, Stop> {
        let [a, b, c, d, length @ ..]: [u8; 8] = reader.array(at)?;
        let length = u64::from(u32::from_le_bytes(length));
        Ok(Chunk { name: [a, b, c, d], at: at + 8, length })
    }

    /// Where the next one starts: data is padded to an even length.
    fn end(&self) -> u64 {
        self.at + self.length + self.length % 2
    }
}

/// The image's size, and whether it is lossless and has alpha.
struct Bitstream {
    size: Size,
    lossless: bool,
    alpha: bool,
}

/// What the chunks say that have been read.
struct Found {
    bitstream: Option<Bitstream>,
    orientation: Orientation,
    icc: Option<Icc>,
}

impl Found {
    /// Whether nothing more is to come that matters. EXIF stands behind the image.
    fn complete(&self, flags: u8) -> bool {
        self.bitstream.is_some() && flags & EXIF == 0
    }

    fn note(&mut self, reader: &Reader, chunk: &Chunk, flags: u8) -> Result<(), Stop> {
        let end = chunk.at + chunk.length;
        if end > reader.total {
            return Err(HeaderError::Truncated { format: "WebP", end, total: reader.total }.into());
        }
        match &chunk.name {
            b"VP8 " if self.bitstream.is_none() => self.bitstream = Some(lossy(reader, chunk)?),
            b"VP8L" if self.bitstream.is_none() => self.bitstream = Some(lossless(reader, chunk)?),
            b"ICCP" if flags & ICC != 0 && chunk.length > LARGEST => {
                return reader.damaged(format!("a colour profile of {} bytes", chunk.length));
            }
            b"ICCP" if flags & ICC != 0 => {
                self.icc = Some(Icc::Raw(reader.bytes(chunk.at, chunk.length)?.to_vec()));
            }
            b"EXIF" if flags & EXIF != 0 => {
                let block = reader.bytes(chunk.at, chunk.length.min(EXIF_BYTES))?;
                // Some writers put JPEG's prefix in front.
                self.orientation = exif::orientation(block.strip_prefix(b"Exif\0\0").unwrap_or(block));
            }
            _ => {}
        }
        Ok(())
    }

    /// The header, for an image with a canvas of its own or without.
    fn header(self, reader: &Reader, canvas: Option<(Size, u8)>) -> Result<Header, Stop> {
        let Some(Bitstream { size, lossless, alpha }) = self.bitstream else {
            return reader.damaged("it has no image data");
        };
        if canvas.is_some_and(|(canvas, _)| canvas != size) {
            return reader.damaged(format!("its canvas is not of the image's {size} pixels"));
        }
        let alpha = canvas.map_or(alpha, |(_, flags)| flags & ALPHA != 0);
        let pixel = PixelType::new(if alpha { Channels::Rgba } else { Channels::Rgb }, Depth::U8);
        Ok(Header::new(Kind::WebP { lossless }, size, pixel, self.orientation, self.icc))
    }
}

/// The start of a VP8 key frame (RFC 6386, section 9.1).
fn lossy(reader: &Reader, chunk: &Chunk) -> Result<Bitstream, Stop> {
    let [tag, _, _, magic @ .., w0, w1, h0, h1]: [u8; 10] = reader.array(chunk.at)?;
    if tag & 1 != 0 || magic != [0x9d, 0x01, 0x2a] {
        return reader.damaged("its image does not start with a key frame");
    }
    let side = |low, high| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok(Bitstream { size: checked_size(reader, side(w0, w1), side(h0, h1))?, lossless: false, alpha: false })
}

/// The start of a lossless image (RFC 9649, section 3.4).
fn lossless(reader: &Reader, chunk: &Chunk) -> Result<Bitstream, Stop> {
    let [signature, bits @ ..]: [u8; 5] = reader.array(chunk.at)?;
    let bits = u32::from_le_bytes(bits);
    if signature != 0x2f || bits >> 29 != 0 {
        return reader.damaged("its image is of an unknown version");
    }
    let size = checked_size(reader, u64::from(bits & 0x3fff) + 1, u64::from(bits >> 14 & 0x3fff) + 1)?;
    Ok(Bitstream { size, lossless: true, alpha: bits >> 28 & 1 == 1 })
}
