//! Means of 2 x 2 pixels, rounded half to even: what `area` gives where both sides become half as long. Integers.

use crate::border::Rows;
use crate::fetch::fetch_behind;
use crate::plane::{Aligned, PLANE};
use crate::sample::Sample;
use crate::vector::{Kernel, vectorised};
use tessera_core::geometry::Rect;

/// Writes the pixels `output` of the half of a picture of even sides, of which `rows` holds what they are made of.
pub(crate) fn means_of_four<S: Sample>(rows: &Rows<S>, output: Rect, lines: &mut [&mut [S]]) {
    for (y, line) in (output.y..).zip(lines) {
        let read = Rect::new(2 * output.x, 2 * y, 2 * output.width, 2);
        let [upper, lower] = [2 * y, 2 * y + 1].map(|y| rows.row(y, read));
        match rows.channels {
            1 => vectorised(Means::<S, 1> { upper, lower, line }),
            _ => vectorised(Means::<S, 3> { upper, lower, line }),
        }
    }
}

/// The most channels of an opaque picture.
pub(crate) const MOST: usize = 3;

/// One row of the result, of two rows of pixels of `N` channels.
struct Means<'a, S, const N: usize> {
    upper: &'a [S],
    lower: &'a [S],
    line: &'a mut [S],
}

impl<S: Sample, const N: usize> Kernel for Means<'_, S, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Means { upper, lower, line } = self;
        // A mean at every pixel, since that needs no sorting of samples; then every second one is taken.
        let Aligned(means) = &mut Aligned([S::default(); MOST * PLANE]);
        for (start, line) in (0..).step_by(N * PLANE).zip(line.as_chunks_mut::<N>().0.chunks_mut(PLANE / 2)) {
            let [upper, lower] = [upper, lower].map(|row| &row[start..]);
            // With that of the last pixel, which is not taken, their number is that of whole vectors.
            let count = (2 * line.len() * N).min(upper.len() - N);
            let [a, b, c, d] = [upper, &upper[N..], lower, &lower[N..]].map(|samples| &samples[..count]);
            fetch_behind(a);
            fetch_behind(c);
            fetch_behind(line);
            let here = &mut means[..count];
            for at in 0..count {
                let sum = a[at].widen() + b[at].widen() + c[at].widen() + d[at].widen();
                here[at] = S::narrow((sum + 1 + ((sum >> 2) & 1)) >> 2);
            }
            every_second(means.as_chunks::<N>().0, line);
        }
    }
}

/// Every second of `pixels`, as many as `line` takes: at most half of them.
#[inline(always)]
pub(crate) fn every_second<S: Copy, const N: usize>(pixels: &[[S; N]], line: &mut [[S; N]]) {
    // Pixels of three samples are moved as four, of which the next pixel overwrites the last.
    let done = if N == 3 { second_triples(pixels.as_flattened(), line.as_flattened_mut()) } else { 0 };
    let pairs = &pixels.as_chunks::<2>().0[..line.len()];
    for index in done..line.len() {
        line[index] = pairs[index][0];
    }
}

/// Every second pixel of three samples, as far as that goes. Returns how many.
#[inline(always)]
fn second_triples<S: Copy>(pixels: &[S], line: &mut [S]) -> usize {
    const PIXELS: usize = 8;
    let mut done = 0;
    while let (Some(pixels), Some(to)) = (
        pixels[6 * done..].first_chunk::<{ 6 * PIXELS }>(),
        line[3 * done..].first_chunk_mut::<{ 3 * PIXELS + 1 }>(),
    ) {
        for pixel in 0..PIXELS {
            to[3 * pixel..][..4].copy_from_slice(&pixels[6 * pixel..][..4]);
        }
        done += PIXELS;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_rounded_half_to_even() {
        let samples: [u8; 16] = [0, 0, 0, 1, 1, 1, 255, 255, 0, 1, 1, 0, 1, 0, 255, 255];
        let rows = Rows { samples: &samples, rect: Rect::new(0, 0, 8, 2), channels: 1 };
        let mut line = [0; 4];
        means_of_four(&rows, Rect::new(0, 0, 4, 1), &mut [&mut line]);
        assert_eq!(line, [0, 0, 1, 255]);
        let six: [u16; 12] = [0, 1, 65535, 2, 5, 65535, 4, 9, 65535, 4, 9, 65534];
        let rows = Rows { samples: &six, rect: Rect::new(0, 0, 2, 2), channels: 3 };
        let mut line = [0; 3];
        means_of_four(&rows, Rect::new(0, 0, 1, 1), &mut [&mut line]);
        assert_eq!(line, [2, 6, 65535]);
    }
}
