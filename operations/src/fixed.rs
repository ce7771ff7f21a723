//! Fixed point sums of 8-bit samples in 16 bits, of which a vector holds twice as many as of floating point numbers.
//! Each product is cut to the width: where samples differ as they do in pictures, a sum of `n` terms is off by about
//! `sqrt(n) / 440` levels (standard deviation) after the first pass and by twice as much after the second. With up to 48 terms
//! along each axis the result is the rounded one of float64, or a level beside it.

use crate::real::Tap;
use crate::sample::Sample;
use crate::taps::{BESIDE, Ends, Number};
use std::ops::{Add, Mul};

/// A number of 16 bits: a sample less 128 in units of 1/256, a sum of the first pass in units of 1/128, of the second in units
/// of 1/64, or a weight in units of 2^-15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fixed(i16);

impl Number for Fixed {
    /// The weight beside itself, as it is multiplied: to spread one of 16 bits over a vector would take as long as a sum.
    type Factor = [Fixed; BESIDE];

    #[inline(always)]
    fn factor(self) -> [Fixed; BESIDE] {
        [self; BESIDE]
    }

    #[inline(always)]
    fn add_weighed(sums: &mut [Fixed; BESIDE], numbers: &[Fixed; BESIDE], factor: &[Fixed; BESIDE]) {
        for lane in 0..BESIDE {
            // No sum is too large, and more units of a processor add without saturation. With factors side by side the
            // compiler leaves the sums where they are, see `Add`.
            let product = numbers[lane] * factor[lane];
            sums[lane] = Fixed(sums[lane].0.wrapping_add(product.0));
        }
    }

    fn weigh(exact: &[f64], zeros: u32, weights: &mut Vec<Fixed>) -> Ends<Fixed> {
        // Only near the border of an image that is enlarged a weight is above 1.
        let twice = exact.iter().any(|weight| weight.abs() > 1.0);
        let one = if twice { 16384.0 } else { 32768.0 };
        let (first, weight) = (weights.len(), |weight: f64| Fixed(weight.round_ties_even() as i16));
        weights.extend(exact.iter().map(|exact| weight(exact * one)));
        // An even area stays as it is only if nothing is lost of the sum; of a single weight of 1 too little to be seen.
        let sum: f64 = weights[first..].iter().map(|weight| f64::from(weight.0)).sum();
        if let Some(largest) = weights[first..].iter_mut().max_by_key(|weight| weight.0) {
            *largest = weight(f64::from(largest.0) + one - sum);
        }
        // Cutting takes half a unit away, less what bits that are always 0 leave.
        let cut = |weight: &Fixed| match weight.0.trailing_zeros() + zeros {
            zeros if zeros < 16 => 0.5 - f64::from(1 << zeros) / f64::from(1 << 17),
            _ => 0.0,
        };
        // The second pass, whose sums have no such bits, ends with rounding, which takes a half up.
        let up = if zeros == 0 { 0.5 } else { 0.0 };
        let start = weights[first..].iter().map(cut).sum::<f64>() - up;
        Ends { start: Fixed(start.round_ties_even() as i16), twice }
    }

    #[inline(always)]
    fn sample<S: Sample>(self) -> S {
        // In 16 bits, for which there are instructions.
        S::narrow(i32::from((self.0.wrapping_add(32) >> 6).clamp(-128, 127)) + 128)
    }
}

/// Saturating: unlike one that wraps, compilers do not reorder it to sum over the terms in a vector, where sums stand side by side.
impl Add for Fixed {
    type Output = Fixed;

    #[inline(always)]
    fn add(self, other: Fixed) -> Fixed {
        Fixed(self.0.saturating_add(other.0))
    }
}

/// The product with a weight, in units that are twice as large.
impl Mul for Fixed {
    type Output = Fixed;

    #[inline(always)]
    fn mul(self, weight: Fixed) -> Fixed {
        Fixed(((i32::from(self.0) * i32::from(weight.0)) >> 16) as i16)
    }
}

impl Tap<Fixed> for u8 {
    #[inline(always)]
    fn one(self) -> Fixed {
        Fixed((i16::from(self) - 128) << 8)
    }
}

impl Tap<Fixed> for Fixed {
    #[inline(always)]
    fn one(self) -> Fixed {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::{Axis, Kernel};

    fn weighed(exact: &[f64], zeros: u32) -> (Vec<Fixed>, Ends<Fixed>) {
        let mut weights = Vec::new();
        let ends = Fixed::weigh(exact, zeros, &mut weights);
        (weights, ends)
    }

    #[test]
    fn nothing_is_lost_of_the_sum_of_weights() {
        for exact in [&[1.0 / 3.0; 3][..], &[-0.1, 0.6, 0.6, -0.1], &[0.02; 50]] {
            let (weights, Ends { twice, .. }) = weighed(exact, 0);
            assert_eq!(
                (weights.iter().map(|weight| i32::from(weight.0)).sum::<i32>(), twice),
                (32768, false)
            );
        }
        let (weights, Ends { twice, .. }) = weighed(&[1.25, -0.25], 0);
        assert_eq!((weights, twice), (vec![Fixed(20480), Fixed(-4096)], true));
        assert_eq!(weighed(&[1.0], 0).0, [Fixed(i16::MAX)]);
    }

    #[test]
    fn sums_have_room() {
        for (from, to) in
            [(1, 5), (2, 9), (3, 300), (7, 8), (8, 7), (100, 200), (200, 199), (90, 13), (800, 100)]
        {
            for axis in [Kernel::Bicubic, Kernel::Lanczos3].map(|kernel| Axis { from, to, kernel }) {
                for place in 0..to {
                    let mut weights = Vec::new();
                    axis.weigh(place, axis.span(place), &mut weights);
                    let sum: f64 = weights.iter().map(|weight| weight.abs()).sum();
                    // Sums are at most 128 levels times it in the first pass, in units of 1/128, and times its square in the
                    // second, in units of 1/64.
                    assert!(sum < 1.99, "{axis:?} {place}: {sum}");
                }
            }
        }
    }

    #[test]
    fn an_even_area_stays() {
        let (weights, ends) = weighed(&[0.024, -0.135, 0.611, 0.611, -0.135, 0.024], 8);
        let (again, last) = weighed(&[0.024, -0.135, 0.611, 0.611, -0.135, 0.024], 0);
        for level in 0..=255u8 {
            let number: Fixed = level.one();
            let sum = weights.iter().fold(ends.start, |sum, weight| sum + number * *weight);
            let sum = again.iter().fold(last.start, |total, weight| total + sum * *weight);
            assert_eq!(sum.sample::<u8>(), level);
        }
    }
}
