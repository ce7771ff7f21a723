//! `crop`: a part of the image.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Control, Field, Form};
use crate::parameter::{Bounds, OutOfBounds};
use crate::region::Region;
use crate::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{MAX_SIDE, Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::placement::Placement;

const PLACE: Bounds = Bounds::new(0.0, MAX_SIDE as f64);
const SIDE: Bounds = Bounds::new(1.0, MAX_SIDE as f64);

/// Crop: the pixels of a rectangle, all of which must lie inside the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Crop {
    /// The rectangle's first column, counted from 0 at the left.
    #[schemars(range(min = PLACE.min, max = PLACE.max))]
    pub x: u32,
    /// The rectangle's first row, counted from 0 at the top.
    // kubectl reads an unquoted `y` as YAML 1.1 does: true.
    #[serde(alias = "true")]
    #[schemars(range(min = PLACE.min, max = PLACE.max))]
    pub y: u32,
    /// Pixels in a row of the rectangle.
    #[schemars(range(min = SIDE.min, max = SIDE.max))]
    pub width: u32,
    /// Rows of the rectangle.
    #[schemars(range(min = SIDE.min, max = SIDE.max))]
    pub height: u32,
}

impl Crop {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "crop";

    /// Where the pixels `output` of the result lie in the input.
    fn source(&self, output: Rect) -> Rect {
        Rect { x: output.x + self.x, y: output.y + self.y, ..output }
    }
}

impl Planned for Crop {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let part = Rect::new(self.x, self.y, self.width, self.height);
        if !input.size.rect().contains(&part) {
            let text = format!(
                "the rectangle of {} pixels from ({}, {}) is not inside the image, which is {} there: make it smaller",
                part.size(),
                self.x,
                self.y,
                input.size
            );
            return Err(Refusal(text));
        }
        Ok(Extent { size: part.size(), ..input })
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        self.source(output).intersect(&input.rect())
    }

    fn window(&self, output: Size, _: Size) -> Size {
        output
    }

    fn placement(&self, _: Extent) -> Placement {
        Placement::part(self.x, self.y)
    }

    fn keeps_samples(&self) -> bool {
        true
    }

    fn cost(&self, _: Extent) -> f64 {
        0.3
    }
}

impl Apply for Crop {
    fn form() -> Form {
        Form::basic("Geometry")
            .drawn()
            .with(Field::new("x").called("Left").unit("px"))
            .with(Field::new("y").called("Top").unit("px"))
            .with(Field::new("width").unit("px").control(Control::Size))
            .with(Field::new("height").unit("px").control(Control::Size))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        PLACE.check_whole("x", self.x)?;
        PLACE.check_whole("y", self.y)?;
        SIDE.check_whole("width", self.width)?;
        SIDE.check_whole("height", self.height)
    }

    /// The pixels of the reduced picture that the rectangle touches, so that it lies inside.
    fn reduced(&self, level: u32) -> Reduced<Self> {
        let [x, y] = [self.x, self.y].map(|place| place >> level.min(31));
        let [width, height] = [self.width, self.height].map(|side| side.div_ceil(1 << level.min(31)));
        Reduced::Same(Crop { x, y, width, height })
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        target.paste_from(input, self.source(target.rect));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, image, pixel_types};

    #[test]
    fn a_rectangle_is_cut_out() {
        let picture = gray_u8(4, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        let crop = Crop { x: 1, y: 1, width: 2, height: 2 };
        assert_eq!(apply_whole(&crop, &picture), gray_u8(2, &[5, 6, 9, 10]));
    }

    #[test]
    fn a_rectangle_beyond_the_image_is_refused() {
        let input = image(10, 20, pixel_types().next().unwrap());
        let result = |x, y, width, height| Crop { x, y, width, height }.output(input);
        assert_eq!(result(0, 0, 10, 20).unwrap(), input);
        assert_eq!(result(9, 19, 1, 1).unwrap().size, Size::new(1, 1));
        for crop in [(1, 0, 10, 20), (0, 1, 10, 20), (10, 0, 1, 1), (0, 0, 11, 1), (0, 0, MAX_SIDE, MAX_SIDE)]
        {
            let refusal = result(crop.0, crop.1, crop.2, crop.3).unwrap_err().to_string();
            assert!(refusal.contains("10 x 20"), "{refusal}");
        }
    }

    #[test]
    fn a_reduced_rectangle_lies_inside_the_reduced_image() {
        let (image, crop) = (Size::new(101, 77), Crop { x: 50, y: 13, width: 51, height: 64 });
        for level in 1..9 {
            let Reduced::Same(reduced) = crop.reduced(level) else { panic!("a part is a part") };
            let [width, height] = [image.width, image.height].map(|side| side.div_ceil(1 << level));
            let part = Rect::new(reduced.x, reduced.y, reduced.width, reduced.height);
            assert!(Size::new(width, height).rect().contains(&part), "{level}");
        }
    }
}
