//! Where the pixels of a rectangle are written: rows that lie in a larger region, so that nothing is copied afterwards.

use crate::fetch;
use crate::region::{Region, Samples};
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// The rows of a rectangle, to be written.
pub struct Target<'a> {
    /// Which part of the image, in the image's own coordinates.
    pub(crate) rect: Rect,
    /// What the samples mean.
    pub(crate) channels: Channels,
    /// The rows from top to bottom, each of `rect.width * channels.count()` samples.
    pub(crate) rows: Lines<'a>,
}

/// Rows of samples.
pub(crate) enum Lines<'a> {
    /// Of 8 bits.
    U8(Vec<&'a mut [u8]>),
    /// Of 16 bits.
    U16(Vec<&'a mut [u16]>),
}

/// What an expression makes of samples of either depth and of the rows of the same depth where they go; nothing where
/// the depths differ, which is a mistake of the caller.
macro_rules! each_depth_to {
    ($from:expr, $to:expr, ($samples:ident, $rows:ident) => $result:expr) => {
        match ($from, $to) {
            ($crate::region::Samples::U8($samples), $crate::target::Lines::U8($rows)) => $result,
            ($crate::region::Samples::U16($samples), $crate::target::Lines::U16($rows)) => $result,
            ($crate::region::Samples::U8(_), $crate::target::Lines::U16(_))
            | ($crate::region::Samples::U16(_), $crate::target::Lines::U8(_)) => {
                debug_assert!(false, "the target has the depth of the result")
            }
        }
    };
}
pub(crate) use each_depth_to;

impl Target<'_> {
    /// Which part of the image is written, in the image's own coordinates.
    pub fn rect(&self) -> Rect {
        self.rect
    }

    /// The target in parts of at most `most` columns, nearly as many in each, from left to right.
    pub(crate) fn parts(&mut self, most: u32) -> Vec<Target<'_>> {
        let Rect { x, y, width: all, height } = self.rect;
        let width = all.div_ceil(all.div_ceil(most).max(1)).max(1);
        let length = width as usize * self.channels.count();
        let rows: Vec<Lines<'_>> = match &mut self.rows {
            Lines::U8(rows) => chunks(rows, length).into_iter().map(Lines::U8).collect(),
            Lines::U16(rows) => chunks(rows, length).into_iter().map(Lines::U16).collect(),
        };
        let rects = (x..x + all)
            .step_by(width as usize)
            .map(|left| Rect::new(left, y, width.min(x + all - left), height));
        rects.zip(rows).map(|(rect, rows)| Target { rect, channels: self.channels, rows }).collect()
    }

    /// Writes the pixels of `region`, which must hold the rectangle and have the target's pixel type.
    pub fn paste(&mut self, region: &Region) {
        self.paste_from(region, self.rect);
    }

    /// Writes the pixels `rect` of `region`, a rectangle of the target's size.
    pub(crate) fn paste_from(&mut self, region: &Region, rect: Rect) {
        debug_assert_eq!((region.channels, rect.size()), (self.channels, self.rect.size()));
        let count = self.channels.count();
        each_depth_to!(&region.samples, &mut self.rows, (samples, rows) => copy(rect, count, (region.rect, samples), rows));
    }
}

/// Each of `rows` in parts of at most `length` samples, by part.
fn chunks<'a, T>(rows: &'a mut [&mut [T]], length: usize) -> Vec<Vec<&'a mut [T]>> {
    let mut parts: Vec<Vec<&mut [T]>> = Vec::new();
    for row in rows {
        for (index, chunk) in row.chunks_mut(length).enumerate() {
            if index == parts.len() {
                parts.push(Vec::new());
            }
            parts[index].push(chunk);
        }
    }
    parts
}

fn copy<T: Copy>(rect: Rect, count: usize, (from, samples): (Rect, &[T]), rows: &mut [&mut [T]]) {
    for (y, row) in (rect.y..).zip(rows) {
        let pixel = (y - from.y) as usize * from.width as usize + (rect.x - from.x) as usize;
        let length = row.len();
        fetch::copy(&samples[pixel * count..][..length], row);
    }
}

impl Region {
    /// The targets of `rects`: inside the region, disjoint, in reading order, those of one row of equal height.
    pub fn targets(&mut self, rects: &[Rect]) -> Vec<Target<'_>> {
        let (rect, channels) = (self.rect, self.channels);
        let rows: Vec<Lines<'_>> = match &mut self.samples {
            Samples::U8(samples) => cut(samples, rect, channels, rects).into_iter().map(Lines::U8).collect(),
            Samples::U16(samples) => {
                cut(samples, rect, channels, rects).into_iter().map(Lines::U16).collect()
            }
        };
        rects.iter().zip(rows).map(|(rect, rows)| Target { rect: *rect, channels, rows }).collect()
    }

    /// The whole region as one target.
    pub(crate) fn target(&mut self) -> Target<'_> {
        let (rect, channels) = (self.rect, self.channels);
        let length = (rect.width as usize * channels.count()).max(1);
        let rows = match &mut self.samples {
            Samples::U8(samples) => Lines::U8(samples.chunks_exact_mut(length).collect()),
            Samples::U16(samples) => Lines::U16(samples.chunks_exact_mut(length).collect()),
        };
        Target { rect, channels, rows }
    }
}

/// The rows of each of `rects`.
fn cut<'a, T>(samples: &'a mut [T], rect: Rect, channels: Channels, rects: &[Rect]) -> Vec<Vec<&'a mut [T]>> {
    let count = channels.count();
    let mut parts: Vec<Vec<&mut [T]>> =
        rects.iter().map(|rect| Vec::with_capacity(rect.height as usize)).collect();
    let mut first = 0;
    for (y, row) in (rect.y..).zip(samples.chunks_exact_mut((rect.width as usize * count).max(1))) {
        first += rects[first..].iter().take_while(|rect| rect.bottom() <= y).count();
        let (mut rest, mut x) = (row, rect.x);
        let in_row = rects[first..].iter().take_while(|rect| rect.y <= y);
        for (part, rect) in parts[first..].iter_mut().zip(in_row) {
            let (_, from) = std::mem::take(&mut rest).split_at_mut((rect.x - x) as usize * count);
            let (line, after) = from.split_at_mut(rect.width as usize * count);
            part.push(line);
            (rest, x) = (after, rect.right());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;
    use tessera_core::pixel::{Depth, PixelType};

    #[test]
    fn targets_are_the_rectangles_of_the_region() {
        let pixel = PixelType::new(Channels::Rgb, Depth::U16);
        let mut source = Region::zeroed(Rect::new(3, 5, 13, 11), pixel);
        if let Samples::U16(samples) = &mut source.samples {
            (0..).zip(samples).for_each(|(at, sample)| *sample = at);
        }
        for (width, height) in [(13, 11), (5, 4), (1, 1), (4, 11), (13, 2)] {
            let whole = source.rect;
            let starts = |from: u32, to: u32, step: u32| (from..to).step_by(step as usize);
            let rects: Vec<Rect> = starts(whole.y, whole.bottom(), height)
                .flat_map(|y| starts(whole.x, whole.right(), width).map(move |x| (x, y)))
                .map(|(x, y)| Rect::new(x, y, width, height).intersect(&whole))
                .collect();
            let mut copy = Region::zeroed(whole, pixel);
            copy.targets(&rects).iter_mut().for_each(|target| target.paste(&source.crop(target.rect)));
            assert!(copy == source, "{width} x {height}");
            let mut copy = Region::zeroed(whole, pixel);
            copy.target().parts(width).iter_mut().for_each(|target| target.paste(&source.crop(target.rect)));
            assert!(copy == source, "{width}");
        }
        assert_eq!(Region::zeroed(Size::new(4, 4).rect(), pixel).targets(&[]).len(), 0);
    }
}
