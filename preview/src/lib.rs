//! What a page shows of an image and of a chain of operations on it, at any zoom, before any job runs: tiles of 512 pixels,
//! computed by the code that computes the result. Decodes hostile bytes, so it is a process of its own with bounded memory;
//! it knows no user and no Kubernetes, and writes nothing but small view copies.
//!
//! A request goes `chain` (what is asked for) -> `source` (the image) -> `recipe` (how a level is made, pure) -> `render`
//! (the pixels) -> `picture` (the bytes); `engine` bounds how many do so at once, and remembers what was made.

pub mod chain;
pub mod copy;
pub mod engine;
pub mod error;
pub mod http;
pub mod memory;
pub mod picture;
mod pixels;
pub mod recipe;
mod render;
pub mod sheet;
pub mod source;
pub mod view;
mod whole;

pub use engine::{Engine, TileRequest};
pub use error::PreviewError;
pub use memory::Memory;
