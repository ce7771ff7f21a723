//! Rows of a region, and the replicated border of the image around a neighbourhood operation's window.
//! The border is the image's: a region that ends inside the image has no border there.

use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::Channels;

/// Interleaved samples of a rectangle of an image, by rows.
pub(crate) struct Rows<'a, T> {
    /// `rect.pixels() * channels` samples.
    pub(crate) samples: &'a [T],
    /// Which part of the image they are.
    pub(crate) rect: Rect,
    /// Samples per pixel.
    pub(crate) channels: usize,
}

impl<'a, T> Rows<'a, T> {
    /// The samples of row `y` in the columns of `columns`, both inside the rectangle.
    #[inline(always)]
    pub(crate) fn row(&self, y: u32, columns: Rect) -> &'a [T] {
        let pixel =
            (y - self.rect.y) as usize * self.rect.width as usize + (columns.x - self.rect.x) as usize;
        &self.samples[pixel * self.channels..][..columns.width as usize * self.channels]
    }
}

/// Gives the pixels `output` in `lines` the alpha of the same pixels in `rows`, if they have one.
pub(crate) fn keep_alpha<T: Copy>(rows: &Rows<T>, output: Rect, channels: Channels, lines: &mut [&mut [T]]) {
    if !channels.has_alpha() {
        return;
    }
    let count = channels.count();
    for (y, line) in (output.y..).zip(lines) {
        let alpha = rows.row(y, output).iter().skip(count - 1).step_by(count);
        line.iter_mut().skip(count - 1).step_by(count).zip(alpha).for_each(|(to, from)| *to = *from);
    }
}

/// What an operation with a square neighbourhood reads for a rectangle of its result.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    /// The result's pixels.
    pub(crate) output: Rect,
    /// How far the neighbourhood reaches, in pixels.
    pub(crate) radius: u32,
    /// The image's size.
    pub(crate) image: Size,
}

impl Window {
    /// The pixels inside the image that are read.
    pub(crate) fn read(&self) -> Rect {
        self.output.expand(self.radius, self.image)
    }

    /// The row inside the image that stands for the row `dy` below row `y`.
    pub(crate) fn row(&self, y: u32, dy: i32) -> u32 {
        y.saturating_add_signed(dy).min(self.image.height - 1)
    }

    /// Pixels of a padded row: the output's width and the radius on both sides.
    pub(crate) fn padded(&self) -> usize {
        self.output.width as usize + 2 * self.radius as usize
    }

    /// The part of a padded row, in pixels, that lies inside the image.
    pub(crate) fn inside(&self) -> std::ops::Range<usize> {
        let read = self.read();
        let start = (self.radius - (self.output.x - read.x)) as usize;
        start..start + read.width as usize
    }

    /// All rows that a neighbourhood in the output looks at, padded on all sides with the nearest pixels of the image,
    /// each value through `f`: `output.height + 2 * radius` rows of `padded() * channels` values.
    #[inline(always)]
    pub(crate) fn padded_rows<T: Copy, U: Copy + Default>(
        &self,
        rows: &Rows<T>,
        f: impl Fn(T) -> U,
    ) -> Vec<U> {
        let (read, channels, radius) = (self.read(), rows.channels, self.radius as i32);
        let (length, inside) = (self.padded() * channels, self.inside().start * channels);
        let mut padded = vec![U::default(); length * (self.output.height + 2 * self.radius) as usize];
        for (dy, row) in (-radius..).zip(padded.chunks_exact_mut(length)) {
            let source = rows.row(self.row(self.output.y, dy), read);
            row[inside..].iter_mut().zip(source).for_each(|(to, from)| *to = f(*from));
            self.replicate(row, channels);
        }
        padded
    }

    /// Fills what lies outside the image in a padded row of pixels of `channels` values with the nearest pixel inside.
    pub(crate) fn replicate<T: Copy>(&self, row: &mut [T], channels: usize) {
        let inside = self.inside();
        let (start, end) = (inside.start * channels, inside.end * channels);
        for index in (0..start).rev() {
            row[index] = row[index + channels];
        }
        for index in end..row.len() {
            row[index] = row[index - channels];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_repeats_the_border_of_the_image_only() {
        let window = Window { output: Rect::new(1, 0, 2, 1), radius: 3, image: Size::new(5, 1) };
        assert_eq!(window.read(), Rect::new(0, 0, 5, 1));
        assert_eq!((window.padded(), window.inside()), (8, 2..7));
        let mut row = [0, 0, 1, 2, 3, 4, 5, 0];
        window.replicate(&mut row, 1);
        assert_eq!(row, [1, 1, 1, 2, 3, 4, 5, 5]);
        let mut pairs = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0];
        window.replicate(&mut pairs, 2);
        assert_eq!(pairs, [1, 2, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 10]);
    }

    #[test]
    fn rows_above_and_below_the_image_are_its_first_and_last() {
        let window = Window { output: Rect::new(0, 0, 1, 4), radius: 2, image: Size::new(1, 4) };
        assert_eq!([window.row(0, -2), window.row(1, -1), window.row(3, 2), window.row(2, 1)], [0, 0, 3, 3]);
    }
}
