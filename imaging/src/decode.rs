//! From a file's bytes to pixels as a job sees them: oriented, straight alpha, 8 or 16 bits.
//! Allocates what the header's extent says and no more, whatever the bytes claim.

use crate::orient::orient;
use crate::{jpeg, png_read, tiff_read, webp};
use flate2::{Decompress, FlushDecompress, Status};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::PixelType;
use tessera_formats::header::{Header, HeaderError, Kind, Progress, parse};
use tessera_formats::icc::{Icc, LARGEST};
use tessera_formats::ranges::Ranges;
use tessera_formats::tiff::{TiffSource, tile_table};
use tessera_operations::region::{Region, Samples};

/// Why pixels cannot be decoded. The cause says what is wrong with the data.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A tile or strip of a TIFF.
    #[error(
        "tile {index} of the source, at ({x}, {y}), cannot be decoded: write the file again, or upload it again"
    )]
    Tile {
        /// Its index, row-major.
        index: u64,
        /// Its first column, as stored.
        x: u32,
        /// Its first row, as stored.
        y: u32,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
    /// A file that is decoded as a whole.
    #[error("the source's {format} data cannot be decoded: write the file again, or upload it again")]
    Whole {
        /// The format's name.
        format: &'static str,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
    /// More pixels than asked for.
    #[error("the image has {size} pixels, more than the {most} that are decoded at once: use a smaller one")]
    TooLarge {
        /// The image.
        size: Size,
        /// The limit.
        most: u64,
    },
    /// Its header, where that is parsed here.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// What is wrong with encoded data.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Less data than pixels.
    #[error("the data ends early: {found} of {expected} bytes of samples")]
    Short {
        /// Bytes of samples that there are.
        found: usize,
        /// Bytes of samples that there should be.
        expected: usize,
    },
    /// Size or pixel type are not those of the header.
    #[error("the data holds {found}, and the header says {expected}")]
    Other {
        /// What the data says of itself.
        found: String,
        /// What the header says.
        expected: String,
    },
    /// A decoder's own words.
    #[error("{0}")]
    Codec(String),
}

/// Decodes tile `index` of a TIFF from the bytes of its planes (none for a sparse one), in their order. The region is the
/// tile's part of the image as the job sees it, clipped to the image.
///
/// # Errors
/// The bytes are not a whole tile.
///
/// # Panics
/// `header` is not that of a TIFF, or has no such tile: a mistake of the caller.
pub fn decode_tile(header: &Header, index: u64, planes: &[impl AsRef<[u8]>]) -> Result<Region, DecodeError> {
    Ok(orient(decode_stored_tile(header, index, planes)?, header.orientation, header.stored))
}

/// The same as it is stored, before any orientation.
///
/// # Errors
/// As [`decode_tile`].
///
/// # Panics
/// As [`decode_tile`].
pub fn decode_stored_tile(
    header: &Header,
    index: u64,
    planes: &[impl AsRef<[u8]>],
) -> Result<Region, DecodeError> {
    let Kind::Tiff(tiff) = &header.kind else { panic!("only a TIFF has tiles") };
    let tile = guarded("the decoder", || tiff_read::decode(tiff, index, planes)).flatten();
    tile.map_err(|damage| {
        let Rect { x, y, .. } = tiff.tile_rect(index);
        DecodeError::Tile { index, x, y, damage }
    })
}

/// Decodes a whole file, of any format, from all its bytes.
///
/// Allocates all its pixels: the caller has checked the header's extent.
///
/// # Errors
/// The bytes are not the whole image that `header` promises.
pub fn decode_whole(header: &Header, bytes: &[u8]) -> Result<Region, DecodeError> {
    let (size, pixel) = (header.stored, header.extent.pixel);
    let (format, decoded) = match &header.kind {
        Kind::Tiff(tiff) => return decode_tiles(header, tiff, bytes),
        Kind::Png { .. } => ("PNG", guarded("the decoder", || png_read::decode(bytes, size, pixel))),
        Kind::Jpeg { components, .. } => ("JPEG", Ok(jpeg_image(header, *components, bytes))),
        Kind::WebP { .. } => ("WebP", guarded("the decoder", || webp::decode(bytes, size, pixel))),
    };
    let region = decoded.flatten().map_err(|damage| DecodeError::Whole { format, damage })?;
    Ok(orient(region, header.orientation, header.stored))
}

/// Runs a decoder of others, which may panic on bytes that mean harm: that is damage, not a failure of the worker.
pub(crate) fn guarded<T>(who: &str, work: impl FnOnce() -> T) -> Result<T, Damage> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        Damage::Codec(panic.downcast::<String>().map_or_else(|_| format!("{who} gave up"), |text| *text))
    })
}

/// The most pixels that [`decode_file`] decodes.
const MOST_PIXELS: u64 = 1 << 28;

/// Parses the header of a whole file in memory and decodes its image, of at most 2^28 pixels.
///
/// # Errors
/// As [`decode_up_to`].
pub fn decode_file(bytes: &[u8]) -> Result<(Header, Region), DecodeError> {
    decode_up_to(bytes, MOST_PIXELS)
}

/// Parses the header of a whole file in memory and decodes its image of at most `most` pixels.
///
/// # Errors
/// The file cannot be a source, has more pixels, or its data is damaged.
pub fn decode_up_to(bytes: &[u8], most: u64) -> Result<(Header, Region), DecodeError> {
    let ranges = Ranges::whole(bytes.to_vec());
    let header = done(parse(&ranges, bytes.len() as u64)?);
    let size = header.extent.size;
    if size.pixels() > most {
        return Err(DecodeError::TooLarge { size, most });
    }
    let region = decode_whole(&header, bytes)?;
    Ok((header, region))
}

/// The raw colour profile of a header, inflated where it is compressed; none where it is damaged, since its pixels can
/// be shown without.
pub fn profile(header: &Header) -> Option<Vec<u8>> {
    match header.icc.as_ref()? {
        Icc::Raw(profile) => Some(profile.clone()),
        Icc::Zlib(stream) => inflate_up_to(stream, LARGEST as usize),
    }
}

/// An answer that needs no more bytes, as all of the file is there.
fn done<T>(progress: Progress<T>) -> T {
    match progress {
        Progress::Done(value) => value,
        Progress::Need(range) => unreachable!("the whole file is there, and bytes {range:?} are asked for"),
    }
}

fn decode_tiles(header: &Header, tiff: &TiffSource, bytes: &[u8]) -> Result<Region, DecodeError> {
    let ranges = Ranges::whole(bytes.to_vec());
    let table = done(tile_table(&ranges, bytes.len() as u64, tiff, 0..tiff.tiles())?);
    let mut image = Region::zeroed(header.extent.size.rect(), header.extent.pixel);
    for index in 0..tiff.tiles() {
        let planes = table.planes_of(index).expect("the table covers all tiles").iter();
        let bytes =
            |range: &Range<u64>| ranges.get(range.clone()).expect("the table's ranges lie in the file");
        image.paste(&decode_tile(header, index, &planes.map(bytes).collect::<Vec<_>>())?);
    }
    Ok(image)
}

fn jpeg_image(header: &Header, components: u8, bytes: &[u8]) -> Result<Region, Damage> {
    let channels = header.extent.pixel.channels;
    let accepts = |claim: jpeg::Claim| claim.size == header.stored;
    let (_, samples) = jpeg::decode(bytes, usize::from(components), accepts)?;
    Ok(Region { rect: header.stored.rect(), channels, samples: Samples::U8(samples) })
}

/// The region of `rect` from the samples' bytes, in the byte order that is said.
pub(crate) fn region_of_bytes(rect: Rect, pixel: PixelType, bytes: Vec<u8>, big_endian: bool) -> Region {
    use tessera_core::pixel::Depth;
    let pairs = || bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    let samples = match (pixel.depth, big_endian) {
        (Depth::U16, true) => Samples::U16(pairs().map(u16::from_be_bytes).collect()),
        (Depth::U16, false) => Samples::U16(pairs().map(u16::from_le_bytes).collect()),
        (Depth::U8, _) => Samples::U8(bytes),
    };
    Region { rect, channels: pixel.channels, samples }
}

/// Inflates a zlib stream to exactly `length` bytes and checks its checksum. More samples than pixels, as some writers
/// leave in a last strip, are left out; more than twice as many are damage.
pub(crate) fn inflate(stream: &[u8], length: usize) -> Result<Vec<u8>, Damage> {
    let mut bytes = vec![0; length];
    let mut decoder = Decompress::new(true);
    let mut end = inflate_into(&mut decoder, stream, &mut bytes)?;
    let found = decoder.total_out() as usize;
    if found < length {
        return Err(Damage::Short { found, expected: length });
    }
    let mut rest = vec![0; 4 << 10];
    while !end {
        let before = (decoder.total_in(), decoder.total_out());
        end = inflate_into(&mut decoder, stream, &mut rest)?;
        let stuck = before == (decoder.total_in(), decoder.total_out());
        if !end && (stuck || decoder.total_out() as usize > length * 2 + rest.len()) {
            return Err(Damage::Codec("deflate: the stream does not end with its pixels".into()));
        }
    }
    Ok(bytes)
}

/// Inflates what comes next of `stream` into `bytes`; whether that was the end, and the checksum right.
fn inflate_into(decoder: &mut Decompress, stream: &[u8], bytes: &mut [u8]) -> Result<bool, Damage> {
    let rest = &stream[decoder.total_in() as usize..];
    let status = decoder.decompress(rest, bytes, FlushDecompress::Finish);
    status
        .map(|status| status == Status::StreamEnd)
        .map_err(|error| Damage::Codec(format!("deflate: {error}")))
}

/// Inflates a zlib stream of at most `most` bytes.
fn inflate_up_to(stream: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut decoder = Decompress::new(true);
    let mut room = 64 << 10;
    while room <= most {
        bytes.reserve_exact(room);
        let rest = stream.get(decoder.total_in() as usize..)?;
        if decoder.decompress_vec(rest, &mut bytes, FlushDecompress::Finish).ok()? == Status::StreamEnd {
            return Some(bytes);
        }
        room *= 2;
    }
    None
}
