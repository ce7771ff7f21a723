//! The planning half of an operation: what it makes of an image's size and type, what it reads, what it costs.
//! The pixels are the business of the `operations` crate.

use crate::geometry::{Rect, Size};
use crate::pixel::PixelType;
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

/// What the planner asks of an operation. All three are pure functions of the parameters.
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

    /// The largest number of source pixels beyond any side of an output rectangle that the chain reads: the composed halo.
    pub fn halo(&self) -> u32 {
        let far = Size::new(crate::geometry::MAX_SIDE, crate::geometry::MAX_SIDE);
        let middle = Rect::new(far.width / 2, far.height / 2, 1, 1);
        let read = self.steps.iter().rev().fold(middle, |rect, step| step.reads(rect, far));
        middle.x.saturating_sub(read.x).max(read.right().saturating_sub(middle.right()))
    }

    /// Predicted cost of the chain in nanoseconds of one core for each pixel of its result.
    pub fn cost(&self) -> f64 {
        self.steps.iter().zip(&self.extents).map(|(step, input)| step.cost(*input)).sum()
    }
}
