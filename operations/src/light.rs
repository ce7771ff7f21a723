//! Linear light: what the samples of an sRGB picture stand for, and back, by tables that are made without the
//! platform's libm. IEC 61966-2-1; gray is taken to have the same curve.

use crate::sample::{Sample, round_f32};
use std::sync::LazyLock;

/// A sample on the sRGB curve.
pub(crate) trait Encoded: Sample {
    /// The light of each level, 0 to 1.
    fn light() -> &'static [f32];
}

impl Encoded for u8 {
    fn light() -> &'static [f32] {
        static LIGHT: LazyLock<Vec<f32>> = LazyLock::new(|| levels(255));
        &LIGHT
    }
}

impl Encoded for u16 {
    fn light() -> &'static [f32] {
        static LIGHT: LazyLock<Vec<f32>> = LazyLock::new(|| levels(65535));
        &LIGHT
    }
}

fn levels(max: u32) -> Vec<f32> {
    (0..=max).map(|level| decode(f64::from(level) / f64::from(max)) as f32).collect()
}

/// The light of a fraction of the range.
fn decode(value: f64) -> f64 {
    if value <= 0.04045 { value / 12.92 } else { libm::pow((value + 0.055) / 1.055, 2.4) }
}

/// The fraction of the range for light.
fn encode(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * libm::pow(light, 1.0 / 2.4) - 0.055 }
}

/// The curve from light to levels: straight pieces, within 0.03 levels of 65535 of it.
pub(crate) struct Encoder(&'static [Piece]);

/// The value at the start of a piece, and the slope.
type Piece = (f32, f32);

/// Where the pieces start; below it the curve is straight.
const START: f32 = 1.0 / 512.0;

/// The bits of a float that tell a place in a piece: there are 256 pieces from each power of 2 to the next.
const INSIDE: u32 = 23 - 8;

impl Encoder {
    /// The curve; the first caller waits until it is made.
    pub(crate) fn new() -> Encoder {
        static PIECES: LazyLock<Vec<Piece>> = LazyLock::new(|| {
            let count = (1f32.to_bits() - START.to_bits()) >> INSIDE;
            let place = |index: u32| f64::from(f32::from_bits(START.to_bits() + (index << INSIDE)));
            let slope = |a: f64, b: f64| (encode(b) - encode(a)) / (b - a);
            let piece = |index| (encode(place(index)) as f32, slope(place(index), place(index + 1)) as f32);
            (0..=count).map(piece).collect()
        });
        Encoder(&PIECES)
    }

    /// The level nearest to light, which is saturated.
    pub(crate) fn sample<S: Sample>(&self, light: f32) -> S {
        let light = light.clamp(0.0, 1.0);
        let value = if light < START {
            light * 12.92
        } else {
            let (value, slope) = self.0[((light.to_bits() - START.to_bits()) >> INSIDE) as usize];
            value + slope * (light - f32::from_bits(light.to_bits() >> INSIDE << INSIDE))
        };
        S::narrow(round_f32(value * S::MAX as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_comes_back() {
        let encoder = Encoder::new();
        for level in 0..=u16::MAX {
            assert_eq!(encoder.sample::<u16>(u16::light()[usize::from(level)]), level);
        }
        for level in 0..=u8::MAX {
            assert_eq!(encoder.sample::<u8>(u8::light()[usize::from(level)]), level);
        }
    }

    #[test]
    fn known_levels_have_their_light() {
        assert_eq!((u8::light()[0], u8::light()[255]), (0.0, 1.0));
        assert!((u8::light()[188] - 0.5029).abs() < 1e-4 && (u8::light()[10] - 0.003_035).abs() < 1e-6);
        assert_eq!(Encoder::new().sample::<u8>(0.5), 188);
        assert_eq!((Encoder::new().sample::<u8>(-1.0), Encoder::new().sample::<u8>(2.0)), (0, 255));
    }

    #[test]
    fn the_pieces_follow_the_curve() {
        let encoder = Encoder::new();
        for step in 0..=1_000_000 {
            let light = step as f32 / 1e6;
            let exact = encode(f64::from(light)) * 65535.0;
            let error = f64::from(encoder.sample::<u16>(light)) - exact;
            assert!(error.abs() <= 0.54, "{light}: {error}");
        }
    }
}
