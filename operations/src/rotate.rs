//! `rotate`: quarter turns.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::number_choice;
use crate::region::Region;
use crate::target::Target;
use crate::turn::Turn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::placement::Placement;

/// Rotation by a right angle, two or three, clockwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotate {
    /// The angle in degrees, clockwise: 90, 180 or 270.
    pub degrees: Degrees,
}

number_choice! {
    /// An angle in degrees.
    Degrees {
        /// The left side becomes the top.
        Quarter = 90,
        /// The bottom becomes the top.
        Half = 180,
        /// The right side becomes the top.
        ThreeQuarters = 270,
    }
}

impl Rotate {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "rotate";

    fn turn(&self) -> Turn {
        match self.degrees {
            Degrees::Quarter => Turn { columns: true, rows: false, transposed: true },
            Degrees::Half => Turn { columns: true, rows: true, transposed: false },
            Degrees::ThreeQuarters => Turn { columns: false, rows: true, transposed: true },
        }
    }
}

impl Planned for Rotate {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        Ok(Extent { size: self.turn().size(input.size), ..input })
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        self.turn().reads(output, input)
    }

    fn window(&self, output: Size, _: Size) -> Size {
        self.turn().size(output)
    }

    fn placement(&self, input: Extent) -> Placement {
        self.turn().placement(input.size)
    }

    fn keeps_samples(&self) -> bool {
        true
    }

    fn cost(&self, _: Extent) -> f64 {
        1.5
    }
}

impl Apply for Rotate {
    fn form() -> Form {
        Form::basic("Geometry").with(Field::new("degrees").called("Angle").suggested(90).unit("\u{b0}"))
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        self.turn().apply(input, target, image.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, image, picture, pixel_types};

    #[test]
    fn a_picture_turns_clockwise() {
        let picture = gray_u8(3, &[1, 2, 3, 4, 5, 6]);
        let turned = |degrees| apply_whole(&Rotate { degrees }, &picture);
        assert_eq!(turned(Degrees::Quarter), gray_u8(2, &[4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(Degrees::Half), gray_u8(3, &[6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(Degrees::ThreeQuarters), gray_u8(2, &[3, 6, 2, 5, 1, 4]));
    }

    #[test]
    fn four_quarters_are_none() {
        for pixel in pixel_types() {
            let source = picture(image(37, 21, pixel), 4);
            let turn = |degrees, picture: &Region| apply_whole(&Rotate { degrees }, picture);
            let half = turn(Degrees::Quarter, &turn(Degrees::Quarter, &source));
            assert_eq!(half, turn(Degrees::Half, &source));
            assert_eq!(turn(Degrees::ThreeQuarters, &turn(Degrees::Quarter, &source)), source);
        }
    }
}
