//! Pixels on their way from one worker to another: packed without loss, in a form that no file has.
//! Both sides are ours and of one version; what is damaged on the way is refused.

use tessera_core::geometry::Rect;
use tessera_core::pixel::{Depth, PixelType};
use tessera_operations::region::{Region, Samples};

/// The level of Zstandard: the pixels are read once.
const LEVEL: i32 = 1;

/// Why packed pixels are not those that were packed.
#[derive(Debug, thiserror::Error)]
#[error("a tile handed over to assembly is damaged: {0}")]
pub struct Damaged(String);

/// The pixels `rect` of `region`.
pub fn pack(region: &Region, rect: Rect) -> Vec<u8> {
    let bytes = match region.crop(rect).samples {
        Samples::U8(samples) => samples,
        Samples::U16(samples) => samples.into_iter().flat_map(u16::to_le_bytes).collect(),
    };
    zstd::bulk::compress(&bytes, LEVEL).expect("Zstandard takes any bytes")
}

/// The pixels `rect` of type `pixel` from what [`pack`] made of them.
///
/// # Errors
/// The bytes are no pixels of this rectangle.
pub fn unpack(bytes: &[u8], rect: Rect, pixel: PixelType) -> Result<Region, Damaged> {
    let length = rect.pixels() as usize * pixel.bytes();
    let bytes = zstd::bulk::decompress(bytes, length).map_err(|error| Damaged(error.to_string()))?;
    if bytes.len() != length {
        return Err(Damaged(format!("{} bytes in place of {length}", bytes.len())));
    }
    let samples = match pixel.depth {
        Depth::U8 => Samples::U8(bytes),
        Depth::U16 => {
            let (pairs, _) = bytes.as_chunks::<2>();
            Samples::U16(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
        }
    };
    Ok(Region { rect, channels: pixel.channels, samples })
}
