//! Turns stored pixels into the image that is meant. Pure copying: no sample changes.

use tessera_core::geometry::{Rect, Size};
use tessera_formats::orientation::Orientation;
use tessera_operations::region::{Region, Samples};

/// The pixels of `region`, a part of an image stored with size `stored`, where they lie in the image that is meant.
pub fn orient(region: Region, orientation: Orientation, stored: Size) -> Region {
    if orientation == Orientation::NORMAL {
        return region;
    }
    let count = region.channels.count();
    let walk = Walk::new(region.rect, orientation, count);
    let samples = match &region.samples {
        Samples::U8(samples) => Samples::U8(walk.copy(samples, count)),
        Samples::U16(samples) => Samples::U16(walk.copy(samples, count)),
    };
    Region { rect: orientation.to_oriented(region.rect, stored), samples, ..region }
}

/// How to walk through stored samples so that the result's come in order: the index of the first pixel, and the steps
/// from pixel to pixel and from row to row.
struct Walk {
    first: isize,
    step: isize,
    row_step: isize,
    size: Size,
}

impl Walk {
    fn new(rect: Rect, orientation: Orientation, count: usize) -> Walk {
        let (column, row) = (count as isize, count as isize * rect.width as isize);
        let (last_column, last_row) =
            (rect.width.saturating_sub(1) as isize, rect.height.saturating_sub(1) as isize);
        let (from_x, column) =
            if orientation.mirrors_columns() { (last_column * column, -column) } else { (0, column) };
        let (from_y, row) = if orientation.mirrors_rows() { (last_row * row, -row) } else { (0, row) };
        let (step, row_step) = if orientation.transposes() { (row, column) } else { (column, row) };
        Walk { first: from_x + from_y, step, row_step, size: orientation.size(rect.size()) }
    }

    fn copy<T: Copy>(&self, samples: &[T], count: usize) -> Vec<T> {
        let mut result = Vec::with_capacity(samples.len());
        for y in 0..self.size.height as isize {
            let mut at = self.first + y * self.row_step;
            for _ in 0..self.size.width {
                let from = at as usize;
                result.extend_from_slice(&samples[from..from + count]);
                at += self.step;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::pixel::Channels;

    /// The picture of a 3 x 2 image stored as 1 2 3 / 4 5 6.
    fn turned(tag: u64) -> (Size, Vec<u8>) {
        let stored = Size::new(3, 2);
        let samples = Samples::U8(vec![1, 2, 3, 4, 5, 6]);
        let region = orient(
            Region { rect: stored.rect(), channels: Channels::Gray, samples },
            Orientation::from_tag(tag),
            stored,
        );
        let Samples::U8(samples) = region.samples else { panic!("8 bit stays 8 bit") };
        (region.rect.size(), samples)
    }

    #[test]
    fn all_eight_orientations_are_as_the_tiff_specification_draws_them() {
        let expected: [(u32, [u8; 6]); 8] = [
            (3, [1, 2, 3, 4, 5, 6]),
            (3, [3, 2, 1, 6, 5, 4]),
            (3, [6, 5, 4, 3, 2, 1]),
            (3, [4, 5, 6, 1, 2, 3]),
            (2, [1, 4, 2, 5, 3, 6]),
            (2, [4, 1, 5, 2, 6, 3]),
            (2, [6, 3, 5, 2, 4, 1]),
            (2, [3, 6, 2, 5, 1, 4]),
        ];
        for (tag, (width, samples)) in (1..).zip(expected) {
            assert_eq!(turned(tag), (Size::new(width, 6 / width), samples.to_vec()), "orientation {tag}");
        }
    }

    #[test]
    fn a_part_is_turned_to_where_the_whole_has_it() {
        let stored = Size::new(7, 5);
        let pixels: Vec<u16> = (0..35 * 3).collect();
        let whole = Region { rect: stored.rect(), channels: Channels::Rgb, samples: Samples::U16(pixels) };
        let part = whole.crop(Rect::new(2, 1, 4, 3));
        for tag in 1..=8 {
            let orientation = Orientation::from_tag(tag);
            let turned = orient(part.clone(), orientation, stored);
            assert_eq!(
                orient(whole.clone(), orientation, stored).crop(turned.rect),
                turned,
                "orientation {tag}"
            );
        }
    }
}
