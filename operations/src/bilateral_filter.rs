//! `bilateralFilter`: a mean of the pixels around that are alike. f32 in one fixed order.

use crate::apply::{Apply, Reduced, apply_by_target, reduced_number, reduced_radius};
use crate::border::{Rows, Window, keep_alpha};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::real::Real;
use crate::region::Region;
use crate::sample::Sample;
use crate::target::{Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};
use tessera_core::pixel::Channels;

const RADIUS: Bounds = Bounds::new(1.0, 15.0);
const SIGMA_COLOR: Bounds = Bounds::new(0.0, 1.0);
const SIGMA_SPACE: Bounds = Bounds::new(0.1, 50.0);

/// Pixels that are computed side by side.
const LANES: usize = 16;

/// Bilateral filter: the mean of the pixels in a disc around each, weighted by Gaussians of their distance and of the
/// difference of their colours (the sum of the absolute differences of the channels). It smooths and keeps edges.
/// With alpha, pixels also weigh by it; alpha stays, and transparent pixels become black.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BilateralFilter {
    /// The radius of the disc in pixels: 1 to 15.
    #[schemars(range(min = RADIUS.min, max = RADIUS.max))]
    pub radius: u32,
    /// The standard deviation of the difference of colours, as a fraction of the full range: 0 to 1; with 0 only equal
    /// colours count.
    #[schemars(range(min = SIGMA_COLOR.min, max = SIGMA_COLOR.max))]
    pub sigma_color: Millionths,
    /// The standard deviation of the distance in pixels: 0.1 to 50.
    #[schemars(range(min = SIGMA_SPACE.min, max = SIGMA_SPACE.max))]
    pub sigma_space: Millionths,
}

impl BilateralFilter {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "bilateralFilter";

    /// The places of the disc, right and down of its centre, with their weights as powers of 2.
    fn disc(&self) -> impl Iterator<Item = (i32, i32, f64)> {
        let (radius, sigma) = (self.radius as i32, self.sigma_space.to_f64());
        let square = (-radius..=radius).flat_map(move |dy| (-radius..=radius).map(move |dx| (dx, dy)));
        let inside = square.filter(move |(dx, dy)| dx * dx + dy * dy <= radius * radius);
        inside.map(move |(dx, dy)| (dx, dy, power(f64::from(dx * dx + dy * dy), sigma)))
    }

    fn smooth<S: Sample>(&self, (samples, input): (&[S], &Region), window: &Window, lines: &mut [&mut [S]]) {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        match input.channels {
            Channels::Gray => self.means::<S, 1, 1>(&rows, window, lines),
            Channels::GrayAlpha => self.means::<S, 2, 1>(&rows, window, lines),
            Channels::Rgb => self.means::<S, 3, 3>(&rows, window, lines),
            Channels::Rgba => self.means::<S, 4, 3>(&rows, window, lines),
        }
        keep_alpha(&rows, window.output, input.channels, lines);
    }

    /// Writes the means for `N` channels, of which `C` are colours.
    fn means<S: Sample, const N: usize, const C: usize>(
        &self,
        rows: &Rows<S>,
        window: &Window,
        lines: &mut [&mut [S]],
    ) {
        let length = window.padded();
        let disc = Disc {
            places: self
                .disc()
                .map(|(dx, dy, power)| {
                    let (x, y) =
                        (window.radius.wrapping_add_signed(dx), window.radius.wrapping_add_signed(dy));
                    (y as usize * length + x as usize, power as f32)
                })
                .collect(),
            centre: window.radius as usize * (length + 1),
            scale: power(1.0, self.sigma_color.to_f64() * f64::from(S::MAX)).sqrt() as f32,
        };
        vectorised(Means::<S, N, C> { rows, window, disc: &disc, lines });
    }
}

/// The means for `N` channels, of which `C` are colours, in one rectangle.
struct Means<'a, 'b, S, const N: usize, const C: usize> {
    rows: &'a Rows<'a, S>,
    window: &'a Window,
    disc: &'a Disc,
    lines: &'a mut [&'b mut [S]],
}

impl<S: Sample, const N: usize, const C: usize> Kernel for Means<'_, '_, S, N, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        if self.disc.vanishes(S::MAX as f32 * C as f32) {
            self.write::<true>()
        } else {
            self.write::<false>()
        }
    }
}

impl<S: Sample, const N: usize, const C: usize> Means<'_, '_, S, N, C> {
    /// Writes the means. Weights may vanish if `V`.
    #[inline(always)]
    fn write<const V: bool>(self) {
        let Means { rows, window, disc, lines } = self;
        let length = window.padded();
        let planes: [Vec<f32>; N] = planes::<S, N, C>(&window.padded_rows(rows, |sample| sample), disc.scale);
        for (y, row) in lines.iter_mut().enumerate() {
            for (block, x) in row.chunks_mut(LANES * N).zip((0..).step_by(LANES)) {
                let means = disc.means::<S, N, C, V>(&planes, y * length + x);
                for (lane, pixel) in block.as_chunks_mut::<N>().0.iter_mut().enumerate() {
                    for c in 0..C {
                        pixel[c] = means[c][lane];
                    }
                }
            }
        }
    }
}

/// The exponent of 2 in the Gaussian of a distance; where `sigma` is 0, one that makes all but 0 vanish.
fn power(square: f64, sigma: f64) -> f64 {
    if sigma > 0.0 { square * std::f64::consts::LOG2_E / (2.0 * sigma * sigma) } else { square * 1e9 }
}

/// The channels of padded pixels apart, the first `C` scaled, with room for a block behind the last.
#[inline(always)]
fn planes<S: Sample, const N: usize, const C: usize>(padded: &[S], scale: f32) -> [Vec<f32>; N] {
    let pixels = padded.as_chunks::<N>().0;
    let mut planes = std::array::from_fn(|_| vec![0.0; pixels.len() + LANES]);
    for channel in 0..N {
        let (plane, scale) = (&mut planes[channel][..pixels.len()], if channel < C { scale } else { 1.0 });
        for at in 0..pixels.len() {
            plane[at] = pixels[at][channel].widen() as f32 * scale;
        }
    }
    planes
}

/// What is weighed around each pixel, in planes of padded pixels.
struct Disc {
    /// Distances from the disc's top left corner, with the weights as powers of 2.
    places: Vec<(usize, f32)>,
    /// The distance of the centre.
    centre: usize,
    /// What colours are multiplied by: the squares of their differences are then the weights as powers of 2.
    scale: f32,
}

impl Disc {
    /// Whether weights vanish: where colours differ by as much as `most`, or far away.
    fn vanishes(&self, most: f32) -> bool {
        let farthest = self.places.iter().fold(0.0f32, |farthest, (_, power)| farthest.max(*power));
        (most * self.scale).powi(2) + farthest > LEAST
    }

    /// The means of the colours around a block of pixels; `at` is the top left corner of the first disc.
    #[inline(always)]
    fn means<S: Sample, const N: usize, const C: usize, const V: bool>(
        &self,
        planes: &[Vec<f32>; N],
        at: usize,
    ) -> [[S; LANES]; C] {
        let mut here = [[0.0f32; LANES]; C];
        for c in 0..C {
            here[c] = load(&planes[c], at + self.centre);
        }
        let (mut sums, mut weights) = ([[0.0f32; LANES]; C], [0.0f32; LANES]);
        for (place, power) in &self.places {
            let mut there = [[0.0f32; LANES]; N];
            for channel in 0..N {
                there[channel] = load(&planes[channel], at + place);
            }
            for lane in 0..LANES {
                let mut difference = 0.0f32;
                for c in 0..C {
                    difference += (there[c][lane] - here[c][lane]).abs();
                }
                let exponent = difference * difference + power;
                let mut weight = half_to_the::<S>(if V { exponent.min(LEAST) } else { exponent });
                if C < N {
                    weight *= there[C][lane];
                }
                weights[lane] += weight;
                for c in 0..C {
                    sums[c][lane] += weight * there[c][lane];
                }
            }
        }
        let visible: [f32; LANES] = if C < N { load(&planes[C], at + self.centre) } else { [1.0; LANES] };
        let mut means = [[S::default(); LANES]; C];
        for c in 0..C {
            for lane in 0..LANES {
                let mean = sums[c][lane] / (weights[lane] * self.scale);
                means[c][lane] = if visible[lane] > 0.0 { mean.sample() } else { S::default() };
            }
        }
        means
    }
}

#[inline(always)]
fn load(plane: &[f32], at: usize) -> [f32; LANES] {
    *plane[at..].first_chunk().expect("as many values as lanes follow the last row")
}

/// The power of a half that is as good as 0.
const LEAST: f32 = 126.0;

/// Added to a number, it leaves no bits for a fraction: the low bits of the sum are those of the nearest integer.
const ROUNDING: f32 = 12_582_912.0;

/// 1 / 2^x for x from 0 to `LEAST`, for samples of 8 bits within 1.1e-4 of it, else within 4e-6.
#[inline(always)]
fn half_to_the<S: Sample>(x: f32) -> f32 {
    let nearest = x + ROUNDING;
    let y = (nearest - ROUNDING) - x;
    // The polynomial nearest to 2^y, relatively, for y within 0.5 of 0, of those that are 1 there.
    let power = if S::MAX == i32::from(u8::MAX) {
        1.0 + y * (0.693_282_9 + y * (0.242_211_04 + y * 0.055_008_96))
    } else {
        1.0 + y * (0.693_124_2 + y * (0.240_241 + y * (0.055_906_43 + y * 0.009_582_856)))
    };
    // Powers of 2 are divided by in the exponent.
    f32::from_bits(power.to_bits().wrapping_sub(nearest.to_bits() << 23))
}

impl Planned for BilateralFilter {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(self.radius, input)
    }

    fn cost(&self, input: Extent) -> f64 {
        f64::from(self.radius).powi(2)
            * std::f64::consts::PI
            * (2.0 + 0.5 * input.pixel.channels.count() as f64)
    }
}

impl Apply for BilateralFilter {
    fn form() -> Form {
        Form::advanced("Blur and sharpen")
            .called("Bilateral filter (keeps edges)")
            .with(Field::radius(5))
            .with(Field::new("sigmaColor").called("Difference of colour").suggested(0.1).step(0.01))
            .with(Field::length("sigmaSpace", 3.0).called("Distance"))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        RADIUS.check_whole("radius", self.radius)?;
        SIGMA_COLOR.check("sigmaColor", self.sigma_color)?;
        SIGMA_SPACE.check("sigmaSpace", self.sigma_space)
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        let sigma_space = reduced_number(self.sigma_space, level, SIGMA_SPACE);
        let radius = reduced_radius(self.radius, level);
        Reduced::Scaled(radius.map(|radius| BilateralFilter { radius, sigma_space, ..*self }))
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let window = Window { output: target.rect, radius: self.radius, image: image.size };
        each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
            self.smooth((samples, input), &window, lines)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_whole, gray_u8, image, picture, pixel_types, values};
    use tessera_core::pixel::Depth;

    fn bilateral(radius: u32, sigma_color: f64, sigma_space: f64) -> BilateralFilter {
        let [sigma_color, sigma_space] = [sigma_color, sigma_space].map(Millionths::nearest);
        BilateralFilter { radius, sigma_color, sigma_space }
    }

    #[test]
    fn powers_of_a_half_are_near() {
        for x in (0..12_600).map(|x| x as f32 / 100.0) {
            let exact = (-f64::from(x)).exp2();
            assert!((f64::from(half_to_the::<u8>(x)) - exact).abs() <= 1.1e-4 * exact, "{x}");
            assert!((f64::from(half_to_the::<u16>(x)) - exact).abs() <= 4e-6 * exact, "{x}");
        }
    }

    #[test]
    fn noise_is_smoothed_and_edges_stay() {
        let row = gray_u8(8, &[10, 12, 10, 12, 240, 242, 240, 242]);
        assert_eq!(
            values(&apply_whole(&bilateral(3, 0.05, 10.0), &row)),
            [10, 11, 11, 11, 241, 241, 241, 242]
        );
        assert_eq!(apply_whole(&bilateral(3, 0.0, 10.0), &row), row);
    }

    #[test]
    fn transparent_pixels_do_not_count() {
        let row = [100, 255, 104, 0, 100, 255];
        assert_eq!(
            apply_to_row_u8(&bilateral(2, 1.0, 9.0), Channels::GrayAlpha, &row),
            [100, 255, 0, 0, 100, 255]
        );
    }

    #[test]
    fn pictures_follow_the_formula() {
        let parameters = [(1, 0.5, 1.0), (4, 0.1, 3.0), (6, 0.02, 0.4), (15, 0.2, 6.0), (15, 1.0, 20.0)];
        for (pixel, (radius, sigma_color, sigma_space)) in
            pixel_types().flat_map(|pixel| parameters.map(|parameters| (pixel, parameters)))
        {
            let bound = match pixel.depth {
                Depth::U8 => 0.51,
                Depth::U16 if radius <= 6 => 0.6,
                Depth::U16 => 0.7,
            };
            let (source, operation) =
                (picture(image(39, 13, pixel), 8), bilateral(radius, sigma_color, sigma_space));
            let (result, exact) = (values(&apply_whole(&operation, &source)), reference(&operation, &source));
            for (index, (value, exact)) in result.iter().zip(exact).enumerate() {
                assert!(
                    (*value as f64 - exact).abs() <= bound,
                    "{operation:?} {pixel} {index}: {value} {exact}"
                );
            }
        }
    }

    fn reference(operation: &BilateralFilter, source: &Region) -> Vec<f64> {
        let (width, height, r) =
            (i64::from(source.rect.width), i64::from(source.rect.height), i64::from(operation.radius));
        let (count, colours, all) = (source.channels.count(), source.channels.colours(), values(source));
        let max = f64::from(source.pixel().depth.max());
        let gauss = |square: f64, sigma: Millionths, scale: f64| {
            (-square / (2.0 * (sigma.to_f64() * scale).powi(2))).exp()
        };
        let at = |x: i64, y: i64, c: usize| {
            all[(y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize * count + c] as f64
        };
        let sample = |index: usize| {
            let (x, y, c) = ((index / count) as i64 % width, (index / count) as i64 / width, index % count);
            if c == colours {
                return at(x, y, c);
            }
            let (mut sum, mut weights) = (0.0, 0.0);
            for (dx, dy) in (-r..=r)
                .flat_map(|dy| (-r..=r).map(move |dx| (dx, dy)))
                .filter(|(dx, dy)| dx * dx + dy * dy <= r * r)
            {
                let difference: f64 = (0..colours).map(|c| (at(x + dx, y + dy, c) - at(x, y, c)).abs()).sum();
                let alpha = if colours < count { at(x + dx, y + dy, colours) } else { 1.0 };
                let space = gauss((dx * dx + dy * dy) as f64, operation.sigma_space, 1.0);
                let weight = alpha * space * gauss(difference * difference, operation.sigma_color, max);
                sum += weight * at(x + dx, y + dy, c);
                weights += weight;
            }
            if colours < count && at(x, y, colours) == 0.0 { 0.0 } else { sum / weights }
        };
        (0..all.len()).map(sample).collect()
    }
}
