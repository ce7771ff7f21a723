//! The orientation that EXIF and TIFF record: how the stored rows and columns become the image that is meant.
//! Rectangles only; turning pixels is the business of `imaging`.

use tessera_core::geometry::{Rect, Size};

/// A value 1 to 8 of the orientation tag (TIFF 6.0, page 36; EXIF 2.3, tag 274).
///
/// Every orientation is: mirror the stored columns or not, mirror the stored rows or not, then transpose or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Orientation(u8);

impl Orientation {
    /// Stored as it is meant.
    pub const NORMAL: Orientation = Orientation(1);

    /// The orientation of a tag's value; [`Orientation::NORMAL`] for values that have no meaning.
    pub fn from_tag(value: u64) -> Orientation {
        match value {
            2..=8 => Orientation(value as u8),
            _ => Orientation::NORMAL,
        }
    }

    /// The tag's value, 1 to 8.
    pub fn tag(self) -> u8 {
        self.0
    }

    /// Whether the stored columns are mirrored (before transposing).
    pub fn mirrors_columns(self) -> bool {
        matches!(self.0, 2 | 3 | 7 | 8)
    }

    /// Whether the stored rows are mirrored (before transposing).
    pub fn mirrors_rows(self) -> bool {
        matches!(self.0, 3 | 4 | 6 | 7)
    }

    /// Whether rows become columns, after mirroring.
    pub fn transposes(self) -> bool {
        self.0 >= 5
    }

    /// The size of the image that is meant, for a stored image of size `stored`; and the other way round.
    pub fn size(self, stored: Size) -> Size {
        if self.transposes() { Size::new(stored.height, stored.width) } else { stored }
    }

    /// Where the pixels `rect` of an image stored with size `stored` lie in the image that is meant.
    pub fn to_oriented(self, rect: Rect, stored: Size) -> Rect {
        let mirrored = self.mirror(rect, stored);
        if self.transposes() { transpose(mirrored) } else { mirrored }
    }

    /// Where the pixels `rect` of the image that is meant lie in the stored image of size `stored`.
    pub fn to_stored(self, rect: Rect, stored: Size) -> Rect {
        let mirrored = if self.transposes() { transpose(rect) } else { rect };
        self.mirror(mirrored, stored)
    }

    fn mirror(self, rect: Rect, stored: Size) -> Rect {
        let x = if self.mirrors_columns() { stored.width - rect.right() } else { rect.x };
        let y = if self.mirrors_rows() { stored.height - rect.bottom() } else { rect.y };
        Rect { x, y, ..rect }
    }
}

fn transpose(rect: Rect) -> Rect {
    Rect::new(rect.y, rect.x, rect.height, rect.width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_there_and_back_is_the_same() {
        let stored = Size::new(100, 60);
        let rect = Rect::new(10, 5, 30, 7);
        for tag in 1..=8 {
            let orientation = Orientation::from_tag(tag);
            let oriented = orientation.to_oriented(rect, stored);
            assert!(orientation.size(stored).rect().contains(&oriented));
            assert_eq!(orientation.to_stored(oriented, stored), rect);
        }
    }

    #[test]
    fn a_photograph_turned_right_has_its_first_stored_row_in_the_last_column() {
        let six = Orientation::from_tag(6);
        assert_eq!(six.to_oriented(Rect::new(0, 0, 100, 1), Size::new(100, 60)), Rect::new(59, 0, 1, 100));
        assert_eq!(Orientation::from_tag(9), Orientation::NORMAL);
    }
}
