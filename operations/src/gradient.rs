//! `sobel`, `scharr`, `prewitt`: the magnitude of the gradient, by two 3x3 kernels. Exact, in 8 and 16 bits.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::border::{Rows, Window};
use crate::form::{Field, Form, Group};
use crate::neighbourhood::{Neighbour, map_neighbourhoods, scaled};
use crate::parameter::{Bounds, Millionths, OutOfBounds, list_names};
use crate::region::Region;
use crate::sample::{Sample, round_f32, round_f64};
use crate::target::{Target, each_depth_to};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const SCALE: Bounds = Bounds::new(0.001, 100.0);

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

/// Declares operations from their documentation, type, name in an ImageJob, and the kernel's weights across the
/// direction of the difference: at the sides and in the centre.
macro_rules! gradients {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $side:literal, $centre:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct $name {
            /// How the horizontal and vertical gradients make one number: `l2` (square root of the sum of squares) or
            /// `l1` (sum of absolute values).
            pub norm: Norm,
            /// The factor on the magnitude: 0.001 to 100.
            #[schemars(range(min = SCALE.min, max = SCALE.max))]
            pub scale: Millionths,
        }

        impl Default for $name {
            fn default() -> $name {
                $name { norm: Norm::L2, scale: Millionths::whole(1) }
            }
        }

        impl $name {
            /// The name in an ImageJob.
            pub const NAME: &'static str = $text;
        }

        impl Planned for $name {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn reads(&self, output: Rect, input: Size) -> Rect {
                output.expand(1, input)
            }

            fn cost(&self, input: Extent) -> f64 {
                input.pixel.channels.count() as f64
            }
        }

        impl Apply for $name {
            fn form() -> Form {
                form_of(Self::NAME)
            }

            fn check_bounds(&self) -> Result<(), OutOfBounds> {
                SCALE.check("scale", self.scale)
            }

            fn reduced(&self, _: u32) -> Reduced<Self> {
                Reduced::Never
            }

            fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
                apply_by_target(self, input, output, image)
            }

            fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
                let window = Window { output: target.rect, radius: 1, image: image.size };
                let kernel = Kernel::<$side, $centre> { norm: self.norm, scale: self.scale.0 };
                each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
                    kernel.magnitudes((samples, input), &window, lines)
                });
            }
        }
    )*};
}

gradients! {
    /// Edges: the magnitude of the gradient by the Sobel kernels (1 2 1, unnormalised), for each channel. Alpha stays.
    Sobel = "sobel": 1, 2;

    /// Edges: the magnitude of the gradient by the Scharr kernels (3 10 3, unnormalised), for each channel. Alpha stays.
    Scharr = "scharr": 3, 10;

    /// Edges: the magnitude of the gradient by the Prewitt kernels (1 1 1, unnormalised), for each channel. Alpha stays.
    Prewitt = "prewitt": 1, 1;
}

/// The form of all three; the first is the one that people know.
fn form_of(name: &str) -> Form {
    let strength = Field::factor("scale").called("Strength").logarithmic();
    let form = Form::advanced("Edges").with(Field::new("norm")).with(strength);
    if name == Sobel::NAME { Form { group: Group::Basic, ..form }.called("Edges (Sobel)") } else { form }
}

/// The two kernels: a difference of (-1, 0, 1), and the weights (side, centre, side) across. Constants, so that the
/// products compile to shifts and sums.
struct Kernel<const SIDE: i32, const CENTRE: i32> {
    norm: Norm,
    scale: i64,
}

impl<const SIDE: i32, const CENTRE: i32> Kernel<SIDE, CENTRE> {
    /// Writes the magnitudes of the window's output.
    fn magnitudes<S: Gradient>(&self, source: (&[S], &Region), window: &Window, lines: &mut [&mut [S]]) {
        let scale = self.scale;
        match (self.norm, scale) {
            (Norm::L2, 1_000_000) => self.edges(source, window, lines, S::l2),
            (Norm::L1, 1_000_000) => {
                self.edges(source, window, lines, |x, y| S::saturate(x.abs() + y.abs()));
            }
            (Norm::L2, _) => self.edges(source, window, lines, |x, y| scaled_l2(x, y, scale)),
            (Norm::L1, _) => self.edges(source, window, lines, |x, y| scaled(x.abs() + y.abs(), scale)),
        }
    }

    /// `magnitude` of the gradients.
    fn edges<S: Neighbour>(
        &self,
        (samples, input): (&[S], &Region),
        window: &Window,
        lines: &mut [&mut [S]],
        magnitude: impl Fn(i32, i32) -> S,
    ) {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        let across = |[before, here, after]: [i32; 3]| SIDE * (before + after) + CENTRE * here;
        let column = |column: [i32; 3]| (across(column), column[2] - column[0]);
        map_neighbourhoods(&rows, (window, input.channels), lines, column, |smooth, slope| {
            magnitude(smooth[2] - smooth[0], across(slope))
        });
    }
}

/// A sample whose unscaled L2 magnitudes have a fast exact form.
trait Gradient: Neighbour {
    /// The square root of `x * x + y * y`, rounded and saturated; exact.
    ///
    /// The root of an integer lies at least 1 / (8 MAX) from a half, below MAX: much more than the rounding of the
    /// root in the type used.
    fn l2(x: i32, y: i32) -> Self;
}

impl Gradient for u8 {
    #[inline(always)]
    fn l2(x: i32, y: i32) -> u8 {
        let root = ((x * x + y * y) as f32).sqrt();
        u8::narrow(round_f32(root.min(255.0)))
    }
}

impl Gradient for u16 {
    #[inline(always)]
    fn l2(x: i32, y: i32) -> u16 {
        let (x, y) = (f64::from(x), f64::from(y));
        u16::narrow(round_f64((x * x + y * y).sqrt().min(65535.0)))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, noise, picture, samples};
    use tessera_core::pixel::{Channels, Depth, PixelType};

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
        assert_eq!([1, 3, 5].map(|x| scaled::<u8>(x, 500_000)), [0, 2, 2]);
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
                        let scale = Millionths::nearest(scale);
                        check(&Sobel { norm, scale }, (norm, scale, 1, 2), &picture(extent, seed));
                        check(&Scharr { norm, scale }, (norm, scale, 3, 10), &picture(extent, seed));
                        check(&Prewitt { norm, scale }, (norm, scale, 1, 1), &picture(extent, seed));
                    }
                }
            }
        }
    }

    /// Every sample of the picture's edges against plain integers.
    fn check(
        operation: &dyn Apply,
        (norm, scale, side, centre): (Norm, Millionths, i64, i64),
        picture: &Region,
    ) {
        let (width, height) = (picture.rect.width as i64, picture.rect.height as i64);
        let count = picture.channels.count();
        let (values, max) = (crate::testing::values(picture), i64::from(picture.pixel().depth.max()));
        let at = |x: i64, y: i64, c: usize| {
            let (x, y) = (x.clamp(0, width - 1), y.clamp(0, height - 1));
            values[(y * width + x) as usize * count + c]
        };
        let edges = crate::testing::values(&apply_whole(operation, picture));
        for (index, edge) in edges.into_iter().enumerate() {
            let (pixel, c) = ((index / count) as i64, index % count);
            let (x, y) = (pixel % width, pixel / width);
            if c == picture.channels.colours() {
                assert_eq!(edge, at(x, y, c));
                continue;
            }
            let p = |dx: i64, dy: i64| at(x + dx, y + dy, c);
            let gx = side * (p(1, -1) + p(1, 1) - p(-1, -1) - p(-1, 1)) + centre * (p(1, 0) - p(-1, 0));
            let gy = side * (p(-1, 1) + p(1, 1) - p(-1, -1) - p(1, -1)) + centre * (p(0, 1) - p(0, -1));
            let expected = magnitude((norm, scale), gx, gy).min(max);
            assert_eq!(edge, expected, "{} {norm:?} at {x}, {y}: {gx} {gy}", operation.name());
        }
    }

    /// The definition in integers: the root's floor, raised where the exact value is past the half above it.
    fn magnitude((norm, scale): (Norm, Millionths), gx: i64, gy: i64) -> i64 {
        let (scale, million) = (i128::from(scale.0), 1_000_000i128);
        let (gx, gy) = (i128::from(gx), i128::from(gy));
        // The square of the value in half millionths.
        let square = match norm {
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
        let unscaled = (Norm::L2, Millionths::whole(1));
        let values: Vec<i32> = noise(40_000, 3).map(|v| v as i32 & 0xffff).collect();
        for pair in values.chunks_exact(2) {
            let expected = magnitude(unscaled, pair[0].into(), pair[1].into()).min(65535);
            assert_eq!(i64::from(u16::l2(pair[0], pair[1])), expected, "{pair:?}");
        }
        for (x, y) in (0..=1020).flat_map(|x| (0..=x).map(move |y| (x, y))) {
            let expected = magnitude(unscaled, x.into(), y.into()).min(255);
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
