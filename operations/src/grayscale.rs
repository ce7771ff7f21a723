//! `grayscale`: colours to one intensity.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::list_names;
use crate::pointwise::map_pixels;
use crate::region::Region;
use crate::sample::Sample;
use crate::target::{Target, each_depth_to};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::{Channels, PixelType};

/// Red, green and blue to one intensity. Alpha stays; a gray image stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grayscale {
    /// The weights of the colours: `bt601` (ITU-R BT.601, as OpenCV's RGB2GRAY) or `bt709` (ITU-R BT.709).
    pub standard: Standard,
}

/// The weights of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum Standard {
    /// ITU-R BT.601: 0.299, 0.587, 0.114, in the integer arithmetic of OpenCV's RGB2GRAY.
    #[default]
    Bt601,
    /// ITU-R BT.709: 0.2126, 0.7152, 0.0722.
    Bt709,
}

impl Grayscale {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "grayscale";
}

impl Planned for Grayscale {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        Ok(Extent {
            size: input.size,
            pixel: PixelType::new(input.pixel.channels.to_gray(), input.pixel.depth),
        })
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Grayscale {
    fn form() -> Form {
        Form::basic("Colour").called("Black and white").with(Field::new("standard").called("Weights"))
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        if input.channels.colours() == 1 {
            return target.paste(input);
        }
        each_depth_to!(&input.samples, &mut target.rows, (samples, rows) => self.gray(samples, input, (target.rect, rows)));
    }
}

impl Grayscale {
    /// Writes the intensities (and alpha) of `output`, of the colour samples of `input`.
    fn gray<S: Sample>(&self, samples: &[S], input: &Region, output: (Rect, &mut [&mut [S]])) {
        match self.standard {
            Standard::Bt601 => gray((samples, input.rect), output, input.channels, bt601),
            Standard::Bt709 => gray((samples, input.rect), output, input.channels, bt709),
        }
    }
}

/// Writes the pixels of `output` with their colours reduced by `intensity`.
fn gray<S: Sample>(
    source: (&[S], Rect),
    output: (Rect, &mut [&mut [S]]),
    channels: Channels,
    intensity: impl Fn([S; 3]) -> S + Copy,
) {
    if channels.has_alpha() {
        map_pixels(source, output, |[r, g, b, alpha]| [intensity([r, g, b]), alpha]);
    } else {
        map_pixels(source, output, |colour| [intensity(colour)]);
    }
}

/// OpenCV's RGB2GRAY: weights in 1/32768, halves upwards.
#[inline(always)]
fn bt601<S: Sample>(colour: [S; 3]) -> S {
    let [r, g, b] = colour.map(|sample| sample.widen() as u32);
    S::narrow(((9798 * r + 19235 * g + 3735 * b + 16384) >> 15) as i32)
}

/// The weights of BT.709 in 1/5000, exactly; halves to even.
#[inline(always)]
fn bt709<S: Sample>(colour: [S; 3]) -> S {
    let [r, g, b] = colour.map(|sample| sample.widen() as u32);
    let sum = 1063 * r + 3576 * g + 361 * b + 2500;
    let (rounded, tie) = (sum / 5000, sum % 5000 == 0);
    S::narrow((rounded - (rounded & u32::from(tie))) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16, noise};

    #[test]
    fn pure_colours_have_the_intensities_of_the_standard() {
        let colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
        let gray = |standard| apply_to_row_u8(&Grayscale { standard }, Channels::Rgb, &colours);
        assert_eq!(gray(Standard::Bt601), [76, 150, 29, 255]);
        assert_eq!(gray(Standard::Bt709), [54, 182, 18, 255]);
    }

    #[test]
    fn alpha_stays_and_gray_stays() {
        let gray = Grayscale::default();
        assert_eq!(apply_to_row_u8(&gray, Channels::Rgba, &[255, 0, 0, 17, 0, 0, 255, 0]), [76, 17, 29, 0]);
        assert_eq!(apply_to_row_u8(&gray, Channels::GrayAlpha, &[255, 0, 1, 17]), [255, 0, 1, 17]);
        assert_eq!(apply_to_row_u8(&gray, Channels::Gray, &[9, 8]), [9, 8]);
    }

    #[test]
    fn sixteen_bits_do_not_overflow() {
        for standard in [Standard::Bt601, Standard::Bt709] {
            let gray = apply_to_row_u16(&Grayscale { standard }, Channels::Rgb, &[65535; 6]);
            assert_eq!(gray, [65535, 65535]);
        }
    }

    #[test]
    fn a_half_becomes_even() {
        let exact = |r: u32, g: u32, b: u32| f64::from(1063 * r + 3576 * g + 361 * b) / 5000.0;
        let mut ties = 0;
        for (r, g, b) in (0..256).flat_map(|r| (0..256).map(move |g| (r, g, (r * 7 + g * 3) % 256))) {
            let gray: u8 = bt709([r as u8, g as u8, b as u8]);
            assert_eq!(f64::from(gray), exact(r, g, b).round_ties_even(), "{r} {g} {b}");
            ties += u32::from(exact(r, g, b).fract() == 0.5);
        }
        assert!(ties > 0);
    }

    #[test]
    fn random_colours_follow_the_formula() {
        let samples: Vec<u16> = noise(3000, 1).map(|v| v as u16).collect();
        let gray = apply_to_row_u16(&Grayscale { standard: Standard::Bt601 }, Channels::Rgb, &samples);
        for (pixel, gray) in samples.chunks_exact(3).zip(gray) {
            let [r, g, b] = [0, 1, 2].map(|channel| u64::from(pixel[channel]));
            assert_eq!(u64::from(gray), (9798 * r + 19235 * g + 3735 * b + 16384) / 32768);
        }
    }
}
