//! The pixels that all take, in all pixel types.

use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::{Region, Samples};

/// The picture in the pixel types of the cases.
pub struct Pictures {
    rgb: Region,
    rgba: Region,
    gray: Region,
    rgb16: Region,
    gray16: Region,
}

impl Pictures {
    /// Reads those that `engine_pictures.py` has left in `folder`.
    pub fn read(size: Size, folder: &Path) -> Result<Pictures> {
        let read = |name: &str, channels: Channels| -> Result<Region> {
            let path = folder.join(name);
            let samples = std::fs::read(&path).with_context(|| path.display().to_string())?;
            ensure!(
                samples.len() as u64 == size.pixels() * channels.count() as u64,
                "{} has another size",
                path.display()
            );
            Ok(Region { rect: size.rect(), channels, samples: Samples::U8(samples) })
        };
        let (rgb, gray) = (read("rgb", Channels::Rgb)?, read("gray", Channels::Gray)?);
        let (rgb16, gray16) = (wide(&rgb), wide(&gray));
        Ok(Pictures { rgb, gray, rgba: read("rgba", Channels::Rgba)?, rgb16, gray16 })
    }

    /// The picture of this pixel type; only the first eighth of its rows where `part`.
    pub fn of(&self, pixel: PixelType, part: bool) -> Result<Region> {
        let whole = match (pixel.channels, pixel.depth) {
            (Channels::Rgb, Depth::U8) => &self.rgb,
            (Channels::Rgba, Depth::U8) => &self.rgba,
            (Channels::Gray, Depth::U8) => &self.gray,
            (Channels::Rgb, Depth::U16) => &self.rgb16,
            (Channels::Gray, Depth::U16) => &self.gray16,
            (Channels::GrayAlpha, _) | (Channels::Rgba, Depth::U16) => bail!("no case takes {pixel}"),
        };
        let height = if part { whole.rect.height / 8 } else { whole.rect.height };
        Ok(whole.crop(Rect::new(0, 0, whole.rect.width, height)))
    }
}

/// The samples as they lie in memory.
pub fn bytes_of(region: &Region) -> Vec<u8> {
    match &region.samples {
        Samples::U8(samples) => samples.clone(),
        Samples::U16(samples) => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
    }
}

fn wide(region: &Region) -> Region {
    let samples = rgb8(region).iter().map(|sample| u16::from(*sample) * 257).collect();
    Region { rect: region.rect, channels: region.channels, samples: Samples::U16(samples) }
}

fn rgb8(region: &Region) -> &[u8] {
    match &region.samples {
        Samples::U8(samples) => samples,
        Samples::U16(_) => &[],
    }
}
