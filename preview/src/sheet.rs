//! What planning a preview needs to know of an image: its size, and at which reductions its pixels can be read. Pure.

use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::Extent;

/// The most pixels of a source behind one tile, halo included.
pub const BUDGET: u64 = 20_000_000;

/// The most that are decoded for them: tiles of a file are decoded whole.
const DECODED: u64 = 5 * BUDGET / 2;

/// A level that is stored in the file in tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Halvings of the image.
    pub level: u32,
    /// Width and height of the level, as the job sees it.
    pub size: Size,
    /// Width and height of a tile of the file.
    pub tile: Size,
}

/// An image as planning sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Full size and pixel type.
    pub extent: Extent,
    /// Predicted nanoseconds of one core to decode a pixel.
    pub decode_cost: f64,
    /// The levels that can be read by ranges, the largest first. None where the file is read as a whole.
    pub layers: Vec<Layer>,
    /// Whether all of it may be decoded and kept.
    pub whole: bool,
}

/// How pixels of a level are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// From tiles of a layer, by its place in [`Sheet::layers`].
    Layer {
        /// Which layer.
        index: usize,
        /// Halvings of what is read.
        halvings: u32,
        /// Pixels that are decoded, at most.
        decoded: u64,
    },
    /// From the whole image in memory.
    Whole,
}

/// A side of an image after `level` halvings.
pub fn halved(side: u32, level: u32) -> u32 {
    side.div_ceil(1 << level.min(31))
}

/// A size after `level` halvings.
pub fn halved_size(size: Size, level: u32) -> Size {
    Size::new(halved(size.width, level), halved(size.height, level))
}

/// A rectangle of a level, in the image that was halved `halvings` times to become that level.
pub fn doubled(rect: Rect, halvings: u32) -> Rect {
    let times = |value: u32| u32::try_from(u64::from(value) << halvings).unwrap_or(1 << 30);
    Rect::new(times(rect.x), times(rect.y), times(rect.width), times(rect.height))
}

impl Sheet {
    /// Size and pixel type after `level` halvings.
    pub fn extent_at(&self, level: u32) -> Extent {
        Extent { size: halved_size(self.extent.size, level), pixel: self.extent.pixel }
    }

    /// How to come by any rectangle of size `window` of level `level`; `None` where that is too much at once.
    pub fn reading(&self, level: u32, window: Size) -> Option<Reading> {
        let layers = self.layers.iter().enumerate().rev();
        let nearest = layers.filter(|(_, layer)| layer.level <= level).map(|(index, layer)| {
            let halvings = level - layer.level;
            (
                layer.needs(window, halvings),
                Reading::Layer { index, halvings, decoded: layer.decodes(window, halvings) },
            )
        });
        let nearest = nearest.filter(|(read, reading)| {
            *read <= BUDGET && matches!(reading, Reading::Layer { decoded, .. } if *decoded <= DECODED)
        });
        nearest.map(|(_, reading)| reading).next().or(self.whole.then_some(Reading::Whole))
    }
}

impl Layer {
    fn window(&self, window: Size, halvings: u32) -> Size {
        let side =
            |side: u32, most: u32| u32::try_from(u64::from(side) << halvings).unwrap_or(most).min(most);
        Size::new(side(window.width, self.size.width), side(window.height, self.size.height))
    }

    /// Pixels behind a rectangle of size `window`.
    fn needs(&self, window: Size, halvings: u32) -> u64 {
        self.window(window, halvings).pixels()
    }

    /// Pixels of the tiles that hold them, wherever the rectangle lies.
    fn decodes(&self, window: Size, halvings: u32) -> u64 {
        let window = self.window(window, halvings);
        let side = |read: u32, tile: u32, all: u32| {
            let tiles = (u64::from(read.max(1) - 1) / u64::from(tile) + 2).min(u64::from(all.div_ceil(tile)));
            tiles * u64::from(tile)
        };
        side(window.width, self.tile.width, self.size.width)
            * side(window.height, self.tile.height, self.size.height)
    }
}
