//! A rectangle of an image's pixels in memory. Knows where it lies in the image; knows nothing of files.

use tessera_core::geometry::Rect;
use tessera_core::pixel::{Channels, Depth, PixelType};

/// Samples, interleaved by channel, row-major, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8-bit samples.
    U8(Vec<u8>),
    /// 16-bit samples in the machine's byte order.
    U16(Vec<u16>),
}

/// The samples that an expression makes of samples of either depth; in it, `$samples` is a slice or vector of them.
macro_rules! each_depth {
    ($of:expr, $samples:ident => $result:expr) => {
        match $of {
            $crate::region::Samples::U8($samples) => $crate::region::Samples::U8($result),
            $crate::region::Samples::U16($samples) => $crate::region::Samples::U16($result),
        }
    };
}
pub(crate) use each_depth;

/// The pixels of `rect` of an image: `rect.pixels() * channels.count()` samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Which part of the image, in the image's own coordinates.
    pub rect: Rect,
    /// What the samples mean.
    pub channels: Channels,
    /// The samples.
    pub samples: Samples,
}

impl Region {
    /// Black (and transparent) pixels of type `pixel` for `rect`.
    pub fn zeroed(rect: Rect, pixel: PixelType) -> Region {
        let length = samples_in(rect, pixel.channels);
        let samples = match pixel.depth {
            Depth::U8 => Samples::U8(vec![0; length]),
            Depth::U16 => Samples::U16(vec![0; length]),
        };
        Region { rect, channels: pixel.channels, samples }
    }

    /// The type of the pixels.
    pub fn pixel(&self) -> PixelType {
        let depth = match self.samples {
            Samples::U8(_) => Depth::U8,
            Samples::U16(_) => Depth::U16,
        };
        PixelType::new(self.channels, depth)
    }

    /// Copies the pixels that both regions cover from `other`, which must have the same pixel type.
    pub fn paste(&mut self, other: &Region) {
        debug_assert_eq!(self.pixel(), other.pixel());
        let common = self.rect.intersect(&other.rect);
        let count = self.channels.count();
        match (&mut self.samples, &other.samples) {
            (Samples::U8(to), Samples::U8(from)) => copy(common, count, (self.rect, to), (other.rect, from)),
            (Samples::U16(to), Samples::U16(from)) => {
                copy(common, count, (self.rect, to), (other.rect, from))
            }
            (Samples::U8(_), Samples::U16(_)) | (Samples::U16(_), Samples::U8(_)) => {}
        }
    }

    /// The pixels of `rect`, which must lie inside this region.
    #[must_use]
    pub fn crop(&self, rect: Rect) -> Region {
        let mut part = Region::zeroed(rect, self.pixel());
        part.paste(self);
        part
    }
}

/// Number of samples of a region.
fn samples_in(rect: Rect, channels: Channels) -> usize {
    usize::try_from(rect.pixels()).expect("a region fits in the address space") * channels.count()
}

/// Copies the rows of `common` between two buffers, each with the rectangle that it covers.
fn copy<T: Copy>(
    common: Rect,
    channels: usize,
    (to_rect, to): (Rect, &mut [T]),
    (from_rect, from): (Rect, &[T]),
) {
    let offset = |rect: Rect, y: u32| {
        ((y - rect.y) as usize * rect.width as usize + (common.x - rect.x) as usize) * channels
    };
    let length = common.width as usize * channels;
    for y in common.y..common.bottom() {
        let (target, source) = (offset(to_rect, y), offset(from_rect, y));
        to[target..target + length].copy_from_slice(&from[source..source + length]);
    }
}
