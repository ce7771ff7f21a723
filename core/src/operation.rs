//! The planning half of an operation: what it makes of an image's size and type, what it reads, what it costs.
//! The pixels are the business of the `operations` crate.

use crate::geometry::{MAX_SIDE, Rect, Size};
use crate::pixel::PixelType;
use crate::placement::Placement;
use serde::{Deserialize, Serialize};

/// Size and pixel type of an image: all that planning needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Extent {
    /// Width and height.
    pub size: Size,
    /// Type of the pixels.
    pub pixel: PixelType,
}

/// Why an operation cannot take an image: a sentence for the user, without the operation's name and without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// What the planner asks of an operation. All are pure functions of the parameters.
pub trait Planned {
    /// The name in an ImageJob, in camel case: `gaussianBlur`.
    fn name(&self) -> &'static str;

    /// The extent of the result for an input of extent `input`: the same, unless the operation says otherwise.
    ///
    /// # Errors
    /// The operation does not take such an image.
    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        Ok(input)
    }

    /// The pixels of the input (an image of size `input`) that the pixels `output` of the result depend on,
    /// clipped to the input: those in the same place, unless the operation says otherwise.
    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.intersect(&input.rect())
    }

    /// The largest size of what [`Planned::reads`] gives for a part of the result of size `output`, wherever it lies, as
    /// if the input went on beyond its border. An operation whose `reads` is more than a halo has to say it.
    fn window(&self, output: Size, input: Size) -> Size {
        let _ = input;
        let far = Size::new(MAX_SIDE, MAX_SIDE);
        self.reads(Rect::new(far.width / 2, far.height / 2, output.width, output.height), far).size()
    }

    /// Where the result's pixels lie in an input of extent `input`: in the same place, unless the operation says otherwise.
    fn placement(&self, input: Extent) -> Placement {
        let _ = input;
        Placement::SAME
    }

    /// Whether every sample of the result is one of the input, unchanged: a value that stands for "no data" then still does.
    fn keeps_samples(&self) -> bool {
        false
    }

    /// Predicted cost in nanoseconds of one core for each pixel of the result.
    fn cost(&self, input: Extent) -> f64;
}

/// A chain of operations on an image of known extent: the extents between them, and the way back from
/// result to source.
pub struct Chain<'a> {
    steps: Vec<&'a dyn Planned>,
    extents: Vec<Extent>,
}

/// The operation at `position` (from 0) of a chain cannot take what the one before gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operations[{position}].{name}: {refusal}")]
pub struct ChainRefusal {
    /// Index in the list, from 0.
    pub position: usize,
    /// The operation's name.
    pub name: &'static str,
    /// Why.
    #[source]
    pub refusal: Refusal,
}

impl<'a> Chain<'a> {
    /// Checks every step against the result of the one before. An empty chain is a conversion.
    ///
    /// # Errors
    /// The first step that refuses its input.
    pub fn new(steps: Vec<&'a dyn Planned>, source: Extent) -> Result<Chain<'a>, ChainRefusal> {
        let mut extents = vec![source];
        for (position, step) in steps.iter().enumerate() {
            let input = extents[position];
            let output = step.output(input).map_err(|refusal| ChainRefusal {
                position,
                name: step.name(),
                refusal,
            })?;
            extents.push(output);
        }
        Ok(Chain { steps, extents })
    }

    /// Extent of the source.
    pub fn source(&self) -> Extent {
        self.extents[0]
    }

    /// Extent of the result.
    pub fn output(&self) -> Extent {
        self.extents[self.steps.len()]
    }

    /// The extents in order: the source's, then each step's result.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// For the pixels `output` of the result: the rectangle that each stage of the chain has to supply, in the order
    /// of [`Chain::extents`]; the first is what must be read of the source, the last is `output`.
    pub fn reads(&self, output: Rect) -> Vec<Rect> {
        let mut rects = vec![output; self.extents.len()];
        for index in (0..self.steps.len()).rev() {
            rects[index] = self.steps[index].reads(rects[index + 1], self.extents[index].size);
        }
        rects
    }

    /// The largest size of each rectangle of [`Chain::reads`] for a part of the result of size `output`, wherever it lies,
    /// as if images went on beyond their borders.
    pub fn windows(&self, output: Size) -> Vec<Size> {
        let mut sizes = vec![output; self.extents.len()];
        for index in (0..self.steps.len()).rev() {
            let size = self.steps[index].window(sizes[index + 1], self.extents[index].size);
            sizes[index] = Size::new(size.width.min(MAX_SIDE / 2), size.height.min(MAX_SIDE / 2));
        }
        sizes
    }

    /// The composed halo: the pixels beyond any side that the chain reads of the source around a part of the result. They
    /// are the source's pixels, or, where the chain makes the image smaller, the result's, which are larger.
    pub fn halo(&self) -> u32 {
        // Twice as large a part reads twice as much but for the halo.
        let [part, twice] = [1024, 2048].map(|side| self.windows(Size::new(side, side))[0]);
        let halo = |part: u32, twice: u32| {
            let (part, twice, side) = (u64::from(part), u64::from(twice), 1024);
            let (inner, around) = (twice.saturating_sub(part), (2 * part).saturating_sub(twice));
            u32::try_from((around * side).div_ceil(2 * inner.max(side))).unwrap_or(u32::MAX)
        };
        halo(part.width, twice.width).max(halo(part.height, twice.height))
    }

    /// Where the result's pixels lie in the source.
    pub fn placement(&self) -> Placement {
        let steps = self.steps.iter().zip(&self.extents);
        steps.fold(Placement::SAME, |all, (step, input)| all.then(step.placement(*input)))
    }

    /// Whether rows of the result are columns of the source.
    pub fn turns(&self) -> bool {
        self.placement().xx == 0.0
    }

    /// Whether every sample of the result is one of the source, unchanged.
    pub fn keeps_samples(&self) -> bool {
        self.steps.iter().all(|step| step.keeps_samples())
    }

    /// Predicted nanoseconds of one core for the whole result: each step on as many pixels as the next ones need.
    pub fn cost(&self) -> f64 {
        let rects = self.reads(self.output().size.rect());
        let steps = self.steps.iter().zip(&self.extents).zip(&rects[1..]);
        steps.map(|((step, input), rect)| step.cost(*input) * rect.pixels() as f64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::{Channels, Depth, PixelType};

    /// Reads `.1` pixels around, of an image `.0` times as large as the result.
    struct Step(u32, u32);

    impl Planned for Step {
        fn name(&self) -> &'static str {
            "step"
        }

        fn output(&self, input: Extent) -> Result<Extent, Refusal> {
            Ok(Extent { size: Size::new(input.size.width / self.0, input.size.height / self.0), ..input })
        }

        fn reads(&self, output: Rect, input: Size) -> Rect {
            let scaled = [output.x, output.y, output.width, output.height].map(|side| side * self.0);
            Rect::new(scaled[0], scaled[1], scaled[2], scaled[3]).expand(self.1, input)
        }

        fn window(&self, output: Size, _: Size) -> Size {
            Size::new(output.width * self.0 + 2 * self.1, output.height * self.0 + 2 * self.1)
        }

        fn cost(&self, _: Extent) -> f64 {
            2.0
        }
    }

    fn check(steps: &[Step], halo: u32, cost: f64) {
        let pixel = PixelType::new(Channels::Gray, Depth::U8);
        let source = Extent { size: Size::new(1000, 100), pixel };
        let chain = Chain::new(steps.iter().map(|step| step as &dyn Planned).collect(), source).unwrap();
        assert_eq!((chain.halo(), chain.cost()), (halo, cost));
    }

    #[test]
    fn halos_add_up_in_the_larger_pixels() {
        check(&[], 0, 0.0);
        check(&[Step(1, 3), Step(1, 0), Step(1, 4)], 7, 600_000.0);
        check(&[Step(1, 20), Step(10, 30), Step(1, 4)], 9, 204_000.0);
    }
}
