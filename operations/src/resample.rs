//! Resampling along the two axes: which samples of the input a place of the result is made of, with which weights.
//! Places follow from whole numbers alone, so that they do not depend on the part that is computed.

use crate::blocks::Blocks;
use crate::border::Rows;
use crate::linear::{Linear, Sums};
use crate::real::{Real, Tap};
use crate::sample::round_f64;
use std::ops::Range;
use tessera_core::geometry::{MAX_SIDE, Rect};

/// The weight of a sample by its distance, in pixels of the image that has the larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// Only the sample in which the centre lies counts.
    Nearest,
    /// The share of a pixel of the result that a sample covers.
    Area,
    /// A triangle.
    Bilinear,
    /// The cubic convolution with a = -1/2 (Keys 1981).
    Bicubic,
    /// sinc(x) sinc(x / 3).
    Lanczos3,
}

impl Kernel {
    /// How far the kernel reaches, for those that are functions of the distance.
    fn support(self) -> i64 {
        match self {
            Kernel::Nearest | Kernel::Area | Kernel::Bilinear => 1,
            Kernel::Bicubic => 2,
            Kernel::Lanczos3 => 3,
        }
    }

    /// The weight at the distance `x`, which is within the support.
    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            Kernel::Nearest | Kernel::Area | Kernel::Bilinear => 1.0 - distance,
            Kernel::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Kernel::Bicubic => ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0,
            Kernel::Lanczos3 => sinc(distance) * sinc(distance / 3.0),
        }
    }
}

/// sin(pi x) / (pi x) for x from 0, with an error below 1e-12; exactly 0 at whole numbers.
fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let whole = round_f64(x);
    let sign = f64::from(1 - 2 * (whole & 1));
    sign * sin_pi(x - f64::from(whole)) / (std::f64::consts::PI * x)
}

/// sin(pi x) for x within -1/2 to 1/2, by its Taylor series.
fn sin_pi(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    let square = angle * angle;
    // From the term of the 17th power to that of the first.
    let factors = [272.0, 210.0, 156.0, 110.0, 72.0, 42.0, 20.0, 6.0].map(|product: f64| 1.0 / product);
    angle * factors.iter().fold(1.0, |series, factor| 1.0 - square * factor * series)
}

/// One axis of a resampling: `from` pixels become `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) kernel: Kernel,
}

impl Axis {
    /// The samples, inside the image, that the pixel `place` of the result is made of; at least one.
    pub(crate) fn span(self, place: u32) -> Range<u32> {
        let (from, to, place) = (i64::from(self.from), i64::from(self.to), i64::from(place));
        // In units of half a sample / `to`. A centre is at most 2^61.
        let centre = (2 * place + 1) * from;
        let (first, end) = match self.kernel {
            _ if from == to => (place, place + 1),
            Kernel::Nearest => (centre / (2 * to), centre / (2 * to) + 1),
            Kernel::Area => (place * from / to, ((place + 1) * from + to - 1) / to),
            Kernel::Bilinear | Kernel::Bicubic | Kernel::Lanczos3 => {
                let reach = 2 * self.kernel.support() * from.max(to) - to;
                ((centre - reach - 2 * to).div_euclid(2 * to) + 1, -(-(centre + reach)).div_euclid(2 * to))
            }
        };
        let inside = |place: i64| u32::try_from(place.clamp(0, from)).expect("a place inside the image");
        inside(first)..inside(end)
    }

    /// The samples that the pixels `places` of the result are made of.
    pub(crate) fn spans(self, places: Range<u32>) -> Range<u32> {
        self.span(places.start).start..self.span(places.end - 1).end
    }

    /// After how many pixels of the result, which are how many samples, the weights come again.
    fn period(self) -> (usize, u32) {
        let (mut divisor, mut rest) = (self.to, self.from);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        ((self.to / divisor) as usize, self.from / divisor)
    }

    /// The most samples that `count` pixels of the result are made of.
    pub(crate) fn window(self, count: u32) -> u32 {
        let (from, to) = (u64::from(self.from), u64::from(self.to));
        let reach = 2 * self.kernel.support() as u64 * from.max(to);
        let samples =
            if from == to { count.into() } else { (u64::from(count) * from + reach).div_ceil(to) + 1 };
        u32::try_from(samples).unwrap_or(MAX_SIDE).min(MAX_SIDE)
    }

    /// Fills `weights`, which are 0, with those of the samples of `span`, the span of `place`; their sum is 1.
    fn weigh<F: Real>(self, place: u32, span: Range<u32>, weights: &mut [F], exact: &mut Vec<f64>) {
        exact.clear();
        exact.extend(span.map(|sample| self.weight(place, sample)));
        let share = 1.0 / exact.iter().sum::<f64>();
        weights.iter_mut().zip(exact).for_each(|(weight, exact)| *weight = F::from_f64(*exact * share));
    }

    fn weight(self, place: u32, sample: u32) -> f64 {
        let [from, to, place, sample] = [self.from, self.to, place, sample].map(i64::from);
        match self.kernel {
            _ if from == to => 1.0,
            Kernel::Nearest => 1.0,
            Kernel::Area => {
                (((sample + 1) * to).min((place + 1) * from) - (sample * to).max(place * from)) as f64
            }
            Kernel::Bilinear | Kernel::Bicubic | Kernel::Lanczos3 => {
                let distance = (2 * sample + 1) * to - (2 * place + 1) * from;
                self.kernel.weight(distance as f64 / (2 * from.max(to)) as f64)
            }
        }
    }
}

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

/// How many times smaller the rows have to become that they are not converted first.
const FEW: u32 = 4;

/// Numbers of the input that a part of a band is made of, about, so that they stay in a core's cache.
const NUMBERS: usize = 16 * 1024;

impl Linear for Resampling {
    fn rects(&self) -> (Rect, Rect) {
        (self.read(), self.output)
    }

    #[inline(always)]
    fn rows<'a, T: Tap<F> + 'a, F: Real + 'a>(&'a self, rows: &'a Rows<'a, T>) -> impl Sums<F> + 'a {
        let down = Taps::<F>::new(self.rows, self.output.y..self.output.bottom());
        let along = Taps::<F>::new(self.columns, self.output.x..self.output.right());
        // Each of the rows that many rows of the result share is converted once; those that few share, as they are summed.
        let converts = self.rows.to.saturating_mul(FEW) > self.rows.from;
        let band = vec![F::default(); self.output.width as usize * rows.channels * BAND];
        let part = Part { source: Vec::new(), columns: Vec::new(), turned: Vec::new(), sums: Vec::new() };
        Resampled { rows, down, along, converts, next: band.len(), band, part, done: 0 }
    }
}

/// The rows of a resampling, computed in bands.
struct Resampled<'a, T, F> {
    rows: &'a Rows<'a, T>,
    down: Taps<F>,
    along: Taps<F>,
    /// Whether the input is converted before it is summed.
    converts: bool,
    /// `BAND` rows of sums.
    band: Vec<F>,
    /// Where its next row starts; at its end another band begins.
    next: usize,
    part: Part<F>,
    /// Rows that were given.
    done: usize,
}

/// What a part of a band is computed in.
struct Part<F> {
    /// The numbers of the input, by rows.
    source: Vec<F>,
    /// The sums down the columns, by rows.
    columns: Vec<F>,
    /// The same by columns.
    turned: Vec<[F; BAND]>,
    /// The sums of these along the rows, by columns.
    sums: Vec<[F; BAND]>,
}

impl<T: Tap<F>, F: Real> Sums<F> for Resampled<'_, T, F> {
    #[inline(always)]
    fn next_row(&mut self) -> Option<&[F]> {
        if self.done >= self.down.spans.len() {
            return None;
        }
        if self.next == self.band.len() {
            self.fill();
            self.next = 0;
        }
        let length = self.along.spans.len() * self.rows.channels;
        let row = &self.band[self.next..][..length];
        (self.done, self.next) = (self.done + 1, self.next + length);
        Some(row)
    }
}

impl<T: Tap<F>, F: Real> Resampled<'_, T, F> {
    /// Computes the next band, part by part.
    #[inline(always)]
    fn fill(&mut self) {
        let (pixels, channels) = (self.along.spans.len(), self.rows.channels);
        let lines = self.done..(self.done + BAND).min(self.down.spans.len());
        let rows = if self.converts { self.down.spans(lines.clone()).len() } else { BAND };
        let across = self.along.spans(0..pixels).len().div_ceil(pixels);
        let width = (NUMBERS / (rows * channels * across)).clamp(BAND, 8 * BAND);
        for start in (0..pixels).step_by(width) {
            let places = start..(start + width).min(pixels);
            self.sum_columns(lines.clone(), places.clone());
            match channels {
                1 => self.sum_rows::<1>(places.clone()),
                2 => self.sum_rows::<2>(places.clone()),
                3 => self.sum_rows::<3>(places.clone()),
                _ => self.sum_rows::<4>(places.clone()),
            }
            let length = pixels * channels;
            for (row, band) in self.band.chunks_exact_mut(length).take(lines.len()).enumerate() {
                let part = band[places.start * channels..places.end * channels].iter_mut();
                part.zip(&self.part.sums).for_each(|(to, column)| *to = column[row]);
            }
        }
    }

    /// Sums down the columns that the pixels `places` of the rows `lines` are made of.
    #[inline(always)]
    fn sum_columns(&mut self, lines: Range<usize>, places: Range<usize>) {
        let (y, x) = (self.down.spans(lines.clone()), self.along.spans(places));
        let Part { source, columns, turned, .. } = &mut self.part;
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
        turned.resize(length, [F::default(); BAND]);
        turn(columns, turned);
    }

    /// Sums along the rows, for the pixels `places`.
    #[inline(always)]
    fn sum_rows<const N: usize>(&mut self, places: Range<usize>) {
        let columns = self.along.spans(places.clone());
        let Part { turned, sums, .. } = &mut self.part;
        sums.resize(places.len() * N, [F::default(); BAND]);
        for (index, pixel) in places.zip(sums.as_chunks_mut::<N>().0) {
            let weights = self.along.weights(index);
            let first = (self.along.spans[index].start - columns.start) as usize;
            let samples = &turned.as_chunks::<N>().0[first..][..weights.len()];
            for (channel, sums) in pixel.iter_mut().enumerate() {
                *sums = weigh_columns(samples, channel, weights);
            }
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
fn turn<F: Real>(rows: &[F], columns: &mut [[F; BAND]]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const KERNELS: [Kernel; 5] =
        [Kernel::Nearest, Kernel::Area, Kernel::Bilinear, Kernel::Bicubic, Kernel::Lanczos3];

    #[test]
    fn spans_hold_every_weight_and_nothing_else() {
        for (from, to) in [(1, 1), (1, 7), (7, 1), (10, 20), (20, 10), (31, 17), (17, 31), (5, 5), (100, 3)] {
            for axis in KERNELS.map(|kernel| Axis { from, to, kernel }) {
                for place in 0..to {
                    let span = axis.span(place);
                    assert!(!span.is_empty() && span.end <= from, "{axis:?} {place}");
                    assert!(span.len() <= axis.window(1) as usize, "{axis:?} {place}");
                    let mut weights = vec![0.0; span.len()];
                    axis.weigh(place, span, &mut weights, &mut Vec::new());
                    let sum: f64 = weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-12, "{axis:?} {place}: {sum}");
                }
                assert!(axis.spans(0..to).len() <= axis.window(to) as usize);
            }
        }
    }

    #[test]
    fn places_of_the_largest_images_are_exact() {
        for (kernel, (from, to)) in KERNELS[1..].iter().flat_map(|kernel| {
            [(MAX_SIDE, MAX_SIDE - 1), (MAX_SIDE - 1, MAX_SIDE), (MAX_SIDE, 1000), (3, MAX_SIDE)]
                .map(|sides| (*kernel, sides))
        }) {
            let axis = Axis { from, to, kernel };
            let (first, last) = (axis.span(0), axis.span(to - 1));
            assert_eq!((first.start, last.end), (0, from), "{axis:?}");
            // The same from both ends.
            assert_eq!((first.len(), axis.window(1) >= 1), (last.len(), true), "{axis:?}");
        }
    }

    #[test]
    fn the_sinc_is_exact_to_float64s_last_digits() {
        assert_eq!([1.0, 2.0, 3.0].map(sinc), [0.0; 3]);
        for step in 1..=3000 {
            let x = f64::from(step) / 1000.0;
            let exact = (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x);
            assert!((sinc(x) - exact).abs() < 1e-13, "{x}");
        }
    }
}
