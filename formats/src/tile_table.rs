//! Where the tiles of a TIFF lie, read for as few of them as are needed. Fetches nothing, decodes nothing.

use crate::header::{HeaderError, Progress, Stop, progress};
use crate::ranges::{Ranges, Reader};
use crate::tiff::TiffSource;
use crate::tiff_ifd::{Values, number};
use std::ops::Range;

/// Where a run of tiles lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileTable {
    first: u64,
    planes: usize,
    /// Those of the first tile's planes, then those of the next tile.
    ranges: Vec<Range<u64>>,
}

impl TileTable {
    /// The bytes of tile `index`, one range for each of the image's planes; empty where the plane of a tile is sparse and
    /// its samples are all [`TiffSource::sparse`]. `None` where the table does not cover the tile.
    pub fn planes_of(&self, index: u64) -> Option<&[Range<u64>]> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?.checked_mul(self.planes)?;
        self.ranges.get(at..at.checked_add(self.planes)?)
    }

    /// As [`TileTable::planes_of`], for an image that is not cut into planes; `None` for one that is.
    pub fn bytes_of(&self, index: u64) -> Option<Range<u64>> {
        match self.planes_of(index)? {
            [range] => Some(range.clone()),
            _ => None,
        }
    }
}

/// Where the tiles `tiles` (a run of row-major indexes) of a file of `total` bytes lie. Fetch what is asked for and call
/// again, as with [`crate::parse`]; it needs 8 to 16 bytes of the file for each tile.
///
/// # Errors
/// A tile lies outside the file, or has more bytes than its pixels can have.
pub fn tile_table(
    have: &Ranges,
    total: u64,
    tiff: &TiffSource,
    tiles: Range<u64>,
) -> Result<Progress<TileTable>, HeaderError> {
    let reader = Reader { have, total, limit: u64::MAX, format: "TIFF" };
    progress(table(&reader, tiff, tiles))
}

fn table(reader: &Reader, tiff: &TiffSource, tiles: Range<u64>) -> Result<TileTable, Stop> {
    let tiles = tiles.start..tiles.end.min(tiff.tiles());
    let planes = tiff.planes();
    let of_planes = (0..planes as u64).map(|plane| plane_ranges(reader, tiff, plane, &tiles));
    let of_planes = of_planes.collect::<Result<Vec<_>, _>>()?;
    let length = of_planes.first().map_or(0, Vec::len);
    let ranges = (0..length).flat_map(|at| of_planes.iter().map(move |ranges| ranges[at].clone()));
    Ok(TileTable { first: tiles.start, planes, ranges: ranges.collect() })
}

/// Where one plane of the tiles `tiles` lies.
fn plane_ranges(
    reader: &Reader,
    tiff: &TiffSource,
    plane: u64,
    tiles: &Range<u64>,
) -> Result<Vec<Range<u64>>, Stop> {
    if tiff.places.split {
        return split_ranges(reader, tiff, plane, tiles);
    }
    let start = plane * tiff.tiles();
    let parts = start + tiles.start..start + tiles.end;
    let offsets = run(reader, tiff, &tiff.places.offsets, &parts)?;
    let counts = run(reader, tiff, &tiff.places.counts, &parts)?;
    let ranges = tiles.clone().zip(offsets.zip(counts));
    ranges.map(|(index, (offset, count))| tile_range(reader, tiff, index, offset, count)).collect()
}

/// The values of the parts `parts` in an array of offsets or counts.
fn run<'a>(
    reader: &Reader<'a>,
    tiff: &TiffSource,
    values: &Values,
    parts: &Range<u64>,
) -> Result<impl Iterator<Item = u64> + use<'a>, Stop> {
    let at = values.at.saturating_add(parts.start.saturating_mul(values.width));
    let length = parts.end.saturating_sub(parts.start).saturating_mul(values.width);
    let (width, big_endian) = (values.width as usize, tiff.big_endian);
    Ok(reader.bytes(at, length)?.chunks_exact(width).map(move |bytes| number(bytes, big_endian)))
}

fn tile_range(
    reader: &Reader,
    tiff: &TiffSource,
    index: u64,
    offset: u64,
    count: u64,
) -> Result<Range<u64>, Stop> {
    if count == 0 {
        return Ok(0..0);
    }
    let end = offset.saturating_add(count);
    if end > reader.total {
        return Err(HeaderError::Truncated { format: "TIFF", end, total: reader.total }.into());
    }
    // No compression makes a tile much larger; what claims to be is not fetched.
    let most = tiff.raw_bytes(tiff.tile) * 2 + (1 << 20);
    if count > most {
        return reader.damaged(format!("tile {index} has {count} bytes"));
    }
    Ok(offset..end)
}

/// The runs of rows of a plane's single uncompressed strip.
fn split_ranges(
    reader: &Reader,
    tiff: &TiffSource,
    plane: u64,
    tiles: &Range<u64>,
) -> Result<Vec<Range<u64>>, Stop> {
    let offset = run(reader, tiff, &tiff.places.offsets, &(plane..plane + 1))?.next().unwrap_or(0);
    let run_bytes = tiff.plane_bytes(tiff.tile);
    let range = |index: u64| {
        let start = offset.saturating_add(index * run_bytes);
        tile_range(reader, tiff, index, start, tiff.plane_bytes(tiff.tile_stored(index)))
    };
    tiles.clone().map(range).collect()
}
