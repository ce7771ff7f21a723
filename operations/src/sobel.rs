//! `sobel`: the magnitude of the gradient, by two 3x3 kernels. Exact, in 8 and 16 bits.

use crate::apply::{Apply, Reduced};
use crate::border::{Rows, Window};
use crate::parameter::{Bounds, Millionths, OutOfBounds, list_names};
use crate::region::{Region, Samples};
use crate::sample::{Sample, round_f32, round_f64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::Channels;

const SCALE: Bounds = Bounds::new(0.001, 100.0);

/// Edges: the magnitude of the gradient by the Sobel kernels (unnormalised), for each channel. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sobel {
    /// How the horizontal and vertical gradients make one number: `l2` (square root of the sum of squares) or `l1`
    /// (sum of absolute values).
    pub norm: Norm,
    /// The factor on the magnitude: 0.001 to 100.
    #[schemars(range(min = SCALE.min, max = SCALE.max))]
    pub scale: Millionths,
}

/// The norm of a gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum Norm {
    /// The square root of the sum of the squares.
    #[default]
    L2,
    /// The sum of the absolute values.
    L1,
}

impl Default for Sobel {
    fn default() -> Sobel {
        Sobel { norm: Norm::L2, scale: Millionths::whole(1) }
    }
}

impl Sobel {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "sobel";
}

impl Planned for Sobel {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        Ok(input)
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(1, input)
    }

    fn cost(&self, input: Extent) -> f64 {
        input.pixel.channels.count() as f64
    }
}

impl Apply for Sobel {
    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        SCALE.check("scale", self.scale)
    }

    fn reduced(&self) -> Reduced {
        Reduced::Never
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        let window = Window { output, radius: 1, image: image.size };
        let samples = match &input.samples {
            Samples::U8(samples) => Samples::U8(self.magnitudes(samples, input, &window)),
            Samples::U16(samples) => Samples::U16(self.magnitudes(samples, input, &window)),
        };
        Region { rect: output, channels: input.channels, samples }
    }
}

impl Sobel {
    /// The magnitudes of the window's output.
    fn magnitudes<S: Gradient>(&self, samples: &[S], input: &Region, window: &Window) -> Vec<S> {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        let scale = self.scale.0;
        match (self.norm, scale) {
            (Norm::L2, 1_000_000) => edges(&rows, window, input.channels, S::l2),
            (Norm::L1, 1_000_000) => {
                edges(&rows, window, input.channels, |x, y| S::saturate(x.abs() + y.abs()))
            }
            (Norm::L2, _) => edges(&rows, window, input.channels, |x, y| scaled_l2(x, y, scale)),
            (Norm::L1, _) => edges(&rows, window, input.channels, |x, y| scaled_l1(x, y, scale)),
        }
    }
}

/// A sample whose unscaled L2 magnitudes have a fast exact form.
trait Gradient: Sample {
    /// The square root of `x * x + y * y`, rounded and saturated; exact.
    ///
    /// The root of an integer lies at least 1 / (8 MAX) from a half, below MAX: much more than the rounding of the
    /// root in the type used.
    fn l2(x: i32, y: i32) -> Self;
}

impl Gradient for u8 {
    fn l2(x: i32, y: i32) -> u8 {
        let root = ((x * x + y * y) as f32).sqrt();
        u8::narrow(round_f32(root.min(255.0)))
    }
}

impl Gradient for u16 {
    fn l2(x: i32, y: i32) -> u16 {
        let (x, y) = (f64::from(x), f64::from(y));
        u16::narrow(round_f64((x * x + y * y).sqrt().min(65535.0)))
    }
}

/// `scale` millionths of the sum of absolute values, rounded half to even and saturated; exact, because a quotient of
/// integers below 2^53 by a million is farther from a half, if it is none, than the division's rounding.
fn scaled_l1<S: Sample>(x: i32, y: i32, scale: i64) -> S {
    let value = (i64::from(x.abs() + y.abs()) * scale) as f64 / 1e6;
    S::narrow(round_f64(value.min(f64::from(S::MAX))))
}

/// `scale` millionths of the square root of `x * x + y * y`, rounded half to even and saturated; exact.
fn scaled_l2<S: Sample>(x: i32, y: i32, scale: i64) -> S {
    let (fx, fy) = (f64::from(x), f64::from(y));
    let value = ((fx * fx + fy * fy).sqrt() * scale as f64 / 1e6).min(f64::from(S::MAX));
    let below = value as i32;
    if (value - f64::from(below) - 0.5).abs() > 1e-9 {
        return S::narrow(round_f64(value));
    }
    S::narrow(below + i32::from(rounds_up(x, y, scale, below)))
}

/// Whether `scale` millionths of the root is nearer to `below + 1` than to `below`, in integers.
fn rounds_up(x: i32, y: i32, scale: i64, below: i32) -> bool {
    let square = |value: i64| i128::from(value) * i128::from(value);
    let twice = 4 * square(scale) * (square(x.into()) + square(y.into()));
    let half = square(2 * i64::from(below) + 1) * 1_000_000_000_000;
    twice > half || (twice == half && below % 2 == 1)
}

/// The rows of the window's output: `magnitude` of the gradients, and alpha as it was.
fn edges<S: Sample>(
    rows: &Rows<S>,
    window: &Window,
    channels: Channels,
    magnitude: impl Fn(i32, i32) -> S,
) -> Vec<S> {
    let (output, count) = (window.output, channels.count());
    let length = output.width as usize * count;
    let mut result = vec![S::default(); length * output.height as usize];
    let mut smooth = vec![0; window.padded() * count];
    let mut slope = smooth.clone();
    for (y, row) in (output.y..output.bottom()).zip(result.chunks_exact_mut(length.max(1))) {
        vertical(rows, window, y, (&mut smooth, &mut slope));
        horizontal(count, (&smooth, &slope), row, &magnitude);
        if channels.has_alpha() {
            let alpha = rows.row(y, output).iter().skip(count - 1).step_by(count);
            row.iter_mut().skip(count - 1).step_by(count).zip(alpha).for_each(|(to, from)| *to = *from);
        }
    }
    result
}

/// Row `y` smoothed vertically by (1, 2, 1) and differentiated vertically by (-1, 0, 1), padded on both sides.
fn vertical<S: Sample>(rows: &Rows<S>, window: &Window, y: u32, (smooth, slope): (&mut [i32], &mut [i32])) {
    let read = window.read();
    let [above, here, below] = [-1, 0, 1].map(|dy| rows.row(window.row(y, dy), read));
    let inside = window.inside().start * rows.channels..window.inside().end * rows.channels;
    let (smooth_inside, slope_inside) = (&mut smooth[inside.clone()], &mut slope[inside]);
    let sources = above.iter().zip(here).zip(below);
    for (((above, here), below), (smooth, slope)) in
        sources.zip(smooth_inside.iter_mut().zip(slope_inside.iter_mut()))
    {
        *smooth = above.widen() + 2 * here.widen() + below.widen();
        *slope = below.widen() - above.widen();
    }
    window.replicate(smooth, rows.channels);
    window.replicate(slope, rows.channels);
}

/// The magnitudes of a row of padded vertical results.
fn horizontal<S: Sample>(
    channels: usize,
    (smooth, slope): (&[i32], &[i32]),
    row: &mut [S],
    magnitude: impl Fn(i32, i32) -> S,
) {
    let length = row.len();
    let (left, right) = (&smooth[..length], &smooth[2 * channels..][..length]);
    let [before, here, after] = [0, 1, 2].map(|column| &slope[column * channels..][..length]);
    for index in 0..length {
        let x = right[index] - left[index];
        let y = before[index] + 2 * here[index] + after[index];
        row[index] = magnitude(x, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, noise, picture, samples};
    use tessera_core::pixel::{Depth, PixelType};

    fn sobel(norm: Norm, scale: f64) -> Sobel {
        Sobel { norm, scale: Millionths::nearest(scale) }
    }

    #[test]
    fn a_step_of_ten_is_an_edge_of_forty() {
        let step = gray_u8(4, &[0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 10]);
        let edges = apply_whole(&sobel(Norm::L2, 1.0), &step);
        assert_eq!(edges, gray_u8(4, &[0, 40, 40, 0, 0, 40, 40, 0, 0, 40, 40, 0]));
        assert_eq!(apply_whole(&sobel(Norm::L2, 0.1), &step).samples, samples(&[0u8, 4, 4, 0].repeat(3)));
        assert_eq!(
            apply_whole(&sobel(Norm::L2, 100.0), &step).samples,
            samples(&[0u8, 255, 255, 0].repeat(3))
        );
    }

    #[test]
    fn a_corner_has_both_gradients() {
        // In the middle: gx = gy = 3 * 10 of 1, 2, 1.
        let corner = gray_u8(3, &[0, 0, 0, 0, 10, 10, 0, 10, 10]);
        let middle = |norm| apply_whole(&sobel(norm, 1.0), &corner).crop(Rect::new(1, 1, 1, 1)).samples;
        assert_eq!(middle(Norm::L2), samples(&[42u8]));
        assert_eq!(middle(Norm::L1), samples(&[60u8]));
    }

    #[test]
    fn a_single_pixel_has_no_edge() {
        assert_eq!(apply_whole(&Sobel::default(), &gray_u8(1, &[200])), gray_u8(1, &[0]));
    }

    #[test]
    fn a_half_becomes_even() {
        assert_eq!([1, 3, 5].map(|x| scaled_l2::<u8>(x, 0, 500_000)), [0, 2, 2]);
        assert_eq!([1, 3, 5].map(|x| scaled_l1::<u8>(x, 0, 500_000)), [0, 2, 2]);
        // 0.3 * sqrt(3^2 + 4^2) = 1.5 exactly, though 0.3 is no binary fraction; then its neighbours.
        assert_eq!(scaled_l2::<u8>(3, 4, 300_000), 2);
        assert_eq!([499_999, 500_000, 500_001].map(|scale| scaled_l2::<u8>(3, 4, scale)), [2, 2, 3]);
    }

    #[test]
    fn pictures_equal_the_definition_in_integers() {
        for (seed, depth) in [(1, Depth::U8), (2, Depth::U16)] {
            for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
                let extent = Extent { size: Size::new(37, 21), pixel: PixelType::new(channels, depth) };
                for norm in [Norm::L1, Norm::L2] {
                    for scale in [1.0, 0.3, 0.001, 2.7] {
                        check(&sobel(norm, scale), &picture(extent, seed));
                    }
                }
            }
        }
    }

    /// Every sample of the picture's edges against plain integers.
    fn check(sobel: &Sobel, picture: &Region) {
        let (width, height) = (picture.rect.width as i64, picture.rect.height as i64);
        let count = picture.channels.count();
        let (values, max) = (crate::testing::values(picture), i64::from(picture.pixel().depth.max()));
        let at = |x: i64, y: i64, c: usize| {
            let (x, y) = (x.clamp(0, width - 1), y.clamp(0, height - 1));
            values[(y * width + x) as usize * count + c]
        };
        let edges = crate::testing::values(&apply_whole(sobel, picture));
        for (index, edge) in edges.into_iter().enumerate() {
            let (pixel, c) = ((index / count) as i64, index % count);
            let (x, y) = (pixel % width, pixel / width);
            if c == picture.channels.colours() {
                assert_eq!(edge, at(x, y, c));
                continue;
            }
            let p = |dx: i64, dy: i64| at(x + dx, y + dy, c);
            let gx = p(1, -1) + 2 * p(1, 0) + p(1, 1) - p(-1, -1) - 2 * p(-1, 0) - p(-1, 1);
            let gy = p(-1, 1) + 2 * p(0, 1) + p(1, 1) - p(-1, -1) - 2 * p(0, -1) - p(1, -1);
            assert_eq!(edge, magnitude(sobel, gx, gy).min(max), "{sobel:?} at {x}, {y}: {gx} {gy}");
        }
    }

    /// The definition in integers: the root's floor, raised where the exact value is past the half above it.
    fn magnitude(sobel: &Sobel, gx: i64, gy: i64) -> i64 {
        let (scale, million) = (i128::from(sobel.scale.0), 1_000_000i128);
        let (gx, gy) = (i128::from(gx), i128::from(gy));
        // The square of the value in half millionths.
        let square = match sobel.norm {
            Norm::L1 => (2 * scale * (gx.abs() + gy.abs())).pow(2),
            Norm::L2 => (2 * scale).pow(2) * (gx * gx + gy * gy),
        };
        let value = square.isqrt();
        let below = value / (2 * million);
        let half = ((2 * below + 1) * million).pow(2);
        (below + i128::from(square > half || (square == half && below % 2 == 1))) as i64
    }

    #[test]
    fn unscaled_roots_are_exact() {
        let unscaled = sobel(Norm::L2, 1.0);
        let values: Vec<i32> = noise(40_000, 3).map(|v| v as i32 & 0xffff).collect();
        for pair in values.chunks_exact(2) {
            let expected = magnitude(&unscaled, pair[0].into(), pair[1].into()).min(65535);
            assert_eq!(i64::from(u16::l2(pair[0], pair[1])), expected, "{pair:?}");
        }
        for (x, y) in (0..=1020).flat_map(|x| (0..=x).map(move |y| (x, y))) {
            let expected = magnitude(&unscaled, x.into(), y.into()).min(255);
            assert_eq!(i64::from(u8::l2(x, y)), expected, "{x} {y}");
        }
    }

    #[test]
    fn gray_pictures_agree_with_imageproc() {
        let extent = Extent { size: Size::new(64, 48), pixel: PixelType::new(Channels::Gray, Depth::U8) };
        let picture = picture(extent, 9);
        let raw = crate::testing::values(&picture).iter().map(|v| *v as u8).collect();
        let image = image::GrayImage::from_raw(64, 48, raw).unwrap();
        let reference = imageproc::gradients::sobel_gradients(&image);
        let edges = crate::testing::values(&apply_whole(&Sobel::default(), &picture));
        for (edge, reference) in edges.into_iter().zip(reference.iter()) {
            // imageproc cuts off the fraction and holds 16 bits.
            assert!((edge - i64::from(*reference).min(255)).abs() <= 1, "{edge} {reference}");
        }
    }
}
