//! The layout of a TIFF or BigTIFF source: how its first image is cut into tiles or strips, and how they are encoded.
//! What is not read is refused by name. Decodes nothing.

use crate::header::{Header, HeaderError, Kind, Stop, checked_size, unsupported};
use crate::icc::{Icc, LARGEST};
use crate::orientation::Orientation;
use crate::ranges::Reader;
use crate::tiff_ifd::{Directory, Values, tag};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::{Channels, Depth, PixelType};

pub use crate::tile_table::{TileTable, tile_table};

/// The most tiles that an image may have: those of 2^40 pixels in tiles of 512 x 512.
const MOST_TILES: u64 = 1 << 22;

/// The most bytes of a tile, decoded. A worker holds several.
const LARGEST_TILE: u64 = 64 << 20;

/// About how many bytes of an uncompressed single strip are read at once.
const SPLIT_BYTES: u64 = 1 << 20;

/// The most bytes of JPEG tables.
const LARGEST_TABLES: u64 = 64 << 10;

/// How tiles are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Samples as they are.
    None,
    /// LZW with the most significant bit first.
    Lzw,
    /// A zlib stream.
    Deflate,
    /// A JPEG for each tile (TIFF Technical Note 2).
    Jpeg,
}

/// What the stored samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// Gray, 0 is white.
    WhiteIsZero,
    /// Gray, 0 is black.
    BlackIsZero,
    /// Red, green, blue.
    Rgb,
    /// Luma and two colour differences; only inside JPEG.
    YCbCr,
}

/// How a TIFF's image is stored. A strip is a tile as wide as the image (but the last has only the rows that there are).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TiffSource {
    /// Size of the stored image.
    pub image: Size,
    /// Size of a tile.
    pub tile: Size,
    /// Whether the tiles are strips: not padded at the bottom.
    pub strips: bool,
    /// Type of the pixels, decoded.
    pub pixel: PixelType,
    /// How tiles are compressed.
    pub compression: Compression,
    /// Whether the samples are horizontal differences.
    pub predictor: bool,
    /// What the samples mean.
    pub photometric: Photometric,
    /// Whether the colours are premultiplied by alpha.
    pub associated_alpha: bool,
    /// Whether 16-bit samples have the most significant byte first.
    pub big_endian: bool,
    /// Tables that belong to the JPEG of every tile: an abbreviated stream from SOI to EOI.
    pub jpeg_tables: Option<Vec<u8>>,
    pub(crate) places: Places,
}

/// Where the file says where its tiles lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) offsets: Values,
    pub(crate) counts: Values,
    /// The file has one strip, uncompressed, that is read as if it were cut into strips of `tile.height` rows.
    pub(crate) split: bool,
}

impl TiffSource {
    /// Number of columns of tiles.
    pub fn columns(&self) -> u32 {
        self.image.width.div_ceil(self.tile.width)
    }

    /// Number of rows of tiles.
    pub fn rows(&self) -> u32 {
        self.image.height.div_ceil(self.tile.height)
    }

    /// Number of tiles.
    pub fn tiles(&self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// The pixels of tile `index` (row-major, below [`TiffSource::tiles`]), clipped to the stored image.
    pub fn tile_rect(&self, index: u64) -> Rect {
        let columns = u64::from(self.columns());
        let x = (index % columns) as u32 * self.tile.width;
        let y = (index / columns) as u32 * self.tile.height;
        let size =
            Size::new(self.tile.width.min(self.image.width - x), self.tile.height.min(self.image.height - y));
        Rect::new(x, y, size.width, size.height)
    }

    /// Size of tile `index` as it is stored: with padding, unless it is a strip.
    pub fn tile_stored(&self, index: u64) -> Size {
        if self.strips { self.tile_rect(index).size() } else { self.tile }
    }

    /// The indexes of the tiles that hold pixels of `rect` of the stored image, ascending.
    pub fn tiles_for(&self, rect: Rect) -> Vec<u64> {
        let rect = rect.intersect(&self.image.rect());
        if rect.is_empty() {
            return Vec::new();
        }
        let columns = rect.x / self.tile.width..=(rect.right() - 1) / self.tile.width;
        let rows = rect.y / self.tile.height..=(rect.bottom() - 1) / self.tile.height;
        let row = |row: u32| columns.clone().map(move |column| (row, column));
        rows.flat_map(row)
            .map(|(row, column)| u64::from(row) * u64::from(self.columns()) + u64::from(column))
            .collect()
    }

    /// Bytes of a tile of size `size`, decoded.
    pub(crate) fn raw_bytes(&self, size: Size) -> u64 {
        size.pixels() * self.pixel.bytes() as u64
    }
}

/// The header of a TIFF, whose magic number has been checked.
pub(crate) fn parse(reader: Reader) -> Result<Header, Stop> {
    let directory = Directory::first(reader)?;
    let width = directory.required(tag::WIDTH, "ImageWidth")?;
    let image = checked_size(&reader, width, directory.required(tag::HEIGHT, "ImageLength")?)?;
    let tiff = with_places(&directory, encoding(&directory, image)?)?;
    let orientation = Orientation::from_tag(directory.uint(tag::ORIENTATION)?.unwrap_or(1));
    let icc = directory.blob(tag::ICC, LARGEST, "ICCProfile")?.map(|profile| Icc::Raw(profile.to_vec()));
    let pixel = tiff.pixel;
    Ok(Header::new(Kind::Tiff(tiff), image, pixel, orientation, icc))
}

/// How the pixels are encoded; tile and places are not known yet.
fn encoding(directory: &Directory, image: Size) -> Result<TiffSource, Stop> {
    let compression = compression(directory.uint(tag::COMPRESSION)?.unwrap_or(1))?;
    let photometric = photometric(directory.required(tag::PHOTOMETRIC, "PhotometricInterpretation")?)?;
    let (pixel, associated_alpha) = pixel(directory, photometric)?;
    check_jpeg(compression, photometric, pixel)?;
    if directory.uint(tag::FILL_ORDER)?.unwrap_or(1) != 1 {
        return unsupported("TIFF with FillOrder 2 is not supported: write it again with FillOrder 1");
    }
    if directory.uint(tag::PLANAR)?.unwrap_or(1) != 1 && pixel.channels.count() > 1 {
        return unsupported(
            "TIFF with separate planes is not supported: write it with PlanarConfiguration 1 (chunky)",
        );
    }
    let none = Values::default();
    Ok(TiffSource {
        image,
        tile: image,
        strips: true,
        pixel,
        compression,
        predictor: predictor(directory, compression)?,
        photometric,
        associated_alpha,
        big_endian: directory.big_endian,
        jpeg_tables: directory.blob(tag::JPEG_TABLES, LARGEST_TABLES, "JPEGTables")?.map(<[u8]>::to_vec),
        places: Places { offsets: none, counts: none, split: false },
    })
}

fn compression(value: u64) -> Result<Compression, Stop> {
    let name = match value {
        1 => return Ok(Compression::None),
        5 => return Ok(Compression::Lzw),
        8 | 32946 => return Ok(Compression::Deflate),
        7 => return Ok(Compression::Jpeg),
        2..=4 => "CCITT fax",
        6 => "old-style JPEG",
        32773 => "PackBits",
        33003 | 33005 | 34712 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        _ => "unknown",
    };
    unsupported(format!(
        "TIFF with {name} compression (Compression {value}) is not supported: write it with deflate, LZW, JPEG or none"
    ))
}

fn photometric(value: u64) -> Result<Photometric, Stop> {
    let name = match value {
        0 => return Ok(Photometric::WhiteIsZero),
        1 => return Ok(Photometric::BlackIsZero),
        2 => return Ok(Photometric::Rgb),
        6 => return Ok(Photometric::YCbCr),
        3 => "a palette",
        4 => "a transparency mask",
        5 => "CMYK",
        8..=10 => "CIE L*a*b*",
        32803 | 34892 => "raw camera data",
        _ => "unknown colours",
    };
    unsupported(format!(
        "TIFF with {name} (PhotometricInterpretation {value}) is not supported: convert it to gray or RGB"
    ))
}

/// The pixel type, and whether alpha is associated.
fn pixel(directory: &Directory, photometric: Photometric) -> Result<(PixelType, bool), Stop> {
    let samples = directory.uint(tag::SAMPLES)?.unwrap_or(1);
    let colours = if matches!(photometric, Photometric::Rgb | Photometric::YCbCr) { 3 } else { 1 };
    let channels = match (colours, samples) {
        (1, 1) => Channels::Gray,
        (1, 2) => Channels::GrayAlpha,
        (3, 3) => Channels::Rgb,
        (3, 4) => Channels::Rgba,
        _ if samples < colours => {
            return directory.reader.damaged(format!("{samples} samples for {colours} colours"));
        }
        _ => {
            return unsupported(format!(
                "TIFF with {samples} samples per pixel is not supported: keep 1 to 4 of them"
            ));
        }
    };
    let extra = directory.uint(tag::EXTRA_SAMPLES)?.unwrap_or(0);
    if channels.has_alpha() && extra > 2 {
        return directory.reader.damaged(format!("ExtraSamples {extra}"));
    }
    Ok((PixelType::new(channels, depth(directory, samples)?), channels.has_alpha() && extra == 1))
}

fn depth(directory: &Directory, samples: u64) -> Result<Depth, Stop> {
    let format =
        directory.uints(tag::SAMPLE_FORMAT, samples)?.into_iter().find(|&format| format != 1 && format != 4);
    let name = match format {
        None => "unsigned",
        Some(2) => "signed",
        Some(3) => "floating point",
        Some(_) => "complex",
    };
    let bits = directory.uints(tag::BITS, samples)?;
    let first = bits.first().copied().unwrap_or(1);
    if bits.iter().any(|&other| other != first) {
        return unsupported(
            "TIFF whose samples differ in bits is not supported: convert it to 8 or 16 bit unsigned",
        );
    }
    match (format, first) {
        (None, 8) => Ok(Depth::U8),
        (None, 16) => Ok(Depth::U16),
        _ => unsupported(format!(
            "TIFF with {first}-bit {name} samples is not supported: convert it to 8 or 16 bit unsigned"
        )),
    }
}

fn check_jpeg(compression: Compression, photometric: Photometric, pixel: PixelType) -> Result<(), Stop> {
    let jpeg = compression == Compression::Jpeg;
    if photometric == Photometric::YCbCr && !jpeg {
        return unsupported("TIFF with YCbCr samples outside JPEG is not supported: convert it to RGB");
    }
    if jpeg && (pixel.depth != Depth::U8 || pixel.channels.has_alpha()) {
        return unsupported(format!(
            "TIFF with {pixel} samples in JPEG is not supported: write it with deflate"
        ));
    }
    Ok(())
}

fn predictor(directory: &Directory, compression: Compression) -> Result<bool, Stop> {
    match (compression, directory.uint(tag::PREDICTOR)?.unwrap_or(1)) {
        (Compression::None | Compression::Jpeg, _) | (_, 1) => Ok(false),
        (_, 2) => Ok(true),
        (_, other) => unsupported(format!(
            "TIFF with Predictor {other} is not supported: write it with Predictor 2 or 1"
        )),
    }
}

/// Adds the grid of tiles or strips, and where they lie.
fn with_places(directory: &Directory, mut tiff: TiffSource) -> Result<TiffSource, Stop> {
    let reader = &directory.reader;
    tiff.strips = directory.values(tag::TILE_WIDTH).is_none();
    let (offsets, counts) = if tiff.strips {
        let rows = directory.uint(tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX).min(u64::from(tiff.image.height));
        tiff.tile = checked_size(reader, u64::from(tiff.image.width), rows)?;
        (tag::STRIP_OFFSETS, tag::STRIP_COUNTS)
    } else {
        let height = directory.required(tag::TILE_HEIGHT, "TileLength")?;
        tiff.tile = checked_size(reader, directory.required(tag::TILE_WIDTH, "TileWidth")?, height)?;
        (tag::TILE_OFFSETS, tag::TILE_COUNTS)
    };
    tiff.places.offsets = places(directory, offsets, tiff.tiles())?;
    tiff.places.counts = places(directory, counts, tiff.tiles())?;
    if tiff.strips && tiff.tiles() == 1 && tiff.compression == Compression::None {
        split(&mut tiff);
    }
    check_tiles(&tiff)?;
    Ok(tiff)
}

/// Makes several strips of a single uncompressed one, since its rows can be read one by one.
fn split(tiff: &mut TiffSource) {
    let row = tiff.raw_bytes(Size::new(tiff.image.width, 1));
    tiff.tile.height = u32::try_from((SPLIT_BYTES / row).clamp(1, u64::from(tiff.tile.height))).unwrap_or(1);
    tiff.places.split = true;
}

fn places(directory: &Directory, tag: u16, tiles: u64) -> Result<Values, Stop> {
    let reader = &directory.reader;
    let Some(values) = directory.integers(tag).filter(|values| values.count >= tiles) else {
        return reader.damaged(format!("tag {tag} does not list {tiles} tiles or strips"));
    };
    let end = values.at.saturating_add(tiles.saturating_mul(values.width));
    if end > reader.total {
        return Err(HeaderError::Truncated { format: "TIFF", end, total: reader.total }.into());
    }
    Ok(values)
}

fn check_tiles(tiff: &TiffSource) -> Result<(), Stop> {
    let what = if tiff.strips { "strips" } else { "tiles" };
    if tiff.raw_bytes(tiff.tile) > LARGEST_TILE {
        return unsupported(format!(
            "TIFF with {what} of {} pixels is not supported: write it with tiles, of 512 x 512 for example",
            tiff.tile
        ));
    }
    if tiff.tiles() > MOST_TILES {
        return unsupported(format!(
            "TIFF with {} {what} is not supported: write it with larger ones, at most {MOST_TILES}",
            tiff.tiles()
        ));
    }
    Ok(())
}
