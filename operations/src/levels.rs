//! `levels`: a part of the range, stretched to all of it.

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

const POINT: Bounds = Bounds::new(0.0, 1.0);
const GAMMA: Bounds = Bounds::new(0.1, 10.0);

/// Levels: the range from `black` to `white` is stretched to the full range, then raised to the power 1 / `gamma`.
/// Alpha stays. Where `white` is not above `black`, what is above `black` becomes white and all else black.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Levels {
    /// What becomes black, as a fraction of the full range: 0 to 1.
    #[schemars(range(min = POINT.min, max = POINT.max))]
    pub black: Millionths,
    /// What becomes white, as a fraction of the full range: 0 to 1.
    #[schemars(range(min = POINT.min, max = POINT.max))]
    pub white: Millionths,
    /// 0.1 to 10; above 1 the middle becomes lighter.
    #[schemars(range(min = GAMMA.min, max = GAMMA.max))]
    pub gamma: Millionths,
}

impl Default for Levels {
    fn default() -> Levels {
        Levels { black: Millionths::whole(0), white: Millionths::whole(1), gamma: Millionths::whole(1) }
    }
}

impl Levels {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "levels";
}

impl Planned for Levels {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Levels {
    fn form() -> Form {
        Form::advanced("Light")
            .with(Field::new("black").step(0.01))
            .with(Field::factor("gamma").called("Middle").logarithmic())
            .with(Field::new("white").step(0.01))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        POINT.check("black", self.black)?;
        POINT.check("white", self.white)?;
        GAMMA.check("gamma", self.gamma)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        // All but the quotient and the power is in whole millionths, and exact.
        let (black, span) = (self.black.0 as f64, (self.white.0 - self.black.0).max(0) as f64);
        let power = 1.0 / self.gamma.to_f64();
        map_curve(input, target, (Self::NAME, [self.black.0, self.white.0, self.gamma.0]), |value, max| {
            let above = (value * 1e6 - black * max).max(0.0);
            if above < span * max {
                max * libm::pow(above / (span * max), power)
            } else {
                max * f64::from(above > 0.0)
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, check_curve};
    use tessera_core::pixel::Channels;

    fn levels(black: f64, white: f64, gamma: f64) -> Levels {
        let [black, white, gamma] = [black, white, gamma].map(Millionths::nearest);
        Levels { black, white, gamma }
    }

    #[test]
    fn the_range_is_stretched() {
        let row = |levels: Levels| apply_to_row_u8(&levels, Channels::Gray, &[0, 51, 102, 153, 255]);
        assert_eq!(row(Levels::default()), [0, 51, 102, 153, 255]);
        assert_eq!(row(levels(0.2, 0.6, 1.0)), [0, 0, 128, 255, 255]);
        assert_eq!(row(levels(0.2, 0.6, 0.5)), [0, 0, 64, 255, 255]);
    }

    #[test]
    fn a_range_of_nothing_is_a_threshold() {
        let row = |black, white| {
            apply_to_row_u8(&levels(black, white, 2.0), Channels::GrayAlpha, &[102, 1, 103, 2])
        };
        assert_eq!(row(0.4, 0.4), [0, 1, 255, 2]);
        assert_eq!(row(0.4, 0.1), [0, 1, 255, 2]);
        assert_eq!(row(1.0, 1.0), [0, 1, 0, 2]);
    }

    #[test]
    fn every_sample_follows_the_formula() {
        for (black, white, gamma) in [(0.1, 0.9, 1.0), (0.25, 0.251, 2.2), (0.0, 1.0, 0.3)] {
            check_curve(&levels(black, white, gamma), |fraction| {
                ((fraction - black) / (white - black)).clamp(0.0, 1.0).powf(1.0 / gamma)
            });
        }
    }
}
