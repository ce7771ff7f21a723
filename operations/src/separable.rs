//! Sums of pixels with weights that are the same on both sides: first down the columns, then along the rows.

use crate::blocks::Blocks;
use crate::border::{Rows, Window};
use crate::linear::{Linear, Sums};
use crate::real::{Real, Tap};
use tessera_core::geometry::Rect;

/// A separable, symmetric convolution of one rectangle. The image's border is repeated.
pub(crate) struct Symmetric {
    /// The weights of the distances 0 to the window's radius.
    pub(crate) weights: Vec<f64>,
    /// What is computed.
    pub(crate) window: Window,
}

/// Rows that are computed together, from source rows that stay in a core's cache.
const BAND: usize = 32;

/// Bytes of the rows that a row of the result needs, of a strip that is summed down the columns: they stay in the nearest
/// cache, and a strip is as wide as that allows, but has at least 64 numbers.
const STRIP_BYTES: usize = 24 << 10;

/// Bytes of the sums down the columns of a band, for columns that are computed one part after the other: they stay in a core's
/// second cache.
const PART_BYTES: usize = 256 << 10;

/// How many columns of a result are best computed at once, with `bytes` for the sums of a pixel.
pub(crate) fn part_width(radius: u32, bytes: usize) -> u32 {
    let columns = PART_BYTES / (BAND.max(radius as usize) * bytes);
    // What is around a part is summed again for the next.
    (columns as u32).max(16 * radius)
}

/// The largest radius at which sums of 16 bits are good enough: see [`Symmetric::fixed_rows`].
pub(crate) const LARGEST_FIXED: u32 = 16;

/// What is added to every sample in 1/128 of a level. Of dark pixels many products would be 0, and nothing of them be dropped,
/// in place of half a unit on average: a dark picture became lighter. The highest sample keeps its room.
const RAISED: u16 = 37;

impl Symmetric {
    /// The rows of the result in 1/128 of a level, to which [`Symmetric::fixed_half`] is to be added before the fraction
    /// is dropped.
    ///
    /// Each pass drops fractions of up to 1/128 of a level at the centre and at each pair, which are made up for by half
    /// of it: an error of at most (radius + 1) / 256, and of a tenth of that as a rule. Rounded weights, whose sum is exact,
    /// add less than 0.07 at the largest radius. With the last rounding, the result is within 0.71 levels.
    #[inline(always)]
    pub(crate) fn fixed_rows<'a>(&'a self, rows: &'a Rows<'a, u8>) -> impl Sums<u16> + 'a {
        let mut weights: Vec<u16> =
            self.weights.iter().map(|weight| (weight * 65536.0).round_ties_even() as u16).collect();
        weights[0] = 32768 - weights[1..].iter().sum::<u16>();
        let weights = Fixed(weights.into_iter().map(|weight| [weight; PART]).collect());
        Bands::new(&self.window, rows, weights, |sample: u8| (u16::from(sample) << 7) + RAISED)
    }

    /// Half a level, and what was dropped before, less what was added.
    pub(crate) fn fixed_half(&self) -> u16 {
        64 + 1 + self.window.radius as u16 - RAISED
    }
}

impl Linear for Symmetric {
    fn rects(&self) -> (Rect, Rect) {
        (self.window.read(), self.window.output)
    }

    #[inline(always)]
    fn rows<'a, T: Tap<F> + 'a, F: Real + 'a>(&'a self, rows: &'a Rows<'a, T>) -> impl Sums<F> + 'a {
        let weights: Vec<F> = self.weights.iter().map(|weight| F::from_f64(*weight)).collect();
        Bands::new(&self.window, rows, Floating(weights), T::one)
    }
}

/// The rows of a convolution, computed in bands.
struct Bands<'a, T, F, G, W> {
    window: &'a Window,
    rows: &'a Rows<'a, T>,
    weights: G,
    widen: W,
    /// The numbers that a strip of a band is made of.
    source: Vec<F>,
    /// Numbers in a row of a strip.
    strip: usize,
    /// The rows of a band that are summed down the columns.
    columns: Vec<F>,
    sums: Vec<F>,
    /// Rows that were given.
    done: usize,
    /// Rows of a band.
    height: usize,
    /// Where the next row of the band starts in `columns`; at their end a band begins. Not computed from `done`: the
    /// compiler would move the division into the innermost loop.
    next: usize,
}

impl<'a, T: Copy, F: Copy + Default, G: Weights<F>, W: Fn(T) -> F> Bands<'a, T, F, G, W> {
    fn new(window: &'a Window, rows: &'a Rows<'a, T>, weights: G, widen: W) -> Self {
        let (radius, output) = (window.radius as usize, window.output);
        let height = BAND.max(radius).min(output.height as usize);
        let strip = (STRIP_BYTES / (size_of::<F>() * (2 * radius + 1))).max(1).next_multiple_of(64);
        let source = vec![F::default(); (height + 2 * radius) * strip];
        let columns = vec![F::default(); height * window.padded() * rows.channels];
        let sums = vec![F::default(); output.width as usize * rows.channels];
        let next = columns.len();
        Bands { window, rows, weights, widen, source, strip, columns, sums, done: 0, height, next }
    }

    /// Sums down the columns of the band whose first row is `top`.
    #[inline(always)]
    fn fill(&mut self, top: u32) {
        let (window, rows, read) = (self.window, self.rows, self.window.read());
        let (radius, channels) = (window.radius as usize, rows.channels);
        let (length, padded) = (read.width as usize * channels, window.padded() * channels);
        let (inside, strip) = (window.inside().start * channels, self.strip);
        let count = self.height.min((window.output.bottom() - top) as usize);
        for x in (0..length).step_by(strip) {
            let width = strip.min(length - x);
            for (dy, row) in self.source.chunks_exact_mut(strip).take(count + 2 * radius).enumerate() {
                let from = &rows.row(window.row(top, dy as i32 - radius as i32), read)[x..][..width];
                for (to, from) in row.iter_mut().zip(from) {
                    *to = (self.widen)(*from);
                }
            }
            for y in 0..count {
                let sums = &mut self.columns[y * padded + inside + x..][..width];
                self.weights.weigh(&self.source, ((y + radius) * strip, strip), sums);
            }
        }
    }
}

impl<T: Copy, F: Copy + Default, G: Weights<F>, W: Fn(T) -> F> Sums<F> for Bands<'_, T, F, G, W> {
    #[inline(always)]
    fn next_row(&mut self) -> Option<&[F]> {
        let (window, channels) = (self.window, self.rows.channels);
        let y = window.output.y + self.done as u32;
        if y >= window.output.bottom() {
            return None;
        }
        if self.next == self.columns.len() {
            self.fill(y);
            self.next = 0;
        }
        let row = &mut self.columns[self.next..][..window.padded() * channels];
        self.next += row.len();
        window.replicate(row, channels);
        let centre = window.radius as usize * channels;
        self.weights.weigh(row, (centre, channels), &mut self.sums);
        self.done += 1;
        Some(&self.sums)
    }
}

/// The weights of the centre and of the pairs around it.
trait Weights<F> {
    /// Writes the weighed sums of the values at `centre`, those `stride` before and behind it, and so on, for as many
    /// places as there are sums.
    fn weigh(&self, values: &[F], place: (usize, usize), sums: &mut [F]);
}

/// Weights of floating point numbers.
struct Floating<F>(Vec<F>);

impl<F: Real> Weights<F> for Floating<F> {
    #[inline(always)]
    fn weigh(&self, values: &[F], (centre, stride): (usize, usize), sums: &mut [F]) {
        match sums.len() {
            0..8 => weigh_blocks::<F, 1>(values, (centre, stride), &self.0, sums),
            8..32 => weigh_blocks::<F, 8>(values, (centre, stride), &self.0, sums),
            64.. if size_of::<F>() == 4 => weigh_blocks::<F, 64>(values, (centre, stride), &self.0, sums),
            _ => weigh_blocks::<F, 32>(values, (centre, stride), &self.0, sums),
        }
    }
}

/// The sums in blocks of `N`.
#[inline(always)]
fn weigh_blocks<F: Real, const N: usize>(
    values: &[F],
    (centre, stride): (usize, usize),
    weights: &[F],
    sums: &mut [F],
) {
    for at in Blocks::<N>::of(sums.len()) {
        sums[at..][..N].copy_from_slice(&weigh_block::<F, N>(values, (centre + at, stride), weights));
    }
}

/// The sums of `N` places, which stay in registers. The order of a sum's terms is the same for any `N`.
#[inline(always)]
fn weigh_block<F: Real, const N: usize>(
    values: &[F],
    (centre, stride): (usize, usize),
    weights: &[F],
) -> [F; N] {
    let mut sums = [F::default(); N];
    let values_here = &values[centre..][..N];
    for lane in 0..N {
        sums[lane] = values_here[lane] * weights[0];
    }
    let mut distance = stride;
    for weight in &weights[1..] {
        let (before, after) = (&values[centre - distance..][..N], &values[centre + distance..][..N]);
        for lane in 0..N {
            sums[lane] = sums[lane] + (before[lane] + after[lane]) * *weight;
        }
        distance += stride;
    }
    sums
}

/// Weights in 1/65536 of levels of 8 bits in 1/128; the centre counts as two samples, so that its weight fits. Each is
/// repeated, since a single one would be widened to 32 bits before it meets its vector, and the products with it.
struct Fixed(Vec<Part>);

/// Numbers of 16 bits that are weighed at once.
const PART: usize = 16;

impl Weights<u16> for Fixed {
    #[inline(always)]
    fn weigh(&self, values: &[u16], (centre, stride): (usize, usize), sums: &mut [u16]) {
        const BLOCK: usize = 4 * PART;
        let count = sums.len();
        if count < BLOCK {
            for (sum, centre) in sums.iter_mut().zip(centre..) {
                *sum = 0;
                for (distance, weight) in (0..).step_by(stride).zip(&self.0) {
                    *sum += product(values[centre - distance], values[centre + distance], weight[0]);
                }
            }
            return;
        }
        for at in Blocks::<BLOCK>::of(count) {
            let (mut block, mut distance) = ([[0; PART]; 4], 0);
            for weight in &self.0 {
                let before = values[centre + at - distance..][..BLOCK].as_chunks::<PART>().0;
                let after = values[centre + at + distance..][..BLOCK].as_chunks::<PART>().0;
                // One by one, so that each stays in a register.
                let [mut first, mut second, mut third, mut fourth] = block;
                add_products(&mut first, &before[0], &after[0], weight);
                add_products(&mut second, &before[1], &after[1], weight);
                add_products(&mut third, &before[2], &after[2], weight);
                add_products(&mut fourth, &before[3], &after[3], weight);
                block = [first, second, third, fourth];
                distance += stride;
            }
            sums[at..][..BLOCK].copy_from_slice(block.as_flattened());
        }
    }
}

/// What one instruction computes.
type Part = [u16; PART];

#[inline(always)]
fn add_products(sums: &mut Part, before: &Part, after: &Part, weights: &Part) {
    for lane in 0..PART {
        sums[lane] += product(before[lane], after[lane], weights[lane]);
    }
}

#[inline(always)]
fn product(before: u16, after: u16, weight: u16) -> u16 {
    ((u32::from(before + after) * u32::from(weight)) >> 16) as u16
}
