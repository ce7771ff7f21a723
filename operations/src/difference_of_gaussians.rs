//! `differenceOfGaussians`: the difference of two blurs.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::border::{Rows, keep_alpha};
use crate::form::{Field, Form};
use crate::gaussian_blur::GaussianBlur;
use crate::linear::{Linear, Sums};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::real::{Exact, Real};
use crate::region::{Region, Samples};
use crate::separable::{LARGEST_FIXED, Symmetric, part_width};
use crate::target::{Lines, Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const SIGMA: Bounds = Bounds::new(0.1, 100.0);
const SCALE: Bounds = Bounds::new(0.001, 100.0);

/// Edges: the absolute difference of two Gaussian blurs, which are not rounded, for each channel. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DifferenceOfGaussians {
    /// The standard deviation of the first blur in pixels: 0.1 to 100.
    #[schemars(range(min = SIGMA.min, max = SIGMA.max))]
    pub sigma1: Millionths,
    /// The standard deviation of the second blur in pixels: 0.1 to 100.
    #[schemars(range(min = SIGMA.min, max = SIGMA.max))]
    pub sigma2: Millionths,
    /// The factor on the difference: 0.001 to 100.
    #[serde(default = "one")]
    #[schemars(range(min = SCALE.min, max = SCALE.max))]
    pub scale: Millionths,
}

fn one() -> Millionths {
    Millionths::whole(1)
}

impl DifferenceOfGaussians {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "differenceOfGaussians";

    fn blurs(&self) -> [GaussianBlur; 2] {
        [self.sigma1, self.sigma2].map(|sigma| GaussianBlur { sigma, linear: false })
    }

    /// Whether the blurs of samples of 8 bits are exact enough in integers: each is off by at most its radius and one in 1/64 of
    /// a level, rounded weights included, and the result by less than 0.9 levels.
    fn fits_fixed(&self) -> bool {
        let radii = self.blurs().map(|blur| blur.radius());
        let sum: u32 = radii.iter().map(|radius| radius + 1).sum();
        radii.iter().all(|radius| *radius <= LARGEST_FIXED) && self.scale.to_f64() * f64::from(sum) <= 25.0
    }

    /// [`DifferenceOfGaussians::edges`] of samples of 8 bits, in integers.
    fn fixed_edges(
        &self,
        samples: &[u8],
        input: &Region,
        (output, image): (Rect, Size),
        lines: &mut [&mut [u8]],
    ) {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        let blurs = self.blurs().map(|blur| blur.convolution(output, image));
        vectorised(FixedDifference { rows: &rows, blurs: &blurs, scale: self.scale.to_f64() as f32, lines });
        keep_alpha(&rows, output, input.channels, lines);
    }

    /// Writes the pixels of `output`, of the samples of `input`.
    fn edges<S: Exact>(
        &self,
        samples: &[S],
        input: &Region,
        (output, image): (Rect, Size),
        lines: &mut [&mut [S]],
    ) {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        let scale = S::Real::from_f64(self.scale.to_f64());
        let blurs = self.blurs().map(|blur| blur.convolution(output, image));
        vectorised(Difference { rows: &rows, blurs: &blurs, scale, lines });
        keep_alpha(&rows, output, input.channels, lines);
    }
}

/// The difference of two blurs of one rectangle, times `scale`.
struct Difference<'a, 'b, S: Exact> {
    rows: &'a Rows<'a, S>,
    blurs: &'a [Symmetric; 2],
    scale: S::Real,
    lines: &'a mut [&'b mut [S]],
}

impl<S: Exact> Kernel for Difference<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Difference { rows, blurs: [one, other], scale, lines } = self;
        let (mut ones, mut others) = (one.rows::<S, S::Real>(rows), other.rows::<S, S::Real>(rows));
        for line in lines {
            let (Some(one), Some(other)) = (ones.next_row(), others.next_row()) else { return };
            for ((to, a), b) in line.iter_mut().zip(one).zip(other) {
                *to = (if a > b { *a - *b } else { *b - *a } * scale).sample();
            }
        }
    }
}

/// The difference of two blurs of samples of 8 bits, in integers.
struct FixedDifference<'a, 'b> {
    rows: &'a Rows<'a, u8>,
    blurs: &'a [Symmetric; 2],
    scale: f32,
    lines: &'a mut [&'b mut [u8]],
}

impl Kernel for FixedDifference<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let FixedDifference { rows, blurs: [one, other], scale, lines } = self;
        let (mut ones, mut others) = (one.fixed_rows(rows), other.fixed_rows(rows));
        let (half, other_half, scale) = (one.fixed_half(), other.fixed_half(), scale / 128.0);
        for line in lines {
            let (Some(one), Some(other)) = (ones.next_row(), others.next_row()) else { return };
            for ((to, a), b) in line.iter_mut().zip(one).zip(other) {
                let (a, b) = (i32::from(a + half), i32::from(b + other_half));
                *to = ((a - b).abs() as f32 * scale).sample();
            }
        }
    }
}

impl Planned for DifferenceOfGaussians {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        let [first, second] = self.blurs().map(|blur| blur.radius());
        output.expand(first.max(second), input)
    }

    fn cost(&self, input: Extent) -> f64 {
        1.0 + self.blurs().iter().map(|blur| blur.cost(input)).sum::<f64>()
    }
}

impl Apply for DifferenceOfGaussians {
    fn form() -> Form {
        Form::advanced("Edges")
            .called("Difference of Gaussians")
            .with(Field::length("sigma1", 1.0).called("First blur"))
            .with(Field::length("sigma2", 2.0).called("Second blur"))
            .with(Field::factor("scale").called("Strength").logarithmic())
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        SIGMA.check("sigma1", self.sigma1)?;
        SIGMA.check("sigma2", self.sigma2)?;
        SCALE.check("scale", self.scale)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Never
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let radius = self.blurs().iter().map(GaussianBlur::radius).max().unwrap_or_default();
        let bytes =
            2 * input.channels.count() * if self.fits_fixed() { size_of::<u16>() } else { size_of::<f32>() };
        for mut part in target.parts(part_width(radius, bytes)) {
            let rects = (part.rect, image.size);
            match (&input.samples, &mut part.rows) {
                (Samples::U8(samples), Lines::U8(lines)) if self.fits_fixed() => {
                    self.fixed_edges(samples, input, rects, lines);
                }
                (samples, lines) => each_depth_to!(samples, lines, (samples, lines) => {
                    self.edges(samples, input, rects, lines)
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, channel_of, gray_u8, image, picture, pixel_types, values};

    fn difference(sigma1: f64, sigma2: f64, scale: f64) -> DifferenceOfGaussians {
        let [sigma1, sigma2, scale] = [sigma1, sigma2, scale].map(Millionths::nearest);
        DifferenceOfGaussians { sigma1, sigma2, scale }
    }

    #[test]
    fn flat_pictures_have_no_edges_and_a_point_has() {
        let flat = gray_u8(5, &[77; 15]);
        for scale in [1.0, 100.0] {
            assert_eq!(apply_whole(&difference(1.0, 3.0, scale), &flat), gray_u8(5, &[0; 15]));
        }
        let row = gray_u8(5, &[0, 0, 255, 0, 0]);
        // Weights of sigma 0.5 are 0.7866, 0.1065, 0.0003; those of 0.1 leave all where it is.
        assert_eq!(values(&apply_whole(&difference(0.1, 0.5, 1.0), &row)), [0, 27, 54, 27, 0]);
        assert_eq!(values(&apply_whole(&difference(0.5, 0.1, 4.0), &row)), [0, 109, 218, 109, 0]);
    }

    #[test]
    fn pictures_follow_the_formula() {
        for (pixel, scale) in pixel_types().flat_map(|pixel| [(pixel, 1.0), (pixel, 37.0)]) {
            let (source, operation) = (picture(image(33, 21, pixel), 4), difference(1.3, 4.0, scale));
            let (result, max) = (apply_whole(&operation, &source), f64::from(pixel.depth.max()));
            for channel in 0..pixel.channels.colours() {
                let size = source.rect.size();
                let [one, two] = [1.3, 4.0].map(|sigma| blurred(&channel_of(&source, channel), size, sigma));
                for (value, (a, b)) in channel_of(&result, channel).into_iter().zip(one.iter().zip(&two)) {
                    let exact = (scale * (a - b).abs()).min(max);
                    let allowed = if operation.fits_fixed() { 0.6 } else { 0.51 };
                    assert!((value - exact).abs() <= allowed, "{pixel} {scale}: {value} {exact}");
                }
            }
            let alpha = pixel.channels.colours();
            assert!(!pixel.channels.has_alpha() || channel_of(&result, alpha) == channel_of(&source, alpha));
        }
    }

    /// A channel blurred in two dimensions at once, in float64.
    fn blurred(channel: &[f64], size: Size, sigma: f64) -> Vec<f64> {
        let (width, height, radius) = (size.width as i64, size.height as i64, (3.0 * sigma).ceil() as i64);
        let weight = |d: i64| (-(d * d) as f64 / (2.0 * sigma * sigma)).exp();
        let sum: f64 = (-radius..=radius).map(weight).sum();
        let offsets: Vec<_> =
            (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy))).collect();
        let at = |x: i64, y: i64| channel[(y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize];
        let pixel = |index: i64| {
            let terms = offsets
                .iter()
                .map(|(dx, dy)| weight(*dx) * weight(*dy) * at(index % width + dx, index / width + dy));
            terms.sum::<f64>() / (sum * sum)
        };
        (0..width * height).map(pixel).collect()
    }
}
