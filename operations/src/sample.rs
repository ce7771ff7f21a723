//! Arithmetic on samples of 8 and 16 bits: widening, narrowing, and rounding half to even.
//! The rounding is plain IEEE addition, so that it is the same everywhere and compiles to vector instructions.

use std::ops::{Add, Sub};

/// A sample of an image.
pub(crate) trait Sample:
    Copy + Default + Ord + Add<Output = Self> + Sub<Output = Self> + From<bool>
{
    /// The largest sample: 255 or 65535.
    const MAX: i32;

    /// The sample as an integer.
    fn widen(self) -> i32;

    /// The sample of a value within `0..=MAX`.
    fn narrow(value: i32) -> Self;

    /// The sample nearest to any value.
    #[inline(always)]
    fn saturate(value: i32) -> Self {
        Self::narrow(value.clamp(0, Self::MAX))
    }
}

impl Sample for u8 {
    const MAX: i32 = 255;

    #[inline(always)]
    fn widen(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow(value: i32) -> u8 {
        value as u8
    }
}

impl Sample for u16 {
    const MAX: i32 = 65535;

    #[inline(always)]
    fn widen(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow(value: i32) -> u16 {
        value as u16
    }
}

/// `a / b` rounded, ties to the even number.
pub(crate) fn quotient(a: u64, b: u64) -> u64 {
    let (whole, rest) = (a / b, a % b);
    let up = 2 * rest > b || (2 * rest == b && whole % 2 == 1);
    whole + u64::from(up)
}

/// The integer nearest to a value within -2^21 to 2^21, ties to the even one.
#[inline(always)]
pub(crate) fn round_f32(value: f32) -> i32 {
    // Adding 1.5 * 2^23 leaves no bits for a fraction; the low bits of the sum are then the integer.
    const SHIFT: f32 = 12_582_912.0;
    (value + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as i32
}

/// The integer nearest to a value within -2^30 to 2^30, ties to the even one.
#[inline(always)]
pub(crate) fn round_f64(value: f64) -> i32 {
    // As above, with 1.5 * 2^52, whose low 32 bits are zero.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT).to_bits() as u32 as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_round_to_the_even_integer() {
        let cases =
            [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (254.5, 254), (65534.5, 65534), (0.51, 1)];
        for (value, expected) in cases {
            assert_eq!(round_f64(value), expected, "{value}");
            assert_eq!(round_f32(value as f32), expected, "{value}");
        }
    }

    #[test]
    fn samples_saturate() {
        assert_eq!((u8::saturate(-1), u8::saturate(256), u8::saturate(7)), (0, 255, 7));
        assert_eq!((u16::saturate(-1), u16::saturate(65536), u16::saturate(7)), (0, 65535, 7));
    }
}
