//! Weighted sums of rows of numbers.

use crate::blocks::Blocks;
use crate::real::Tap;
use crate::taps::{Ends, Number};

/// Numbers of a row that are summed at once.
const STRIP: usize = 32;

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

/// The same for rows of numbers, faster for the counts of weights of enlargements.
#[inline(always)]
pub(crate) fn weigh_numbers<'a, N: Number + 'a>(
    row: impl Fn(usize) -> &'a [N] + Copy,
    weights: &[N],
    ends: Ends<N>,
    sums: &mut [N],
) {
    if sums.len() < STRIP || ends.twice {
        return weigh(row, weights, ends, sums);
    }
    match weights.len() {
        4 => weigh_few::<N, 4>(row, weights, ends, sums),
        6 => weigh_few::<N, 6>(row, weights, ends, sums),
        _ => weigh(row, weights, ends, sums),
    }
}

/// The weighted sums of `K` rows.
#[inline(always)]
fn weigh_few<'a, N: Number + 'a, const K: usize>(
    row: impl Fn(usize) -> &'a [N],
    weights: &[N],
    ends: Ends<N>,
    sums: &mut [N],
) {
    let (mut rows, mut factors) = ([row(0); K], [[N::default(); STRIP]; K]);
    for tap in 0..K {
        (rows[tap], factors[tap]) = (row(tap), [weights[tap]; STRIP]);
    }
    for at in Blocks::<STRIP>::of(sums.len()) {
        let mut strip = [ends.start; STRIP];
        for tap in 0..K {
            let (row, factor) = (&rows[tap][at..][..STRIP], &factors[tap]);
            for lane in 0..STRIP {
                strip[lane] = strip[lane] + row[lane] * factor[lane];
            }
        }
        sums[at..][..STRIP].copy_from_slice(&strip);
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
