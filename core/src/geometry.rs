//! Sizes and rectangles of image pixels. Coordinates are whole pixels from the top left corner.
//! Nothing here knows tiles, files or operations.

use serde::{Deserialize, Serialize};

/// The largest width or height, in pixels, that any image may have: 2^30.
///
/// Sums of a coordinate, a size and a halo therefore never overflow a `u32`.
pub const MAX_SIDE: u32 = 1 << 30;

/// Width and height in pixels, each 1 to [`MAX_SIDE`] for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size of `width` x `height` pixels.
    pub const fn new(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    /// The number of pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The rectangle that covers an image of this size.
    pub const fn rect(self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

/// A rectangle of pixels: the columns `x..x + width` of the rows `y..y + height`. It may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Number of columns.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
}

impl Rect {
    /// The columns `x..x + width` of the rows `y..y + height`.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    /// The column after the last.
    pub const fn right(&self) -> u32 {
        self.x + self.width
    }

    /// The row after the last.
    pub const fn bottom(&self) -> u32 {
        self.y + self.height
    }

    /// Width and height.
    pub const fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// The number of pixels.
    pub fn pixels(&self) -> u64 {
        self.size().pixels()
    }

    /// Whether no pixel lies inside.
    pub const fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Whether every pixel of `other` lies inside.
    pub fn contains(&self, other: &Rect) -> bool {
        other.is_empty()
            || (self.x <= other.x
                && self.y <= other.y
                && other.right() <= self.right()
                && other.bottom() <= self.bottom())
    }

    /// The pixels that lie in both; empty (of size 0 x 0) where there are none.
    pub fn intersect(&self, other: &Rect) -> Rect {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        if x < right && y < bottom { Rect::new(x, y, right - x, bottom - y) } else { Rect::new(x, y, 0, 0) }
    }

    /// The rectangle grown by `halo` pixels on every side, clipped to an image of size `image`.
    pub fn expand(&self, halo: u32, image: Size) -> Rect {
        let (x, y) = (self.x.saturating_sub(halo), self.y.saturating_sub(halo));
        let right = self.right().saturating_add(halo).min(image.width);
        let bottom = self.bottom().saturating_add(halo).min(image.height);
        Rect::new(x, y, right.saturating_sub(x), bottom.saturating_sub(y))
    }

    /// The smallest rectangle that holds both.
    pub fn union(&self, other: &Rect) -> Rect {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let (right, bottom) = (self.right().max(other.right()), self.bottom().max(other.bottom()));
        Rect::new(x, y, right - x, bottom - y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halo_is_clipped_to_the_image() {
        let image = Size::new(100, 50);
        assert_eq!(Rect::new(0, 10, 10, 40).expand(4, image), Rect::new(0, 6, 14, 44));
        assert_eq!(image.rect().expand(7, image), image.rect());
    }

    #[test]
    fn rectangles_that_do_not_touch_have_an_empty_intersection() {
        let a = Rect::new(0, 0, 10, 10);
        assert!(a.intersect(&Rect::new(10, 0, 5, 5)).is_empty());
        assert_eq!(a.intersect(&Rect::new(8, 9, 5, 5)), Rect::new(8, 9, 2, 1));
    }
}
