//! The limits that a plan is checked against, each with a refusal that says what to do. Pure.

use crate::geometry::MAX_SIDE;
use crate::operation::Extent;
use crate::output::{OutputFormat, TiffCompression};
use crate::pixel::Depth;
use crate::plan::{Limits, PlanRefusal};

/// The largest composed halo of a stage, in pixels.
pub const MAX_HALO: u32 = 2048;

/// The longest side of a JPEG in pixels: libjpeg-turbo's limit.
const MAX_JPEG_SIDE: u32 = 65_500;

/// The longest side of a WebP in pixels: its header has 14 bits for it.
const MAX_WEBP_SIDE: u32 = 16_383;

/// The longest side of a PNG in pixels.
const MAX_PNG_SIDE: u32 = i32::MAX as u32;

/// The chain is not longer than the pool allows.
pub(crate) fn length(length: usize, limits: Limits) -> Result<(), PlanRefusal> {
    if length > limits.operations as usize {
        let text = format!(
            "{length} operations, and the pool allows {}: split the chain in two jobs",
            limits.operations
        );
        return Err(PlanRefusal::Chain(text));
    }
    Ok(())
}

/// An image has no more pixels than the pool allows.
pub(crate) fn pixels(what: &str, extent: Extent, limits: Limits) -> Result<(), PlanRefusal> {
    let (size, side) = (extent.size, extent.size.width.max(extent.size.height));
    if size.pixels() > limits.pixels || side > MAX_SIDE {
        return Err(PlanRefusal::TooLarge(format!(
            "{what} has {size} = {} pixels, and the pool allows {} (spec.limits.pixels of the WorkerPool)",
            size.pixels(),
            limits.pixels
        )));
    }
    Ok(())
}

/// The composed halo is one that can be read around each tile.
pub(crate) fn halo(halo: u32) -> Result<(), PlanRefusal> {
    if halo > MAX_HALO {
        return Err(PlanRefusal::Chain(format!(
            "the chain reads {halo} pixels around each pixel, and the limit is {MAX_HALO}: use smaller radii, or split the chain in two jobs"
        )));
    }
    Ok(())
}

/// The output's format can hold what the chain gives.
pub(crate) fn format(format: OutputFormat, output: Extent) -> Result<(), PlanRefusal> {
    let longest = output.size.width.max(output.size.height);
    let refuse = |text: String| Err(PlanRefusal::Chain(text));
    match format {
        OutputFormat::Jpeg { .. }
        | OutputFormat::Tiff { compression: TiffCompression::Jpeg { .. }, .. }
        | OutputFormat::Cog { compression: TiffCompression::Jpeg { .. }, .. }
            if output.pixel.channels.has_alpha() || output.pixel.depth == Depth::U16 =>
        {
            refuse(format!(
                "the chain's result is {}, and JPEG takes 8-bit pixels without alpha: end the chain with flatten (no alpha) and depth (bits: 8), or choose PNG, or a TIFF or COG without JPEG",
                output.pixel
            ))
        }
        OutputFormat::Jpeg { .. } if longest > MAX_JPEG_SIDE => refuse(format!(
            "the output is {}, and a JPEG has at most {MAX_JPEG_SIDE} pixels on a side: choose TIFF, COG or PNG",
            output.size
        )),
        OutputFormat::WebP { .. } if longest > MAX_WEBP_SIDE => refuse(format!(
            "the output is {}, and a WebP has at most {MAX_WEBP_SIDE} pixels on a side: choose TIFF, COG, PNG or JPEG",
            output.size
        )),
        OutputFormat::WebP { .. } if output.pixel.depth == Depth::U16 => refuse(format!(
            "the chain's result is {}, and WebP takes 8-bit pixels: end the chain with depth (bits: 8), or choose PNG, TIFF or COG",
            output.pixel
        )),
        OutputFormat::Png if longest > MAX_PNG_SIDE => {
            refuse(format!("the output is {}, too long for a PNG: choose TIFF or COG", output.size))
        }
        OutputFormat::Jpeg { .. }
        | OutputFormat::WebP { .. }
        | OutputFormat::Png
        | OutputFormat::Tiff { .. }
        | OutputFormat::Cog { .. } => Ok(()),
    }
}
