//! `flatten`: alpha composed away.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Control, Field, Form};
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

const LEVEL: Bounds = Bounds::new(0.0, 1.0);

/// The image laid over a background of one colour, without alpha. An image without alpha stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Flatten {
    /// The background as fractions of the full range, 0 to 1: one number for all channels, or three for red, green and
    /// blue.
    #[schemars(length(min = 1, max = 3), inner(range(min = LEVEL.min, max = LEVEL.max)))]
    pub background: Vec<Millionths>,
}

impl Default for Flatten {
    fn default() -> Flatten {
        Flatten { background: vec![Millionths::whole(1)] }
    }
}

impl Flatten {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "flatten";

    /// Writes the pixels `output`, of the samples of `input`.
    fn compose<S: Sample>(&self, samples: &[S], input: &Region, output: (Rect, &mut [&mut [S]])) {
        let source = (samples, input.rect);
        let level =
            |index: usize| self.background[index % self.background.len()].to_f64() as f32 * S::MAX as f32;
        let levels = [0, 1, 2].map(level);
        match input.channels {
            Channels::Gray => map_pixels(source, output, |pixel: [S; 1]| pixel),
            Channels::Rgb => map_pixels(source, output, |pixel: [S; 3]| pixel),
            Channels::GrayAlpha => map_pixels(source, output, |[gray, alpha]| [over(gray, alpha, levels[0])]),
            Channels::Rgba => map_pixels(source, output, |[r, g, b, alpha]| {
                [over(r, alpha, levels[0]), over(g, alpha, levels[1]), over(b, alpha, levels[2])]
            }),
        }
    }
}

/// The colour of a sample over a background of level `below`, rounded.
#[inline(always)]
fn over<S: Sample>(sample: S, alpha: S, below: f32) -> S {
    let [sample, alpha, max] = [sample.widen(), alpha.widen(), S::MAX].map(|value| value as f32);
    S::narrow(round_f32((sample * alpha + below * (max - alpha)) / max))
}

impl Planned for Flatten {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let channels = input.pixel.channels.opaque();
        if channels == Channels::Gray && self.background.len() > 1 {
            return Err(Refusal("the image is gray there: give background one number".to_owned()));
        }
        Ok(Extent { size: input.size, pixel: PixelType::new(channels, input.pixel.depth) })
    }

    fn cost(&self, _: Extent) -> f64 {
        2.0
    }
}

impl Apply for Flatten {
    fn form() -> Form {
        Form::advanced("Channels")
            .called("Remove transparency")
            .with(Field::new("background").control(Control::Color))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        if !matches!(self.background.len(), 1 | 3) {
            let fault = format!("must have 1 or 3 numbers, not {}", self.background.len());
            return Err(OutOfBounds { parameter: "background", fault });
        }
        self.background.iter().try_for_each(|level| LEVEL.check("background", *level))
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        each_depth_to!(&input.samples, &mut target.rows, (samples, rows) => {
            self.compose(samples, input, (target.rect, rows));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16, apply_whole, image, picture, values};
    use tessera_core::pixel::Depth;

    fn flatten(background: &[f64]) -> Flatten {
        Flatten { background: background.iter().map(|level| Millionths::nearest(*level)).collect() }
    }

    #[test]
    fn transparent_pixels_show_the_background() {
        let row = [10, 20, 30, 0, 10, 20, 30, 255, 10, 20, 30, 51];
        assert_eq!(
            apply_to_row_u8(&flatten(&[1.0]), Channels::Rgba, &row),
            [255, 255, 255, 10, 20, 30, 206, 208, 210]
        );
        assert_eq!(
            apply_to_row_u8(&flatten(&[0.0, 1.0, 0.2]), Channels::Rgba, &row),
            [0, 255, 51, 10, 20, 30, 2, 208, 47]
        );
        assert_eq!(
            apply_to_row_u16(&flatten(&[0.5]), Channels::GrayAlpha, &[9, 0, 65535, 65535]),
            [32768, 65535]
        );
    }

    #[test]
    fn images_without_alpha_stay() {
        assert_eq!(apply_to_row_u8(&flatten(&[0.0]), Channels::Gray, &[1, 2]), [1, 2]);
        assert_eq!(apply_to_row_u8(&flatten(&[0.0]), Channels::Rgb, &[1, 2, 3]), [1, 2, 3]);
    }

    #[test]
    fn the_background_has_as_many_numbers_as_there_are_colours() {
        assert_eq!(
            flatten(&[]).check_bounds().unwrap_err().to_string(),
            "background must have 1 or 3 numbers, not 0"
        );
        assert_eq!(flatten(&[0.5, 2.0, 0.0]).check_bounds().unwrap_err().parameter, "background");
        let gray = image(1, 1, PixelType::new(Channels::Gray, Depth::U8));
        assert!(flatten(&[0.0, 0.0, 0.0]).output(gray).is_err());
    }

    #[test]
    fn pictures_follow_the_formula() {
        for depth in [Depth::U8, Depth::U16] {
            let source = picture(image(40, 30, PixelType::new(Channels::Rgba, depth)), 5);
            let (max, background) = (f64::from(depth.max()), [0.25, 0.0, 0.9]);
            let result = values(&apply_whole(&flatten(&background), &source));
            for (from, to) in values(&source).chunks(4).zip(result.chunks(3)) {
                let alpha = from[3] as f64 / max;
                for c in 0..3 {
                    let exact = from[c] as f64 * alpha + background[c] * max * (1.0 - alpha);
                    assert!((to[c] as f64 - exact).abs() <= 0.51, "{from:?} {to:?}");
                }
            }
        }
    }
}
