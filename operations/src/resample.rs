//! Resampling along the two axes: first down the columns, then along the rows, sixteen rows at once.

use crate::axis::Axis;
use crate::blocks::Blocks;
use crate::border::Rows;
use crate::linear::{Linear, Sums};
use crate::real::{Real, Tap};
use crate::sample::Sample;
use crate::transpose::transposed;
use std::ops::Range;
use tessera_core::geometry::Rect;

/// Spans and weights of consecutive pixels of the result.
struct Taps<F> {
    spans: Vec<Range<u32>>,
    /// `most` weights for each, of which those behind the span are 0.
    weights: Vec<F>,
    most: usize,
}

impl<F: Real> Taps<F> {
    fn new(axis: Axis, places: Range<u32>) -> Taps<F> {
        let spans: Vec<Range<u32>> = places.clone().map(|place| axis.span(place)).collect();
        let most = spans.iter().map(ExactSizeIterator::len).max().unwrap_or(1);
        let mut weights = vec![F::default(); spans.len() * most];
        let (mut exact, (period, stride)) = (Vec::new(), axis.period());
        for (index, (place, span)) in places.zip(&spans).enumerate() {
            let (before, weights) = weights.split_at_mut(index * most);
            let weights = &mut weights[..most];
            match index.checked_sub(period) {
                Some(same) if spans[same].start + stride == span.start && spans[same].len() == span.len() => {
                    weights.copy_from_slice(&before[same * most..][..most]);
                }
                _ => axis.weigh(place, span.clone(), weights, &mut exact),
            }
        }
        Taps { spans, weights, most }
    }

    /// The weights of the pixel at `index`, one for each sample of its span.
    #[inline(always)]
    fn weights(&self, index: usize) -> &[F] {
        &self.weights[index * self.most..][..self.spans[index].len()]
    }

    /// All samples that the pixels `indices` are made of.
    fn spans(&self, indices: Range<usize>) -> Range<u32> {
        self.spans[indices.start].start..self.spans[indices.end - 1].end
    }
}

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

    pub(crate) fn read(&self) -> Rect {
        let columns = self.columns.spans(self.output.x..self.output.right());
        let rows = self.rows.spans(self.output.y..self.output.bottom());
        Rect::new(columns.start, rows.start, columns.end - columns.start, rows.end - rows.start)
    }
}

/// Rows of the result that are computed together: side by side along the rows, since all have the same weights there.
const BAND: usize = 16;

/// From this reduction on, rows are not converted first.
const LARGE_REDUCTION: u32 = 4;

/// About how many numbers are held for a part of a band, so that they stay in a core's cache: of the converted input, or else of
/// the sums of its columns.
const NUMBERS: usize = 16 * 1024;

impl Linear for Resampling {
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
        let (mut bands, mut samples) = (Bands::<S, F>::new(self, rows), Vec::new());
        for (first, lines) in (0..).step_by(BAND).zip(lines.chunks_mut(BAND)) {
            let places = first..first + lines.len();
            let (pixels, width) = (bands.along.spans.len(), bands.width(places.clone()));
            for start in (0..pixels).step_by(width) {
                bands.sum(places.clone(), start..(start + width).min(pixels));
                round(&bands.sums, &mut samples);
                write_columns(&samples, start * rows.channels, lines);
            }
        }
    }
}

/// The rows of a resampling, computed in bands.
struct Resampled<'a, T, F> {
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
        if self.done >= self.bands.down.spans.len() {
            return None;
        }
        if self.next == self.band.len() {
            self.fill();
            self.next = 0;
        }
        let length = self.bands.along.spans.len() * self.bands.rows.channels;
        let row = &self.band[self.next..][..length];
        (self.done, self.next) = (self.done + 1, self.next + length);
        Some(row)
    }
}

impl<T: Tap<F>, F: Real> Resampled<'_, T, F> {
    /// Computes the next band, part by part.
    #[inline(always)]
    fn fill(&mut self) {
        let (pixels, channels) = (self.bands.along.spans.len(), self.bands.rows.channels);
        let lines = self.done..(self.done + BAND).min(self.bands.down.spans.len());
        let (length, width) = (pixels * channels, self.bands.width(lines.clone()));
        for start in (0..pixels).step_by(width) {
            let places = start..(start + width).min(pixels);
            self.bands.sum(lines.clone(), places.clone());
            for (row, band) in self.band.chunks_exact_mut(length).take(lines.len()).enumerate() {
                let part = band[places.start * channels..places.end * channels].iter_mut();
                part.zip(&self.bands.sums).for_each(|(to, column)| *to = column[row]);
            }
        }
    }
}

/// What a part of a band is computed in, and from what.
struct Bands<'a, T, F> {
    rows: &'a Rows<'a, T>,
    down: Taps<F>,
    along: Taps<F>,
    /// Whether the input is converted before it is summed.
    converts: bool,
    /// The numbers of the input, by rows.
    source: Vec<F>,
    /// The sums down the columns, by rows.
    columns: Vec<F>,
    /// The same by columns.
    transposed: Vec<[F; BAND]>,
    /// The sums of these along the rows, by columns.
    sums: Vec<[F; BAND]>,
}

impl<'a, T: Tap<F>, F: Real> Bands<'a, T, F> {
    #[inline(always)]
    fn new(resampling: &Resampling, rows: &'a Rows<'a, T>) -> Bands<'a, T, F> {
        let Resampling { columns, rows: lines, output } = *resampling;
        // The rows of a band are converted once, unless they are so many that they would not stay in the cache: then as they
        // are summed.
        let converts = lines.to.saturating_mul(LARGE_REDUCTION) > lines.from;
        let (down, along) =
            (Taps::new(lines, output.y..output.bottom()), Taps::new(columns, output.x..output.right()));
        let (source, columns, transposed, sums) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Bands { rows, down, along, converts, source, columns, transposed, sums }
    }

    /// How many pixels of the rows `lines` are a part.
    fn width(&self, lines: Range<usize>) -> usize {
        let (pixels, channels) = (self.along.spans.len(), self.rows.channels);
        let rows = if self.converts { self.down.spans(lines).len() } else { BAND };
        let across = self.along.spans(0..pixels).len().div_ceil(pixels);
        (NUMBERS / (rows * channels * across)).clamp(BAND, 8 * BAND)
    }

    /// Sums for the pixels `places` of the rows `lines`, at most `BAND`.
    #[inline(always)]
    fn sum(&mut self, lines: Range<usize>, places: Range<usize>) {
        self.sum_columns(lines, places.clone());
        match self.rows.channels {
            1 => self.sum_rows::<1>(places),
            2 => self.sum_rows::<2>(places),
            3 => self.sum_rows::<3>(places),
            _ => self.sum_rows::<4>(places),
        }
    }

    /// Sums down the columns that the pixels `places` of the rows `lines` are made of.
    #[inline(always)]
    fn sum_columns(&mut self, lines: Range<usize>, places: Range<usize>) {
        let (y, x) = (self.down.spans(lines.clone()), self.along.spans(places));
        let Bands { source, columns, transposed, .. } = self;
        let (length, part) = (x.len() * self.rows.channels, Rect::new(x.start, 0, x.end - x.start, 1));
        columns.resize(length * BAND, F::default());
        if self.converts {
            source.clear();
            for y in y.clone() {
                source.extend(self.rows.row(y, part).iter().map(|sample| sample.one()));
            }
        }
        for (index, sums) in lines.zip(columns.chunks_exact_mut(length)) {
            let (span, weights) = (self.down.spans[index].clone(), self.down.weights(index));
            if self.converts {
                let first = (span.start - y.start) as usize;
                weigh(source[first * length..].chunks_exact(length), weights, sums);
            } else {
                weigh(span.map(|y| self.rows.row(y, part)), weights, sums);
            }
        }
        transposed.resize(length, [F::default(); BAND]);
        transpose(columns, transposed);
    }

    /// Sums along the rows, for the pixels `places`.
    #[inline(always)]
    fn sum_rows<const N: usize>(&mut self, places: Range<usize>) {
        let columns = self.along.spans(places.clone());
        let Bands { transposed, sums, .. } = self;
        sums.resize(places.len() * N, [F::default(); BAND]);
        for (index, pixel) in places.zip(sums.as_chunks_mut::<N>().0) {
            let weights = self.along.weights(index);
            let first = (self.along.spans[index].start - columns.start) as usize;
            let samples = &transposed.as_chunks::<N>().0[first..][..weights.len()];
            for (channel, sums) in pixel.iter_mut().enumerate() {
                // A few numbers are best summed without a loop.
                *sums = match weights.len() {
                    4 => weigh_columns(&samples[..4], channel, &weights[..4]),
                    6 => weigh_columns(&samples[..6], channel, &weights[..6]),
                    _ => weigh_columns(samples, channel, weights),
                };
            }
        }
    }
}

/// Rounds the numbers of `columns`.
#[inline(always)]
fn round<S: Sample, F: Real>(columns: &[[F; BAND]], samples: &mut Vec<[S; BAND]>) {
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
        for (line, row) in lines.iter_mut().zip(transposed(*square)) {
            line[at..][..BAND].copy_from_slice(&row);
        }
    }
    for (column, at) in rest.iter().zip(start + squares.len() * BAND..) {
        for (line, sample) in lines.iter_mut().zip(column) {
            line[at] = *sample;
        }
    }
}

/// The weighted sums of one channel of consecutive pixels, for each row.
#[inline(always)]
fn weigh_columns<F: Real, const N: usize>(
    pixels: &[[[F; BAND]; N]],
    channel: usize,
    weights: &[F],
) -> [F; BAND] {
    let mut sums = [F::default(); BAND];
    for (pixel, weight) in pixels.iter().zip(weights) {
        for row in 0..BAND {
            sums[row] = sums[row] + pixel[channel][row] * *weight;
        }
    }
    sums
}

/// The columns of `BAND` rows.
#[inline(always)]
fn transpose<F: Real>(rows: &[F], columns: &mut [[F; BAND]]) {
    const GROUP: usize = 8;
    let length = columns.len();
    for (group, rows) in rows.chunks_exact(GROUP * length).enumerate() {
        let mut rest = rows.chunks_exact(length);
        let rows: [&[F]; GROUP] = std::array::from_fn(|_| rest.next().unwrap_or_default());
        let [a, b, c, d, e, f, g, h] = rows.map(|row| &row[..length]);
        for (x, column) in columns.iter_mut().enumerate() {
            column.as_chunks_mut::<GROUP>().0[group] = [a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x]];
        }
    }
}

/// The weighted sums of rows that are as long as `sums`.
#[inline(always)]
fn weigh<'a, T: Tap<F> + 'a, F: Real>(
    rows: impl Iterator<Item = &'a [T]> + Clone,
    weights: &[F],
    sums: &mut [F],
) {
    // Sums that stay in vector registers over all rows. The order of a sum's terms is the same in both loops.
    const BLOCK: usize = 32;
    if sums.len() < BLOCK {
        for (at, sum) in sums.iter_mut().enumerate() {
            [*sum] = weigh_block(rows.clone(), weights, at);
        }
        return;
    }
    for at in Blocks::<BLOCK>::of(sums.len()) {
        sums[at..][..BLOCK].copy_from_slice(&weigh_block::<T, F, BLOCK>(rows.clone(), weights, at));
    }
}

/// The sums of `N` samples from index `at` of the rows.
#[inline(always)]
fn weigh_block<'a, T: Tap<F> + 'a, F: Real, const N: usize>(
    rows: impl Iterator<Item = &'a [T]>,
    weights: &[F],
    at: usize,
) -> [F; N] {
    let mut sums = [F::default(); N];
    for (row, weight) in rows.zip(weights) {
        let row = &row[at..][..N];
        for lane in 0..N {
            sums[lane] = sums[lane] + row[lane].one() * *weight;
        }
    }
    sums
}
