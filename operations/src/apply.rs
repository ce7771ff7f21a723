//! The computing half of an operation: what `registry` delegates to. Planning is `tessera_core::operation::Planned`.

use crate::parameter::OutOfBounds;
use crate::region::Region;
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned};

/// An operation that computes pixels: pure, single-threaded, the same bits on every processor.
pub trait Apply: Planned + Send + Sync {
    /// Checks every parameter against the bounds that the schema declares; an operation may have none.
    ///
    /// # Errors
    /// The first parameter out of its bounds.
    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        Ok(())
    }

    /// How a preview may compute it on a reduced picture.
    fn reduced(&self) -> Reduced;

    /// The pixels `output` of the result.
    ///
    /// `image` is the extent of the whole input image: its border, not the region's, is where the border rule acts.
    /// `input` must hold at least `self.reads(output, image.size)` in pixels of `image.pixel`, and the parameters must
    /// be within their bounds. The result covers exactly `output`.
    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region;
}

/// What a preview that is zoomed out by a power of two may do in place of computing the whole picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduced {
    /// Apply the operation to the reduced picture: the result differs by a level or so.
    Same,
    /// Apply it with its radii divided by the reduction: approximate.
    Scaled,
    /// Nothing: the result would mislead.
    Never,
}
