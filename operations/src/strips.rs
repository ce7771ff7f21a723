//! The numbers of a part of an image in strips of a few columns, one strip after the other, each from top to bottom: sums down
//! the columns of a strip read one piece of memory, which stays in the nearest cache until all are made.

use crate::blocks::Blocks;
use crate::plane::Aligned;
use crate::real::Tap;
use crate::taps::{BESIDE, Ends, Number};

/// How many numbers a row of a strip has: as many as are summed at once.
pub(crate) const STRIP: usize = 32;

/// The numbers.
pub(crate) struct Strips<N> {
    numbers: Vec<Line<N>>,
    /// The length of a strip.
    rows: usize,
}

/// The numbers of a row of a strip.
type Line<N> = Aligned<[N; STRIP]>;

impl<N: Number> Strips<N> {
    /// None.
    pub(crate) fn new() -> Strips<N> {
        Strips { numbers: Vec::new(), rows: 0 }
    }

    /// Makes room for `rows` rows of `columns` numbers, in [`Blocks`] of columns.
    pub(crate) fn resize(&mut self, columns: usize, rows: usize) {
        self.rows = rows;
        self.numbers.resize(columns.div_ceil(STRIP) * rows, Aligned([N::default(); STRIP]));
    }

    /// Sets the row at `index`.
    #[inline(always)]
    pub(crate) fn set_row<T: Tap<N>>(&mut self, index: usize, samples: &[T]) {
        if samples.len() < STRIP {
            for (number, sample) in self.numbers[index].0.iter_mut().zip(samples) {
                *number = sample.one();
            }
            return;
        }
        for (strip, at) in Blocks::<STRIP>::of(samples.len()).enumerate() {
            let numbers = &mut self.numbers[strip * self.rows + index].0[..];
            let samples = &samples[at..][..STRIP];
            for lane in 0..STRIP {
                numbers[lane] = samples[lane].one();
            }
        }
    }

    /// The weighted sums down a strip, from the row `first` on.
    #[inline(always)]
    pub(crate) fn weigh(
        &self,
        strip: usize,
        first: usize,
        factors: &[N::Factor],
        ends: Ends<N>,
    ) -> [N; STRIP] {
        let rows = &self.numbers[strip * self.rows + first..];
        let mut sums = match factors.len() {
            4 => weigh_few::<N, 4>(rows, factors, ends.start),
            6 => weigh_few::<N, 6>(rows, factors, ends.start),
            12 => weigh_few::<N, 12>(rows, factors, ends.start),
            _ => weigh_many(rows, factors, ends.start),
        };
        if ends.twice {
            for sum in &mut sums {
                *sum = *sum + *sum;
            }
        }
        sums
    }
}

/// The sums of `K` numbers, as many as there are weights: unrolled.
#[inline(always)]
fn weigh_few<N: Number, const K: usize>(rows: &[Line<N>], factors: &[N::Factor], start: N) -> [N; STRIP] {
    let mut sums = [start; STRIP];
    if let (Some(rows), Some(factors)) = (rows.first_chunk::<K>(), factors.first_chunk::<K>()) {
        for tap in 0..K {
            add_weighed(&mut sums, &rows[tap].0, &factors[tap]);
        }
    }
    sums
}

/// The sums of any count.
#[inline(always)]
fn weigh_many<N: Number>(rows: &[Line<N>], factors: &[N::Factor], start: N) -> [N; STRIP] {
    let mut sums = [start; STRIP];
    let (fours, rest) = rows[..factors.len()].as_chunks::<4>();
    let (factors, last) = factors.as_chunks::<4>();
    for (rows, factors) in fours.iter().zip(factors) {
        for tap in 0..4 {
            add_weighed(&mut sums, &rows[tap].0, &factors[tap]);
        }
    }
    for (Aligned(row), factor) in rest.iter().zip(last) {
        add_weighed(&mut sums, row, factor);
    }
    sums
}

/// Adds the weighed numbers of a row of a strip to the sums.
#[inline(always)]
fn add_weighed<N: Number>(sums: &mut [N; STRIP], numbers: &[N; STRIP], factor: &N::Factor) {
    let (sums, numbers) = (sums.as_chunks_mut::<BESIDE>().0, numbers.as_chunks::<BESIDE>().0);
    for half in 0..STRIP / BESIDE {
        N::add_weighed(&mut sums[half], &numbers[half], factor);
    }
}
