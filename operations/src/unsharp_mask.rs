//! `unsharpMask`: what a blur takes away is added once more.

use crate::apply::{Apply, Reduced, apply_by_target, reduced_number};
use crate::border::Rows;
use crate::form::{Field, Form};
use crate::gaussian_blur::GaussianBlur;
use crate::linear::{Linear, Sums};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::real::{Exact, Real, premultiplied};
use crate::region::Region;
use crate::sample::Sample;
use crate::separable::{Symmetric, part_width};
use crate::target::{Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};
use tessera_core::pixel::Channels;

const SIGMA: Bounds = Bounds::new(0.1, 100.0);
const AMOUNT: Bounds = Bounds::new(0.0, 10.0);
const THRESHOLD: Bounds = Bounds::new(0.0, 1.0);

/// Unsharp mask: `amount` times the difference of a sample and its Gaussian blur is added, where that difference is
/// above `threshold`. With alpha, the premultiplied colours are blurred; alpha stays, and transparent pixels become
/// black.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnsharpMask {
    /// The standard deviation of the blur in pixels: 0.1 to 100.
    #[schemars(range(min = SIGMA.min, max = SIGMA.max))]
    pub sigma: Millionths,
    /// The factor on the difference: 0 to 10.
    #[serde(default = "one")]
    #[schemars(range(min = AMOUNT.min, max = AMOUNT.max))]
    pub amount: Millionths,
    /// Differences up to this fraction of the full range change nothing: 0 to 1.
    #[serde(default = "zero")]
    #[schemars(range(min = THRESHOLD.min, max = THRESHOLD.max))]
    pub threshold: Millionths,
}

fn one() -> Millionths {
    Millionths::whole(1)
}

fn zero() -> Millionths {
    Millionths::whole(0)
}

impl UnsharpMask {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "unsharpMask";

    fn blur(&self) -> GaussianBlur {
        GaussianBlur { sigma: self.sigma, linear: false }
    }

    #[inline(always)]
    fn opaque<S: Exact>(&self, rows: &Rows<S>, blur: &Symmetric, lines: &mut [&mut [S]]) {
        let (output, sharp) = (blur.window.output, self.sharp::<S>());
        let mut blurred = blur.rows::<S, S::Real>(rows);
        for (y, line) in (output.y..).zip(lines) {
            let Some(blurred) = blurred.next_row() else { return };
            for ((to, sample), blurred) in line.iter_mut().zip(rows.row(y, output)).zip(blurred) {
                *to = sharp.of(*sample, *blurred);
            }
        }
    }

    #[inline(always)]
    fn with_alpha<S: Exact, const N: usize>(&self, rows: &Rows<S>, blur: &Symmetric, lines: &mut [&mut [S]]) {
        let (output, rect, sharp) = (blur.window.output, blur.window.read(), self.sharp::<S>());
        let colours: Vec<S::Real> = premultiplied::<S, S::Real, N>(rows, rect);
        let colours = Rows { samples: &colours, rect, channels: N };
        let mut blurred = blur.rows::<S::Real, S::Real>(&colours);
        for (y, line) in (output.y..).zip(lines) {
            let Some(blurred) = blurred.next_row() else { return };
            let pixels = line.as_chunks_mut::<N>().0.iter_mut().zip(rows.row(y, output).as_chunks::<N>().0);
            for ((to, pixel), blurred) in pixels.zip(blurred.as_chunks::<N>().0) {
                *to = *pixel;
                for c in 0..N - 1 {
                    let colour = sharp.of(pixel[c], blurred[c] / blurred[N - 1]);
                    to[c] = if pixel[N - 1] > S::default() { colour } else { S::default() };
                }
            }
        }
    }

    fn sharp<S: Exact>(&self) -> Sharp<S::Real> {
        let [amount, threshold] =
            [self.amount.to_f64(), self.threshold.to_f64() * f64::from(S::MAX)].map(S::Real::from_f64);
        Sharp { amount, threshold }
    }
}

/// What becomes of a sample and its blur.
struct Sharp<F> {
    amount: F,
    threshold: F,
}

impl<F: Real> Sharp<F> {
    #[inline(always)]
    fn of<S: Sample>(&self, sample: S, blurred: F) -> S {
        let (zero, value) = (F::default(), F::from_i32(sample.widen()));
        let difference = value - blurred;
        let above =
            if difference > zero { difference > self.threshold } else { zero - difference > self.threshold };
        (value + if above { self.amount * difference } else { zero }).sample()
    }
}

/// The mask on one rectangle.
struct Sharpening<'a, 'b, S> {
    mask: &'a UnsharpMask,
    rows: Rows<'a, S>,
    channels: Channels,
    blur: &'a Symmetric,
    lines: &'a mut [&'b mut [S]],
}

impl<S: Exact> Kernel for Sharpening<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Sharpening { mask, rows, channels, blur, lines } = self;
        match channels {
            Channels::Gray | Channels::Rgb => mask.opaque(&rows, blur, lines),
            Channels::GrayAlpha => mask.with_alpha::<S, 2>(&rows, blur, lines),
            Channels::Rgba => mask.with_alpha::<S, 4>(&rows, blur, lines),
        }
    }
}

impl Planned for UnsharpMask {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        self.blur().reads(output, input)
    }

    fn cost(&self, input: Extent) -> f64 {
        1.0 + self.blur().cost(input)
    }
}

impl Apply for UnsharpMask {
    fn form() -> Form {
        Form::basic("Blur and sharpen")
            .called("Sharpen")
            .with(Field::length("sigma", 1.5).called("Radius"))
            .with(Field::factor("amount"))
            .with(Field::new("threshold").step(0.01))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        SIGMA.check("sigma", self.sigma)?;
        AMOUNT.check("amount", self.amount)?;
        THRESHOLD.check("threshold", self.threshold)
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        Reduced::Scaled(Some(UnsharpMask { sigma: reduced_number(self.sigma, level, SIGMA), ..*self }))
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let (channels, blur) = (input.channels, self.blur());
        for mut part in target.parts(part_width(blur.radius(), channels.count() * size_of::<f32>())) {
            let blur = blur.convolution(part.rect, image.size);
            each_depth_to!(&input.samples, &mut part.rows, (samples, lines) => {
                let rows = Rows { samples, rect: input.rect, channels: channels.count() };
                vectorised(Sharpening { mask: self, rows, channels, blur: &blur, lines })
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_whole, gray_u8, image, picture, pixel_types, values};

    fn unsharp(sigma: f64, amount: f64, threshold: f64) -> UnsharpMask {
        let [sigma, amount, threshold] = [sigma, amount, threshold].map(Millionths::nearest);
        UnsharpMask { sigma, amount, threshold }
    }

    #[test]
    fn a_step_overshoots() {
        let step = gray_u8(6, &[100, 100, 100, 200, 200, 200]);
        // Weights of sigma 0.5 are 0.7866, 0.1065, 0.0003.
        let result = |amount, threshold| values(&apply_whole(&unsharp(0.5, amount, threshold), &step));
        assert_eq!(result(1.0, 0.0), [100, 100, 89, 211, 200, 200]);
        assert_eq!(result(10.0, 0.0), [100, 100, 0, 255, 200, 200]);
        assert_eq!(result(1.0, 0.05), values(&step));
        assert_eq!(result(0.0, 0.0), values(&step));
    }

    #[test]
    fn transparent_pixels_do_not_bleed() {
        let row = [100, 255, 255, 0, 100, 200];
        assert_eq!(
            apply_to_row_u8(&unsharp(1.0, 5.0, 0.0), Channels::GrayAlpha, &row),
            [100, 255, 0, 0, 100, 200]
        );
    }

    #[test]
    fn pictures_follow_the_formula() {
        for (pixel, (sigma, amount, threshold)) in
            pixel_types().flat_map(|pixel| [(pixel, (1.2, 1.5, 0.0)), (pixel, (3.0, 0.7, 0.1))])
        {
            let source = picture(image(35, 27, pixel), 6);
            let (result, max) = (
                values(&apply_whole(&unsharp(sigma, amount, threshold), &source)),
                f64::from(pixel.depth.max()),
            );
            let exact = reference(&source, &unsharp(sigma, amount, threshold));
            for (index, (value, (exact, margin))) in result.iter().zip(&exact).enumerate() {
                let off = (*value as f64 - exact.clamp(0.0, max)).abs();
                assert!(off <= 0.51 || *margin < 1.0 / 256.0, "{pixel} {index}: {value} {exact}");
            }
        }
    }

    /// In float64: each sample's result, and how far its difference is from the threshold.
    fn reference(source: &Region, unsharp: &UnsharpMask) -> Vec<(f64, f64)> {
        let (sigma, amount) = (unsharp.sigma.to_f64(), unsharp.amount.to_f64());
        let threshold = unsharp.threshold.to_f64() * f64::from(source.pixel().depth.max());
        let (width, height) = (i64::from(source.rect.width), i64::from(source.rect.height));
        let (count, alpha, all) = (source.channels.count(), source.channels.has_alpha(), values(source));
        let at = |x: i64, y: i64, c: usize| {
            all[(y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize * count + c] as f64
        };
        let radius = (3.0 * sigma).ceil() as i64;
        let offsets: Vec<_> =
            (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy))).collect();
        let sample = |index: usize| {
            let (pixel, c) = ((index / count) as i64, index % count);
            let (x, y) = (pixel % width, pixel / width);
            let value = at(x, y, c);
            if alpha && c == count - 1 {
                return (value, 1.0);
            }
            if alpha && at(x, y, count - 1) == 0.0 {
                return (0.0, 1.0);
            }
            let (mut sum, mut weights) = (0.0, 0.0);
            for (dx, dy) in &offsets {
                let weight = (-((dx * dx + dy * dy) as f64) / (2.0 * sigma * sigma)).exp()
                    * if alpha { at(x + dx, y + dy, count - 1) } else { 1.0 };
                sum += weight * at(x + dx, y + dy, c);
                weights += weight;
            }
            let difference = value - sum / weights;
            let added = if difference.abs() > threshold { amount * difference } else { 0.0 };
            (value + added, (difference.abs() - threshold).abs())
        };
        (0..all.len()).map(sample).collect()
    }
}
