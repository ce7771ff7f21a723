//! The pixel types that Tessera computes with: 1 to 4 channels of 8 or 16 bits, unsigned.

use serde::{Deserialize, Serialize};

/// What the samples of a pixel mean, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Channels {
    /// One intensity.
    Gray,
    /// Intensity and alpha (not premultiplied).
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and alpha (not premultiplied).
    Rgba,
}

impl Channels {
    /// Samples per pixel, 1 to 4.
    pub const fn count(self) -> usize {
        match self {
            Channels::Gray => 1,
            Channels::GrayAlpha => 2,
            Channels::Rgb => 3,
            Channels::Rgba => 4,
        }
    }

    /// Samples per pixel that are not alpha: 1 or 3.
    pub const fn colours(self) -> usize {
        match self {
            Channels::Gray | Channels::GrayAlpha => 1,
            Channels::Rgb | Channels::Rgba => 3,
        }
    }

    /// Whether the last sample is alpha.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Channels::GrayAlpha | Channels::Rgba)
    }

    /// The same with the colours reduced to one intensity.
    #[must_use]
    pub const fn to_gray(self) -> Channels {
        if self.has_alpha() { Channels::GrayAlpha } else { Channels::Gray }
    }

    /// The same with red, green and blue as colours.
    #[must_use]
    pub const fn to_rgb(self) -> Channels {
        if self.has_alpha() { Channels::Rgba } else { Channels::Rgb }
    }

    /// The same without alpha.
    #[must_use]
    pub const fn opaque(self) -> Channels {
        if self.colours() == 1 { Channels::Gray } else { Channels::Rgb }
    }
}

/// Bits of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Depth {
    /// 8 bits, 0 to 255.
    U8,
    /// 16 bits, 0 to 65535.
    U16,
}

impl Depth {
    /// Bits of a sample: 8 or 16.
    pub const fn bits(self) -> u32 {
        match self {
            Depth::U8 => 8,
            Depth::U16 => 16,
        }
    }

    /// Bytes of a sample: 1 or 2.
    pub const fn bytes(self) -> usize {
        match self {
            Depth::U8 => 1,
            Depth::U16 => 2,
        }
    }

    /// The largest sample: 255 or 65535.
    pub const fn max(self) -> u32 {
        match self {
            Depth::U8 => 255,
            Depth::U16 => 65535,
        }
    }
}

/// The type of an image's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PixelType {
    /// What the samples mean.
    pub channels: Channels,
    /// How large each is.
    pub depth: Depth,
}

impl PixelType {
    /// A pixel type.
    pub const fn new(channels: Channels, depth: Depth) -> PixelType {
        PixelType { channels, depth }
    }

    /// Bytes of a pixel, uncompressed: 1 to 8.
    pub const fn bytes(self) -> usize {
        self.channels.count() * self.depth.bytes()
    }
}

impl std::fmt::Display for PixelType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels = match self.channels {
            Channels::Gray => "gray",
            Channels::GrayAlpha => "gray with alpha",
            Channels::Rgb => "RGB",
            Channels::Rgba => "RGB with alpha",
        };
        write!(f, "{}-bit {channels}", self.depth.bits())
    }
}
