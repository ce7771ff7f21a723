//! How the memory of this process is divided, and how much of it a piece of work may take. Arithmetic only.

use tessera_core::geometry::Size;
use tessera_core::operation::{Chain, Extent};

/// Bytes of a sample while an operation computes with it, and images that it holds at once.
const WIDE: u64 = 4;
const IMAGES: u64 = 6;

/// A side of the parts that one thread computes.
const PART: u32 = 512;

/// The bytes that each part of the process may hold. Together they are 29 of 32 parts of the whole; the rest is for code, connections
/// and what an allocator keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What is computed at the moment.
    pub work: u64,
    /// Images that were decoded as a whole.
    pub wholes: u64,
    /// Decoded tiles of sources.
    pub pixels: u64,
    /// Encoded tiles.
    pub tiles: u64,
}

impl Memory {
    /// Of a process that has `bytes`.
    pub fn of(bytes: u64) -> Memory {
        Memory { work: bytes / 2, wholes: bytes / 4, pixels: bytes / 8, tiles: bytes / 32 }
    }
}

/// The bytes that a step of a tile takes: the encoded tiles of the source that come next, the decoded ones with a thread's region
/// of them, and the images between the operations of each thread; `window` is what is decoded at once, in pixels.
pub fn of_step(chain: &Chain<'_>, window: u64, step: Size, threads: usize) -> u64 {
    let (source, output) = (chain.source(), chain.output());
    let read = 4 * window * source.pixel.bytes() as u64;
    let written = 2 * step.pixels() * output.pixel.bytes() as u64;
    read + written + threads as u64 * of_part(chain, step)
}

/// The bytes that the images between the operations take in one thread.
fn of_part(chain: &Chain<'_>, step: Size) -> u64 {
    let part = Size::new(step.width.min(PART), step.height.min(PART));
    let images = chain.windows(part).into_iter().zip(chain.extents());
    let samples = |(window, extent): (Size, &Extent)| {
        let inside = Size::new(window.width.min(extent.size.width), window.height.min(extent.size.height));
        inside.pixels() * extent.pixel.channels.count() as u64
    };
    images.map(samples).max().unwrap_or(0) * WIDE * IMAGES
}
