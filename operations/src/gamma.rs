//! `gamma`: a power of each sample.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::pointwise::map_curve;
use crate::region::Region;
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned};

const GAMMA: Bounds = Bounds::new(0.1, 10.0);

/// Gamma: each sample, as a fraction of the full range, is raised to the power 1 / `gamma`. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gamma {
    /// 0.1 to 10; above 1 the middle becomes lighter.
    #[schemars(range(min = GAMMA.min, max = GAMMA.max))]
    pub gamma: Millionths,
}

impl Gamma {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "gamma";
}

impl Planned for Gamma {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Gamma {
    fn form() -> Form {
        Form::advanced("Light").with(Field::factor("gamma").suggested(1.5).logarithmic())
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        GAMMA.check("gamma", self.gamma)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        let power = 1.0 / self.gamma.to_f64();
        map_curve(input, target, (Self::NAME, [self.gamma.0, 0, 0]), |value, max| {
            max * libm::pow(value / max, power)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16, check_curve};
    use tessera_core::pixel::Channels;

    #[test]
    fn a_gamma_of_two_takes_square_roots() {
        let gamma = Gamma { gamma: Millionths::whole(2) };
        // 255 sqrt(1 / 255) = 15.97, 255 sqrt(64 / 255) = 127.75.
        assert_eq!(
            apply_to_row_u8(&gamma, Channels::GrayAlpha, &[0, 7, 1, 7, 64, 7, 255, 0]),
            [0, 7, 16, 7, 128, 7, 255, 0]
        );
        assert_eq!(apply_to_row_u16(&gamma, Channels::Gray, &[0, 1, 16384, 65535]), [0, 256, 32768, 65535]);
    }

    #[test]
    fn every_sample_follows_the_formula() {
        for gamma in [0.1, 0.45, 1.0, 2.2, 10.0] {
            let operation = Gamma { gamma: Millionths::nearest(gamma) };
            check_curve(&operation, |fraction| fraction.powf(1.0 / gamma));
        }
    }
}
