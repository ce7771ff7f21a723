//! Makes overviews while an image comes row by row of tiles: each level's rows are filled by halves of the level before.
//! Holds one row of tiles of each level of one block; does no IO and encodes nothing.

use tessera_core::grid::Grid;
use tessera_operations::{Region, halve};

/// The levels of an image, the first being what comes.
pub(crate) struct Levels {
    grids: Vec<Grid>,
    /// The row of each level but the first that is being filled.
    filling: Vec<Option<Filling>>,
}

struct Filling {
    row: Row,
    /// Rows of pixels that are there.
    filled: u32,
}

/// A row of tiles of one block.
pub(crate) struct Row {
    /// Index of the level.
    pub(crate) level: usize,
    /// Number of the block.
    pub(crate) block: u32,
    /// Number of the row inside the block.
    pub(crate) row: u32,
    /// All its pixels.
    pub(crate) pixels: Region,
}

impl Levels {
    /// The levels of these grids, in which blocks have the same numbers, each half as large as the one before.
    pub(crate) fn new(grids: Vec<Grid>) -> Levels {
        let filling = grids.iter().map(|_| None).collect();
        Levels { grids, filling }
    }

    /// Takes a row of tiles of the first level, and gives the rows of the other levels that are complete with it. Rows come
    /// in file order; some may be left out, and so are then the rows of other levels that they are part of.
    pub(crate) fn push(&mut self, block: u32, row: u32, pixels: &Region) -> Vec<Row> {
        let mut complete: Vec<Row> = Vec::new();
        for level in 1..self.grids.len() {
            let half = halve(complete.last().map_or(pixels, |below| &below.pixels));
            let Some(full) = self.fill(level, block, row >> level, &half) else { break };
            complete.push(full);
        }
        complete
    }

    /// Adds pixels to a level's row and returns it when it is complete.
    fn fill(&mut self, level: usize, block: u32, row: u32, part: &Region) -> Option<Row> {
        let rect = self.grids[level].strip(block, row);
        let empty = || Filling {
            row: Row { level, block, row, pixels: Region::zeroed(rect, part.pixel()) },
            filled: 0,
        };
        let same = |filling: &Filling| (filling.row.block, filling.row.row) == (block, row);
        let mut filling = self.filling[level].take().filter(same).unwrap_or_else(empty);
        filling.row.pixels.paste(part);
        filling.filled += part.rect.height;
        if filling.filled == rect.height {
            return Some(filling.row);
        }
        self.filling[level] = Some(filling);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::operation::Extent;
    use tessera_core::output::{OutputFormat, TiffCompression};
    use tessera_core::pixel::{Channels, Depth, PixelType};
    use tessera_core::pyramid::Pyramid;

    #[test]
    fn rows_of_blocks_give_the_halves_of_the_whole() {
        let (size, pixel) = (Size::new(2500, 4700), PixelType::new(Channels::Gray, Depth::U8));
        let mut whole = Region::zeroed(size.rect(), pixel);
        if let tessera_operations::Samples::U8(samples) = &mut whole.samples {
            (0u32..)
                .zip(samples)
                .for_each(|(i, sample)| *sample = (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        }
        let format = OutputFormat::Cog { tile: 256, compression: TiffCompression::None };
        let grids = Pyramid::new(Grid::new(Extent { size, pixel }, format), format).shared;
        let mut expected = vec![whole];
        (1..grids.len()).for_each(|level| expected.push(halve(&expected[level - 1])));
        let (mut levels, mut seen) = (Levels::new(grids.clone()), 0);
        for block in 0..grids[0].blocks() {
            for row in 0..grids[0].tile_rows_of(block) {
                for full in levels.push(block, row, &expected[0].crop(grids[0].strip(block, row))) {
                    assert_eq!(full.pixels, expected[full.level].crop(full.pixels.rect));
                    seen += full.pixels.rect.pixels();
                }
            }
        }
        assert_eq!(seen, grids[1..].iter().map(|grid| grid.image.pixels()).sum::<u64>());
    }
}
