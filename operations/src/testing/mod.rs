//! What the tests share: pictures, random parameters made from the schema, and the promises that hold for every
//! operation in the registry.

mod arbitrary;
mod golden;
mod reduced;
mod tiling;

use crate::apply::Apply;
use crate::region::{Region, Samples};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::Extent;
use tessera_core::pixel::{Channels, Depth, PixelType};

/// Samples of either depth, for literals.
pub(crate) trait Literal: Sized {
    fn wrap(samples: Vec<Self>) -> Samples;
}

impl Literal for u8 {
    fn wrap(samples: Vec<u8>) -> Samples {
        Samples::U8(samples)
    }
}

impl Literal for u16 {
    fn wrap(samples: Vec<u16>) -> Samples {
        Samples::U16(samples)
    }
}

pub(crate) fn samples<S: Literal + Clone>(samples: &[S]) -> Samples {
    S::wrap(samples.to_vec())
}

/// An 8-bit gray picture of rows of `width`.
pub(crate) fn gray_u8(width: u32, row_major: &[u8]) -> Region {
    let height = row_major.len() as u32 / width;
    Region { rect: Rect::new(0, 0, width, height), channels: Channels::Gray, samples: samples(row_major) }
}

/// The samples of a region as plain integers.
pub(crate) fn values(region: &Region) -> Vec<i64> {
    match &region.samples {
        Samples::U8(samples) => samples.iter().map(|v| i64::from(*v)).collect(),
        Samples::U16(samples) => samples.iter().map(|v| i64::from(*v)).collect(),
    }
}

/// The samples of one channel.
pub(crate) fn channel_of(region: &Region, channel: usize) -> Vec<f64> {
    values(region)
        .into_iter()
        .skip(channel)
        .step_by(region.channels.count())
        .map(|value| value as f64)
        .collect()
}

/// The extent of an image that is `region` as a whole.
pub(crate) fn extent(region: &Region) -> Extent {
    Extent { size: region.rect.size(), pixel: region.pixel() }
}

pub(crate) fn apply_whole(operation: &dyn Apply, image: &Region) -> Region {
    let image_extent = extent(image);
    let output = operation.output(image_extent).unwrap();
    operation.apply(image, output.size.rect(), image_extent)
}

/// The result's samples for an image of one row.
pub(crate) fn apply_to_row_u8(operation: &dyn Apply, channels: Channels, row: &[u8]) -> Vec<u8> {
    let rect = Rect::new(0, 0, (row.len() / channels.count()) as u32, 1);
    match apply_whole(operation, &Region { rect, channels, samples: samples(row) }).samples {
        Samples::U8(samples) => samples,
        Samples::U16(_) => panic!("8 bits became 16"),
    }
}

/// The result's samples for an image of one row.
pub(crate) fn apply_to_row_u16(operation: &dyn Apply, channels: Channels, row: &[u16]) -> Vec<u16> {
    let rect = Rect::new(0, 0, (row.len() / channels.count()) as u32, 1);
    match apply_whole(operation, &Region { rect, channels, samples: samples(row) }).samples {
        Samples::U8(_) => panic!("16 bits became 8"),
        Samples::U16(samples) => samples,
    }
}

/// Applies a pointwise operation to every sample of both depths, and compares with `curve` of the fraction of the range.
pub(crate) fn check_curve(operation: &dyn Apply, curve: impl Fn(f64) -> f64) {
    let eight: Vec<u8> = (0..=u8::MAX).collect();
    let sixteen: Vec<u16> = (0..=u16::MAX).collect();
    for (row, max) in [(samples(&eight), 255.0), (samples(&sixteen), 65535.0)] {
        let rect = Rect::new(0, 0, max as u32 + 1, 1);
        let result = apply_whole(operation, &Region { rect, channels: Channels::Gray, samples: row });
        for (value, sample) in values(&result).into_iter().zip(0..) {
            let error = value as f64 - max * curve(f64::from(sample) / max);
            assert!(error.abs() <= 0.5 + 1e-6, "{sample} of {max}: {value}, {error} off");
        }
    }
}

/// Compares `result` with the sums in float64 of the samples of `source` (premultiplied, where there is alpha) up to
/// `radius` away with the weight of their distance; `offset` of the range is added to colours.
pub(crate) fn check_linear(
    source: &Region,
    result: &Region,
    radius: i64,
    weight: impl Fn(i64, i64) -> f64,
    offset: f64,
) {
    let (width, height) = (i64::from(source.rect.width), i64::from(source.rect.height));
    let (count, alpha, max) =
        (source.channels.count(), source.channels.has_alpha(), f64::from(source.pixel().depth.max()));
    let all = values(source);
    let at = |x: i64, y: i64, c: usize| {
        all[(y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize * count + c] as f64
    };
    for (index, value) in values(result).into_iter().enumerate() {
        let (pixel, c) = ((index / count) as i64, index % count);
        let (mut sum, mut sum_of_alpha) = (0.0, 0.0);
        for (dx, dy) in (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy))) {
            let (x, y, weight) = (pixel % width + dx, pixel / width + dy, weight(dx, dy));
            let opacity = if alpha { weight * at(x, y, count - 1) } else { weight };
            sum_of_alpha += opacity;
            sum += at(x, y, c) * if c == source.channels.colours() { weight } else { opacity };
        }
        let is_alpha = c == source.channels.colours();
        if alpha && !is_alpha && sum_of_alpha < 0.5 {
            assert_eq!(value, 0);
            continue;
        }
        let exact = match (alpha, is_alpha) {
            (true, false) => sum / sum_of_alpha + offset * max,
            (true, true) => sum,
            (false, _) => sum + offset * max,
        };
        let allowed = if alpha && !is_alpha { 0.51 * max / sum_of_alpha.min(max) } else { 0.51 };
        let off = (value as f64 - exact.clamp(0.0, max)).abs();
        assert!(off <= allowed, "{} {index}: {value}, {exact}", source.pixel());
    }
}

/// The sRGB curve: the light of a fraction of the range, and back.
pub(crate) const SRGB: [fn(f64) -> f64; 2] = [
    |value| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) },
    |light| if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 },
];

/// Compares `result` with the means in float64 of the light of the samples of `source` up to `radius` away, which have the
/// weight of their distance (all together 1) and, but for alpha itself, of their alpha.
pub(crate) fn check_light(source: &Region, result: &Region, radius: i64, weight: impl Fn(i64, i64) -> f64) {
    let (width, height) = (i64::from(source.rect.width), i64::from(source.rect.height));
    let (count, colours, max) =
        (source.channels.count(), source.channels.colours(), f64::from(source.pixel().depth.max()));
    let (all, [decode, encode]) = (values(source), SRGB);
    let offsets = || (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy)));
    let mean = |index: usize| {
        let (pixel, c) = ((index / count) as i64, index % count);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (dx, dy) in offsets() {
            let (x, y) =
                ((pixel % width + dx).clamp(0, width - 1), (pixel / width + dy).clamp(0, height - 1));
            let there = (y * width + x) as usize * count;
            let alpha = if count > colours { all[there + colours] as f64 / max } else { 1.0 };
            let value = all[there + c] as f64 / max;
            sum += weight(dx, dy) * if c == colours { value } else { alpha * decode(value) };
            weights += weight(dx, dy) * alpha;
        }
        if c == colours { (sum, 1.0) } else { (encode(sum / weights), weights) }
    };
    for (index, value) in values(result).into_iter().enumerate() {
        let (exact, weights) = mean(index);
        if weights * max < 0.51 {
            assert_eq!(value, 0);
        } else {
            let off = (value as f64 - exact * max).abs();
            assert!(off <= 0.55 / weights, "{} {index}: {value}, {}", source.pixel(), exact * max);
        }
    }
}

/// Pseudo-random numbers: splitmix64 (Steele, Lea, Flood 2014), the high half.
pub(crate) fn noise(count: usize, seed: u64) -> impl Iterator<Item = u32> {
    (1..=count as u64).map(move |index| {
        let mut z = (seed << 32).wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    })
}

/// A picture with gradients, edges, noise, and both extremes in every channel, alpha included.
pub(crate) fn picture(extent: Extent, seed: u64) -> Region {
    let mut region = Region::zeroed(extent.size.rect(), extent.pixel);
    let (width, count) = (extent.size.width as usize, extent.pixel.channels.count());
    let max = extent.pixel.depth.max();
    let value = |(index, random): (usize, u32)| {
        let (x, y, channel) = (index / count % width, index / count / width, index % count);
        match (x / 5 + y / 3 + channel) % 4 {
            0 => random % (max + 1),
            1 => (x * 9 + y * 5) as u32 * (max / 255) % (max + 1),
            2 => {
                if random % 8 == 0 {
                    max
                } else {
                    0
                }
            }
            _ => max - random % (max / 16),
        }
    };
    match &mut region.samples {
        Samples::U8(samples) => {
            let all = noise(samples.len(), seed).enumerate().map(value);
            samples.iter_mut().zip(all).for_each(|(sample, v)| *sample = v as u8);
        }
        Samples::U16(samples) => {
            let all = noise(samples.len(), seed).enumerate().map(value);
            samples.iter_mut().zip(all).for_each(|(sample, v)| *sample = v as u16);
        }
    }
    region
}

/// Every pixel type.
pub(crate) fn pixel_types() -> impl Iterator<Item = PixelType> {
    [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba]
        .into_iter()
        .flat_map(|channels| [Depth::U8, Depth::U16].map(|depth| PixelType::new(channels, depth)))
}

/// An image extent.
pub(crate) fn image(width: u32, height: u32, pixel: PixelType) -> Extent {
    Extent { size: Size::new(width, height), pixel }
}
