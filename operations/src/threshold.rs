//! `threshold`: black or white.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::pointwise::map_samples;
use crate::region::Region;
use crate::sample::Sample;
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};

const VALUE: Bounds = Bounds::new(0.0, 65535.0);

/// Threshold: samples above `value` become the largest value and all others 0, or the other way round. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Threshold {
    /// A level of the picture's own depth: 0 to 255 for 8 bits, 0 to 65535 for 16. A fraction is cut off.
    #[schemars(range(min = VALUE.min, max = VALUE.max))]
    pub value: Millionths,
    /// Whether samples above `value` become 0, and all others the largest value.
    #[serde(default)]
    pub invert: bool,
}

impl Threshold {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "threshold";

    /// What becomes of a sample.
    fn separate<S: Sample>(&self) -> impl Fn(S) -> S + Copy + use<S> {
        let value = S::saturate((self.value.0 / 1_000_000) as i32);
        let [above, below] = if self.invert { [0, S::MAX] } else { [S::MAX, 0] }.map(S::narrow);
        move |sample| if sample > value { above } else { below }
    }
}

impl Planned for Threshold {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let (max, value) = (input.pixel.depth.max(), self.value);
        if value.to_f64() <= f64::from(max) {
            return Ok(input);
        }
        let text = format!(
            "levels end at {max}, since this is {}, and value is {value}: give one of them",
            input.pixel
        );
        Err(Refusal(text))
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Threshold {
    fn form() -> Form {
        Form::advanced("Colour")
            .with(Field::new("value").called("Level").suggested(128).step(1.0))
            .with(Field::new("invert"))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        VALUE.check("value", self.value)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Never
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        map_samples(input, target, self.separate(), self.separate());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16, image};
    use tessera_core::pixel::{Channels, Depth, PixelType};

    fn threshold(value: f64, invert: bool) -> Threshold {
        Threshold { value: Millionths::nearest(value), invert }
    }

    #[test]
    fn what_is_above_the_value_is_white() {
        let row =
            |value, invert| apply_to_row_u8(&threshold(value, invert), Channels::Gray, &[0, 127, 128, 255]);
        assert_eq!(row(127.0, false), [0, 0, 255, 255]);
        assert_eq!(row(127.9, false), [0, 0, 255, 255]);
        assert_eq!(row(127.0, true), [255, 255, 0, 0]);
        assert_eq!(row(0.0, false), [0, 255, 255, 255]);
        assert_eq!(row(255.0, false), [0; 4]);
    }

    #[test]
    fn a_value_is_a_level_of_the_depth() {
        let refused = |value, depth| {
            let pixel = PixelType::new(Channels::Gray, depth);
            threshold(value, false).output(image(3, 3, pixel)).err().map(|refusal| refusal.0)
        };
        assert_eq!(refused(255.0, Depth::U8), None);
        assert_eq!(refused(65535.0, Depth::U16), None);
        let said = refused(300.5, Depth::U8).unwrap();
        assert!(said.contains("levels end at 255") && said.contains("300.5"), "{said}");
    }

    #[test]
    fn levels_are_those_of_the_depth_and_alpha_stays() {
        let row = [300, 301, 0, 5, 65535, 300, 301, 6];
        let result = apply_to_row_u16(&threshold(300.0, false), Channels::Rgba, &row);
        assert_eq!(result, [0, 65535, 0, 5, 65535, 0, 65535, 6]);
    }
}
