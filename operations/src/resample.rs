//! Resampling along the two axes: first down the columns, then along the rows, sixteen rows at once. Samples of 8 bits are
//! computed in fixed point where that is exact enough, all else in floating point.

use crate::axis::{self, Axis};
use crate::blocks::Blocks;
use crate::border::Rows;
use crate::fetch::fetch_early;
use crate::fixed::Fixed;
use crate::linear::{self, Linear, Sums};
use crate::phases::{self, Phases};
use crate::real::{Real, Tap};
use crate::region::{Region, Samples};
use crate::sample::Sample;
use crate::strips::{STRIP, Strips};
use crate::taps::{Ends, Number, Place, Taps};
use crate::target::{Lines, Target};
use crate::transpose::transposed;
use crate::vector::{Kernel, vectorised};
use crate::weigh::weigh;
use std::ops::Range;
use tessera_core::geometry::Rect;

/// A resampling of both axes, for one rectangle of the result: first down the columns, then along the rows.
pub(crate) struct Resampling {
    pub(crate) columns: Axis,
    pub(crate) rows: Axis,
    pub(crate) output: Rect,
}

impl Resampling {
    /// Whether four pixels become one.
    pub(crate) fn is_half(&self) -> bool {
        [self.columns, self.rows].iter().all(|axis| axis.to.checked_mul(2) == Some(axis.from))
    }

    /// Writes the result for `input`, `in_light` or as samples are encoded.
    pub(crate) fn apply(&self, in_light: bool, input: &Region, target: &mut Target<'_>) {
        let weighs_samples = !in_light && !input.channels.has_alpha();
        match (&input.samples, &mut target.rows) {
            (Samples::U8(samples), Lines::U8(lines))
                if weighs_samples && fit_fixed(self.columns, self.rows) =>
            {
                let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
                if phases::has_kinds(self.columns.period()) {
                    vectorised(InFixed::<true> { resampling: self, rows, lines });
                } else {
                    vectorised(InFixed::<false> { resampling: self, rows, lines });
                }
            }
            _ => linear::apply(self, in_light, input, target),
        }
    }

    pub(crate) fn read(&self) -> Rect {
        let columns = self.columns.spans(self.output.x..self.output.right());
        let rows = self.rows.spans(self.output.y..self.output.bottom());
        Rect::new(columns.start, rows.start, columns.end - columns.start, rows.end - rows.start)
    }
}

/// The largest reduction that is computed in fixed point.
const LARGEST_FIXED: u32 = 8;

/// Whether fixed point is exact enough for samples of 8 bits. Not with the many weights of larger reductions, which would be too
/// coarse, and not for kernels whose exact sums are often just between two samples, where a bit decides.
pub(crate) fn fit_fixed(columns: Axis, rows: Axis) -> bool {
    [columns, rows].iter().all(|axis| {
        matches!(axis.kernel, axis::Kernel::Bicubic | axis::Kernel::Lanczos3)
            && axis.from <= axis.to.saturating_mul(LARGEST_FIXED)
    })
}

/// Up to this reduction, of both axes, the rows that a band is made of are converted before they are summed, since that is done once for all
/// sums. Beyond, they are so many that they would not stay in the cache.
const CONVERTED: u32 = 8;

/// Rows of the result that are computed together: side by side along the rows, since all have the same weights there.
const BAND: usize = 16;

/// How many rows before it is converted a row is asked for.
const AHEAD: u32 = 8;

/// About how many sums of columns are held for a part of a band.
const NUMBERS: usize = 32 * 1024;

impl Linear for Resampling {
    const NARROW: bool = true;

    fn rects(&self) -> (Rect, Rect) {
        (self.read(), self.output)
    }

    #[inline(always)]
    fn rows<'a, T: Tap<F> + 'a, F: Real + 'a>(&'a self, rows: &'a Rows<'a, T>) -> impl Sums<F> + 'a {
        let band = vec![F::default(); self.output.width as usize * rows.channels * BAND];
        Resampled { bands: Bands::new(self, rows), next: band.len(), band, done: 0 }
    }

    /// Rounds before columns become rows again, since there is less to move then. Nothing is added at the end.
    #[inline(always)]
    fn write<S: Sample, F: Real>(&self, rows: &Rows<S>, lines: &mut [&mut [S]]) {
        write::<S, F>(self, rows, lines);
    }
}

/// The result for samples of 8 bits without alpha, in vectors of any width if `WIDE`: where rows have [`Phases`], squares are
/// transposed near the borders only.
struct InFixed<'a, 'b, const WIDE: bool> {
    resampling: &'a Resampling,
    rows: Rows<'a, u8>,
    lines: &'a mut [&'b mut [u8]],
}

impl<const WIDE: bool> Kernel for InFixed<'_, '_, WIDE> {
    type Output = ();
    const NARROW: bool = !WIDE;

    #[inline(always)]
    fn run(self) {
        write::<u8, Fixed>(self.resampling, &self.rows, self.lines);
    }
}

/// Writes the rows of the result, band by band.
#[inline(always)]
fn write<S: Sample + Tap<N>, N: Number>(resampling: &Resampling, rows: &Rows<S>, lines: &mut [&mut [S]]) {
    let (mut bands, mut samples) = (Bands::<S, N>::new(resampling, rows), Vec::new());
    let mut phases = Phases::new(&bands.along);
    let parts = phases.parts(bands.along.places.len(), bands.width());
    for (first, lines) in (0..).step_by(BAND).zip(lines.chunks_mut(BAND)) {
        for (part, has_phases) in parts.iter().cloned() {
            let start = part.start * rows.channels;
            bands.sum_columns(first..first + lines.len(), part.clone());
            if has_phases {
                let length = bands.along.spans(part.clone()).len() * rows.channels;
                let sums = bands.columns.chunks_exact(bands.columns.len() / BAND);
                for (sums, line) in sums.zip(lines.iter_mut()) {
                    let sums = &sums[..length];
                    let (along, line) = (&bands.along, &mut line[start..][..part.len() * rows.channels]);
                    match rows.channels {
                        1 => phases.write::<1>((along, part.clone()), sums, line),
                        _ => phases.write::<3>((along, part.clone()), sums, line),
                    }
                }
            } else {
                bands.sum_rows(part);
                round(&bands.sums, &mut samples);
                write_columns(&samples, start, lines);
            }
        }
    }
}

/// The rows of a resampling, computed in bands.
struct Resampled<'a, T, F: Real> {
    bands: Bands<'a, T, F>,
    /// `BAND` rows of sums.
    band: Vec<F>,
    /// Where its next row starts; at its end another band begins.
    next: usize,
    /// Rows that were given.
    done: usize,
}

impl<T: Tap<F>, F: Real> Sums<F> for Resampled<'_, T, F> {
    #[inline(always)]
    fn next_row(&mut self) -> Option<&[F]> {
        if self.done >= self.bands.down.places.len() {
            return None;
        }
        if self.next == self.band.len() {
            self.fill();
            self.next = 0;
        }
        let length = self.bands.along.places.len() * self.bands.rows.channels;
        let row = &self.band[self.next..][..length];
        (self.done, self.next) = (self.done + 1, self.next + length);
        Some(row)
    }
}

impl<T: Tap<F>, F: Real> Resampled<'_, T, F> {
    /// Computes the next band, part by part.
    #[inline(always)]
    fn fill(&mut self) {
        let (pixels, channels) = (self.bands.along.places.len(), self.bands.rows.channels);
        let lines = self.done..(self.done + BAND).min(self.bands.down.places.len());
        let (length, width) = (pixels * channels, self.bands.width());
        for start in (0..pixels).step_by(width) {
            let places = start..(start + width).min(pixels);
            self.bands.sum_columns(lines.clone(), places.clone());
            self.bands.sum_rows(places.clone());
            for (row, band) in self.band.chunks_exact_mut(length).take(lines.len()).enumerate() {
                let part = band[places.start * channels..places.end * channels].iter_mut();
                part.zip(&self.bands.sums).for_each(|(to, column)| *to = column[row]);
            }
        }
    }
}

/// What a part of a band is computed in, and from what.
struct Bands<'a, T, N: Number> {
    rows: &'a Rows<'a, T>,
    down: Taps<N>,
    along: Taps<N>,
    /// Whether the input is converted before it is summed.
    converts: bool,
    /// The numbers of the input.
    source: Strips<N>,
    /// The weights of the rows of a band.
    factors: Vec<N::Factor>,
    /// The sums down the columns, by rows, of which each has room for a strip.
    columns: Vec<N>,
    /// The same by columns.
    transposed: Vec<[N; BAND]>,
    /// The sums of these along the rows, by columns.
    sums: Vec<[N; BAND]>,
}

impl<'a, T: Tap<N>, N: Number> Bands<'a, T, N> {
    #[inline(always)]
    fn new(resampling: &Resampling, rows: &'a Rows<'a, T>) -> Bands<'a, T, N> {
        let Resampling { columns, rows: lines, output } = *resampling;
        // Samples come in units of 1/256, see `Fixed`.
        let down = Taps::new(lines, output.y..output.bottom(), u8::BITS);
        let along = Taps::new(columns, output.x..output.right(), 0);
        let converts = [lines, columns].iter().all(|axis| axis.from <= axis.to.saturating_mul(CONVERTED));
        let (source, columns, transposed, sums) = (Strips::new(), Vec::new(), Vec::new(), Vec::new());
        let factors = Vec::new();
        Bands { rows, down, along, converts, source, factors, columns, transposed, sums }
    }

    /// How many pixels of a row are a part.
    fn width(&self) -> usize {
        let pixels = self.along.places.len();
        let across = self.along.spans(0..pixels).len().div_ceil(pixels);
        (NUMBERS / (BAND * self.rows.channels * across)).clamp(BAND, 32 * BAND)
    }

    /// Sums down the columns that the pixels `places` of the rows `lines`, at most `BAND`, are made of.
    #[inline(always)]
    fn sum_columns(&mut self, lines: Range<usize>, places: Range<usize>) {
        let (y, x) = (self.down.spans(lines.clone()), self.along.spans(places));
        let Bands { source, columns, factors, .. } = self;
        let (length, part) = (x.len() * self.rows.channels, Rect::new(x.start, 0, x.end - x.start, 1));
        let room = length.max(STRIP);
        columns.resize(room * BAND, N::default());
        let columns = columns.chunks_exact_mut(room);
        if self.converts {
            source.resize(length, y.len());
            for (index, y) in y.clone().enumerate() {
                let ahead = (y + AHEAD).min(self.rows.rect.bottom() - 1);
                fetch_early(self.rows.row(ahead, part));
                source.set_row(index, self.rows.row(y, part));
            }
            let mut columns: Vec<&mut [N]> = columns.collect();
            // The same weights are held once: those of all rows of a band would push the strip out of the nearest cache.
            factors.clear();
            let mut starts = [0; BAND];
            for (row, index) in lines.clone().enumerate() {
                if row > 0 && self.down.repeats(index) {
                    starts[row] = starts[row - 1];
                    continue;
                }
                starts[row] = factors.len();
                factors.extend(self.down.weights(index).iter().map(|weight| weight.factor()));
            }
            for (strip, at) in Blocks::<STRIP>::of(room).enumerate() {
                for ((index, sums), factor) in lines.clone().zip(&mut columns).zip(starts) {
                    let Place { span, ends, .. } = &self.down.places[index];
                    let factors = &factors[factor..][..span.len()];
                    let strip_sums = source.weigh(strip, (span.start - y.start) as usize, factors, *ends);
                    sums[at..][..STRIP].copy_from_slice(&strip_sums);
                }
            }
        } else {
            for (index, sums) in lines.zip(columns) {
                let (Place { span, ends, .. }, weights) =
                    (&self.down.places[index], self.down.weights(index));
                weigh(
                    |row| self.rows.row(span.start + row as u32, part),
                    weights,
                    *ends,
                    &mut sums[..length],
                );
            }
        }
    }

    /// Sums along the rows, for the pixels `places`, of the sums down their columns.
    #[inline(always)]
    fn sum_rows(&mut self, places: Range<usize>) {
        let Bands { columns, transposed, .. } = self;
        transposed.resize(columns.len() / BAND, [N::default(); BAND]);
        transpose(columns, transposed);
        match self.rows.channels {
            1 => self.sum_pixels::<1>(places),
            2 => self.sum_pixels::<2>(places),
            3 => self.sum_pixels::<3>(places),
            _ => self.sum_pixels::<4>(places),
        }
    }

    #[inline(always)]
    fn sum_pixels<const C: usize>(&mut self, places: Range<usize>) {
        let columns = self.along.spans(places.clone());
        let Bands { transposed, sums, .. } = self;
        sums.resize(places.len() * C, [N::default(); BAND]);
        let pixels = transposed.as_chunks::<C>().0;
        for (index, sums) in places.zip(sums.as_chunks_mut::<C>().0) {
            let Place { span, ends, .. } = &self.along.places[index];
            let first = (span.start - columns.start) as usize;
            *sums = weigh_columns(pixels, first, self.along.weights(index), *ends);
            if ends.twice {
                sums.as_flattened_mut().iter_mut().for_each(|sum| *sum = *sum + *sum);
            }
        }
    }
}

/// Rounds the numbers of `columns`.
#[inline(always)]
fn round<S: Sample, N: Number>(columns: &[[N; BAND]], samples: &mut Vec<[S; BAND]>) {
    samples.resize(columns.len(), [S::default(); BAND]);
    for (to, sum) in samples.as_flattened_mut().iter_mut().zip(columns.as_flattened()) {
        *to = sum.sample();
    }
}

/// Writes `columns` into `lines`, from index `start` on.
#[inline(always)]
fn write_columns<S: Sample>(columns: &[[S; BAND]], start: usize, lines: &mut [&mut [S]]) {
    let (squares, rest) = columns.as_chunks::<BAND>();
    for (square, at) in squares.iter().zip((start..).step_by(BAND)) {
        for (line, row) in lines.iter_mut().zip(transposed(square)) {
            line[at..][..BAND].copy_from_slice(&row);
        }
    }
    for (column, at) in rest.iter().zip(start + squares.len() * BAND..) {
        for (line, sample) in lines.iter_mut().zip(column) {
            line[at] = *sample;
        }
    }
}

/// The weighted sums of pixels from `first` on, for each channel and row.
#[inline(always)]
fn weigh_columns<N: Number, const C: usize>(
    pixels: &[[[N; BAND]; C]],
    first: usize,
    weights: &[N],
    ends: Ends<N>,
) -> [[N; BAND]; C] {
    let mut sums = [[ends.start; BAND]; C];
    for (pixel, weight) in pixels[first..].iter().zip(weights) {
        for channel in 0..C {
            for row in 0..BAND {
                sums[channel][row] = sums[channel][row] + pixel[channel][row] * *weight;
            }
        }
    }
    sums
}

/// The columns of `BAND` rows.
#[inline(always)]
fn transpose<N: Number>(rows: &[N], columns: &mut [[N; BAND]]) {
    let length = columns.len();
    let width = length.min(BAND);
    for at in (0..length).step_by(BAND).map(|at| at.min(length - width)) {
        let mut square = [[N::default(); BAND]; BAND];
        for (to, row) in square.iter_mut().zip(rows.chunks_exact(length)) {
            match row[at..].first_chunk::<BAND>() {
                Some(row) => *to = *row,
                None => to[..width].copy_from_slice(&row[at..]),
            }
        }
        let square = transposed(&square);
        columns[at..][..width].copy_from_slice(&square[..width]);
    }
}
