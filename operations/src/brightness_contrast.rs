//! `brightnessContrast`: a straight line through the middle of the range, shifted.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::pointwise::map_samples;
use crate::real::Real;
use crate::region::Region;
use crate::sample::{Sample, round_f64};
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned};

const BRIGHTNESS: Bounds = Bounds::new(-1.0, 1.0);
const CONTRAST: Bounds = Bounds::new(0.0, 4.0);

/// Brightness and contrast: each sample's distance from mid-gray is multiplied by `contrast`, then `brightness` of
/// the full range is added. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BrightnessContrast {
    /// What is added, as a fraction of the full range: -1 to 1.
    #[schemars(range(min = BRIGHTNESS.min, max = BRIGHTNESS.max))]
    pub brightness: Millionths,
    /// The factor about mid-gray: 0 (flat) to 4; 1 changes nothing.
    #[schemars(range(min = CONTRAST.min, max = CONTRAST.max))]
    pub contrast: Millionths,
}

impl Default for BrightnessContrast {
    fn default() -> BrightnessContrast {
        BrightnessContrast { brightness: Millionths::whole(0), contrast: Millionths::whole(1) }
    }
}

impl BrightnessContrast {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "brightnessContrast";

    /// `(v - max / 2) * contrast + max / 2 + brightness * max`, rounded half to even, saturated; exact.
    ///
    /// The numerator over 2,000,000 is an integer below 2^53, and a quotient that is no tie is farther from one than
    /// the division's rounding can carry it.
    fn line<S: Sample>(&self) -> impl Fn(S) -> S + Copy + use<S> {
        let max = i64::from(S::MAX);
        let slope = (2 * self.contrast.0) as f64;
        let offset = (max * (1_000_000 + 2 * self.brightness.0 - self.contrast.0)) as f64;
        move |sample| {
            let value = (f64::from(sample.widen()) * slope + offset) / 2e6;
            S::narrow(round_f64(value.clamp(0.0, f64::from(S::MAX))))
        }
    }

    /// The line of 8 bits in f32, which is not exact for all parameters, but fast.
    fn single(&self) -> impl Fn(u8) -> u8 + Copy + use<> {
        let (slope, brightness) = (self.contrast.to_f64(), self.brightness.to_f64());
        let offset = (255.0 * (0.5 + brightness - 0.5 * slope)) as f32;
        let slope = slope as f32;
        move |sample| (f32::from(sample) * slope + offset).sample()
    }
}

impl Planned for BrightnessContrast {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for BrightnessContrast {
    fn form() -> Form {
        Form::basic("Light")
            .called("Brightness and contrast")
            .with(Field::factor("brightness").suggested(0.1))
            .with(Field::factor("contrast").suggested(1.2))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        BRIGHTNESS.check("brightness", self.brightness)?;
        CONTRAST.check("contrast", self.contrast)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        let (line, wide, single) = (self.line::<u8>(), self.line::<u16>(), self.single());
        if (0..=u8::MAX).all(|v| single(v) == line(v)) {
            return map_samples(input, target, single, wide);
        }
        let table: &[u8; 256] = &std::array::from_fn(|v| line(v as u8));
        map_samples(input, target, |v| table[usize::from(v)], wide);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16};
    use tessera_core::pixel::Channels;

    fn operation(brightness: f64, contrast: f64) -> BrightnessContrast {
        BrightnessContrast {
            brightness: Millionths::nearest(brightness),
            contrast: Millionths::nearest(contrast),
        }
    }

    #[test]
    fn the_line_turns_about_the_middle_and_saturates() {
        let row = |brightness, contrast, row: &[u8]| {
            apply_to_row_u8(&operation(brightness, contrast), Channels::Gray, row)
        };
        assert_eq!(row(0.0, 1.0, &[0, 1, 127, 128, 255]), [0, 1, 127, 128, 255]);
        assert_eq!(row(0.0, 2.0, &[0, 64, 127, 128, 255]), [0, 0, 126, 128, 255]);
        assert_eq!(row(1.0, 1.0, &[0, 9]), [255, 255]);
        assert_eq!(row(-1.0, 1.0, &[255, 9]), [0, 0]);
        // Flat at the middle: 127.5, a tie.
        assert_eq!(row(0.0, 0.0, &[0, 255]), [128, 128]);
    }

    #[test]
    fn alpha_stays() {
        let result = apply_to_row_u16(&operation(0.5, 1.0), Channels::Rgba, &[0, 1, 65535, 7]);
        assert_eq!(result, [32768, 32768, 65535, 7]);
    }

    #[test]
    fn every_sample_is_within_a_level_of_the_formula_and_without_bias() {
        for (brightness, contrast) in [(0.1, 1.3), (-0.2, 0.7), (0.0, 3.9), (0.333333, 0.999999), (-0.5, 2.1)]
        {
            check::<u8>(brightness, contrast);
            check::<u16>(brightness, contrast);
        }
    }

    /// All samples against the formula in float64.
    fn check<S: Sample>(brightness: f64, contrast: f64) {
        let (max, line) = (f64::from(S::MAX), operation(brightness, contrast).line::<S>());
        let mut sum = 0.0;
        for v in 0..=S::MAX {
            let exact = (f64::from(v) - max / 2.0) * contrast + max / 2.0 + brightness * max;
            let error = f64::from(line(S::narrow(v)).widen()) - exact.clamp(0.0, max);
            assert!(error.abs() <= 0.5 + 1e-9, "{v}: {error}");
            sum += error;
        }
        assert!((sum / (max + 1.0)).abs() < 0.1);
    }
}
