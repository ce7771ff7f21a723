//! The smallest or largest sample under a structuring element. Pixels outside the image are not looked at.

use crate::blocks::Blocks;
use crate::border::{Rows, Window};
use crate::parameter::list_names;
use crate::sample::Sample;
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
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

/// Writes the pixels `output` of an image of size `image`, each the extreme sample under the element, to `lines`.
/// `neutral` is what no sample is more extreme than on the other side.
pub(crate) fn extreme<S: Sample>(
    rows: &Rows<S>,
    (output, image): (Rect, Size),
    (element, neutral): (Element, S),
    pick: impl Fn(S, S) -> S + Copy,
    lines: &mut [&mut [S]],
) {
    vectorised(Extreme { rows, rects: (output, image), element, neutral, pick, lines });
}

struct Extreme<'a, 'b, S, P> {
    rows: &'a Rows<'a, S>,
    rects: (Rect, Size),
    element: Element,
    neutral: S,
    pick: P,
    lines: &'a mut [&'b mut [S]],
}

impl<S: Sample, P: Fn(S, S) -> S + Copy> Kernel for Extreme<'_, '_, S, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Extreme { rows, rects: (output, image), element, neutral, pick, lines } = self;
        // Bands whose rows stay in a core's cache.
        let height = (4 * element.radius as usize).max(64);
        for (y, lines) in (output.y..).step_by(height).zip(lines.chunks_mut(height)) {
            let band = Rect { y, height: lines.len() as u32, ..output };
            let plane = Plane {
                window: Window { output: band, radius: element.radius, image },
                channels: rows.channels,
            };
            match element.shape {
                Shape::Rect => plane.square(rows, pick, lines),
                Shape::Cross => plane.cross(rows, pick, lines),
                Shape::Ellipse => plane.runs(&mut plane.pad(rows, neutral), (element, neutral), pick, lines),
            }
        }
    }
}

/// Computing on the rows of a band.
struct Plane {
    window: Window,
    channels: usize,
}

/// The largest side at which samples are compared one by one; above it, windows are doubled.
const SMALL: usize = 9;

/// Samples that are computed side by side down the columns.
const STRIP: usize = 256;

impl Plane {
    /// The rows that the window reads, with `neutral` outside the image.
    fn pad<S: Sample>(&self, rows: &Rows<S>, neutral: S) -> Vec<S> {
        let (read, radius) = (self.window.read(), self.window.radius);
        let inside = self.inside();
        let mut padded = vec![neutral; self.length() * (self.window.output.height + 2 * radius) as usize];
        let above = (radius - (self.window.output.y - read.y)) as usize;
        for (y, row) in (read.y..read.bottom()).zip(padded.chunks_exact_mut(self.length()).skip(above)) {
            row[inside.clone()].copy_from_slice(rows.row(y, read));
        }
        padded
    }

    /// The samples of a padded row that lie inside the image.
    fn inside(&self) -> Range<usize> {
        let inside = self.window.inside();
        inside.start * self.channels..inside.end * self.channels
    }

    /// Samples of a padded row.
    fn length(&self) -> usize {
        self.window.padded() * self.channels
    }

    /// Samples on a side of the element.
    fn side(&self) -> usize {
        2 * self.window.radius as usize + 1
    }

    /// The extremes under a square: of columns, then of rows. The nearest sample of the image in place of one outside
    /// changes no extreme, since it lies under the square too.
    #[inline(always)]
    fn square<S: Sample>(&self, rows: &Rows<S>, pick: impl Fn(S, S) -> S + Copy, lines: &mut [&mut [S]]) {
        if self.side() > SMALL {
            let mut columns = self.columns(rows, pick);
            for (line, row) in lines.iter_mut().zip(columns.chunks_exact_mut(self.length())) {
                self.window.replicate(row, self.channels);
                self.along(row, line, pick);
            }
            return;
        }
        let inside = self.inside();
        let (sources, mut row) = (self.sources(rows), vec![S::default(); self.length()]);
        for (line, sources) in lines.iter_mut().zip(sources.windows(self.side())) {
            extremes(sources, &mut row[inside.clone()], pick);
            self.window.replicate(&mut row, self.channels);
            self.along(&mut row, line, pick);
        }
    }

    /// The extremes under a cross: of columns, and of rows.
    #[inline(always)]
    fn cross<S: Sample>(&self, rows: &Rows<S>, pick: impl Fn(S, S) -> S + Copy, lines: &mut [&mut [S]]) {
        let (read, output, side) = (self.window.read(), self.window.output, self.side());
        let inside = self.inside();
        let mut padded = vec![S::default(); self.length()];
        let pad = |padded: &mut [S], y: u32| {
            padded[inside.clone()].copy_from_slice(rows.row(y, read));
            self.window.replicate(padded, self.channels);
        };
        if side > SMALL {
            let columns = self.columns(rows, pick);
            for ((line, y), column) in
                lines.iter_mut().zip(output.y..).zip(columns.chunks_exact(self.length()))
            {
                pad(&mut padded, y);
                self.along(&mut padded, line, pick);
                let column = &column[self.window.radius as usize * self.channels..];
                cover(line, column, column, pick);
            }
            return;
        }
        let (sources, start) = (self.sources(rows), (output.x - read.x) as usize * self.channels);
        for ((line, y), sources) in lines.iter_mut().zip(output.y..).zip(sources.windows(side)) {
            pad(&mut padded, y);
            let mut arms = [&padded[..]; 2 * SMALL];
            arms[..SMALL].copy_from_slice(&shifted(&padded, (side, self.channels)));
            for (arm, source) in arms[side..].iter_mut().zip(sources) {
                *arm = &source[start..];
            }
            extremes(&arms[..2 * side], line, pick);
        }
    }

    /// The rows under the element, from the first of the band's first row to the last of its last.
    fn sources<'a, S>(&self, rows: &Rows<'a, S>) -> Vec<&'a [S]> {
        let (window, read) = (&self.window, self.window.read());
        let row = |dy: usize| rows.row(window.row(window.output.y, dy as i32 - window.radius as i32), read);
        (0..window.output.height as usize + self.side() - 1).map(row).collect()
    }

    /// The extremes of columns, for a side above [`SMALL`], in rows that have room for padding.
    #[inline(always)]
    fn columns<S: Sample>(&self, rows: &Rows<S>, pick: impl Fn(S, S) -> S + Copy) -> Vec<S> {
        let (window, read, side) = (&self.window, self.window.read(), self.side());
        let (start, length) = (window.inside().start * self.channels, read.width as usize * self.channels);
        let height = window.output.height as usize;
        let mut columns = vec![S::default(); self.length() * height];
        let sources = self.sources(rows);
        let mut strip = vec![S::default(); STRIP * sources.len()];
        for x in (0..length).step_by(STRIP) {
            let width = STRIP.min(length - x);
            for (to, source) in strip.chunks_exact_mut(STRIP).zip(&sources) {
                to[..width].copy_from_slice(&source[x..][..width]);
            }
            widen(&mut strip, side, STRIP, pick);
            for (column, from) in columns.chunks_exact_mut(self.length()).zip(strip.chunks_exact(STRIP)) {
                column[start + x..][..width].copy_from_slice(&from[..width]);
            }
        }
        columns
    }

    /// The extremes along a padded row, whose samples lose their meaning.
    #[inline(always)]
    fn along<S: Sample>(&self, row: &mut [S], result: &mut [S], pick: impl Fn(S, S) -> S + Copy) {
        let (side, channels) = (self.side(), self.channels);
        if side <= SMALL {
            return extremes(&shifted(row, (side, channels))[..side], result, pick);
        }
        widen(row, side, channels, pick);
        result.copy_from_slice(&row[..result.len()]);
    }

    /// The extremes under rows of various widths. A row of `n` samples is covered by two windows of the largest power
    /// of two up to `n`.
    #[inline(always)]
    fn runs<S: Sample>(
        &self,
        padded: &mut [S],
        (element, neutral): (Element, S),
        pick: impl Fn(S, S) -> S + Copy,
        lines: &mut [&mut [S]],
    ) {
        let radius = element.radius as i32;
        lines.iter_mut().for_each(|line| line.fill(neutral));
        let mut window = 1;
        while window <= self.side() {
            let runs: Vec<(i32, usize)> = (-radius..=radius)
                .map(|dy| (dy, element.half_width(dy)))
                .filter(|(_, half)| (window..2 * window).contains(&(2 * half + 1)))
                .collect();
            for (y, row) in (0..).zip(lines.iter_mut()) {
                for (dy, half) in &runs {
                    let source = &padded[(y + radius + dy) as usize * self.length()..];
                    let (left, right) = (radius as usize - half, radius as usize + half + 1 - window);
                    cover(row, &source[left * self.channels..], &source[right * self.channels..], pick);
                }
            }
            widen(padded, 2, window * self.channels, pick);
            window *= 2;
        }
    }
}

/// Samples that are compared side by side.
const BLOCK: usize = 128;

/// The extremes of the first samples of each of `rows`.
#[inline(always)]
fn extremes<S: Sample>(rows: &[&[S]], result: &mut [S], pick: impl Fn(S, S) -> S + Copy) {
    let count = result.len();
    if count < BLOCK {
        result.copy_from_slice(&rows[0][..count]);
        return rows.iter().for_each(|row| cover(result, row, row, pick));
    }
    for at in Blocks::<BLOCK>::of(count) {
        let mut block = [S::default(); BLOCK];
        block.copy_from_slice(&rows[0][at..][..BLOCK]);
        for row in &rows[1..] {
            take_up(&mut block, &row[at..], pick);
        }
        result[at..][..BLOCK].copy_from_slice(&block);
    }
}

/// A padded row from each of the samples on that its first result is made of: `side` of them, which are `stride` apart, and the
/// last again where they are fewer than [`SMALL`].
#[inline(always)]
fn shifted<S>(row: &[S], (side, stride): (usize, usize)) -> [&[S]; SMALL] {
    std::array::from_fn(|place| &row[place.min(side - 1) * stride..])
}

/// Takes up the first samples of a row in a block.
#[inline(always)]
fn take_up<S: Sample>(block: &mut [S; BLOCK], row: &[S], pick: impl Fn(S, S) -> S + Copy) {
    let row = &row[..BLOCK];
    for lane in 0..BLOCK {
        block[lane] = pick(block[lane], row[lane]);
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
