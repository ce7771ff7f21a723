//! The operations on pixels: one file each, with its parameters, bounds, halo, result type and kernel.
//! Nothing here does IO, knows a file format, or links C.

pub mod apply;
pub mod chain;
pub mod form;
pub mod parameter;
pub mod region;
pub mod registry;

mod axis;
mod blocks;
mod border;
mod color_table;
mod extreme;
mod fetch;
mod fixed;
mod halve;
mod large_median;
mod light;
mod linear;
mod neighbourhood;
mod phases;
mod plane;
mod pointwise;
mod quarter;
mod real;
mod resample;
mod sample;
mod separable;
mod strips;
mod taps;
mod target;
mod tent;
mod transpose;
mod turn;
mod vector;
mod weigh;

#[cfg(test)]
mod testing;

// The operations: a module here, a line in `registry`. (rustfmt does not see modules that a macro declares.)
pub mod bilateral_filter;
pub mod box_blur;
pub mod brightness_contrast;
pub mod channel;
pub mod color_map;
pub mod convolve;
pub mod crop;
pub mod depth;
pub mod difference_of_gaussians;
pub mod flatten;
pub mod flip;
pub mod gamma;
pub mod gaussian_blur;
pub mod gradient;
pub mod grayscale;
pub mod hue_saturation;
pub mod invert;
pub mod laplacian;
pub mod levels;
pub mod median_blur;
pub mod morphology;
pub mod posterize;
pub mod resize;
pub mod rotate;
pub mod sepia;
pub mod threshold;
pub mod unsharp_mask;

pub use apply::{Apply, Reduced};
pub use chain::{plan_chain, run_chain, run_chain_to};
pub use halve::halve;
pub use region::{Region, Samples};
pub use registry::Operation;
pub use target::Target;
