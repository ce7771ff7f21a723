//! The smallest or largest sample under a structuring element. Pixels outside the image are not looked at.

use crate::border::{Rows, Window};
use crate::parameter::list_names;
use crate::sample::Sample;
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};

/// A shape of a structuring element, around its centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum Shape {
    /// A square.
    #[default]
    Rect,
    /// A disc.
    Ellipse,
    /// The row and the column through the centre.
    Cross,
}

/// A structuring element of `2 * radius + 1` pixels on a side, as OpenCV's `getStructuringElement` makes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element {
    pub(crate) shape: Shape,
    pub(crate) radius: u32,
}

impl Element {
    /// How far the row `dy` below the centre reaches to both sides.
    fn half_width(&self, dy: i32) -> usize {
        let radius = self.radius as usize;
        match self.shape {
            Shape::Rect => radius,
            Shape::Cross if dy == 0 => radius,
            Shape::Cross => 0,
            Shape::Ellipse => {
                let square = radius * radius - (dy * dy) as usize;
                let root = square.isqrt();
                root + usize::from(square > root * root + root)
            }
        }
    }
}

/// The pixels `output` of an image of size `image`, each the extreme sample under the element.
pub(crate) fn extreme<S: Sample>(
    rows: &Rows<S>,
    (output, image): (Rect, Size),
    element: Element,
    neutral: S,
    pick: impl Fn(S, S) -> S + Copy,
) -> Vec<S> {
    vectorised(Extreme { rows, rects: (output, image), element, neutral, pick })
}

struct Extreme<'a, S, F> {
    rows: &'a Rows<'a, S>,
    rects: (Rect, Size),
    element: Element,
    neutral: S,
    pick: F,
}

impl<S: Sample, F: Fn(S, S) -> S + Copy> Kernel for Extreme<'_, S, F> {
    type Output = Vec<S>;

    #[inline(always)]
    fn run(self) -> Vec<S> {
        let Extreme { rows, rects, element, neutral, pick } = self;
        in_bands(rows, rects, element, neutral, pick)
    }
}

#[inline(always)]
fn in_bands<S: Sample>(
    rows: &Rows<S>,
    (output, image): (Rect, Size),
    element: Element,
    neutral: S,
    pick: impl Fn(S, S) -> S + Copy,
) -> Vec<S> {
    let mut result = Vec::with_capacity(output.width as usize * output.height as usize * rows.channels);
    // Bands whose padded rows stay in a core's cache.
    let height = (4 * element.radius).max(64);
    for y in (output.y..output.bottom()).step_by(height as usize) {
        let band = Rect::new(output.x, y, output.width, height.min(output.bottom() - y));
        let plane =
            Plane { window: Window { output: band, radius: element.radius, image }, channels: rows.channels };
        let mut padded = plane.pad(rows, neutral);
        match element.shape {
            Shape::Rect => plane.square(&mut padded, pick, &mut result),
            Shape::Ellipse | Shape::Cross => result.extend(plane.runs(&mut padded, element, neutral, pick)),
        }
    }
    result
}

/// Computing on padded rows.
struct Plane {
    window: Window,
    channels: usize,
}

impl Plane {
    /// The rows that the window reads, with `neutral` outside the image.
    fn pad<S: Sample>(&self, rows: &Rows<S>, neutral: S) -> Vec<S> {
        let (read, radius) = (self.window.read(), self.window.radius);
        let inside = self.window.inside().start * self.channels..self.window.inside().end * self.channels;
        let mut padded = vec![neutral; self.length() * (self.window.output.height + 2 * radius) as usize];
        let above = (radius - (self.window.output.y - read.y)) as usize;
        for (y, row) in (read.y..read.bottom()).zip(padded.chunks_exact_mut(self.length()).skip(above)) {
            row[inside.clone()].copy_from_slice(rows.row(y, read));
        }
        padded
    }

    /// Samples of a padded row.
    fn length(&self) -> usize {
        self.window.padded() * self.channels
    }

    /// Samples of a row of the result.
    fn width(&self) -> usize {
        self.window.output.width as usize * self.channels
    }

    /// The extremes under a square: of columns, then of rows.
    #[inline(always)]
    fn square<S: Sample>(&self, padded: &mut [S], pick: impl Fn(S, S) -> S + Copy, result: &mut Vec<S>) {
        let side = 2 * self.window.radius as usize + 1;
        widen(padded, side, self.length(), pick);
        for row in padded.chunks_exact_mut(self.length()).take(self.window.output.height as usize) {
            widen(row, side, self.channels, pick);
            result.extend_from_slice(&row[..self.width()]);
        }
    }

    /// The extremes under rows of various widths. A row of `n` samples is covered by two windows of the largest power
    /// of two up to `n`.
    #[inline(always)]
    fn runs<S: Sample>(
        &self,
        padded: &mut [S],
        element: Element,
        neutral: S,
        pick: impl Fn(S, S) -> S + Copy,
    ) -> Vec<S> {
        let radius = element.radius as i32;
        let mut result = vec![neutral; self.width() * self.window.output.height as usize];
        let mut window = 1;
        while window <= 2 * radius as usize + 1 {
            let runs: Vec<(i32, usize)> = (-radius..=radius)
                .map(|dy| (dy, element.half_width(dy)))
                .filter(|(_, half)| (window..2 * window).contains(&(2 * half + 1)))
                .collect();
            for (y, row) in (0..).zip(result.chunks_exact_mut(self.width().max(1))) {
                for (dy, half) in &runs {
                    let source = &padded[(y + radius + dy) as usize * self.length()..];
                    let (left, right) = (radius as usize - half, radius as usize + half + 1 - window);
                    cover(row, &source[left * self.channels..], &source[right * self.channels..], pick);
                }
            }
            widen(padded, 2, window * self.channels, pick);
            window *= 2;
        }
        result
    }
}

/// Takes up the samples of `left` and `right` in `row`.
#[inline(always)]
fn cover<S: Sample>(row: &mut [S], left: &[S], right: &[S], pick: impl Fn(S, S) -> S) {
    for ((sample, left), right) in row.iter_mut().zip(left).zip(right) {
        *sample = pick(*sample, pick(*left, *right));
    }
}

/// Replaces each sample by the extreme of `length` samples that are `stride` apart, itself the first. Samples that have
/// fewer than `length` behind them keep a value without meaning.
#[inline(always)]
fn widen<S: Sample>(samples: &mut [S], length: usize, stride: usize, pick: impl Fn(S, S) -> S + Copy) {
    let mut done = 1;
    while done < length {
        let step = done.min(length - done);
        pick_ahead(samples, step * stride, pick);
        done += step;
    }
}

/// Replaces each sample by the extreme of itself and the one `ahead` of it, where there is one.
#[inline(always)]
fn pick_ahead<S: Sample>(samples: &mut [S], ahead: usize, pick: impl Fn(S, S) -> S) {
    // Blocks are read before they are written, which lets the compiler use vectors although the two overlap.
    const BLOCK: usize = 64;
    let count = samples.len().saturating_sub(ahead);
    let whole = count - count % BLOCK;
    for at in (0..whole).step_by(BLOCK) {
        let (mut here, mut there) = ([S::default(); BLOCK], [S::default(); BLOCK]);
        here.copy_from_slice(&samples[at..at + BLOCK]);
        there.copy_from_slice(&samples[at + ahead..at + ahead + BLOCK]);
        here.iter_mut().zip(there).for_each(|(sample, other)| *sample = pick(*sample, other));
        samples[at..at + BLOCK].copy_from_slice(&here);
    }
    for at in whole..count {
        samples[at] = pick(samples[at], samples[at + ahead]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_those_of_opencv() {
        let rows = |shape, radius: u32| {
            let element = Element { shape, radius };
            (-(radius as i32)..=radius as i32).map(|dy| element.half_width(dy)).collect::<Vec<_>>()
        };
        assert_eq!(rows(Shape::Ellipse, 1), [0, 1, 0]);
        assert_eq!(rows(Shape::Ellipse, 2), [0, 2, 2, 2, 0]);
        assert_eq!(rows(Shape::Ellipse, 5), [0, 3, 4, 5, 5, 5, 5, 5, 4, 3, 0]);
        assert_eq!(rows(Shape::Cross, 2), [0, 0, 2, 0, 0]);
        assert_eq!(rows(Shape::Rect, 1), [1, 1, 1]);
    }

    #[test]
    fn windows_of_any_length_grow_by_doubling() {
        for (length, stride) in [(1, 1), (2, 1), (5, 1), (7, 3), (16, 2)] {
            let mut samples: Vec<u8> = crate::testing::noise(300, 1).map(|v| v as u8).collect();
            let original = samples.clone();
            widen(&mut samples, length, stride, u8::max);
            for at in 0..300 - (length - 1) * stride {
                let expected = (0..length).map(|k| original[at + k * stride]).max();
                assert_eq!(Some(samples[at]), expected, "{length} {stride} {at}");
            }
        }
    }
}
