//! `invert`: the negative.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::Form;
use crate::pointwise::map_samples;
use crate::region::Region;
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned};

/// The negative: every sample becomes the largest value minus itself. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invert {}

impl Invert {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "invert";
}

impl Planned for Invert {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Invert {
    fn form() -> Form {
        Form::basic("Colour")
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        map_samples(input, target, |v| u8::MAX - v, |v| u16::MAX - v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16};
    use tessera_core::pixel::Channels;

    #[test]
    fn samples_are_mirrored_and_alpha_stays() {
        let invert = Invert {};
        assert_eq!(apply_to_row_u8(&invert, Channels::Gray, &[0, 1, 255]), [255, 254, 0]);
        assert_eq!(apply_to_row_u8(&invert, Channels::GrayAlpha, &[0, 9, 200, 0]), [255, 9, 55, 0]);
        assert_eq!(
            apply_to_row_u8(&invert, Channels::Rgb, &[0, 1, 2, 3, 4, 5]),
            [255, 254, 253, 252, 251, 250]
        );
        assert_eq!(apply_to_row_u16(&invert, Channels::Rgba, &[0, 1, 65535, 7]), [65535, 65534, 0, 7]);
    }
}
