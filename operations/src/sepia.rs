//! `sepia`: the brown tone of old photographs.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::pointwise::map_pixels;
use crate::region::Region;
use crate::sample::{Sample, round_f32};
use crate::target::{Target, each_depth_to};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::{Channels, PixelType};

const AMOUNT: Bounds = Bounds::new(0.0, 1.0);

/// Red, green and blue of sepia, in thousandths of red, green and blue: as `sepia()` in the W3C's Filter Effects.
const SEPIA: [[i64; 3]; 3] = [[393, 769, 189], [349, 686, 168], [272, 534, 131]];

/// Sepia: red becomes 0.393 R + 0.769 G + 0.189 B, green 0.349 R + 0.686 G + 0.168 B, blue 0.272 R + 0.534 G +
/// 0.131 B, mixed with the colours as they were by `amount`, then saturated. Gray becomes RGB; alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sepia {
    /// From 0 (the colours as they were) to 1 (all sepia).
    #[schemars(range(min = AMOUNT.min, max = AMOUNT.max))]
    pub amount: Millionths,
}

impl Default for Sepia {
    fn default() -> Sepia {
        Sepia { amount: Millionths::whole(1) }
    }
}

impl Sepia {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "sepia";

    /// The matrix, mixed with the identity by `amount`.
    fn matrix(&self) -> [[f32; 3]; 3] {
        let weight = |row: usize, column: usize| {
            let (one, rest) = (if row == column { 1000 } else { 0 }, 1_000_000 - self.amount.0);
            (SEPIA[row][column] * self.amount.0 + one * rest) as f32 / 1e9
        };
        std::array::from_fn(|row| std::array::from_fn(|column| weight(row, column)))
    }

    /// Writes the pixels `output`, of the samples of `input`.
    fn tone<S: Sample>(&self, samples: &[S], input: &Region, output: (Rect, &mut [&mut [S]])) {
        let (source, matrix) = ((samples, input.rect), self.matrix());
        let tone = |colour: [S; 3]| {
            let [r, g, b] = colour.map(|sample| sample.widen() as f32);
            matrix.map(|[of_r, of_g, of_b]| {
                S::narrow(round_f32((of_r * r + of_g * g + of_b * b).min(S::MAX as f32)))
            })
        };
        let with_alpha = |[r, g, b]: [S; 3], alpha| [r, g, b, alpha];
        match input.channels {
            Channels::Gray => map_pixels(source, output, |[gray]| tone([gray; 3])),
            Channels::GrayAlpha => {
                map_pixels(source, output, |[gray, alpha]| with_alpha(tone([gray; 3]), alpha))
            }
            Channels::Rgb => map_pixels(source, output, tone),
            Channels::Rgba => {
                map_pixels(source, output, |[r, g, b, alpha]| with_alpha(tone([r, g, b]), alpha))
            }
        }
    }
}

impl Planned for Sepia {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let pixel = PixelType::new(input.pixel.channels.to_rgb(), input.pixel.depth);
        Ok(Extent { size: input.size, pixel })
    }

    fn cost(&self, _: Extent) -> f64 {
        2.0
    }
}

impl Apply for Sepia {
    fn form() -> Form {
        Form::basic("Colour").with(Field::new("amount").step(0.05))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        AMOUNT.check("amount", self.amount)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        each_depth_to!(&input.samples, &mut target.rows, (samples, rows) => self.tone(samples, input, (target.rect, rows)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_whole, image, picture, pixel_types, values};

    #[test]
    fn pure_colours_have_the_columns_of_the_matrix() {
        let colours = [255, 0, 0, 1, 0, 255, 0, 2, 0, 0, 255, 3, 255, 255, 255, 4];
        assert_eq!(
            apply_to_row_u8(&Sepia::default(), Channels::Rgba, &colours),
            [100, 89, 69, 1, 196, 175, 136, 2, 48, 43, 33, 3, 255, 255, 239, 4]
        );
        let none = Sepia { amount: Millionths::whole(0) };
        assert_eq!(apply_to_row_u8(&none, Channels::Rgba, &colours), colours);
    }

    #[test]
    fn gray_becomes_brown() {
        assert_eq!(apply_to_row_u8(&Sepia::default(), Channels::Gray, &[0, 100]), [0, 0, 0, 135, 120, 94]);
        assert_eq!(apply_to_row_u8(&Sepia::default(), Channels::GrayAlpha, &[100, 7]), [135, 120, 94, 7]);
    }

    #[test]
    fn pictures_follow_the_formula() {
        for (pixel, amount) in pixel_types().flat_map(|pixel| [(pixel, 0.3), (pixel, 1.0)]) {
            let (source, max) = (picture(image(31, 17, pixel), 3), f64::from(pixel.depth.max()));
            let result = values(&apply_whole(&Sepia { amount: Millionths::nearest(amount) }, &source));
            let count = pixel.channels.to_rgb().count();
            for (from, to) in values(&source).chunks(pixel.channels.count()).zip(result.chunks(count)) {
                let colour: Vec<f64> =
                    (0..3).map(|c| from[c.min(pixel.channels.colours() - 1)] as f64).collect();
                for c in 0..3 {
                    let sepia: f64 = (0..3).map(|k| SEPIA[c][k] as f64 / 1000.0 * colour[k]).sum();
                    let exact = (amount * sepia + (1.0 - amount) * colour[c]).min(max);
                    assert!((to[c] as f64 - exact).abs() <= 0.51, "{pixel} {from:?} {to:?}");
                }
                assert!(!pixel.channels.has_alpha() || from.last() == to.last());
            }
        }
    }
}
