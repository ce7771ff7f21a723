//! The layout of the TIFF that is written: one little-endian header, then the tiles in file order.
//! Knows the tiles' sizes, not their bytes.

use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::Channels;

/// The header is a multiple of this, so that all arrays and the first tile are aligned.
const ALIGNMENT: usize = 16;

/// A TIFF or BigTIFF with one image in square tiles.
///
/// The file: magic, the directory, the values that do not fit into it (bits, profile, the offsets and byte counts of the
/// tiles, row-major), padding to 16 bytes; then the tiles' bytes in the file order of [`Grid`], without gaps.
#[derive(Debug, Clone)]
pub struct TiffFile {
    extent: Extent,
    grid: Grid,
    compression: TiffCompression,
    icc: Option<Vec<u8>>,
    big: bool,
}

/// A field of the directory with the bytes of its values.
struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    bytes: Vec<u8>,
}

const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
const LONG8: u16 = 16;

impl TiffFile {
    /// The file for an image of extent `extent` in tiles of `tile` x `tile` pixels, with the raw profile `icc`.
    /// It is a BigTIFF where header and tiles could pass 4 GiB without compression.
    pub fn new(extent: Extent, tile: u32, compression: TiffCompression, icc: Option<Vec<u8>>) -> TiffFile {
        let grid = Grid::new(extent, OutputFormat::Tiff { tile, compression });
        let classic = TiffFile { extent, grid, compression, icc, big: false };
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

    /// The most bytes that the tiles can have: deflate adds less than 1/64 and 64 bytes to what it cannot compress.
    fn data_bound(&self) -> u64 {
        let tile = self.grid.tile.pixels() * self.extent.pixel.bytes() as u64;
        self.grid.tiles().saturating_mul(tile + tile / 64 + 64)
    }

    /// Length of the header in bytes: where the first tile begins. It depends on the image and the options alone.
    pub fn header_len(&self) -> u64 {
        let (directory, outside) = self.lengths(&self.fields_before(), &self.fields_after());
        (directory + outside + self.array_bytes()).next_multiple_of(ALIGNMENT) as u64
    }

    /// The complete header for tiles of `sizes` bytes, in file order.
    ///
    /// # Panics
    /// `sizes` has not one value for each tile of the grid, or passes what [`TiffFile::new`] took for the bound: a
    /// mistake of the caller.
    pub fn header(&self, sizes: &[u32]) -> Vec<u8> {
        let (offsets, counts) = self.arrays(sizes);
        let mut fields = self.fields_before();
        fields.push(offsets);
        fields.push(counts);
        fields.extend(self.fields_after());
        let header = self.serialise(&fields);
        assert_eq!(header.len() as u64, self.header_len(), "the header's length is known before the tiles");
        header
    }

    /// TileOffsets and TileByteCounts.
    fn arrays(&self, sizes: &[u32]) -> (Field, Field) {
        assert_eq!(sizes.len() as u64, self.grid.tiles(), "one size for each tile");
        let mut places = vec![(0, 0); sizes.len()];
        let mut offset = self.header_len();
        for (at, &size) in self.grid.file_order().zip(sizes) {
            places[self.grid.index(at) as usize] = (offset, size);
            offset += u64::from(size);
        }
        assert!(self.big || offset <= u64::from(u32::MAX), "a classic TIFF's bound is below 4 GiB");
        let offsets = places.iter().flat_map(|&(offset, _)| self.offset(offset)).collect();
        let counts = places.iter().flat_map(|&(_, size)| size.to_le_bytes()).collect();
        let count = sizes.len() as u64;
        let kind = if self.big { LONG8 } else { LONG };
        (
            Field { tag: 324, kind, count, bytes: offsets },
            Field { tag: 325, kind: LONG, count, bytes: counts },
        )
    }

    /// An offset in 4 or 8 bytes.
    fn offset(&self, value: u64) -> Vec<u8> {
        let length = if self.big { 8 } else { 4 };
        value.to_le_bytes()[..length].to_vec()
    }

    /// The fields before TileOffsets, by ascending tag.
    fn fields_before(&self) -> Vec<Field> {
        let pixel = self.extent.pixel;
        let colour = matches!(pixel.channels, Channels::Rgb | Channels::Rgba);
        let samples = pixel.channels.count();
        let deflate = matches!(self.compression, TiffCompression::Deflate);
        let mut fields = vec![
            longs(256, self.extent.size.width),
            longs(257, self.extent.size.height),
            shorts(258, &vec![pixel.depth.bits() as u16; samples]),
            shorts(259, &[if deflate { 8 } else { 1 }]),
            shorts(262, &[if colour { 2 } else { 1 }]),
            shorts(277, &[samples as u16]),
            shorts(284, &[1]),
        ];
        if deflate {
            fields.push(shorts(317, &[2]));
        }
        fields.extend([longs(322, self.grid.tile.width), longs(323, self.grid.tile.height)]);
        fields
    }

    /// The fields after TileByteCounts, by ascending tag.
    fn fields_after(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        if self.extent.pixel.channels.has_alpha() {
            fields.push(shorts(338, &[2]));
        }
        if let Some(icc) = &self.icc {
            fields.push(Field { tag: 34675, kind: UNDEFINED, count: icc.len() as u64, bytes: icc.clone() });
        }
        fields
    }

    /// Bytes of magic and directory, the two arrays included, and of the values outside it, the two arrays excluded.
    fn lengths(&self, before: &[Field], after: &[Field]) -> (usize, usize) {
        let fields = before.len() + 2 + after.len();
        let directory = if self.big { 16 + 8 + 20 * fields + 8 } else { 8 + 2 + 12 * fields + 4 };
        let outside = before.iter().chain(after).map(|field| self.outside(field.bytes.len())).sum();
        (directory.next_multiple_of(ALIGNMENT), outside)
    }

    /// Bytes of the two arrays outside the directory.
    fn array_bytes(&self) -> usize {
        let tiles = usize::try_from(self.grid.tiles()).expect("a grid of tiles fits in memory");
        self.outside(tiles * if self.big { 8 } else { 4 }) + self.outside(tiles * 4)
    }

    /// Bytes that values of `length` bytes take outside the directory.
    fn outside(&self, length: usize) -> usize {
        if length <= self.inline() { 0 } else { length.next_multiple_of(ALIGNMENT) }
    }

    /// Bytes of values that a field itself holds.
    fn inline(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Magic, directory and values.
    fn serialise(&self, fields: &[Field]) -> Vec<u8> {
        let mut header = self.magic(fields.len());
        let directory = header.len() + fields.len() * if self.big { 20 } else { 12 } + self.inline();
        let start = directory.next_multiple_of(ALIGNMENT);
        let mut outside = Vec::new();
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
        // No next directory, and padding.
        header.resize(start, 0);
        header.append(&mut outside);
        header.resize(header.len().next_multiple_of(ALIGNMENT), 0);
        header
    }

    /// The magic, the directory's offset (it follows at once) and its number of fields.
    fn magic(&self, fields: usize) -> Vec<u8> {
        if self.big {
            let mut bytes = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
            bytes.extend((fields as u64).to_le_bytes());
            bytes
        } else {
            let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
            bytes.extend((fields as u16).to_le_bytes());
            bytes
        }
    }
}

fn shorts(tag: u16, values: &[u16]) -> Field {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Field { tag, kind: SHORT, count: values.len() as u64, bytes }
}

fn longs(tag: u16, value: u32) -> Field {
    Field { tag, kind: LONG, count: 1, bytes: value.to_le_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::pixel::{Depth, PixelType};

    fn file(width: u32, height: u32) -> TiffFile {
        let pixel = PixelType::new(Channels::Gray, Depth::U8);
        TiffFile::new(Extent { size: Size::new(width, height), pixel }, 512, TiffCompression::Deflate, None)
    }

    #[test]
    fn a_bigtiff_is_written_where_the_uncompressed_bound_passes_4_gib() {
        assert!(!file(60_000, 60_000).is_big());
        assert!(file(70_000, 70_000).is_big());
    }

    #[test]
    fn the_header_of_a_single_tile_has_no_arrays_outside() {
        let one = file(10, 10);
        let header = one.header(&[7]);
        assert_eq!(header.len() as u64, one.header_len());
        assert!(header.len() < 200);
    }
}
