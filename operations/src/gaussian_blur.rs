//! `gaussianBlur`: convolution with a Gaussian, first down the columns, then along the rows.
//! Opaque pixels of 8 bits in integers, if the radius is small; else in f32 (f64 for 16-bit premultiplied colour) in one
//! fixed order, without fused multiply-add.

use crate::apply::{Apply, Reduced, apply_by_target, reduced_number};
use crate::border::{Rows, Window};
use crate::form::{Field, Form};
use crate::linear::{self, Sums};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::region::{Region, Samples};
use crate::separable::{LARGEST_FIXED, Symmetric, part_width};
use crate::target::{Lines, Target};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const SIGMA: Bounds = Bounds::new(0.1, 100.0);

/// Gaussian blur. With alpha, the premultiplied colours are blurred, so that transparent pixels do not bleed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GaussianBlur {
    /// The standard deviation in pixels: 0.1 to 100. Pixels up to three of it away, rounded up, are weighed.
    #[schemars(range(min = SIGMA.min, max = SIGMA.max))]
    pub sigma: Millionths,
    /// Whether light is averaged, as in a lens that is out of focus, in place of the samples as they are encoded (sRGB).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub linear: bool,
}

impl GaussianBlur {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "gaussianBlur";

    /// The reach of the blur in pixels: 3 sigma, rounded up; 1 to 300 within the bounds.
    pub fn radius(&self) -> u32 {
        (3 * self.sigma.0.max(0) as u64).div_ceil(1_000_000) as u32
    }

    /// The weights of the distances 0 to radius; all of them, both sides counted, sum to 1.
    fn weights(&self) -> Vec<f64> {
        let sigma = self.sigma.to_f64();
        let weight = |distance: u32| libm::exp(-f64::from(distance * distance) / (2.0 * sigma * sigma));
        let weights: Vec<f64> = (0..=self.radius()).map(weight).collect();
        let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
        weights.iter().map(|weight| weight / sum).collect()
    }

    /// The blur of the pixels `output`, in an image of size `image`.
    pub(crate) fn convolution(&self, output: Rect, image: Size) -> Symmetric {
        Symmetric { weights: self.weights(), window: Window { output, radius: self.radius(), image } }
    }
}

impl Planned for GaussianBlur {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(self.radius(), input)
    }

    fn cost(&self, input: Extent) -> f64 {
        let premultiplied = if input.pixel.channels.has_alpha() { 1.6 } else { 1.0 };
        let premultiplied = if self.linear { 2.0 * premultiplied } else { premultiplied };
        premultiplied * input.pixel.channels.count() as f64 * (0.2 + 0.36 * f64::from(self.radius()))
    }
}

impl Apply for GaussianBlur {
    fn form() -> Form {
        Form::basic("Blur and sharpen")
            .called("Blur")
            .with(Field::length("sigma", 2.0).called("Strength"))
            .with(Field::new("linear").called("Average light"))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        SIGMA.check("sigma", self.sigma)
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        Reduced::Scaled(Some(GaussianBlur { sigma: reduced_number(self.sigma, level, SIGMA), ..*self }))
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let fixed = !self.linear && !input.channels.has_alpha() && self.radius() <= LARGEST_FIXED;
        let bytes = input.channels.count() * if fixed { size_of::<u16>() } else { size_of::<f32>() };
        for mut part in target.parts(part_width(self.radius(), bytes)) {
            let blur = self.convolution(part.rect, image.size);
            match (&input.samples, &mut part.rows) {
                (Samples::U8(samples), Lines::U8(lines)) if fixed => {
                    let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
                    vectorised(Fixed { blur: &blur, rows, lines });
                }
                _ => linear::apply(&blur, self.linear, input, &mut part),
            }
        }
    }
}

/// The blur of opaque pixels of 8 bits in integers.
struct Fixed<'a, 'b> {
    blur: &'a Symmetric,
    rows: Rows<'a, u8>,
    lines: &'a mut [&'b mut [u8]],
}

impl Kernel for Fixed<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Fixed { blur, rows, lines } = self;
        let (mut sums, half) = (blur.fixed_rows(&rows), blur.fixed_half());
        for line in lines {
            let Some(sums) = sums.next_row() else { return };
            for (to, sum) in line.iter_mut().zip(sums) {
                *to = ((sum + half) >> 7) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, check_light, gray_u8, image, picture, pixel_types, samples, values};
    use tessera_core::pixel::{Channels, Depth, PixelType};

    fn blur(sigma: f64) -> GaussianBlur {
        GaussianBlur { sigma: Millionths::nearest(sigma), linear: false }
    }

    #[test]
    fn the_radius_is_three_sigma_rounded_up() {
        let radii = [0.1, 1.0, 1.000001, 1.5, 100.0].map(|sigma| blur(sigma).radius());
        assert_eq!(radii, [1, 3, 4, 5, 300]);
    }

    #[test]
    fn weights_sum_to_one() {
        for sigma in [0.1, 0.5, 1.5, 100.0] {
            let weights = blur(sigma).weights();
            let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
            assert!((sum - 1.0).abs() < 1e-14, "{sigma}: {sum}");
        }
    }

    #[test]
    fn a_point_becomes_the_products_of_the_weights() {
        let mut point = [0; 25];
        point[12] = 255;
        // Weights of sigma 0.5, radius 2: 0.7866, 0.1065, 0.0003.
        let expected = [0, 0, 0, 0, 0, 0, 3, 21, 3, 0, 0, 21, 158, 21, 0, 0, 3, 21, 3, 0, 0, 0, 0, 0, 0];
        assert_eq!(apply_whole(&blur(0.5), &gray_u8(5, &point)), gray_u8(5, &expected));
    }

    #[test]
    fn flat_pictures_stay_as_they_are() {
        for value in [0u8, 1, 127, 254, 255] {
            let flat = gray_u8(7, &[value; 21]);
            assert_eq!(apply_whole(&blur(30.0), &flat), flat);
        }
    }

    #[test]
    fn transparent_pixels_do_not_bleed_and_have_no_colour() {
        // A black opaque pixel among transparent white ones.
        let mut pixels = [255u8, 0].repeat(9);
        pixels[8..10].copy_from_slice(&[0, 255]);
        let region =
            Region { rect: Rect::new(0, 0, 9, 1), channels: Channels::GrayAlpha, samples: samples(&pixels) };
        let Samples::U8(result) = apply_whole(&blur(0.6), &region).samples else {
            panic!("8 bits stay 8 bits")
        };
        assert!(result.chunks_exact(2).all(|pixel| pixel[0] == 0), "{result:?}");
        assert_eq!(result[9], 169);
    }

    #[test]
    fn pictures_are_within_a_level_of_float64_and_without_bias() {
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
            for depth in [Depth::U8, Depth::U16] {
                let extent = Extent { size: Size::new(45, 31), pixel: PixelType::new(channels, depth) };
                for sigma in [0.1, 0.7, 1.5, 4.0, 20.0] {
                    check(&blur(sigma), &picture(extent, 5));
                }
            }
        }
    }

    #[test]
    fn dark_and_even_pictures_keep_their_mean() {
        for (lowest, sigma) in
            [0u8, 20, 127, 252].into_iter().flat_map(|low| [1.5, 3.0, 5.3, 7.1].map(|s| (low, s)))
        {
            let noise = picture(image(257, 131, PixelType::new(Channels::Gray, Depth::U8)), 7);
            let dark: Vec<u8> = values(&noise).iter().map(|value| lowest + (value >> 3) as u8 % 4).collect();
            let source = gray_u8(257, &dark);
            let exact = reference(&blur(sigma), &source);
            let result = values(&apply_whole(&blur(sigma), &source));
            // Of values that are alike, rounding alone moves the mean.
            let moved: f64 =
                result.iter().zip(&exact).map(|(value, exact)| *value as f64 - exact.round_ties_even()).sum();
            let mean = moved / exact.len() as f64;
            assert!(mean.abs() < 0.08, "{lowest} {sigma}: {mean}");
        }
    }

    /// Every sample of the blurred picture against the formula in float64.
    fn check(blur: &GaussianBlur, picture: &Region) {
        let pixel = picture.pixel();
        let (count, max) = (pixel.channels.count(), f64::from(pixel.depth.max()));
        let (result, reference) = (values(&apply_whole(blur, picture)), reference(blur, picture));
        let mut sum = 0.0;
        for (index, (value, exact)) in result.iter().zip(&reference).enumerate() {
            let alpha =
                if pixel.channels.has_alpha() { reference[index - index % count + count - 1] } else { max };
            let is_alpha = pixel.channels.has_alpha() && index % count == count - 1;
            if !is_alpha && alpha < 0.5 {
                assert_eq!(*value, 0);
                continue;
            }
            let error = *value as f64 - exact;
            let allowed = if is_alpha { 1.0 } else { max / alpha };
            assert!(error.abs() <= allowed, "{blur:?} {pixel:?} {index}: {error}");
            sum += error;
        }
        assert!((sum / result.len() as f64).abs() < 0.1, "{blur:?} {pixel:?}: {sum}");
    }

    /// The blurred picture, unrounded: premultiplied, convolved, unpremultiplied.
    fn reference(blur: &GaussianBlur, picture: &Region) -> Vec<f64> {
        let (width, height) = (i64::from(picture.rect.width), i64::from(picture.rect.height));
        let (count, alpha) = (picture.channels.count(), picture.channels.has_alpha());
        let mut image: Vec<f64> = values(picture).into_iter().map(|value| value as f64).collect();
        if alpha {
            scale_colours(&mut image, count, |colour, alpha| colour * alpha);
        }
        let image = convolve(blur, &image, |index, d| {
            let (pixel, channel) = ((index / count) as i64, index % count);
            ((pixel / width + d).clamp(0, height - 1) * width + pixel % width) as usize * count + channel
        });
        let mut image = convolve(blur, &image, |index, d| {
            let (pixel, channel) = ((index / count) as i64, index % count);
            (pixel / width * width + (pixel % width + d).clamp(0, width - 1)) as usize * count + channel
        });
        if alpha {
            scale_colours(&mut image, count, |colour, alpha| colour / alpha.max(1e-9));
        }
        image
    }

    /// Replaces every colour by `f` of itself and its pixel's alpha.
    fn scale_colours(image: &mut [f64], count: usize, f: impl Fn(f64, f64) -> f64) {
        for pixel in image.chunks_exact_mut(count) {
            let (alpha, colours) = pixel.split_last_mut().unwrap();
            colours.iter_mut().for_each(|colour| *colour = f(*colour, *alpha));
        }
    }

    /// One pass; `at` gives the index of the sample at a distance from a sample.
    fn convolve(blur: &GaussianBlur, image: &[f64], at: impl Fn(usize, i64) -> usize) -> Vec<f64> {
        let (sigma, radius) = (blur.sigma.to_f64(), i64::from(blur.radius()));
        let weight = |d: i64| (-(d * d) as f64 / (2.0 * sigma * sigma)).exp();
        let sum: f64 = (-radius..=radius).map(weight).sum();
        let line = |index| (-radius..=radius).map(|d| weight(d) * image[at(index, d)]).sum::<f64>() / sum;
        (0..image.len()).map(line).collect()
    }

    #[test]
    fn linear_pictures_follow_the_formula() {
        for (pixel, sigma) in pixel_types().flat_map(|pixel| [0.7, 2.0].map(|sigma| (pixel, sigma))) {
            let (source, operation) =
                (picture(image(25, 17, pixel), 3), GaussianBlur { linear: true, ..blur(sigma) });
            let weights = operation.weights();
            let weight =
                |dx: i64, dy: i64| weights[dx.unsigned_abs() as usize] * weights[dy.unsigned_abs() as usize];
            check_light(&source, &apply_whole(&operation, &source), operation.radius().into(), weight);
        }
    }

    #[test]
    fn pictures_agree_with_imageproc() {
        let extent = Extent { size: Size::new(64, 48), pixel: PixelType::new(Channels::Gray, Depth::U8) };
        let picture = picture(extent, 9);
        let raw = values(&picture).iter().map(|v| *v as u8).collect();
        let image = image::GrayImage::from_raw(64, 48, raw).unwrap();
        let reference = imageproc::filter::gaussian_blur_f32(&image, 1.5);
        for (value, reference) in values(&apply_whole(&blur(1.5), &picture)).into_iter().zip(reference.iter())
        {
            // imageproc cuts off the fraction after each pass and the window at two sigma.
            assert!((value - i64::from(*reference)).abs() <= 8, "{value} {reference}");
        }
    }
}
