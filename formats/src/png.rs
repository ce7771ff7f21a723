//! The header of a PNG: the chunks before the first IDAT (PNG, third edition). Never inflates anything.

use crate::checksum::crc32;
use crate::exif;
use crate::header::{Header, Kind, Stop, checked_size, unsupported};
use crate::icc::{Icc, LARGEST};
use crate::notes::{Notes, Resolution, Unit};
use crate::orientation::Orientation;
use crate::ranges::Reader;
use tessera_core::geometry::Size;
use tessera_core::pixel::{Channels, Depth, PixelType};

/// More chunks than any encoder writes before the image.
const MOST_CHUNKS: u32 = 1000;

/// The largest chunk: 2^31 - 1 bytes (section 5.3).
const LARGEST_CHUNK: u32 = (1 << 31) - 1;

/// Bytes of an EXIF block that are looked at: the orientation stands near its start.
const EXIF_BYTES: u64 = 64 << 10;

/// The header of a PNG, whose signature has been checked.
pub(crate) fn parse(reader: Reader) -> Result<Header, Stop> {
    let image = ImageHeader::read(&reader)?;
    let chunks = Chunks::read(&reader, &image)?;
    let pixel = image.pixel(chunks.transparency);
    let kind = Kind::Png { interlaced: image.interlaced };
    let Chunks { orientation, icc, resolution, .. } = chunks;
    let notes = Notes { resolution, ..Notes::default() };
    Ok(Header::new(kind, image.size, pixel, orientation, icc).with(notes))
}

/// IHDR.
struct ImageHeader {
    size: Size,
    bits: u8,
    colour: u8,
    interlaced: bool,
}

impl ImageHeader {
    fn read(reader: &Reader) -> Result<ImageHeader, Stop> {
        let chunk: [u8; 25] = reader.array(8)?;
        if chunk[..8] != *b"\0\0\0\x0dIHDR" {
            return reader.damaged("the first chunk is not IHDR");
        }
        if crc32(&[&chunk[4..21]]).to_be_bytes() != chunk[21..] {
            return reader.damaged("the checksum of IHDR is wrong");
        }
        let number = |at: usize| {
            u64::from(u32::from_be_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]]))
        };
        let (bits, colour, interlace) = (chunk[16], chunk[17], chunk[20]);
        if !legal(colour, bits) || interlace > 1 || chunk[18..20] != [0, 0] {
            return reader.damaged(format!(
                "colour type {colour} with {bits} bits, interlace method {interlace} is not a PNG that exists"
            ));
        }
        let size = checked_size(reader, number(8), number(12))?;
        Ok(ImageHeader { size, bits, colour, interlaced: interlace == 1 })
    }

    /// The pixel type after expanding palettes, low bit depths and transparent colours.
    fn pixel(&self, transparency: bool) -> PixelType {
        let channels = match (self.colour, transparency) {
            (0, false) => Channels::Gray,
            (0, true) | (4, _) => Channels::GrayAlpha,
            (2 | 3, false) => Channels::Rgb,
            _ => Channels::Rgba,
        };
        PixelType::new(channels, if self.bits == 16 { Depth::U16 } else { Depth::U8 })
    }
}

/// The combinations of colour type and bit depth that exist (section 11.2.1).
fn legal(colour: u8, bits: u8) -> bool {
    match colour {
        0 => matches!(bits, 1 | 2 | 4 | 8 | 16),
        3 => matches!(bits, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(bits, 8 | 16),
        _ => false,
    }
}

/// What the chunks between IHDR and IDAT say. An eXIf after the image is not seen.
struct Chunks {
    transparency: bool,
    orientation: Orientation,
    icc: Option<Icc>,
    resolution: Option<Resolution>,
}

impl Chunks {
    fn read(reader: &Reader, image: &ImageHeader) -> Result<Chunks, Stop> {
        let mut chunks =
            Chunks { transparency: false, orientation: Orientation::NORMAL, icc: None, resolution: None };
        let mut at = 33;
        for _ in 0..MOST_CHUNKS {
            let [a, b, c, d, name @ ..]: [u8; 8] = reader.array(at)?;
            let length = u32::from_be_bytes([a, b, c, d]);
            if length > LARGEST_CHUNK {
                return reader.damaged(format!("a chunk of {length} bytes"));
            }
            if &name == b"IDAT" {
                return Ok(chunks);
            }
            if &name == b"tRNS" {
                check_transparency(reader, image, at + 8)?;
            }
            chunks.note(reader, &name, at + 8, u64::from(length))?;
            at += 12 + u64::from(length);
        }
        reader.damaged(format!("more than {MOST_CHUNKS} chunks before the image"))
    }

    /// Takes what matters from a chunk whose data has `length` bytes from `at` on.
    fn note(&mut self, reader: &Reader, name: &[u8; 4], at: u64, length: u64) -> Result<(), Stop> {
        match name {
            b"tRNS" => self.transparency = true,
            b"eXIf" => self.orientation = exif::orientation(reader.bytes(at, length.min(EXIF_BYTES))?),
            b"iCCP" if length > LARGEST => {
                return reader.damaged(format!("a colour profile of {length} bytes"));
            }
            b"pHYs" if length == 9 => self.resolution = resolution(reader.array(at)?),
            b"iCCP" => self.icc = profile(reader.bytes(at, length)?),
            b"IEND" => return reader.damaged("it has no image data"),
            _ => {}
        }
        Ok(())
    }
}

/// The transparent level of gray of 1 or 4 bits, in the tRNS chunk whose data is at `at`, is one of its levels. Otherwise its
/// lowest bits are meant, and the decoder looks at more of them.
fn check_transparency(reader: &Reader, image: &ImageHeader, at: u64) -> Result<(), Stop> {
    if image.colour != 0 || !matches!(image.bits, 1 | 4) {
        return Ok(());
    }
    let level = u16::from_be_bytes(reader.array(at)?);
    if level >> image.bits == 0 {
        return Ok(());
    }
    unsupported(format!(
        "PNG of {}-bit gray with the transparent level {level} is not supported: write it again with one of its levels",
        image.bits
    ))
}

/// Pixels in a metre (section 11.3.4.3); `None` where only their proportions are known.
fn resolution([x3, x2, x1, x0, y3, y2, y1, y0, unit]: [u8; 9]) -> Option<Resolution> {
    let (x, y) = (u32::from_be_bytes([x3, x2, x1, x0]), u32::from_be_bytes([y3, y2, y1, y0]));
    Resolution::new(f64::from(x) / 100.0, f64::from(y) / 100.0, Unit::Centimetre).filter(|_| unit == 1)
}

/// The zlib stream of an iCCP chunk: behind a name, a zero and the compression method 0 (section 11.3.2.3).
fn profile(chunk: &[u8]) -> Option<Icc> {
    let name = chunk.iter().take(80).position(|&byte| byte == 0)?;
    let (method, stream) = chunk.get(name + 1..)?.split_first()?;
    (*method == 0).then(|| Icc::Zlib(stream.to_vec()))
}
