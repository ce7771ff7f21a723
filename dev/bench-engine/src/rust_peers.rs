//! The peers that are crates: fast_image_resize and libblur, on the pixels of a region.

use crate::cases::Case;
use crate::kernels::seconds_of;
use anyhow::Result;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use libblur::{
    BlurImage, BlurImageMut, ConvolutionMode, EdgeMode, EdgeMode2D, FastBlurChannels, GaussianBlurParams,
    ThreadingPolicy,
};
use std::num::NonZeroUsize;
use tessera_core::pixel::Channels;
use tessera_operations::{Region, Samples};

/// A crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crate {
    /// fast_image_resize.
    Fir,
    /// libblur with f32 sums.
    BlurExact,
    /// libblur with fixed-point sums.
    BlurFixed,
}

impl Crate {
    /// All of them.
    pub const ALL: [Crate; 3] = [Crate::Fir, Crate::BlurExact, Crate::BlurFixed];

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Crate::Fir => "fast_image_resize",
            Crate::BlurExact => "libblur exact",
            Crate::BlurFixed => "libblur fixed",
        }
    }

    /// The seconds of `case` into `result`, which keeps its memory from call to call; nothing if it has no such operation.
    pub fn run(
        self,
        case: &Case,
        picture: &Region,
        threads: usize,
        result: &mut Vec<u8>,
    ) -> Result<Option<f64>> {
        let Samples::U8(samples) = &picture.samples else { return Ok(None) };
        let (width, height) = (picture.rect.width, picture.rect.height);
        match self {
            Crate::Fir => {
                let Some((scale, filter)) = resizing(case.name) else { return Ok(None) };
                let kind = if picture.channels == Channels::Rgba { PixelType::U8x4 } else { PixelType::U8x3 };
                let source = ImageRef::new(width, height, samples, kind)?;
                let [width, height] = [width, height].map(|side| (f64::from(side) * scale).round() as u32);
                result.resize(width as usize * height as usize * kind.size(), 1);
                let mut target = Image::from_slice_u8(width, height, result, kind)?;
                let options = ResizeOptions::new().resize_alg(filter).use_alpha(true);
                let mut outcome = Ok(());
                let resize = || outcome = Resizer::new().resize(&source, &mut target, &options);
                let seconds = seconds_of(threads, resize)?;
                outcome?;
                Ok(Some(seconds))
            }
            Crate::BlurExact | Crate::BlurFixed => {
                let Some((kernel, sigma)) = blurring(case.name) else { return Ok(None) };
                let channels = match picture.channels {
                    Channels::Gray => FastBlurChannels::Plane,
                    Channels::Rgb => FastBlurChannels::Channels3,
                    Channels::GrayAlpha | Channels::Rgba => return Ok(None),
                };
                result.resize(samples.len(), 1);
                let source = BlurImage::borrow(samples, width, height, channels);
                let mut target = BlurImageMut::borrow(result, width, height, channels);
                let mode = if self == Crate::BlurExact {
                    ConvolutionMode::Exact
                } else {
                    ConvolutionMode::FixedPoint
                };
                let policy = NonZeroUsize::new(threads).filter(|threads| threads.get() > 1);
                let policy = policy.map_or(ThreadingPolicy::Single, ThreadingPolicy::Fixed);
                let (parameters, edge) =
                    (GaussianBlurParams::new(kernel, sigma), EdgeMode2D::new(EdgeMode::Clamp));
                let mut outcome = Ok(());
                let blur = || {
                    outcome = libblur::gaussian_blur(&source, &mut target, parameters, edge, policy, mode);
                };
                let seconds = seconds_of(threads, blur)?;
                outcome.map_err(|error| anyhow::anyhow!("libblur: {error:?}"))?;
                Ok(Some(seconds))
            }
        }
    }
}

fn resizing(name: &str) -> Option<(f64, ResizeAlg)> {
    match name {
        "resize 1/2 lanczos3" | "resize 1/2 lanczos3 alpha" => {
            Some((0.5, ResizeAlg::Convolution(FilterType::Lanczos3)))
        }
        "resize 1/2 area" => Some((0.5, ResizeAlg::Convolution(FilterType::Box))),
        "resize 1/2 bilinear" => Some((0.5, ResizeAlg::Convolution(FilterType::Bilinear))),
        "resize 1/8 lanczos3" => Some((0.125, ResizeAlg::Convolution(FilterType::Lanczos3))),
        "resize 2x bicubic" => Some((2.0, ResizeAlg::Convolution(FilterType::CatmullRom))),
        "resize 2x nearest" => Some((2.0, ResizeAlg::Nearest)),
        _ => None,
    }
}

fn blurring(name: &str) -> Option<(u32, f64)> {
    match name {
        "gaussianBlur 1.5 gray" | "gaussianBlur 1.5" => Some((11, 1.5)),
        "gaussianBlur 5" => Some((31, 5.0)),
        _ => None,
    }
}
