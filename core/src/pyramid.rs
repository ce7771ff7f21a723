//! The levels of a file: the image and, in a COG, its overviews, each half as wide and high as the one before.
//! Says which levels shards compute out of their own blocks, and which are left to assembly. Pure arithmetic on the grid.

use crate::geometry::Size;
use crate::grid::Grid;
use crate::output::OutputFormat;
use serde::{Deserialize, Serialize};

/// What a tile that a shard computes belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layer {
    /// The image (0) or an overview (1, 2, ...) of the file.
    Level(u32),
    /// The smallest level of a block once more, without loss and not for the file: assembly makes the smaller levels of it.
    Crown,
}

/// The levels of a file.
///
/// A block of 2^k x 2^k tiles reduces to 2^(k-1) x 2^(k-1) tiles of level 1, and so on to one tile of level k: all of them
/// follow from the block alone. In the grid of such a level the block has the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pyramid {
    /// Grids of the levels that shards compute, the image's first.
    pub shared: Vec<Grid>,
    /// Grids of the smaller levels; each is one block, so row-major.
    pub upper: Vec<Grid>,
}

impl Pyramid {
    /// The levels of a file of format `format`, whose image has the grid `grid`: for a COG, down to the first that is one tile.
    pub fn new(grid: Grid, format: OutputFormat) -> Pyramid {
        let one = Pyramid { shared: vec![grid], upper: Vec::new() };
        match format {
            OutputFormat::Cog { .. } => one.with_overviews(),
            OutputFormat::Tiff { .. }
            | OutputFormat::Png
            | OutputFormat::Jpeg { .. }
            | OutputFormat::WebP { .. } => one,
        }
    }

    fn with_overviews(mut self) -> Pyramid {
        let mut level = self.shared[0];
        while level.tiles() > 1 {
            let half = Size::new(level.image.width.div_ceil(2), level.image.height.div_ceil(2));
            let shared = level.block > 1 && self.upper.is_empty();
            let block = if shared { level.block / 2 } else { u32::MAX };
            level = Grid { image: half, block, ..level };
            if shared { self.shared.push(level) } else { self.upper.push(level) }
        }
        self
    }

    /// All levels, the image first.
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = &Grid> + Clone {
        self.shared.iter().chain(&self.upper)
    }

    /// What shards compute, in the order of their pieces.
    pub fn layers(&self) -> Vec<Layer> {
        let levels = (0..).zip(&self.shared).map(|(level, _)| Layer::Level(level));
        levels.chain((!self.upper.is_empty()).then_some(Layer::Crown)).collect()
    }

    /// The grid of a layer that shards compute.
    ///
    /// # Panics
    /// It is a level that they do not compute.
    pub fn grid(&self, layer: Layer) -> &Grid {
        match layer {
            Layer::Level(level) => &self.shared[level as usize],
            Layer::Crown => &self.shared[self.shared.len() - 1],
        }
    }

    /// Tiles of all levels.
    pub fn tiles(&self) -> u64 {
        self.levels().map(Grid::tiles).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Extent;
    use crate::output::TiffCompression;
    use crate::pixel::{Channels, Depth, PixelType};
    use proptest::prelude::*;

    fn pyramid(width: u32, height: u32) -> Pyramid {
        let format = OutputFormat::Cog { tile: 512, compression: TiffCompression::Deflate };
        let pixel = PixelType::new(Channels::Rgb, Depth::U8);
        Pyramid::new(Grid::new(Extent { size: Size::new(width, height), pixel }, format), format)
    }

    #[test]
    fn overviews_end_with_one_tile_and_blocks_go_as_far_as_they_are() {
        assert_eq!(pyramid(512, 512).layers(), [Layer::Level(0)]);
        let small = pyramid(2000, 513);
        assert_eq!((small.shared.len(), small.upper.len()), (3, 0));
        let large = pyramid(60_000, 40_000);
        assert_eq!((large.shared.len(), large.upper.len()), (5, 3));
        assert_eq!(large.upper[2].image, Size::new(469, 313));
        assert_eq!(large.layers().last(), Some(&Layer::Crown));
    }

    proptest! {
        #[test]
        fn a_block_has_the_same_number_and_place_on_every_level(width in 1u32..70_000, height in 1u32..70_000) {
            let pyramid = pyramid(width, height);
            for (level, grid) in (0u32..).zip(&pyramid.shared) {
                prop_assert_eq!(grid.blocks(), pyramid.shared[0].blocks());
                let last = grid.blocks() - 1;
                let (here, image) = (grid.strip(last, 0), pyramid.shared[0].strip(last, 0));
                prop_assert_eq!((here.x << level, here.y << level), (image.x, image.y));
            }
            prop_assert!(pyramid.upper.iter().all(|grid| grid.blocks() == 1));
            prop_assert_eq!(pyramid.levels().last().map(Grid::tiles), Some(1));
        }
    }
}
