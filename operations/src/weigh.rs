//! Weighted sums of rows of numbers.

use crate::blocks::Blocks;
use crate::real::Tap;
use crate::sample::Sample;
use crate::strips::STRIP;
use crate::taps::{Ends, Number};

/// The weighted sums of the rows 0, 1, and so on, each as long as `sums`.
#[inline(always)]
pub(crate) fn weigh<'a, T: Tap<N> + 'a, N: Number>(
    row: impl Fn(usize) -> &'a [T] + Copy,
    weights: &[N],
    ends: Ends<N>,
    sums: &mut [N],
) {
    // Sums that stay in vector registers over all rows. The order of a sum's terms is the same in both loops.
    if sums.len() < STRIP {
        for (at, sum) in sums.iter_mut().enumerate() {
            [*sum] = weigh_strip(row, weights, ends, at);
        }
    } else {
        for at in Blocks::<STRIP>::of(sums.len()) {
            let strip = weigh_strip::<T, N, STRIP>(row, weights, ends, at);
            sums[at..][..STRIP].copy_from_slice(&strip);
        }
    }
    if ends.twice {
        sums.iter_mut().for_each(|sum| *sum = *sum + *sum);
    }
}

/// The samples of the weighted sums of rows of numbers, faster for the counts of weights of enlargements. `sums` has room for as
/// many sums as there are `samples`.
#[inline(always)]
pub(crate) fn weigh_to_samples<'a, N: Number + 'a, S: Sample>(
    row: impl Fn(usize) -> &'a [N] + Copy,
    weights: &[N],
    ends: Ends<N>,
    (sums, samples): (&mut [N], &mut [S]),
) {
    match weights.len() {
        4 if samples.len() >= STRIP && !ends.twice => weigh_few::<N, S, 4>(row, weights, ends.start, samples),
        6 if samples.len() >= STRIP && !ends.twice => weigh_few::<N, S, 6>(row, weights, ends.start, samples),
        _ => {
            weigh(row, weights, ends, sums);
            for (sample, sum) in samples.iter_mut().zip(sums) {
                *sample = sum.sample();
            }
        }
    }
}

/// The samples of the weighted sums of `K` rows.
#[inline(always)]
fn weigh_few<'a, N: Number + 'a, S: Sample, const K: usize>(
    row: impl Fn(usize) -> &'a [N],
    weights: &[N],
    start: N,
    samples: &mut [S],
) {
    let (mut rows, mut factors) = ([row(0); K], [[N::default(); STRIP]; K]);
    for tap in 0..K {
        (rows[tap], factors[tap]) = (row(tap), [weights[tap]; STRIP]);
    }
    for at in Blocks::<STRIP>::of(samples.len()) {
        let mut strip = [start; STRIP];
        for tap in 0..K {
            let (row, factor) = (&rows[tap][at..][..STRIP], &factors[tap]);
            for lane in 0..STRIP {
                strip[lane] = strip[lane] + row[lane] * factor[lane];
            }
        }
        let samples = &mut samples[at..][..STRIP];
        for lane in 0..STRIP {
            samples[lane] = strip[lane].sample();
        }
    }
}

/// The sums of `L` samples from index `at` of the rows.
#[inline(always)]
fn weigh_strip<'a, T: Tap<N> + 'a, N: Number, const L: usize>(
    row: impl Fn(usize) -> &'a [T],
    weights: &[N],
    ends: Ends<N>,
    at: usize,
) -> [N; L] {
    let mut sums = [ends.start; L];
    for (index, weight) in weights.iter().enumerate() {
        let row = &row(index)[at..][..L];
        for lane in 0..L {
            sums[lane] = sums[lane] + row[lane].one() * *weight;
        }
    }
    sums
}
