//! `hueSaturation`: hue, saturation and value of each colour.

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
use tessera_core::operation::{Extent, Planned};
use tessera_core::pixel::Channels;

const HUE: Bounds = Bounds::new(-180.0, 180.0);
const FACTOR: Bounds = Bounds::new(0.0, 4.0);

/// Hue, saturation and value (HSV): the hue is turned, then saturation and value are multiplied and saturated. Gray has
/// only a value. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HueSaturation {
    /// The angle by which hues are turned, in degrees: -180 to 180; 120 turns red into green.
    #[schemars(range(min = HUE.min, max = HUE.max))]
    pub hue: Millionths,
    /// The factor of the saturation: 0 (gray) to 4.
    #[schemars(range(min = FACTOR.min, max = FACTOR.max))]
    pub saturation: Millionths,
    /// The factor of the value, which is the largest of red, green and blue: 0 (black) to 4.
    #[schemars(range(min = FACTOR.min, max = FACTOR.max))]
    pub value: Millionths,
}

impl Default for HueSaturation {
    fn default() -> HueSaturation {
        HueSaturation {
            hue: Millionths::whole(0),
            saturation: Millionths::whole(1),
            value: Millionths::whole(1),
        }
    }
}

impl HueSaturation {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "hueSaturation";

    /// Writes the pixels `output`, of the samples of `input`.
    fn turn<S: Sample>(&self, samples: &[S], input: &Region, output: (Rect, &mut [&mut [S]])) {
        let (source, turn) = ((samples, input.rect), self.of_colour());
        match input.channels {
            Channels::Gray => map_pixels(source, output, |[gray]| [turn([gray; 3])[0]]),
            Channels::GrayAlpha => map_pixels(source, output, |[gray, alpha]| [turn([gray; 3])[0], alpha]),
            Channels::Rgb => map_pixels(source, output, turn),
            Channels::Rgba => map_pixels(source, output, |[r, g, b, alpha]| {
                let [r, g, b] = turn([r, g, b]);
                [r, g, b, alpha]
            }),
        }
    }

    /// What becomes of a colour. Hues are counted in sixths of the circle; without branches, so that it compiles to
    /// vector instructions.
    fn of_colour<S: Sample>(&self) -> impl Fn([S; 3]) -> [S; 3] + Copy + use<S> {
        let [hue, saturation, value] =
            [self.hue, self.saturation, self.value].map(|number| number.to_f64() as f32);
        let (hue, max) = (hue / 60.0, S::MAX as f32);
        move |colour| {
            let [r, g, b] = colour.map(|sample| sample.widen() as f32);
            let (largest, smallest) = (r.max(g).max(b), r.min(g).min(b));
            let chroma = largest - smallest;
            let slope = 1.0 / if chroma > 0.0 { chroma } else { 1.0 };
            let (from_red, from_green, from_blue) =
                ((g - b) * slope, (b - r) * slope + 2.0, (r - g) * slope + 4.0);
            let of_others = if largest == g { from_green } else { from_blue };
            let turned = hue + if largest == r { from_red } else { of_others };
            let turned = if turned < 0.0 { turned + 6.0 } else { turned };
            let value = (largest * value).min(max);
            let chroma = (chroma / largest.max(1.0) * saturation).min(1.0) * value;
            [5.0, 3.0, 1.0].map(|corner| {
                let place = turned + corner;
                let place = if place >= 6.0 { place - 6.0 } else { place };
                let place = if place >= 6.0 { place - 6.0 } else { place };
                S::narrow(round_f32(value - chroma * place.min(4.0 - place).clamp(0.0, 1.0)))
            })
        }
    }
}

impl Planned for HueSaturation {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cost(&self, _: Extent) -> f64 {
        5.0
    }
}

impl Apply for HueSaturation {
    fn form() -> Form {
        Form::basic("Colour")
            .called("Hue and saturation")
            .with(Field::new("hue").step(1.0).unit("\u{b0}"))
            .with(Field::factor("saturation").suggested(1.3))
            .with(Field::factor("value").called("Brightness"))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        HUE.check("hue", self.hue)?;
        FACTOR.check("saturation", self.saturation)?;
        FACTOR.check("value", self.value)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        each_depth_to!(&input.samples, &mut target.rows, (samples, rows) => self.turn(samples, input, (target.rect, rows)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_whole, image, picture, values};
    use tessera_core::pixel::{Depth, PixelType};

    fn change(hue: f64, saturation: f64, value: f64) -> HueSaturation {
        let [hue, saturation, value] = [hue, saturation, value].map(Millionths::nearest);
        HueSaturation { hue, saturation, value }
    }

    #[test]
    fn hues_turn_and_colours_fade() {
        let row =
            |change: HueSaturation| apply_to_row_u8(&change, Channels::Rgba, &[255, 0, 0, 9, 100, 50, 50, 8]);
        assert_eq!(row(change(0.0, 1.0, 1.0)), [255, 0, 0, 9, 100, 50, 50, 8]);
        assert_eq!(row(change(120.0, 1.0, 1.0)), [0, 255, 0, 9, 50, 100, 50, 8]);
        assert_eq!(row(change(-60.0, 1.0, 1.0)), [255, 0, 255, 9, 100, 50, 100, 8]);
        assert_eq!(row(change(180.0, 2.0, 1.0)), [0, 255, 255, 9, 0, 100, 100, 8]);
        assert_eq!(row(change(0.0, 0.0, 1.0)), [255, 255, 255, 9, 100, 100, 100, 8]);
        assert_eq!(row(change(0.0, 1.0, 4.0)), [255, 0, 0, 9, 255, 128, 128, 8]);
    }

    #[test]
    fn gray_has_only_a_value() {
        assert_eq!(
            apply_to_row_u8(&change(90.0, 4.0, 2.0), Channels::GrayAlpha, &[0, 1, 40, 2, 200, 3]),
            [0, 1, 80, 2, 255, 3]
        );
    }

    #[test]
    fn pictures_follow_the_formula() {
        for (depth, changes) in [(Depth::U8, change(77.7, 1.3, 0.8)), (Depth::U16, change(-179.0, 0.4, 2.5))]
        {
            let source = picture(image(60, 40, PixelType::new(Channels::Rgb, depth)), 8);
            let (max, result) = (f64::from(depth.max()), values(&apply_whole(&changes, &source)));
            for (from, to) in values(&source).chunks(3).zip(result.chunks(3)) {
                let exact = reference(&changes, [0, 1, 2].map(|c| from[c] as f64 / max));
                for c in 0..3 {
                    assert!((to[c] as f64 - exact[c] * max).abs() < 0.6, "{from:?} {to:?} {exact:?}");
                }
            }
        }
    }

    /// By the textbook's cases, in float64 and fractions of the full range.
    fn reference(change: &HueSaturation, [r, g, b]: [f64; 3]) -> [f64; 3] {
        let (v, min) = (r.max(g).max(b), r.min(g).min(b));
        let c = v - min;
        let hue = match () {
            () if c == 0.0 => 0.0,
            () if v == r => 60.0 * (g - b) / c,
            () if v == g => 60.0 * (b - r) / c + 120.0,
            () => 60.0 * (r - g) / c + 240.0,
        };
        let hue = (hue + change.hue.to_f64()).rem_euclid(360.0) / 60.0;
        let s = if v == 0.0 { 0.0 } else { c / v };
        let (s, v) = ((s * change.saturation.to_f64()).min(1.0), (v * change.value.to_f64()).min(1.0));
        let f = hue - hue.floor();
        let (p, q, t) = (v * (1.0 - s), v * (1.0 - s * f), v * (1.0 - s * (1.0 - f)));
        match hue as u32 {
            0 => [v, t, p],
            1 => [q, v, p],
            2 => [p, v, t],
            3 => [p, q, v],
            4 => [t, p, v],
            _ => [v, p, q],
        }
    }
}
