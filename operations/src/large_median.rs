//! Medians of larger squares, bit by bit: the highest bits from counts that are kept by column, the others by counting the square.

use crate::border::{Rows, Window};
use crate::sample::Sample;
use tessera_core::geometry::Rect;

/// Samples that are computed side by side.
const LANES: usize = 64;

/// Rows of the result that are computed at once from padded rows.
const BAND: usize = 64;

/// The medians of the squares of a rectangle.
#[inline(always)]
pub(crate) fn medians<S: Sample>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let (side, length) = (2 * window.radius as usize + 1, window.padded() * rows.channels);
    let places = (0..side).flat_map(|dy| (0..side).map(move |dx| dy * length + dx * rows.channels));
    let places: Vec<usize> = places.collect();
    for (y, lines) in (window.output.y..).step_by(BAND).zip(lines.chunks_mut(BAND)) {
        let output = Rect { y, height: lines.len() as u32, ..window.output };
        let mut padded = Window { output, ..*window }.padded_rows(rows, |sample| sample);
        padded.resize(padded.len() + LANES, S::default());
        let row = |y: usize| &padded[y * length..][..length];
        let mut columns = Columns::new(length);
        (0..side - 1).for_each(|y| columns.enter(row(y)));
        for (y, line) in lines.iter_mut().enumerate() {
            columns.enter(row(y + side - 1));
            if y > 0 {
                columns.leave(row(y - 1));
            }
            for (block, x) in line.chunks_mut(LANES).zip((0..).step_by(LANES)) {
                let high = columns.medians(x, side, rows.channels);
                let medians = by_bits(&padded[y * length + x..], &places, high);
                block.copy_from_slice(&medians[..block.len()]);
            }
        }
    }
}

/// One value of each of several windows.
type Lanes<S> = [S; LANES];

/// The values at `place` of the windows.
#[inline(always)]
fn load<S: Sample>(values: &[S], place: usize) -> Lanes<S> {
    *values[place..].first_chunk().expect("as many samples as lanes follow the last row")
}

/// Highest bits of a median that are found by columns.
const HIGH: u32 = 4;

/// The values that differ in no others, without 0.
const LIMITS: usize = (1 << HIGH) - 1;

/// For each limit, how many of a square's rows have a sample in a column that is at least as large.
struct Columns<S> {
    counts: [Vec<S>; LIMITS],
}

impl<S: Sample> Columns<S> {
    const STEP: i32 = (S::MAX + 1) >> HIGH;

    fn new(length: usize) -> Columns<S> {
        Columns { counts: std::array::from_fn(|_| vec![S::default(); length + LANES]) }
    }

    /// The counts of each limit.
    fn with_limits(&mut self) -> impl Iterator<Item = (&mut Vec<S>, S)> {
        self.counts.iter_mut().zip(1..).map(|(counts, limit)| (counts, S::narrow(limit * Self::STEP)))
    }

    /// Adds a row.
    #[inline(always)]
    fn enter(&mut self, row: &[S]) {
        for (counts, limit) in self.with_limits() {
            for (count, sample) in counts.iter_mut().zip(row) {
                *count = *count + S::from(*sample >= limit);
            }
        }
    }

    /// Takes a row away.
    #[inline(always)]
    fn leave(&mut self, row: &[S]) {
        for (counts, limit) in self.with_limits() {
            for (count, sample) in counts.iter_mut().zip(row) {
                *count = *count - S::from(*sample >= limit);
            }
        }
    }

    /// The medians from sample `x` on of squares of `side` columns, each `channels` samples apart, down to their [`HIGH`]
    /// highest bits: as many limits are reached by more than half of the samples.
    #[inline(always)]
    fn medians(&self, x: usize, side: usize, channels: usize) -> Lanes<S> {
        let half = S::narrow((side * side / 2) as i32);
        let mut reached = [S::default(); LANES];
        for counts in &self.counts {
            let mut sums = [S::default(); LANES];
            for column in 0..side {
                let counts: Lanes<S> = load(counts, x + column * channels);
                for lane in 0..LANES {
                    sums[lane] = sums[lane] + counts[lane];
                }
            }
            for lane in 0..LANES {
                reached[lane] = reached[lane] + S::from(sums[lane] > half);
            }
        }
        reached.map(|limits| S::narrow(limits.widen() * Self::STEP))
    }
}

/// The medians from their highest bit to the lowest, `medians` having the [`HIGH`] highest: a bit is set if more than half of
/// the values are at least as large. At most 225 places, so that 8 bits can count them.
#[inline(always)]
fn by_bits<S: Sample>(values: &[S], places: &[usize], mut medians: Lanes<S>) -> Lanes<S> {
    let half = S::narrow(places.len() as i32 / 2);
    let mut bit = Columns::<S>::STEP / 2;
    while bit > 0 {
        let tried = medians.map(|median| S::narrow(median.widen() | bit));
        let mut reached = [S::default(); LANES];
        for place in places {
            let sample: Lanes<S> = load(values, *place);
            for lane in 0..LANES {
                reached[lane] = reached[lane] + S::from(sample[lane] >= tried[lane]);
            }
        }
        for lane in 0..LANES {
            // Without a branch: bits are as good as random.
            let set = i32::from(reached[lane] > half) * bit;
            medians[lane] = S::narrow(medians[lane].widen() | set);
        }
        bit /= 2;
    }
    medians
}
