//! Means of 2 x 2 pixels, rounded half to even: what `area` gives where both sides become half as long. Integers.

use crate::border::Rows;
use crate::sample::Sample;
use crate::vector::{Kernel, vectorised};
use tessera_core::geometry::Rect;

/// The pixels `output` of the half of a picture of even sides, of which `rows` holds what they are made of.
pub(crate) fn means_of_four<S: Sample>(rows: &Rows<S>, output: Rect) -> Vec<S> {
    let mut result = Vec::with_capacity(output.width as usize * output.height as usize * rows.channels);
    let mut means = Vec::new();
    for y in output.y..output.bottom() {
        let read = Rect::new(2 * output.x, 2 * y, 2 * output.width, 2);
        let [upper, lower] = [2 * y, 2 * y + 1].map(|y| rows.row(y, read));
        match rows.channels {
            1 => vectorised(Means::<S, 1, 2> { upper, lower, means: &mut means, result: &mut result }),
            _ => vectorised(Means::<S, 3, 6> { upper, lower, means: &mut means, result: &mut result }),
        }
    }
    result
}

/// One row of the result, of two rows of pixels of `N` channels; two pixels have `TWO` samples.
struct Means<'a, S, const N: usize, const TWO: usize> {
    upper: &'a [S],
    lower: &'a [S],
    means: &'a mut Vec<S>,
    result: &'a mut Vec<S>,
}

impl<S: Sample, const N: usize, const TWO: usize> Kernel for Means<'_, S, N, TWO> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // A mean at every pixel, since that needs no sorting of samples; then every second one is taken.
        let Means { upper, lower, means, result } = self;
        means.resize(upper.len(), S::default());
        let (right, below) = (upper[N..].iter().zip(&lower[N..]), upper.iter().zip(lower));
        for ((mean, (a, c)), (b, d)) in means.iter_mut().zip(below).zip(right) {
            let sum = a.widen() + b.widen() + c.widen() + d.widen();
            *mean = S::narrow((sum + 1 + ((sum >> 2) & 1)) >> 2);
        }
        result.extend(
            means
                .as_chunks::<TWO>()
                .0
                .iter()
                .flat_map(|pair| *pair.first_chunk::<N>().unwrap_or(&[S::default(); N])),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_rounded_half_to_even() {
        let samples: [u8; 16] = [0, 0, 0, 1, 1, 1, 255, 255, 0, 1, 1, 0, 1, 0, 255, 255];
        let rows = Rows { samples: &samples, rect: Rect::new(0, 0, 8, 2), channels: 1 };
        assert_eq!(means_of_four(&rows, Rect::new(0, 0, 4, 1)), [0, 0, 1, 255]);
        let six: [u16; 12] = [0, 1, 65535, 2, 5, 65535, 4, 9, 65535, 4, 9, 65534];
        let rows = Rows { samples: &six, rect: Rect::new(0, 0, 2, 2), channels: 3 };
        assert_eq!(means_of_four(&rows, Rect::new(0, 0, 1, 1)), [2, 6, 65535]);
    }
}
