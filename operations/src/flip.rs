//! `flip`: the mirror image.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::list_names;
use crate::region::Region;
use crate::target::Target;
use crate::turn::Turn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};
use tessera_core::placement::Placement;

/// Flip: the mirror image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flip {
    /// What is exchanged: left and right (`horizontal`), or top and bottom (`vertical`).
    pub axis: FlipAxis,
}

/// The direction in which pixels move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum FlipAxis {
    /// Left becomes right.
    Horizontal,
    /// Top becomes bottom.
    Vertical,
}

impl Flip {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "flip";

    fn turn(&self) -> Turn {
        match self.axis {
            FlipAxis::Horizontal => Turn { columns: true, rows: false, transposed: false },
            FlipAxis::Vertical => Turn { columns: false, rows: true, transposed: false },
        }
    }
}

impl Planned for Flip {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        self.turn().reads(output, input)
    }

    fn window(&self, output: Size, _: Size) -> Size {
        output
    }

    fn placement(&self, input: Extent) -> Placement {
        self.turn().placement(input.size)
    }

    fn keeps_samples(&self) -> bool {
        true
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Flip {
    fn form() -> Form {
        Form::basic("Geometry").with(Field::new("axis").suggested("horizontal"))
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
    use crate::testing::{apply_to_row_u8, apply_whole, gray_u8};
    use tessera_core::pixel::Channels;

    #[test]
    fn sides_are_exchanged() {
        let picture = gray_u8(3, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(
            apply_whole(&Flip { axis: FlipAxis::Horizontal }, &picture),
            gray_u8(3, &[3, 2, 1, 6, 5, 4])
        );
        assert_eq!(
            apply_whole(&Flip { axis: FlipAxis::Vertical }, &picture),
            gray_u8(3, &[4, 5, 6, 1, 2, 3])
        );
    }

    #[test]
    fn pixels_stay_whole() {
        let row = [1, 2, 3, 4, 5, 6, 7, 8];
        let flip = Flip { axis: FlipAxis::Horizontal };
        assert_eq!(apply_to_row_u8(&flip, Channels::Rgba, &row), [5, 6, 7, 8, 1, 2, 3, 4]);
    }
}
