//! The operations on pixels: one file each, with its parameters, bounds, halo, result type and kernel.
//! Nothing here does IO, knows a file format, or links C.

pub mod apply;
pub mod chain;
pub mod parameter;
pub mod region;
pub mod registry;

mod border;
mod pointwise;
mod sample;

#[cfg(test)]
mod testing;

// The operations: a module here, a line in `registry`. (rustfmt does not see modules that a macro declares.)
pub mod brightness_contrast;
pub mod gaussian_blur;
pub mod grayscale;
pub mod invert;
pub mod sobel;

pub use apply::{Apply, Reduced};
pub use chain::{plan_chain, run_chain};
pub use region::{Region, Samples};
pub use registry::Operation;
