//! The layout of a TIFF or BigTIFF source: how an image of it, its first as a rule, is cut into tiles or strips, and how they are encoded.
//! What is not read is refused by name. Decodes nothing.

use crate::geo::Geo;
use crate::header::{Header, HeaderError, Kind, Stop, checked_size, unsupported};
use crate::icc::{Icc, LARGEST};
use crate::notes::{Notes, Resolution, Unit};
use crate::ome;
use crate::orientation::Orientation;
use crate::ranges::Reader;
use crate::tiff_ifd::{Directory, Values, tag};
use crate::tiff_samples::{self, Stored};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::PixelType;

pub use crate::tiff_samples::{Compression, Photometric};
pub use crate::tile_table::{TileTable, tile_table};

/// The most tiles that an image may have, those of all planes counted: 2^40 pixels in tiles of 512 x 512.
const MOST_TILES: u64 = 1 << 22;

/// Below this many pixels a tile costs more memory than its pixels, where there are more than [`FEW_TILES`].
const SMALLEST_TILE: u64 = 256;

/// As many tiles as may have any size.
const FEW_TILES: u64 = 4096;

/// The most bytes of a tile, decoded. A worker holds several.
const LARGEST_TILE: u64 = 64 << 20;

/// About how many bytes of an uncompressed single strip are read at once.
const SPLIT_BYTES: u64 = 1 << 20;

/// The longest text of a number that stands for "no data".
const LONGEST_NO_DATA: u64 = 64;

/// The most bytes of JPEG tables.
const LARGEST_TABLES: u64 = 64 << 10;

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
    /// Bits of a stored sample: 1, 2, 4, 8 or 16. Rows of fewer than 8 are padded to a byte.
    pub bits: u32,
    /// Whether each sample of a pixel lies in a plane, and so in tiles, of its own.
    pub planar: bool,
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
    /// The colours of a palette's `2^bits` indexes; empty where there is none.
    pub palette: Vec<[u8; 3]>,
    /// What the samples are of a tile without bytes: the value that means "no data" if it is one of theirs, else 0.
    pub sparse: u16,
    /// Tables that belong to the JPEG of every tile: an abbreviated stream from SOI to EOI.
    pub jpeg_tables: Option<Vec<u8>>,
    pub(crate) places: Places,
}

/// Where the file says where its tiles lie: those of the first plane, then those of the next.
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

    /// In how many parts, each with bytes of its own, a tile lies in the file: one for each plane.
    pub fn planes(&self) -> usize {
        if self.planar { self.pixel.channels.count() } else { 1 }
    }

    /// Samples of a pixel in one plane.
    pub fn plane_samples(&self) -> usize {
        if self.planar || self.photometric == Photometric::Palette { 1 } else { self.pixel.channels.count() }
    }

    /// Bytes of one plane of a tile of size `size`, as stored but uncompressed.
    pub fn plane_bytes(&self, size: Size) -> u64 {
        let row = u64::from(size.width) * self.plane_samples() as u64 * u64::from(self.bits);
        row.div_ceil(8) * u64::from(size.height)
    }

    /// Bytes of a tile of size `size`, decoded.
    pub(crate) fn raw_bytes(&self, size: Size) -> u64 {
        size.pixels() * self.pixel.bytes() as u64
    }
}

/// The header of page `page` of a TIFF, whose magic number has been checked.
pub(crate) fn parse(reader: Reader, page: u32) -> Result<Header, Stop> {
    let directory = Directory::of_page(reader, page)?;
    ome::check(&directory)?;
    let image = image_size(&directory)?;
    let tiff = stored(&directory, image)?;
    let orientation = Orientation::from_tag(directory.uint(tag::ORIENTATION)?.unwrap_or(1));
    let icc = directory.blob(tag::ICC, LARGEST, "ICCProfile")?.map(|profile| Icc::Raw(profile.to_vec()));
    let pixel = tiff.pixel;
    let notes = notes(&directory, orientation)?;
    Ok(Header::new(Kind::Tiff(tiff), image, pixel, orientation, icc).with(notes))
}

/// The size that a directory states.
pub(crate) fn image_size(directory: &Directory) -> Result<Size, Stop> {
    let width = directory.required(tag::WIDTH, "ImageWidth")?;
    checked_size(&directory.reader, width, directory.required(tag::HEIGHT, "ImageLength")?)
}

/// How the image of a directory is stored, whose size is `image`.
pub(crate) fn stored(directory: &Directory, image: Size) -> Result<TiffSource, Stop> {
    with_places(directory, encoding(directory, image)?)
}

/// Resolution, georeference and the value for "no data". The second has no meaning for an image that is stored otherwise than
/// it is meant.
fn notes(directory: &Directory, orientation: Orientation) -> Result<Notes, Stop> {
    let (x, y) = (directory.floats(tag::X_RESOLUTION, 1)?, directory.floats(tag::Y_RESOLUTION, 1)?);
    let unit = match directory.uint(tag::RESOLUTION_UNIT)?.unwrap_or(2) {
        2 => Some(Unit::Inch),
        3 => Some(Unit::Centimetre),
        _ => None,
    };
    let resolution = match (x.first(), y.first(), unit) {
        (Some(x), Some(y), Some(unit)) => Resolution::new(*x, *y, unit),
        _ => None,
    };
    let geo = if orientation == Orientation::NORMAL { Geo::read(directory)? } else { None };
    let nodata = directory.start_of(tag::NO_DATA, LONGEST_NO_DATA)?;
    Ok(Notes { resolution, geo, nodata: (!nodata.is_empty()).then(|| nodata.to_vec()) })
}

/// How the pixels are encoded; tile and places are not known yet.
fn encoding(directory: &Directory, image: Size) -> Result<TiffSource, Stop> {
    let Stored { compression, photometric, pixel, bits, planar, predictor, associated_alpha, palette } =
        tiff_samples::read(directory)?;
    let none = Values::default();
    Ok(TiffSource {
        image,
        tile: image,
        strips: true,
        pixel,
        bits,
        planar,
        compression,
        predictor,
        photometric,
        associated_alpha,
        big_endian: directory.big_endian,
        palette,
        sparse: sparse(directory, photometric, pixel, bits)?,
        jpeg_tables: directory.blob(tag::JPEG_TABLES, LARGEST_TABLES, "JPEGTables")?.map(<[u8]>::to_vec),
        places: Places { offsets: none, counts: none, split: false },
    })
}

/// The value for "no data" of samples that are decoded as they are stored, 0 for others and without one.
fn sparse(directory: &Directory, photometric: Photometric, pixel: PixelType, bits: u32) -> Result<u16, Stop> {
    let plain = bits >= 8 && matches!(photometric, Photometric::BlackIsZero | Photometric::Rgb);
    let text = directory.start_of(tag::NO_DATA, LONGEST_NO_DATA)?;
    let number =
        std::str::from_utf8(text).ok().and_then(|text| text.trim_matches(['\0', ' ']).parse::<f64>().ok());
    let sample = number.filter(|number| {
        plain && number.fract() == 0.0 && (0.0..=f64::from(pixel.depth.max())).contains(number)
    });
    Ok(sample.map_or(0, |sample| sample as u16))
}

/// Adds the grid of tiles or strips, and where they lie.
fn with_places(directory: &Directory, mut tiff: TiffSource) -> Result<TiffSource, Stop> {
    let reader = &directory.reader;
    tiff.strips = directory.values(tag::TILE_WIDTH).is_none();
    let (offsets, counts) = if tiff.strips {
        let rows = directory.uint(tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX).min(u64::from(tiff.image.height));
        tiff.tile = tile_size(reader, u64::from(tiff.image.width), rows)?;
        (tag::STRIP_OFFSETS, tag::STRIP_COUNTS)
    } else {
        let height = directory.required(tag::TILE_HEIGHT, "TileLength")?;
        tiff.tile = tile_size(reader, directory.required(tag::TILE_WIDTH, "TileWidth")?, height)?;
        (tag::TILE_OFFSETS, tag::TILE_COUNTS)
    };
    let parts = tiff.tiles() * tiff.planes() as u64;
    tiff.places.offsets = places(directory, offsets, parts)?;
    tiff.places.counts = places(directory, counts, parts)?;
    if tiff.strips && tiff.tiles() == 1 && tiff.compression == Compression::None {
        split(&mut tiff);
    }
    check_tiles(&tiff)?;
    Ok(tiff)
}

/// The size of tiles or strips.
fn tile_size(reader: &Reader, width: u64, height: u64) -> Result<Size, Stop> {
    if width == 0 || height == 0 {
        return reader.damaged(format!("its tiles or strips have {width} x {height} pixels"));
    }
    checked_size(reader, width, height)
}

/// Makes several strips of a single uncompressed one, since its rows can be read one by one.
fn split(tiff: &mut TiffSource) {
    let row = tiff.plane_bytes(Size::new(tiff.image.width, 1));
    tiff.tile.height = u32::try_from((SPLIT_BYTES / row).clamp(1, u64::from(tiff.tile.height))).unwrap_or(1);
    tiff.places.split = true;
}

fn places(directory: &Directory, tag: u16, tiles: u64) -> Result<Values, Stop> {
    let reader = &directory.reader;
    let Some(values) = directory.integers(tag)?.filter(|values| values.count >= tiles) else {
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
    let parts = tiff.tiles() * tiff.planes() as u64;
    if !tiff.strips && tiff.tile.pixels() < SMALLEST_TILE && tiff.tiles() > FEW_TILES {
        return unsupported(format!(
            "TIFF with {parts} tiles of {} pixels is not supported: write it with tiles of 512 x 512 for example",
            tiff.tile
        ));
    }
    if parts > MOST_TILES {
        return unsupported(format!(
            "TIFF with {parts} {what} is not supported: write it with larger ones, at most {MOST_TILES}"
        ));
    }
    Ok(())
}
