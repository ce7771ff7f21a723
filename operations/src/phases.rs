//! Rows that become a whole number of times as long: of so many pixels side by side each is made as those of its kind are, a
//! pixel of the input further each time. So all of a kind are computed together, and then come in turn.

use crate::fetch::fetch;
use crate::sample::Sample;
use crate::taps::{Number, Taps};
use crate::weigh::weigh_to_samples;
use std::ops::Range;

/// The most pixels that one becomes.
const MOST: usize = 8;

/// Whether rows whose weights come again after so many pixels, which are so many samples, are made of a few kinds of pixels.
pub(crate) fn has_kinds((count, stride): (usize, u32)) -> bool {
    stride == 1 && count <= MOST
}

/// The pixels of a part of a row, by kind.
pub(crate) struct Phases<S, N> {
    /// How many kinds there are.
    count: usize,
    /// The pixels of which all samples are inside the image. None where rows are not enlarged by a whole number.
    inner: Range<usize>,
    sums: Vec<N>,
    samples: Vec<S>,
}

impl<S: Sample, N: Number> Phases<S, N> {
    /// For rows that are made as `along` says.
    pub(crate) fn new(along: &Taps<N>) -> Phases<S, N> {
        let inner = if has_kinds(along.period) { along.inner() } else { 0..0 };
        Phases { count: along.period.0, inner, sums: Vec::new(), samples: Vec::new() }
    }

    /// Parts of `pixels` pixels, each of `width` at most, and whether it has kinds.
    pub(crate) fn parts(&self, pixels: usize, width: usize) -> Vec<(Range<usize>, bool)> {
        let Range { start, end } = self.inner;
        let ranges = [(0..start, false), (start..end, true), (end..pixels, false)];
        let cut = |(range, has): (Range<usize>, bool)| {
            let end = range.end;
            range.step_by(width).map(move |start| (start..(start + width).min(end), has))
        };
        ranges.into_iter().flat_map(cut).collect()
    }

    /// Writes the pixels `part` to `line`, made of `row`, the sums down the columns that they are made of.
    #[inline(always)]
    pub(crate) fn write<const C: usize>(
        &mut self,
        (along, part): (&Taps<N>, Range<usize>),
        row: &[N],
        line: &mut [S],
    ) {
        fetch(line);
        let most = part.len().div_ceil(self.count) * C;
        let first = along.spans(part.clone()).start;
        self.sums.resize(most, N::default());
        self.samples.resize(most * self.count + OF_ONE, S::default());
        for (index, samples) in part.clone().take(self.count).zip(self.samples.chunks_exact_mut(most)) {
            let length = (part.end - index).div_ceil(self.count) * C;
            let (place, sums) = (&along.places[index], &mut self.sums[..length]);
            let start = (place.span.start - first) as usize * C;
            let row = |tap| &row[start + tap * C..][..length];
            weigh_to_samples(row, along.weights(index), place.ends, (sums, &mut samples[..length]));
        }
        in_turn::<S, C>((&self.samples, most), self.count, line);
    }
}

/// Writes pixels of `count` kinds to `line` in turn; `samples` holds `length` of one kind after as many of the other, and has room
/// for a block behind them.
#[inline(always)]
fn in_turn<S: Sample, const C: usize>((samples, length): (&[S], usize), count: usize, line: &mut [S]) {
    if count == 1 {
        return line.copy_from_slice(&samples[..line.len()]);
    }
    let (first, second) = (samples, &samples[length..]);
    let done = match (count, C) {
        (2, 1) => alternate(first, second, line),
        (2, 3) => return alternate_triples(first, second, line),
        _ => 0,
    };
    let pixels = line.as_chunks_mut::<C>().0;
    for (kind, samples) in samples.chunks_exact(length).take(count).enumerate() {
        let to = pixels.iter_mut().skip(done * count + kind).step_by(count);
        to.zip(&samples.as_chunks::<C>().0[done..]).for_each(|(to, from)| *to = *from);
    }
}

/// Writes samples of two kinds in turn. Returns how many of each.
#[inline(always)]
fn alternate<S: Sample>(first: &[S], second: &[S], line: &mut [S]) -> usize {
    let pairs = line.as_chunks_mut::<2>().0;
    let (first, second) = (&first[..pairs.len()], &second[..pairs.len()]);
    for at in 0..pairs.len() {
        pairs[at] = [first[at], second[at]];
    }
    pairs.len()
}

/// Pairs of pixels that are moved together, two at once.
const PAIRS: usize = 32;

/// Their samples of one kind, and of both, with those that are moved besides: eight for two pixels.
const OF_ONE: usize = 3 * PAIRS + 2;
const OF_BOTH: usize = 6 * PAIRS + 4;

/// Writes pixels of three samples of two kinds in turn.
#[inline(always)]
fn alternate_triples<S: Sample>(first: &[S], second: &[S], line: &mut [S]) {
    for at in (0..line.len()).step_by(6 * PAIRS) {
        let (Some(first), Some(second)) = (first[at / 2..].first_chunk(), second[at / 2..].first_chunk())
        else {
            unreachable!("there is room for a block behind them")
        };
        let line = &mut line[at..];
        if let Some(to) = line.first_chunk_mut() {
            alternate_block(first, second, to);
        } else {
            let mut block = [S::default(); OF_BOTH];
            alternate_block(first, second, &mut block);
            let rest = line.len().min(6 * PAIRS);
            line[..rest].copy_from_slice(&block[..rest]);
        }
    }
}

/// Writes `PAIRS` pixels of each kind.
#[inline(always)]
fn alternate_block<S: Sample>(first: &[S; OF_ONE], second: &[S; OF_ONE], to: &mut [S; OF_BOTH]) {
    for two in 0..PAIRS / 2 {
        let (Some(&[a, b, c, d, e, f, g, h]), Some(&[i, j, k, l, m, n, o, p])) =
            (first[6 * two..].first_chunk(), second[6 * two..].first_chunk())
        else {
            unreachable!("a block has room for them")
        };
        // All are moved, so that it is one shuffle of a vector; the last four are overwritten by the next pixels.
        to[12 * two..][..16].copy_from_slice(&[a, b, c, i, j, k, d, e, f, l, m, n, g, h, o, p]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const C: usize>(count: usize, pixels: usize) {
        let length = pixels.div_ceil(count) * C;
        let samples: Vec<u8> = (0..length * count + OF_ONE).map(|at| (at * 37 % 251) as u8).collect();
        let mut line = vec![0; pixels * C];
        in_turn::<u8, C>((&samples, length), count, &mut line);
        for (pixel, sample) in line.as_chunks::<C>().0.iter().enumerate() {
            let from = &samples[pixel % count * length + pixel / count * C..][..C];
            assert_eq!(sample, from, "{pixel} of {pixels} by {count}");
        }
    }

    #[test]
    fn pixels_of_all_kinds_come_in_turn() {
        for (count, pixels) in
            (1..=5).flat_map(|count| [1, 2, 5, 31, 64, 65, 97, 129, 200].map(|pixels| (count, pixels)))
        {
            check::<1>(count, pixels);
            check::<3>(count, pixels);
        }
    }
}
