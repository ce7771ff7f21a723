//! `posterize`: few levels.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, OutOfBounds};
use crate::pointwise::map_curve;
use crate::region::Region;
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned};

const LEVELS: Bounds = Bounds::new(2.0, 256.0);

/// Posterize: each sample becomes the nearest of `levels` levels in equal steps from 0 to the largest value. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Posterize {
    /// How many: 2 to 256.
    #[schemars(range(min = LEVELS.min, max = LEVELS.max))]
    pub levels: u32,
}

impl Posterize {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "posterize";
}

impl Planned for Posterize {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Posterize {
    fn form() -> Form {
        Form::advanced("Colour").with(Field::new("levels").suggested(4).logarithmic())
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        LEVELS.check_whole("levels", self.levels)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        let steps = f64::from(self.levels - 1);
        map_curve(input, target, (Self::NAME, [self.levels.into(), 0, 0]), |value, max| {
            (value * steps / max).round_ties_even() * max / steps
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, check_curve};
    use tessera_core::pixel::Channels;

    #[test]
    fn samples_go_to_the_nearest_level() {
        let row = |levels| {
            apply_to_row_u8(&Posterize { levels }, Channels::Gray, &[0, 63, 64, 127, 128, 191, 192, 255])
        };
        assert_eq!(row(2), [0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(row(3), [0, 0, 128, 128, 128, 128, 255, 255]);
        assert_eq!(row(256), [0, 63, 64, 127, 128, 191, 192, 255]);
    }

    #[test]
    fn every_sample_follows_the_formula() {
        for levels in [2, 3, 17, 100, 255] {
            let steps = f64::from(levels - 1);
            check_curve(&Posterize { levels }, |fraction| (fraction * steps).round() / steps);
        }
    }
}
