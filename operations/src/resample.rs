//! Resampling along the two axes: which samples of the input a place of the result is made of, with which weights.
//! Places follow from whole numbers alone, so that they do not depend on the part that is computed.

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
        let longest = spans.iter().map(ExactSizeIterator::len).max().unwrap_or(1);
        let most = longest.next_multiple_of(LANES);
        let mut weights = vec![F::default(); spans.len() * most];
        let mut exact = Vec::new();
        for ((place, span), weights) in places.zip(&spans).zip(weights.chunks_exact_mut(most)) {
            axis.weigh(place, span.clone(), weights, &mut exact);
        }
        Taps { spans, weights, most }
    }

    /// The weights of the pixel at `index`.
    fn weights(&self, index: usize) -> &[F] {
        &self.weights[index * self.most..][..self.most]
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

/// Samples that are summed side by side along a row.
const LANES: usize = 4;

impl Linear for Resampling {
    fn rects(&self) -> (Rect, Rect) {
        (self.read(), self.output)
    }

    #[inline(always)]
    fn rows<'a, T: Tap<F> + 'a, F: Real + 'a>(&'a self, rows: &'a Rows<'a, T>) -> impl Sums<F> + 'a {
        let (read, channels) = (self.read(), rows.channels);
        let down = Taps::<F>::new(self.rows, self.output.y..self.output.bottom());
        let along = Taps::<F>::new(self.columns, self.output.x..self.output.right());
        let length = read.width as usize * channels;
        let recent = Recent::new(down.most, length);
        // As many zeros behind as the last spans are filled up with.
        let column_sums = vec![F::default(); length + (along.most + LANES) * channels];
        let sums = vec![F::default(); self.output.width as usize * channels + LANES];
        Resampled { rows, read, down, along, recent, column_sums, sums, done: 0 }
    }
}

/// The rows of a resampling.
struct Resampled<'a, T, F> {
    rows: &'a Rows<'a, T>,
    read: Rect,
    down: Taps<F>,
    along: Taps<F>,
    recent: Recent<F>,
    column_sums: Vec<F>,
    sums: Vec<F>,
    /// Rows that were given.
    done: usize,
}

impl<T: Tap<F>, F: Real> Sums<F> for Resampled<'_, T, F> {
    #[inline(always)]
    fn next_row(&mut self) -> Option<&[F]> {
        let (read, channels) = (self.read, self.rows.channels);
        let span = self.down.spans.get(self.done)?.clone();
        self.recent.take(span.clone(), self.rows, read);
        let sources: Vec<&[F]> = span.map(|y| self.recent.row(y)).collect();
        let length = read.width as usize * channels;
        weigh(&sources, self.down.weights(self.done), &mut self.column_sums[..length]);
        let (width, sums) = (self.sums.len() - LANES, &mut self.sums);
        match channels {
            1 => along_gray(&self.column_sums, &self.along, read.x, &mut sums[..width]),
            2 => along_pixels::<F, 2>(&self.column_sums, &self.along, read.x, sums),
            3 => along_pixels::<F, 3>(&self.column_sums, &self.along, read.x, sums),
            _ => along_pixels::<F, 4>(&self.column_sums, &self.along, read.x, sums),
        }
        self.done += 1;
        Some(&self.sums[..width])
    }
}

/// The last rows that were read, as numbers: each is converted once.
struct Recent<F> {
    rows: Vec<F>,
    length: usize,
    capacity: usize,
    next: u32,
}

impl<F: Real> Recent<F> {
    fn new(capacity: usize, length: usize) -> Recent<F> {
        Recent { rows: vec![F::default(); capacity * length], length, capacity, next: 0 }
    }

    /// Reads the rows of `span`, which starts and ends no earlier than the one before.
    #[inline(always)]
    fn take<T: Tap<F>>(&mut self, span: Range<u32>, rows: &Rows<T>, read: Rect) {
        for y in span.start.max(self.next)..span.end {
            let at = self.at(y);
            for (to, from) in self.rows[at..][..self.length].iter_mut().zip(rows.row(y, read)) {
                *to = from.one();
            }
        }
        self.next = span.end.max(self.next);
    }

    #[inline(always)]
    fn at(&self, y: u32) -> usize {
        y as usize % self.capacity * self.length
    }

    #[inline(always)]
    fn row(&self, y: u32) -> &[F] {
        &self.rows[self.at(y)..][..self.length]
    }
}

/// The sums of `rows`, each as long as `sums`, with `weights`.
#[inline(always)]
fn weigh<F: Real>(rows: &[&[F]], weights: &[F], sums: &mut [F]) {
    // Sums that stay in vector registers over all rows. The order of a sum's terms is the same in both loops.
    const BLOCK: usize = 32;
    let whole = sums.len() - sums.len() % BLOCK;
    let (blocks, rest) = sums.split_at_mut(whole);
    for (block, at) in blocks.as_chunks_mut::<BLOCK>().0.iter_mut().zip((0..).step_by(BLOCK)) {
        *block = weigh_block(rows, weights, at);
    }
    for (sum, at) in rest.iter_mut().zip(whole..) {
        [*sum] = weigh_block(rows, weights, at);
    }
}

/// The sums of `N` samples from index `at`.
#[inline(always)]
fn weigh_block<F: Real, const N: usize>(rows: &[&[F]], weights: &[F], at: usize) -> [F; N] {
    let mut sums = [F::default(); N];
    for (row, weight) in rows.iter().zip(weights) {
        let row = &row[at..][..N];
        for lane in 0..N {
            sums[lane] = sums[lane] + row[lane] * *weight;
        }
    }
    sums
}

/// The weighted sums along a row of one channel, whose first sample is number `start`.
#[inline(always)]
fn along_gray<F: Real>(row: &[F], taps: &Taps<F>, start: u32, sums: &mut [F]) {
    for (index, (sum, span)) in sums.iter_mut().zip(&taps.spans).enumerate() {
        let samples = &row[(span.start - start) as usize..][..taps.most];
        let mut lanes = [F::default(); LANES];
        let weights = taps.weights(index).as_chunks::<LANES>().0;
        for (samples, weights) in samples.as_chunks::<LANES>().0.iter().zip(weights) {
            for lane in 0..LANES {
                lanes[lane] = lanes[lane] + samples[lane] * weights[lane];
            }
        }
        *sum = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }
}

/// The weighted sums along a row of pixels of `N` channels, whose first pixel is number `start`. Of three channels the fourth
/// lane belongs to the next pixel, which overwrites it: `sums` has `LANES` values more than the pixels need.
#[inline(always)]
fn along_pixels<F: Real, const N: usize>(row: &[F], taps: &Taps<F>, start: u32, sums: &mut [F]) {
    for (index, span) in taps.spans.iter().enumerate() {
        let weights = &taps.weights(index).as_chunks::<2>().0[..span.len().div_ceil(2)];
        let samples = &row[(span.start - start) as usize * N..][..2 * N * weights.len() + LANES];
        // Every second one for itself, so that an addition need not wait for the one before.
        let (mut even, mut odd) = ([F::default(); LANES], [F::default(); LANES]);
        for (pair, weights) in weights.iter().enumerate() {
            let samples = &samples[2 * N * pair..][..N + LANES];
            for lane in 0..LANES {
                even[lane] = even[lane] + samples[lane] * weights[0];
                odd[lane] = odd[lane] + samples[N + lane] * weights[1];
            }
        }
        let pixel = &mut sums[index * N..][..LANES];
        (0..LANES).for_each(|lane| pixel[lane] = even[lane] + odd[lane]);
    }
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
