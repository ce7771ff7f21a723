//! What an image file's header says, parsed from the byte ranges fetched so far, and which range is needed next.
//! Fetches nothing and decodes nothing; no input makes it panic or allocate more than the header's bytes.

use crate::icc::Icc;
use crate::notes::Notes;
use crate::orientation::Orientation;
use crate::ranges::{Ranges, Reader};
use crate::tiff::{Compression, TiffSource};
use std::ops::Range;
use tessera_core::geometry::{MAX_SIDE, Rect, Size};
use tessera_core::operation::Extent;
use tessera_core::pixel::PixelType;
use tessera_core::plan::Streaming;

/// The most bytes that a header may make a caller fetch. Ordinary headers need 64 KiB.
const LIMIT: u64 = 8 << 20;

/// A parser's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    /// All that was asked for.
    Done(T),
    /// Fetch these bytes of the file, insert them into the [`Ranges`] and call again.
    Need(Range<u64>),
}

/// Why a file cannot be a source. The texts are for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A valid file of a kind that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// The header contradicts itself or the format's specification.
    #[error("the {format} header is damaged: {what}; check the file, or write it again")]
    Malformed {
        /// The format's name.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
    /// The header points beyond the end of the file.
    #[error(
        "the {format} file is cut short: it has {total} bytes, and its header points to byte {end}; upload it again"
    )]
    Truncated {
        /// The format's name.
        format: &'static str,
        /// Where the header points to.
        end: u64,
        /// Length of the file.
        total: u64,
    },
    /// More header than is read.
    #[error(
        "the {format} header has more than {limit} MiB of metadata before the image; write the file without it"
    )]
    TooLarge {
        /// The format's name.
        format: &'static str,
        /// The limit in MiB.
        limit: u64,
    },
}

impl HeaderError {
    /// A short name, one of four, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            HeaderError::Unsupported(_) => "unsupported",
            HeaderError::Malformed { .. } => "malformed",
            HeaderError::Truncated { .. } => "truncated",
            HeaderError::TooLarge { .. } => "too-large",
        }
    }
}

/// Why a parser stops early.
#[derive(Debug)]
pub(crate) enum Stop {
    Need(Range<u64>),
    Bad(HeaderError),
}

impl From<HeaderError> for Stop {
    fn from(error: HeaderError) -> Stop {
        Stop::Bad(error)
    }
}

/// The error of a file that is valid, but not of a kind that is read.
pub(crate) fn unsupported<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(HeaderError::Unsupported(message.into()).into())
}

/// What is particular to a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// TIFF or BigTIFF, in tiles or strips that can be read one by one.
    Tiff(TiffSource),
    /// PNG, read as a whole.
    Png {
        /// Whether it is interlaced (Adam7).
        interlaced: bool,
    },
    /// JPEG, read as a whole.
    Jpeg {
        /// Whether it comes in several scans, which take about twice the time and the memory of all coefficients.
        progressive: bool,
        /// 1 (gray), 3 (colour) or 4 (inks, which become RGB).
        components: u8,
    },
    /// WebP, read as a whole.
    WebP {
        /// Whether it is coded without loss.
        lossless: bool,
    },
}

/// What a header says of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The format and what is particular to it.
    pub kind: Kind,
    /// Size and pixel type as a job sees them: oriented, and converted to 1 to 4 channels of 8 or 16 bits.
    pub extent: Extent,
    /// Size as stored, before orientation.
    pub stored: Size,
    /// How the stored pixels become the image.
    pub orientation: Orientation,
    /// The colour profile.
    pub icc: Option<Icc>,
    /// What else is carried.
    pub notes: Notes,
}

impl Header {
    pub(crate) fn new(
        kind: Kind,
        stored: Size,
        pixel: PixelType,
        orientation: Orientation,
        icc: Option<Icc>,
    ) -> Header {
        let extent = Extent { size: orientation.size(stored), pixel };
        Header { kind, extent, stored, orientation, icc, notes: Notes::default() }
    }

    /// The same with what is said of the stored image.
    pub(crate) fn with(self, notes: Notes) -> Header {
        let notes = if self.orientation.transposes() { notes.transposed() } else { notes };
        Header { notes, ..self }
    }

    /// The format's name in a status: `tiff`, `png`, `jpeg` or `webp`.
    pub fn format(&self) -> &'static str {
        match self.kind {
            Kind::Tiff(_) => "tiff",
            Kind::Png { .. } => "png",
            Kind::Jpeg { .. } => "jpeg",
            Kind::WebP { .. } => "webp",
        }
    }

    /// Width and height of the source's tiles as the job sees them; `None` where the file can only be read as a whole.
    pub fn tile_size(&self) -> Option<Size> {
        match &self.kind {
            Kind::Tiff(tiff) => Some(self.orientation.size(tiff.tile)),
            Kind::Png { .. } | Kind::Jpeg { .. } | Kind::WebP { .. } => None,
        }
    }

    /// The indexes of the stored tiles that hold the pixels `rect` of the image as the job sees it, ascending.
    /// Empty where the file can only be read as a whole.
    pub fn tiles_for(&self, rect: Rect) -> Vec<u64> {
        match &self.kind {
            Kind::Tiff(tiff) => tiff.tiles_for(self.orientation.to_stored(rect, self.stored)),
            Kind::Png { .. } | Kind::Jpeg { .. } | Kind::WebP { .. } => Vec::new(),
        }
    }

    /// Predicted cost of decoding in nanoseconds of one core for each pixel. Measured on photographs, JPEG without the
    /// vector instructions that libjpeg has where it was built with NASM.
    pub fn decode_cost(&self) -> f64 {
        let for_each_byte = match &self.kind {
            Kind::Png { .. } => 4.0,
            Kind::Jpeg { progressive: true, .. } => 8.0,
            Kind::Jpeg { progressive: false, .. } => 3.0,
            Kind::WebP { .. } => 9.0,
            Kind::Tiff(tiff) => match tiff.compression {
                Compression::None => 0.3,
                Compression::PackBits => 1.5,
                Compression::Zstd => 9.0,
                Compression::Jpeg => 3.0,
                Compression::Deflate => 4.0,
                Compression::Lzw => 5.0,
            },
        };
        for_each_byte * self.extent.pixel.bytes() as f64
    }

    /// Whether the image can be decoded row by row, and with how much memory.
    pub fn streaming(&self) -> Streaming {
        let (stored, row) = (self.stored, u64::from(self.stored.width) * self.extent.pixel.bytes() as u64);
        let in_order = !self.orientation.mirrors_rows() && !self.orientation.transposes();
        let rows = |memory| Streaming::Rows { stored, memory, in_order };
        match &self.kind {
            Kind::Png { interlaced: true } => Streaming::No("an interlaced PNG"),
            Kind::Jpeg { progressive: true, .. } => Streaming::No("a progressive JPEG"),
            Kind::WebP { .. } => Streaming::No("a WebP"),
            // The rows that filters look at, and the window of deflate.
            Kind::Png { interlaced: false } => rows(8 * row + (1 << 20)),
            // Rows of MCUs, of their coefficients, and of what is sampled up, each of at most 16 rows.
            Kind::Jpeg { progressive: false, .. } => rows(64 * row + (1 << 20)),
            // A row of tiles, or a strip: encoded, in planes or with a predictor, and as it becomes.
            Kind::Tiff(tiff) => rows(4 * u64::from(tiff.tile.height) * row),
        }
    }

    /// The most bytes that decoding the image as a whole holds at once, beside those of the file.
    pub fn decode_memory(&self) -> u64 {
        let pixels = self.stored.pixels();
        // An MCU has at most 16 x 16 pixels at the samplings that are in use, and a coefficient 2 bytes.
        let padded = |side: u32| u64::from(side).next_multiple_of(16);
        let coefficients = 2 * padded(self.stored.width) * padded(self.stored.height);
        let decoder = match self.kind {
            Kind::Tiff(_) | Kind::Png { .. } => 0,
            Kind::Jpeg { progressive, components } => {
                u64::from(components) * (pixels + if progressive { coefficients } else { 0 })
            }
            // The samples, a plane of each channel, and what the alpha plane is coded in.
            Kind::WebP { .. } if self.extent.pixel.channels.has_alpha() => 11 * pixels,
            Kind::WebP { .. } => 7 * pixels,
        };
        // The pixels, and once more while they are turned or their bytes swapped.
        // Not beyond 2^62, so that others can be added: a header may state 2^60 pixels of 8 bytes.
        decoder.max(pixels.saturating_mul(2 * self.extent.pixel.bytes() as u64)).min(1 << 62)
    }
}

/// Parses the header of a file of `total` bytes, of which `have` has been fetched. Begin with no bytes fetched.
///
/// # Errors
/// The file cannot be a source; see [`HeaderError`].
pub fn parse(have: &Ranges, total: u64) -> Result<Progress<Header>, HeaderError> {
    parse_page(have, total, 0)
}

/// The same of the image `page` of the file, counted from 0: only a TIFF has more than one.
///
/// # Errors
/// As [`parse`]; or the file has no such page.
pub fn parse_page(have: &Ranges, total: u64, page: u32) -> Result<Progress<Header>, HeaderError> {
    progress(parse_any(have, total, page))
}

/// Turns a parser's stop into its answer.
pub(crate) fn progress<T>(result: Result<T, Stop>) -> Result<Progress<T>, HeaderError> {
    match result {
        Ok(value) => Ok(Progress::Done(value)),
        Err(Stop::Need(range)) => Ok(Progress::Need(range)),
        Err(Stop::Bad(error)) => Err(error),
    }
}

fn parse_any(have: &Ranges, total: u64, page: u32) -> Result<Header, Stop> {
    let reader = |format| Reader { have, total, limit: LIMIT, format };
    if total < 8 {
        return unsupported(format!("the source has {total} bytes and is no image; {READABLE}"));
    }
    let magic = reader("image").array::<8>(0)?;
    if page > 0 && !matches!(magic, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..]) {
        return unsupported(format!(
            "source.page {page} is asked for, and the source is no TIFF, which alone has pages: leave it out"
        ));
    }
    match magic {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'] => crate::png::parse(reader("PNG")),
        [0xff, 0xd8, 0xff, ..] => crate::jpeg::parse(reader("JPEG")),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => {
            crate::tiff::parse(reader("TIFF"), page)
        }
        magic => match reader("image").bytes(0, total.min(START))? {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
                crate::webp::parse(reader("WebP"))
            }
            start => unsupported(format!("the source is {}; {READABLE}", name_of(magic, start))),
        },
    }
}

/// What can be read, for messages.
const READABLE: &str = "TIFF, BigTIFF, PNG, JPEG and WebP can be read: convert it to one of them";

/// The bytes that tell a file's format: DICOM's stand behind 128 of anything.
const START: u64 = 132;

/// A guess at what else a file is, from its first 8 bytes, and up to [`START`] of them.
fn name_of(magic: [u8; 8], start: &[u8]) -> &'static str {
    if magic[4..] == *b"ftyp" {
        return match start.get(8..12) {
            Some(b"avif" | b"avis") => "an AVIF",
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => "a HEIF (HEIC)",
            _ => "a video or an image of the ISO base media format",
        };
    }
    if start.get(128..132) == Some(b"DICM") {
        return "a DICOM file";
    }
    match magic {
        [b'R', b'I', b'F', b'F', ..] => "a RIFF file, but no WebP",
        [b'G', b'I', b'F', b'8', ..] => "a GIF",
        [b'B', b'M', ..] => "a BMP",
        [0, 0, 0, 12, b'j', b'P', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => "a JPEG 2000 file",
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', ..] => "a JPEG XL file",
        [b'8', b'B', b'P', b'S', ..] => "a Photoshop file",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [0x76, 0x2f, 0x31, 0x01, ..] => "an OpenEXR file",
        _ => "of an unknown format",
    }
}

/// Checks a size that a header states.
pub(crate) fn checked_size(reader: &Reader, width: u64, height: u64) -> Result<Size, Stop> {
    let side = |value: u64| u32::try_from(value).ok().filter(|&value| value <= MAX_SIDE);
    match (side(width), side(height)) {
        (Some(0), _) | (_, Some(0)) => reader.damaged(format!("the size is {width} x {height}")),
        (Some(width), Some(height)) => Ok(Size::new(width, height)),
        _ => unsupported(format!(
            "the image has {width} x {height} pixels; a side may have at most {MAX_SIDE}"
        )),
    }
}
