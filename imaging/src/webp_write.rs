//! Encodes a WebP as a whole, with libwebp; with `jpeg.rs` the only place that calls C. Its bytes depend on the pixels and
//! the options alone: one thread, and vector instructions that every x86-64 has.

use crate::decode::guarded;
use crate::encode::EncodeError;
use tessera_core::output::WebPCoding;
use tessera_core::pixel::{Channels, Depth};
use tessera_formats::webp_out::with_profile;
use tessera_operations::region::{Region, Samples};
use webp::{Encoder, PixelLayout, WebPConfig};

/// The longest side.
const LARGEST_SIDE: u32 = 16_383;

/// libwebp's effort without loss, 0 to 100, and for both codings, 0 to 6: its command's defaults.
const EFFORT: f32 = 75.0;
const METHOD: i32 = 4;

/// The file of an image, with the profile `icc`.
pub(crate) fn encode(image: &Region, coding: WebPCoding, icc: Option<&[u8]>) -> Result<Vec<u8>, EncodeError> {
    let size = image.rect.size();
    if size.width.max(size.height) > LARGEST_SIDE {
        let message =
            format!("a WebP has at most {LARGEST_SIDE} pixels on a side, not {size}: write TIFF or PNG");
        return Err(EncodeError::Refused(message));
    }
    let Samples::U8(samples) = &image.samples else {
        let bits = Depth::U16.bits();
        let message =
            format!("WebP holds no {bits}-bit samples: add the operation depth with bits 8, or write PNG");
        return Err(EncodeError::Refused(message));
    };
    let (layout, samples) = coloured(image.channels, samples);
    let coded = guarded("libwebp", || {
        let config = config(coding)?;
        let encoder = Encoder::new(&samples, layout, size.width, size.height);
        encoder.encode_advanced(&config).map(|memory| memory.to_vec()).map_err(|error| format!("{error:?}"))
    });
    let coded = coded.map_err(|damage| EncodeError::Codec("WebP", damage.to_string()))?;
    Ok(with_profile(coded.map_err(|error| EncodeError::Codec("WebP", error))?, size, icc))
}

fn config(coding: WebPCoding) -> Result<WebPConfig, String> {
    let mut config = WebPConfig::new().map_err(|()| "it has no configuration".to_owned())?;
    config.method = METHOD;
    config.thread_level = 0;
    config.exact = 1;
    match coding {
        WebPCoding::Lossless => (config.lossless, config.quality) = (1, EFFORT),
        WebPCoding::Lossy { quality } => config.quality = f32::from(quality),
    }
    Ok(config)
}

/// The samples with colours, which a WebP always has.
fn coloured(channels: Channels, samples: &[u8]) -> (PixelLayout, std::borrow::Cow<'_, [u8]>) {
    match channels {
        Channels::Rgb => (PixelLayout::Rgb, samples.into()),
        Channels::Rgba => (PixelLayout::Rgba, samples.into()),
        Channels::Gray => {
            let three = samples.iter().flat_map(|&gray| [gray; 3]);
            (PixelLayout::Rgb, three.collect::<Vec<u8>>().into())
        }
        Channels::GrayAlpha => {
            let (pairs, _) = samples.as_chunks::<2>();
            let four = pairs.iter().flat_map(|&[gray, alpha]| [gray, gray, gray, alpha]);
            (PixelLayout::Rgba, four.collect::<Vec<u8>>().into())
        }
    }
}
