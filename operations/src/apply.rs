//! The computing half of an operation: what `registry` delegates to. Planning is `tessera_core::operation::Planned`.

use crate::form::Form;
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::region::Region;
use crate::target::Target;
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned};

/// An operation that computes pixels: pure, single-threaded, the same bits on every processor.
pub trait Apply: Planned + Send + Sync {
    /// What a form needs to know beside the schema.
    fn form() -> Form
    where
        Self: Sized,
    {
        Form::advanced("More")
    }

    /// Checks every parameter against the bounds that the schema declares; an operation may have none.
    ///
    /// # Errors
    /// The first parameter out of its bounds.
    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        Ok(())
    }

    /// What a preview may compute in its place on a picture reduced by 2^`level`, `level` at least 1.
    fn reduced(&self, level: u32) -> Reduced<Self>
    where
        Self: Sized;

    /// The pixels `output` of the result.
    ///
    /// `image` is the extent of the whole input image: its border, not the region's, is where the border rule acts.
    /// `input` must hold at least `self.reads(output, image.size)` in pixels of `image.pixel`, and the parameters must
    /// be within their bounds. The result covers exactly `output`.
    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region;

    /// The same, written straight to its place: the rectangle of `target`, whose pixel type is the result's.
    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        target.paste(&self.apply(input, target.rect, image));
    }
}

/// The pixels `output` of an operation that writes its result to its place.
pub(crate) fn apply_by_target(operation: &impl Apply, input: &Region, output: Rect, image: Extent) -> Region {
    let pixel = operation.output(image).map_or(image.pixel, |extent| extent.pixel);
    let mut region = Region::zeroed(output, pixel);
    operation.apply_to(input, &mut region.target(), image);
    region
}

/// What a preview that is zoomed out by a power of two may do in place of computing the whole picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduced<O> {
    /// Apply this to the reduced picture: the result differs by a level or so.
    Same(O),
    /// Apply this, whose radii are divided by the reduction: approximate. Nothing where no pixel is left of the radius.
    Scaled(Option<O>),
    /// Show the original: the result would mislead.
    Never,
}

impl<O> Reduced<O> {
    /// The same with `f` of the operation.
    pub fn map<P>(self, f: impl Fn(O) -> P) -> Reduced<P> {
        match self {
            Reduced::Same(operation) => Reduced::Same(f(operation)),
            Reduced::Scaled(operation) => Reduced::Scaled(operation.map(f)),
            Reduced::Never => Reduced::Never,
        }
    }
}

/// A length in whole pixels, divided by 2^`level` and rounded; half a pixel counts as one.
pub(crate) fn reduced_radius(radius: u32, level: u32) -> Option<u32> {
    let scale = 1u64 << level.min(32);
    let reduced = (u64::from(radius) + scale / 2) / scale;
    u32::try_from(reduced).ok().filter(|radius| *radius > 0)
}

/// A length divided by 2^`level`, at least the smallest that `bounds` allow: of a standard deviation, one that leaves
/// every pixel as it is.
pub(crate) fn reduced_number(length: Millionths, level: u32, bounds: Bounds) -> Millionths {
    Millionths(length.0 >> level.min(62)).max(Millionths::nearest(bounds.min))
}
