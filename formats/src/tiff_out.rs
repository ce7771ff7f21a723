//! The layout of the TIFF that is written, with overviews as a COG: one little-endian header, then the tiles in file
//! order. Knows the tiles' sizes, not their bytes. Of the COG: docs.ogc.org/is/21-026, and GDAL's "Header ghost area".

use crate::geo::{Geo, Model};
use crate::notes::{Annotations, Notes, Resolution, Unit};
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::Channels;
use tessera_core::pyramid::Pyramid;

/// The header is a multiple of this, so that all arrays and the first tile are aligned.
const ALIGNMENT: usize = 16;

/// Bytes before and behind each tile of a COG: its length, and its last four bytes once more.
pub const LEADER: usize = 4;
/// As [`LEADER`], behind the tile.
pub const TRAILER: usize = 4;

/// What GDAL reads from a COG before its directories. A program that changes the file in place is to turn the last NO
/// into a YES, for which there is room. `BLOCK_ORDER` is left out: tiles lie block by block.
const STRUCTURE: &str = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\n\
    KNOWN_INCOMPATIBLE_EDITION=NO\n ";

/// A TIFF or BigTIFF with one image in square tiles, and its overviews if it is a COG.
///
/// The file: magic, a COG's [`STRUCTURE`], the directories, each followed by the values that do not fit into it (bits, profile,
/// the offsets and byte counts of the tiles, row-major) and padding to 16 bytes; then the tiles' bytes, without gaps: the
/// smallest level first, the image last, each in the file order of its [`Grid`].
#[derive(Debug, Clone)]
pub struct TiffFile {
    extent: Extent,
    /// The image, then its overviews.
    levels: Vec<Grid>,
    cog: bool,
    compression: TiffCompression,
    annotations: Annotations,
    big: bool,
}

/// A field of the directory with the bytes of its values.
struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    bytes: Vec<u8>,
}

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

impl TiffFile {
    /// The file for an image of extent `extent` in tiles of `tile` x `tile` pixels, with `annotations`.
    /// It is a BigTIFF where header and tiles could pass 4 GiB without compression.
    pub fn new(
        extent: Extent,
        tile: u32,
        compression: TiffCompression,
        annotations: Annotations,
    ) -> TiffFile {
        TiffFile::of(extent, OutputFormat::Tiff { tile, compression }, compression, annotations)
    }

    /// The same as a COG, with overviews down to the first that is one tile.
    pub fn cog(
        extent: Extent,
        tile: u32,
        compression: TiffCompression,
        annotations: Annotations,
    ) -> TiffFile {
        TiffFile::of(extent, OutputFormat::Cog { tile, compression }, compression, annotations)
    }

    fn of(
        extent: Extent,
        format: OutputFormat,
        compression: TiffCompression,
        annotations: Annotations,
    ) -> TiffFile {
        let levels = Pyramid::new(Grid::new(extent, format), format).levels().copied().collect();
        let cog = matches!(format, OutputFormat::Cog { .. });
        let classic = TiffFile { extent, levels, cog, compression, annotations, big: false };
        let bound = classic.header_len().saturating_add(classic.data_bound());
        TiffFile { big: bound > u64::from(u32::MAX), ..classic }
    }

    /// The same file as a BigTIFF, whatever its size. For tests.
    #[must_use]
    pub fn as_big(self) -> TiffFile {
        TiffFile { big: true, ..self }
    }

    /// Whether it is a BigTIFF.
    pub fn is_big(&self) -> bool {
        self.big
    }

    /// The most bytes that the tiles can have.
    fn data_bound(&self) -> u64 {
        let tile = self.levels[0].tile.pixels() * self.extent.pixel.bytes() as u64;
        let tiles: u64 = self.levels.iter().map(Grid::tiles).sum();
        tiles.saturating_mul(tile_bound(tile, self.compression) + (LEADER + TRAILER) as u64)
    }

    /// Length of the header in bytes: where the first tile begins. It depends on the image and the options alone.
    pub fn header_len(&self) -> u64 {
        let start = self.start().len();
        let end = (0..self.levels.len()).fold(start, |at, level| at + self.directory_len(at, level));
        end as u64
    }

    /// The complete header for tiles of `sizes` bytes, in file order: as they lie there, with a COG's leader and trailer.
    ///
    /// # Panics
    /// `sizes` has not one value for each tile of the levels, or passes what [`TiffFile::new`] took for the bound: a
    /// mistake of the caller.
    pub fn header(&self, sizes: &[u32]) -> Vec<u8> {
        let arrays = self.arrays(sizes);
        let mut header = self.start();
        for (level, arrays) in arrays.into_iter().enumerate() {
            let mut fields = self.fields_before(level);
            fields.extend(arrays);
            fields.extend(self.fields_after(level));
            let last = level + 1 == self.levels.len();
            self.append(&mut header, &fields, last);
        }
        assert_eq!(header.len() as u64, self.header_len(), "the header's length is known before the tiles");
        header
    }

    /// TileOffsets and TileByteCounts of each level.
    fn arrays(&self, sizes: &[u32]) -> Vec<[Field; 2]> {
        let tiles: u64 = self.levels.iter().map(Grid::tiles).sum();
        assert_eq!(sizes.len() as u64, tiles, "one size for each tile");
        let (leader, around) = if self.cog { (LEADER, LEADER + TRAILER) } else { (0, 0) };
        let (mut sizes, mut offset) = (sizes.iter(), self.header_len());
        let mut arrays: Vec<[Field; 2]> = Vec::new();
        for grid in self.levels.iter().rev() {
            let mut places = vec![(0, 0); grid.tiles() as usize];
            for (at, &size) in grid.file_order().zip(&mut sizes) {
                places[grid.index(at) as usize] = (offset + leader as u64, size - around as u32);
                offset += u64::from(size);
            }
            arrays.push(self.array_fields(&places));
        }
        assert!(self.big || offset <= u64::from(u32::MAX), "a classic TIFF's bound is below 4 GiB");
        arrays.reverse();
        arrays
    }

    fn array_fields(&self, places: &[(u64, u32)]) -> [Field; 2] {
        let offsets = places.iter().flat_map(|&(offset, _)| self.offset(offset)).collect();
        let counts = places.iter().flat_map(|&(_, size)| size.to_le_bytes()).collect();
        let count = places.len() as u64;
        let kind = if self.big { LONG8 } else { LONG };
        [
            Field { tag: 324, kind, count, bytes: offsets },
            Field { tag: 325, kind: LONG, count, bytes: counts },
        ]
    }

    /// An offset in 4 or 8 bytes.
    fn offset(&self, value: u64) -> Vec<u8> {
        value.to_le_bytes()[..self.inline()].to_vec()
    }

    /// The fields of a level before TileOffsets, by ascending tag.
    fn fields_before(&self, level: usize) -> Vec<Field> {
        let (pixel, grid) = (self.extent.pixel, self.levels[level]);
        let colour = matches!(pixel.channels, Channels::Rgb | Channels::Rgba);
        let samples = pixel.channels.count();
        let jpeg = matches!(self.compression, TiffCompression::Jpeg { .. });
        let mut fields = Vec::new();
        if level > 0 {
            // NewSubfileType: the same image in less detail.
            fields.push(longs(254, 1));
        }
        fields.extend([
            longs(256, grid.image.width),
            longs(257, grid.image.height),
            shorts(258, &vec![pixel.depth.bits() as u16; samples]),
            shorts(259, &[code(self.compression)]),
            shorts(262, &[if colour && jpeg { 6 } else { 1 + u16::from(colour) }]),
            shorts(277, &[samples as u16]),
            shorts(284, &[1]),
        ]);
        if predicts(self.compression) {
            fields.push(shorts(317, &[2]));
        }
        fields.extend([longs(322, grid.tile.width), longs(323, grid.tile.height)]);
        if level == 0 {
            fields.extend(self.annotation_fields().filter(|field| field.tag < 324));
        }
        fields.sort_by_key(|field| field.tag);
        fields
    }

    /// The fields of a level after TileByteCounts, by ascending tag. Only the image has annotations.
    fn fields_after(&self, level: usize) -> Vec<Field> {
        let mut fields = Vec::new();
        if self.extent.pixel.channels.has_alpha() {
            fields.push(shorts(338, &[2]));
        }
        let jpeg = matches!(self.compression, TiffCompression::Jpeg { .. });
        if jpeg && self.extent.pixel.channels == Channels::Rgb {
            fields.push(shorts(530, &[2, 2]));
        }
        if level == 0 {
            fields.extend(self.annotation_fields().filter(|field| field.tag > 325));
        }
        fields.sort_by_key(|field| field.tag);
        fields
    }

    /// The fields of what is carried.
    fn annotation_fields(&self) -> impl Iterator<Item = Field> {
        let Annotations { icc, notes: Notes { resolution, geo, nodata } } = &self.annotations;
        let icc = icc.iter().map(|icc| bytes(34675, UNDEFINED, icc));
        let nodata = nodata.iter().map(|text| bytes(42113, ASCII, text));
        let resolution = resolution.iter().flat_map(resolution_fields);
        icc.chain(nodata).chain(resolution).chain(geo.iter().flat_map(geo_fields))
    }

    /// Bytes that a level's directory at offset `at` takes with all its values and padding.
    fn directory_len(&self, at: usize, level: usize) -> usize {
        let (before, after) = (self.fields_before(level), self.fields_after(level));
        let directory = self.directory_end(at, before.len() + 2 + after.len());
        let outside: usize = before.iter().chain(&after).map(|field| self.outside(field.bytes.len())).sum();
        let tiles = usize::try_from(self.levels[level].tiles()).expect("a grid of tiles fits in memory");
        directory + outside + self.outside(tiles * self.inline()) + self.outside(tiles * 4) - at
    }

    /// Where the values of a directory of `fields` fields at offset `at` begin.
    fn directory_end(&self, at: usize, fields: usize) -> usize {
        let (count, field) = if self.big { (8, 20) } else { (2, 12) };
        (at + count + field * fields + self.inline()).next_multiple_of(ALIGNMENT)
    }

    /// Bytes that values of `length` bytes take outside the directory.
    fn outside(&self, length: usize) -> usize {
        if length <= self.inline() { 0 } else { length.next_multiple_of(ALIGNMENT) }
    }

    /// Bytes of an offset, and of values that a field itself holds.
    fn inline(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Appends a directory and its values.
    fn append(&self, header: &mut Vec<u8>, fields: &[Field], last: bool) {
        let start = self.directory_end(header.len(), fields.len());
        let mut outside = Vec::new();
        let count = fields.len() as u64;
        header.extend(if self.big {
            count.to_le_bytes().to_vec()
        } else {
            (count as u16).to_le_bytes().to_vec()
        });
        for field in fields {
            header.extend(field.tag.to_le_bytes());
            header.extend(field.kind.to_le_bytes());
            header.extend(self.offset(field.count));
            if field.bytes.len() <= self.inline() {
                header.extend(&field.bytes);
                header.resize(header.len() + self.inline() - field.bytes.len(), 0);
            } else {
                header.extend(self.offset((start + outside.len()) as u64));
                outside.extend(&field.bytes);
                outside.resize(outside.len().next_multiple_of(ALIGNMENT), 0);
            }
        }
        let next = if last { 0 } else { start + outside.len() };
        header.extend(self.offset(next as u64));
        header.resize(start, 0);
        header.append(&mut outside);
    }

    /// The bytes before the first directory: magic, its offset, and a COG's structure.
    fn start(&self) -> Vec<u8> {
        let magic: &[u8] = if self.big { b"II\x2b\0\x08\0\0\0" } else { b"II\x2a\0" };
        let structure = if self.cog {
            format!("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{STRUCTURE}", STRUCTURE.len())
        } else {
            String::new()
        };
        let offset = (magic.len() + self.inline() + structure.len()).next_multiple_of(2);
        let mut start = [magic, &self.offset(offset as u64), structure.as_bytes()].concat();
        start.resize(offset, 0);
        start
    }
}

/// Whether tiles hold the differences to the pixel on the left (Predictor 2) and not the samples themselves.
pub fn predicts(compression: TiffCompression) -> bool {
    match compression {
        TiffCompression::Deflate | TiffCompression::Lzw | TiffCompression::Zstd => true,
        TiffCompression::None | TiffCompression::Jpeg { .. } => false,
    }
}

/// The most bytes that a tile of `raw` bytes can have: deflate adds less than 1/64 and 64 bytes to what it cannot
/// compress, Zstandard less than that; a code of LZW has at most 12 bits for at least 8; a JPEG of noise of the best quality
/// comes near its samples, and has tables.
pub fn tile_bound(raw: u64, compression: TiffCompression) -> u64 {
    match compression {
        TiffCompression::None | TiffCompression::Deflate | TiffCompression::Zstd => raw + raw / 64 + 64,
        TiffCompression::Lzw | TiffCompression::Jpeg { .. } => 2 * raw + 2048,
    }
}

/// The value of the field Compression.
fn code(compression: TiffCompression) -> u16 {
    match compression {
        TiffCompression::None => 1,
        TiffCompression::Lzw => 5,
        TiffCompression::Jpeg { .. } => 7,
        TiffCompression::Deflate => 8,
        TiffCompression::Zstd => 50_000,
    }
}

fn shorts(tag: u16, values: &[u16]) -> Field {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Field { tag, kind: SHORT, count: values.len() as u64, bytes }
}

fn bytes(tag: u16, kind: u16, values: &[u8]) -> Field {
    Field { tag, kind, count: values.len() as u64, bytes: values.to_vec() }
}

fn doubles(tag: u16, values: &[f64]) -> Field {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Field { tag, kind: DOUBLE, count: values.len() as u64, bytes }
}

fn resolution_fields(resolution: &Resolution) -> [Field; 3] {
    let unit = match resolution.unit {
        Unit::Inch => 2,
        Unit::Centimetre => 3,
    };
    [ratio(282, resolution.x), ratio(283, resolution.y), shorts(296, &[unit])]
}

/// A ratio with the least power of ten below it that makes a whole number of it, or the largest that fits.
fn ratio(tag: u16, value: f64) -> Field {
    let fits = |below: &u32| value * f64::from(*below) <= f64::from(u32::MAX);
    let whole = |below: &u32| (value * f64::from(*below)).fract() == 0.0;
    let powers = || (0..7).map(|power| 10u32.pow(power)).take_while(fits);
    let below = powers().find(whole).or_else(|| powers().last()).unwrap_or(1);
    let above = (value * f64::from(below)).round() as u32;
    let bytes = [above.to_le_bytes(), below.to_le_bytes()].concat();
    Field { tag, kind: RATIONAL, count: 1, bytes }
}

fn geo_fields(geo: &Geo) -> Vec<Field> {
    let mut fields = match &geo.model {
        Model::Scale(scale, tie) => vec![doubles(33550, scale), doubles(33922, tie)],
        Model::Matrix(matrix) => vec![doubles(34264, matrix)],
        Model::Points(points) => vec![doubles(33922, points.as_flattened())],
    };
    fields.push(shorts(34735, &geo.keys));
    if !geo.doubles.is_empty() {
        fields.push(doubles(34736, &geo.doubles));
    }
    if !geo.text.is_empty() {
        fields.push(bytes(34737, ASCII, &geo.text));
    }
    fields
}

fn longs(tag: u16, value: u32) -> Field {
    Field { tag, kind: LONG, count: 1, bytes: value.to_le_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Progress, Ranges, parse};
    use tessera_core::geometry::Size;
    use tessera_core::pixel::{Depth, PixelType};

    fn file(width: u32, height: u32) -> TiffFile {
        let pixel = PixelType::new(Channels::Gray, Depth::U8);
        TiffFile::new(
            Extent { size: Size::new(width, height), pixel },
            512,
            TiffCompression::Deflate,
            Annotations::default(),
        )
    }

    #[test]
    fn a_bigtiff_is_written_where_the_uncompressed_bound_passes_4_gib() {
        assert!(!file(60_000, 60_000).is_big());
        assert!(file(70_000, 70_000).is_big());
    }

    #[test]
    fn a_cog_begins_with_its_structure_and_then_its_directories() {
        let extent = file(1030, 600).extent;
        let cog = TiffFile::cog(extent, 512, TiffCompression::Deflate, Annotations::default());
        // 3 x 2 tiles, 2 x 1, and 1.
        let header = cog.header(&[20, 21, 22, 30, 31, 32, 33, 34, 35]);
        let text = String::from_utf8_lossy(&header[8..200]);
        assert!(
            text.starts_with("GDAL_STRUCTURAL_METADATA_SIZE=000118 bytes\nLAYOUT=IFDS_BEFORE_DATA\n"),
            "{text}"
        );
        let first = u32::from_le_bytes(header[4..8].try_into().unwrap());
        assert_eq!(first, 8 + 43 + 118 + 1);
        let end = cog.header_len() as u32;
        let single = (end + 4).to_le_bytes();
        assert!(header.windows(4).any(|bytes| bytes == single), "the smallest level comes first");
    }

    #[test]
    fn what_is_said_beside_the_pixels_is_read_back() {
        let tie = [0.0, 0.0, 0.0, 500_000.5, 4_000_000.25, 0.0];
        let models = [
            Model::Scale([0.6, 0.6, 0.0], tie),
            Model::Points(vec![tie; 5]),
            Model::Matrix(std::array::from_fn(|at| at as f64 * 0.1)),
        ];
        for model in models {
            let keys = vec![1, 1, 0, 1, 1024, 0, 1, 1];
            let geo = Geo { model, keys, doubles: vec![6_378_137.0], text: b"WGS 84|\0".to_vec() };
            let resolution = Resolution::new(300.0, 72.5, Unit::Inch);
            let notes = Notes { resolution, geo: Some(geo), nodata: Some(b"-9999\0".to_vec()) };
            let annotations = Annotations { icc: Some(vec![7; 200]), notes: notes.clone() };
            let extent = file(600, 300).extent;
            let file = TiffFile::cog(extent, 256, TiffCompression::Deflate, annotations);
            for file in [file.clone(), file.as_big()] {
                let mut bytes = file.header(&[100; 9]);
                bytes.resize(bytes.len() + 900, 0);
                let length = bytes.len() as u64;
                let Ok(Progress::Done(header)) = parse(&Ranges::whole(bytes), length) else { panic!() };
                assert_eq!(header.notes, notes);
            }
        }
    }

    #[test]
    fn the_header_of_a_single_tile_has_no_arrays_outside() {
        let one = file(10, 10);
        let header = one.header(&[7]);
        assert_eq!(header.len() as u64, one.header_len());
        assert!(header.len() < 200);
    }
}
