//! Runs a chain of operations on one rectangle of its result. What is read of the source is the caller's business.

use crate::apply::Apply;
use crate::region::Region;
use crate::registry::Operation;
use crate::target::Target;
use tessera_core::geometry::Rect;
use tessera_core::operation::{Chain, ChainRefusal, Extent, Planned};

/// The plan of `operations` on an image of extent `source`.
///
/// # Errors
/// The first operation that does not take what the one before gives.
pub fn plan_chain(operations: &[Operation], source: Extent) -> Result<Chain<'_>, ChainRefusal> {
    Chain::new(operations.iter().map(|operation| operation as &dyn Planned).collect(), source)
}

/// The pixels `output` of the result of `operations`, whose plan is `chain` (see [`plan_chain`]).
///
/// `input` must hold at least `chain.reads(output)[0]` of the source. The result covers exactly `output`, and its bits
/// do not depend on how the image is divided into such rectangles.
pub fn run_chain(operations: &[Operation], chain: &Chain<'_>, output: Rect, input: Region) -> Region {
    let mut region = Region::zeroed(output, chain.output().pixel);
    run_chain_to(operations, chain, &input, &mut region.target());
    region
}

/// The same, written to its place: the rectangle of `target`.
pub fn run_chain_to(operations: &[Operation], chain: &Chain<'_>, input: &Region, target: &mut Target<'_>) {
    let Some((last, before)) = operations.split_last() else { return target.paste(input) };
    let rects = chain.reads(target.rect);
    let mut steps = before.iter().zip(chain.extents()).zip(&rects[1..]);
    let first = steps.next().map(|((operation, image), rect)| operation.apply(input, *rect, *image));
    let region = steps.fold(first, |region, ((operation, image), rect)| {
        region.map(|region| operation.apply(&region, *rect, *image))
    });
    last.apply_to(region.as_ref().unwrap_or(input), target, chain.extents()[before.len()]);
}
