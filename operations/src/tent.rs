//! Halves by a triangle with the weights 1, 3, 3, 1, rounded half to even: what `bilinear` gives where both sides become half
//! as long. Integers.

use crate::border::Rows;
use crate::fetch::fetch_behind;
use crate::plane::{Aligned, PLANE};
use crate::quarter::{MOST, every_second};
use crate::sample::{Sample, quotient};
use crate::vector::{Kernel, vectorised};
use std::ops::{Add, Range};
use tessera_core::geometry::{Rect, Size};

/// The weights of the four samples around the middle of a pixel of the result.
const WEIGHTS: [u64; 4] = [1, 3, 3, 1];

/// A sample with a type that holds the sum of 64 of them.
pub(crate) trait Summed: Sample {
    type Sum: Copy + Default + Add<Output = Self::Sum> + From<Self>;

    /// A sixty-fourth of the sum.
    fn mean(sum: Self::Sum) -> Self;
}

impl Summed for u8 {
    type Sum = u16;

    #[inline(always)]
    fn mean(sum: u16) -> u8 {
        ((sum + 31 + ((sum >> 6) & 1)) >> 6) as u8
    }
}

impl Summed for u16 {
    type Sum = u32;

    #[inline(always)]
    fn mean(sum: u32) -> u16 {
        ((sum + 31 + ((sum >> 6) & 1)) >> 6) as u16
    }
}

/// Writes the pixels `output` of the half of an opaque picture of size `image`, whose sides are even. `rows` holds what they
/// are made of.
pub(crate) fn tents<S: Summed>(rows: &Rows<S>, image: Size, output: Rect, lines: &mut [&mut [S]]) {
    match rows.channels {
        1 => tents_of::<S, 1>(rows, image, output, lines),
        _ => tents_of::<S, 3>(rows, image, output, lines),
    }
}

fn tents_of<S: Summed, const N: usize>(rows: &Rows<S>, image: Size, output: Rect, lines: &mut [&mut [S]]) {
    // The pixels that are made of sixteen samples: all but those at the image's border.
    let columns = inner(output.x..output.right(), image.width);
    let inside = inner(output.y..output.bottom(), image.height);
    let at = |x: u32| (x - output.x) as usize * N;
    if !columns.is_empty() {
        let read = Rect::new(2 * columns.start - 1, 0, 2 * columns.len() as u32 + 2, 1);
        let (part, last) = (at(columns.start)..at(columns.end), rows.rect.bottom() - 1);
        let mut spare = vec![S::default(); part.len()];
        let pairs = lines[(inside.start - output.y) as usize..][..inside.len()].chunks_mut(2);
        for (y, pair) in inside.clone().step_by(2).zip(pairs) {
            // The last row may stand alone.
            let lines = match pair {
                [upper, lower] => [&mut upper[part.clone()], &mut lower[part.clone()]],
                [upper] => [&mut upper[part.clone()], &mut spare[..]],
                _ => continue,
            };
            let rows = [0, 1, 2, 3, 4, 5].map(|dy| rows.row((2 * y - 1 + dy).min(last), read));
            vectorised(Tents::<S, N> { rows, lines: lines.map(|line| line.as_chunks_mut().0) });
        }
    }
    for (y, line) in (output.y..).zip(lines) {
        let columns = if inside.contains(&y) { columns.clone() } else { output.x..output.x };
        for x in (output.x..columns.start).chain(columns.end..output.right()) {
            line.as_chunks_mut::<N>().0[(x - output.x) as usize] = at_border(rows, image, (x, y));
        }
    }
}

/// Those of `places` on a side of the half that lie between the first and the last, of a picture with `side` pixels there.
fn inner(places: Range<u32>, side: u32) -> Range<u32> {
    let (first, end) = (places.start.max(1), places.end.min(side / 2 - 1));
    first.min(end)..end
}

/// The pixel at any place: samples outside the image do not count.
fn at_border<S: Sample, const N: usize>(rows: &Rows<S>, image: Size, (x, y): (u32, u32)) -> [S; N] {
    let taps = |place: u32, side: u32| {
        let taps = (2 * i64::from(place) - 1..).zip(WEIGHTS);
        taps.filter_map(move |(at, weight)| Some((u32::try_from(at).ok().filter(|at| *at < side)?, weight)))
    };
    let (mut sums, mut weights) = ([0; N], 0);
    for (y, of_row) in taps(y, image.height) {
        for (x, of_column) in taps(x, image.width) {
            let weight = of_row * of_column;
            let pixel = rows.row(y, Rect::new(x, y, 1, 1));
            sums.iter_mut().zip(pixel).for_each(|(sum, sample)| *sum += weight * sample.widen() as u64);
            weights += weight;
        }
    }
    sums.map(|sum| S::narrow(quotient(sum, weights) as i32))
}

/// Two rows of the result, of six rows of pixels of `N` channels: two more than twice as many.
struct Tents<'a, S, const N: usize> {
    rows: [&'a [S]; 6],
    lines: [&'a mut [[S; N]]; 2],
}

/// Pixels of a row of the result that are computed at once.
const PART: usize = PLANE / 2;

impl<S: Summed, const N: usize> Kernel for Tents<'_, S, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Tents { rows, lines: [upper, lower] } = self;
        // Sums of columns, with room for a pixel behind those that are taken.
        let Aligned(above) = &mut Aligned([S::Sum::default(); MOST * (PLANE + 3)]);
        let Aligned(below) = &mut Aligned([S::Sum::default(); MOST * (PLANE + 3)]);
        let Aligned(even) = &mut Aligned([S::Sum::default(); MOST * (PART + 1)]);
        let Aligned(odd) = &mut Aligned([S::Sum::default(); MOST * (PART + 1)]);
        let lines = upper.chunks_mut(PART).zip(lower.chunks_mut(PART));
        for (start, (upper, lower)) in (0..).step_by(2 * PART * N).zip(lines) {
            let length = (2 * upper.len() + 2) * N;
            let [a, b, c, d, e, f] = rows.map(|row| &row[start..][..length]);
            fetch_behind(c);
            fetch_behind(d);
            let (of_upper, of_lower) = (&mut above[..length], &mut below[..length]);
            for at in 0..length {
                let (third, fourth) = (S::Sum::from(c[at]), S::Sum::from(d[at]));
                of_upper[at] = tent([a[at].into(), b[at].into(), third, fourth]);
                of_lower[at] = tent([third, fourth, e[at].into(), f[at].into()]);
            }
            fetch_behind(e);
            fetch_behind(upper);
            halve_row(above, [even, odd], upper);
            fetch_behind(f);
            fetch_behind(lower);
            halve_row(below, [even, odd], lower);
        }
    }
}

/// Sums of every second pixel's columns along a row, as means; `even` and `odd` are to sort them.
#[inline(always)]
fn halve_row<S: Summed, const N: usize>(
    columns: &[S::Sum],
    [even, odd]: [&mut [S::Sum]; 2],
    line: &mut [[S; N]],
) {
    let count = line.len() + 1;
    every_second(columns.as_chunks::<N>().0, &mut even.as_chunks_mut::<N>().0[..count]);
    every_second(columns[N..].as_chunks::<N>().0, &mut odd.as_chunks_mut::<N>().0[..count]);
    let line = line.as_flattened_mut();
    let [a, c] = [0, N].map(|shift| &even[shift..][..line.len()]);
    let [b, d] = [0, N].map(|shift| &odd[shift..][..line.len()]);
    for at in 0..line.len() {
        line[at] = S::mean(tent([a[at], b[at], c[at], d[at]]));
    }
}

/// The sum with [`WEIGHTS`].
#[inline(always)]
fn tent<T: Copy + Add<Output = T>>([a, b, c, d]: [T; 4]) -> T {
    let middle = b + c;
    a + d + middle + middle + middle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const N: usize>(width: u32, height: u32) {
        let size = Size::new(width, height);
        let samples: Vec<u8> = (0..size.pixels() as usize * N).map(|at| (at * at * 37 % 251) as u8).collect();
        let rows = Rows { samples: &samples, rect: size.rect(), channels: N };
        let half = Rect::new(0, 0, width / 2, height / 2);
        let mut result = vec![0; half.pixels() as usize * N];
        let mut lines: Vec<&mut [u8]> = result.chunks_exact_mut(half.width as usize * N).collect();
        tents(&rows, size, half, &mut lines);
        let places = (0..half.height).flat_map(|y| (0..half.width).map(move |x| (x, y)));
        for (place, pixel) in places.zip(result.as_chunks::<N>().0) {
            assert_eq!(*pixel, at_border(&rows, size, place), "{place:?} of {width} x {height}");
        }
    }

    #[test]
    fn pixels_are_made_of_sixteen_samples_and_at_the_border_of_fewer() {
        for (width, height) in [(2, 2), (4, 2), (2, 6), (6, 4), (254, 6), (258, 6), (600, 8)] {
            check::<1>(width, height);
            check::<3>(width, height);
        }
    }

    #[test]
    fn ties_go_to_the_even_sample() {
        assert_eq!([32, 33, 96, 95, 160, 64 * 255].map(u8::mean), [0, 1, 2, 1, 2, 255]);
        assert_eq!([32, 33, 96, 95, 160, 64 * 65535].map(u16::mean), [0, 1, 2, 1, 2, 65535]);
    }
}
