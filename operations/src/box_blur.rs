//! `boxBlur`: the mean of a square. Sums of integers: running ones down the columns, and along the rows those of windows
//! that double in length, so that the cost hardly depends on the radius.

use crate::apply::{Apply, Reduced, apply_by_target, reduced_radius};
use crate::border::{Rows, Window};
use crate::form::{Field, Form};
use crate::light::{Encoded, Encoder};
use crate::parameter::{Bounds, OutOfBounds};
use crate::real::{Real, premultiplied_integers};
use crate::region::Region;
use crate::sample::Sample;
use crate::target::{Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, SubAssign};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};
use tessera_core::pixel::Channels;

const RADIUS: Bounds = Bounds::new(1.0, 100.0);

/// Box blur: the mean of the square of 2 * radius + 1 pixels on a side around each pixel. With alpha, the premultiplied
/// colours are blurred, so that transparent pixels do not bleed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BoxBlur {
    /// How far the square reaches from its centre in pixels: 1 to 100.
    #[schemars(range(min = RADIUS.min, max = RADIUS.max))]
    pub radius: u32,
    /// Whether light is averaged, as in a lens that is out of focus, in place of the samples as they are encoded (sRGB).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub linear: bool,
}

impl BoxBlur {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "boxBlur";
}

impl Planned for BoxBlur {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(self.radius, input)
    }

    fn cost(&self, input: Extent) -> f64 {
        let premultiplied = if input.pixel.channels.has_alpha() { 2.5 } else { 1.0 };
        let premultiplied = if self.linear { 5.0 } else { premultiplied };
        premultiplied * 1.5 * input.pixel.channels.count() as f64
    }
}

impl Apply for BoxBlur {
    fn form() -> Form {
        Form::advanced("Blur and sharpen")
            .with(Field::radius(3))
            .with(Field::new("linear").called("Average light"))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        RADIUS.check_whole("radius", self.radius)
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        Reduced::Scaled(reduced_radius(self.radius, level).map(|radius| BoxBlur { radius, ..*self }))
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let window = Window { output: target.rect, radius: self.radius, image: image.size };
        let linear = self.linear;
        each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
            vectorised(Boxes { samples, input, window: &window, linear, lines })
        });
    }
}

/// The blur of one rectangle.
struct Boxes<'a, 'b, S> {
    samples: &'a [S],
    input: &'a Region,
    window: &'a Window,
    linear: bool,
    lines: &'a mut [&'b mut [S]],
}

impl<S: Encoded> Kernel for Boxes<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Boxes { samples, input, window, linear, lines } = self;
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        match (input.channels, linear) {
            (Channels::Gray | Channels::Rgb, false) => opaque(&rows, window, lines),
            (Channels::GrayAlpha, false) => with_alpha::<_, 2>(&rows, window, lines),
            (Channels::Rgba, false) => with_alpha::<_, 4>(&rows, window, lines),
            (Channels::Gray | Channels::Rgb, true) => opaque_in_light(&rows, window, lines),
            (Channels::GrayAlpha, true) => with_alpha_in_light::<_, 2>(&rows, window, lines),
            (Channels::Rgba, true) => with_alpha_in_light::<_, 4>(&rows, window, lines),
        }
    }
}

/// The largest radius at which means of 8 bits are exact in f32: two roundings, each of 2^-24 of 255, are less than a
/// mean's distance from a half, which is at least half of 1 / side^2, as side^2 is odd.
const LARGEST_IN_F32: u32 = 60;

/// The largest radius at which sums of 8 bits fit in 16: 255 * 15^2 < 2^16.
const LARGEST_IN_U16: u32 = 7;

/// Sums of samples fit in 32 bits: 65535 * 201^2 < 2^32.
#[inline(always)]
fn opaque<S: Sample>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let scale = 1.0 / f64::from((2 * window.radius + 1).pow(2));
    if S::MAX == 255 && window.radius <= LARGEST_IN_U16 {
        let mut boxes = BoxSums::new(rows, window, |sample: S| sample.widen() as u16);
        for line in lines {
            for (to, sum) in line.iter_mut().zip(boxes.next_row()) {
                *to = (f32::from(*sum) * scale as f32).sample();
            }
        }
        return;
    }
    let mut boxes = BoxSums::new(rows, window, |sample: S| sample.widen() as u32);
    for line in lines {
        let sums = boxes.next_row();
        if S::MAX == 255 && window.radius <= LARGEST_IN_F32 {
            for (to, sum) in line.iter_mut().zip(sums) {
                *to = (sum.cast_signed() as f32 * scale as f32).sample();
            }
        } else {
            for (to, sum) in line.iter_mut().zip(sums) {
                *to = (f64::from(*sum) * scale).sample();
            }
        }
    }
}

/// Sums of premultiplied colours are below 2^53, so the quotients are rounded only once.
#[inline(always)]
fn with_alpha<S: Sample, const N: usize>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let scale = 1.0 / f64::from((2 * window.radius + 1).pow(2));
    let rect = window.read();
    let colours = premultiplied_integers::<S, N>(rows, rect);
    let colours = Rows { samples: &colours, rect, channels: N };
    let mut boxes = BoxSums::new(&colours, window, u64::from);
    for line in lines {
        let pixels = line.as_chunks_mut::<N>().0.iter_mut();
        for (pixel, sums) in pixels.zip(boxes.next_row().as_chunks::<N>().0) {
            let alpha = sums[N - 1] as f64;
            let rounded: S = (alpha * scale).sample();
            let share = if rounded > S::default() { 1.0 / alpha } else { 0.0 };
            for c in 0..N - 1 {
                pixel[c] = (sums[c] as f64 * share).sample();
            }
            pixel[N - 1] = rounded;
        }
    }
}

/// One unit of light in the sums: with alpha of 16 bits, a square of 201 pixels on a side stays below 2^60.
const LIGHT: f64 = (1u64 << 28) as f64;

/// The light of a sample.
#[inline(always)]
fn decode<S: Encoded>(light: &[f32], sample: S) -> u64 {
    (f64::from(light[sample.widen() as usize]) * LIGHT).round_ties_even() as u64
}

#[inline(always)]
fn opaque_in_light<S: Encoded>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let scale = 1.0 / (LIGHT * f64::from((2 * window.radius + 1).pow(2)));
    let (rect, light, encoder) = (window.read(), S::light(), Encoder::new());
    let lights = (rect.y..rect.bottom()).flat_map(|y| rows.row(y, rect));
    let lights: Vec<u64> = lights.map(|sample| decode(light, *sample)).collect();
    let lights = Rows { samples: &lights, rect, channels: rows.channels };
    let mut boxes = BoxSums::new(&lights, window, u64::from);
    for line in lines {
        for (to, sum) in line.iter_mut().zip(boxes.next_row()) {
            *to = encoder.sample((*sum as f64 * scale) as f32);
        }
    }
}

#[inline(always)]
fn with_alpha_in_light<S: Encoded, const N: usize>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let scale = 1.0 / f64::from((2 * window.radius + 1).pow(2));
    let (rect, light, encoder) = (window.read(), S::light(), Encoder::new());
    let premultiply = |pixel: &[S; N]| -> [u64; N] {
        let alpha = pixel[N - 1].widen() as u64;
        std::array::from_fn(|c| if c < N - 1 { decode(light, pixel[c]) * alpha } else { alpha })
    };
    let pixels = (rect.y..rect.bottom()).flat_map(|y| rows.row(y, rect).as_chunks::<N>().0);
    let lights: Vec<u64> = pixels.flat_map(premultiply).collect();
    let lights = Rows { samples: &lights, rect, channels: N };
    let mut boxes = BoxSums::new(&lights, window, u64::from);
    for line in lines {
        let pixels = line.as_chunks_mut::<N>().0.iter_mut();
        for (pixel, sums) in pixels.zip(boxes.next_row().as_chunks::<N>().0) {
            let alpha: S = (sums[N - 1] as f64 * scale).sample();
            let share = 1.0 / (LIGHT * sums[N - 1] as f64);
            let colour = |c: usize| encoder.sample((sums[c] as f64 * share) as f32);
            let visible = alpha > S::default();
            *pixel = std::array::from_fn(|c| if c < N - 1 && visible { colour(c) } else { alpha });
        }
    }
}

/// The rows of sums over the square around each sample, from top to bottom.
struct BoxSums<'a, T, A, W> {
    rows: &'a Rows<'a, T>,
    window: &'a Window,
    widen: W,
    /// Sums of columns, padded.
    columns: Vec<A>,
    /// A strip of the same, to be added up in windows.
    windows: Vec<A>,
    sums: Vec<A>,
    /// The next row.
    y: u32,
}

impl<'a, T: Copy, A: Sum, W: Fn(T) -> A> BoxSums<'a, T, A, W> {
    fn new(rows: &'a Rows<'a, T>, window: &'a Window, widen: W) -> Self {
        let columns = vec![A::default(); window.padded() * rows.channels];
        let sums = vec![A::default(); window.output.width as usize * rows.channels];
        BoxSums { rows, window, widen, columns, windows: Vec::new(), sums, y: window.output.y }
    }

    /// The sums of the next row, of which there is one for each of the output.
    #[inline(always)]
    fn next_row(&mut self) -> &[A] {
        let (rows, window, y) = (self.rows, self.window, self.y);
        let (radius, read, channels) = (window.radius as i32, window.read(), rows.channels);
        let inside = window.inside().start * channels..window.inside().end * channels;
        let columns = &mut self.columns[inside];
        if y == window.output.y {
            for dy in -radius..=radius {
                for (sum, value) in columns.iter_mut().zip(rows.row(window.row(y, dy), read)) {
                    *sum += (self.widen)(*value);
                }
            }
        } else {
            let (first, last) = (window.row(y, radius), window.row(y - 1, -radius));
            let rows = rows.row(first, read).iter().zip(rows.row(last, read));
            for (sum, (first, last)) in columns.iter_mut().zip(rows) {
                *sum += (self.widen)(*first);
                *sum -= (self.widen)(*last);
            }
        }
        window.replicate(&mut self.columns, channels);
        let side = 2 * window.radius as usize + 1;
        for (start, sums) in (0..).step_by(STRIP).zip(self.sums.chunks_mut(STRIP)) {
            self.windows.clear();
            self.windows.extend_from_slice(&self.columns[start..][..sums.len() + (side - 1) * channels]);
            add_windows(&mut self.windows, sums, side, channels);
        }
        self.y += 1;
        &self.sums
    }
}

/// What is summed.
trait Sum: Copy + Default + AddAssign + SubAssign {}

impl Sum for u16 {}

impl Sum for u32 {}

impl Sum for u64 {}

/// Sums of a row that are made at once, so that what they are made of stays in the nearest cache.
const STRIP: usize = 2048;

/// Makes `sums` those of `side` values, an odd number, that are `stride` apart, from each on. `windows` begins with the
/// values; it becomes the sums of 2, 4, 8, ... of them, of which those that `side` is made of are added up.
#[inline(always)]
fn add_windows<A: Sum>(windows: &mut [A], sums: &mut [A], side: usize, stride: usize) {
    sums.copy_from_slice(&windows[..sums.len()]);
    let (mut length, mut from) = (1, 1);
    while 2 * length <= side {
        add_ahead(windows, length * stride);
        length *= 2;
        if side & length > 0 {
            sums.iter_mut().zip(&windows[from * stride..]).for_each(|(sum, window)| *sum += *window);
            from += length;
        }
    }
}

/// Adds to each value the one `ahead` of it, where there is one.
#[inline(always)]
fn add_ahead<A: Sum>(values: &mut [A], ahead: usize) {
    // Blocks are read before they are written, which lets the compiler use vectors although the two overlap.
    const BLOCK: usize = 32;
    let count = values.len().saturating_sub(ahead);
    let whole = count - count % BLOCK;
    for at in (0..whole).step_by(BLOCK) {
        let (mut here, mut there) = ([A::default(); BLOCK], [A::default(); BLOCK]);
        here.copy_from_slice(&values[at..at + BLOCK]);
        there.copy_from_slice(&values[at + ahead..at + ahead + BLOCK]);
        here.iter_mut().zip(there).for_each(|(value, other)| *value += other);
        values[at..at + BLOCK].copy_from_slice(&here);
    }
    for at in whole..count {
        let other = values[at + ahead];
        values[at] += other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        apply_to_row_u8, apply_whole, check_light, check_linear, gray_u8, image, picture, pixel_types,
    };

    #[test]
    fn a_point_becomes_a_square() {
        let mut point = [0; 25];
        point[12] = 90;
        let square = [[0; 5], [0, 10, 10, 10, 0], [0, 10, 10, 10, 0], [0, 10, 10, 10, 0], [0; 5]];
        assert_eq!(
            apply_whole(&BoxBlur { radius: 1, linear: false }, &gray_u8(5, &point)),
            gray_u8(5, square.as_flattened())
        );
    }

    #[test]
    fn flat_pictures_stay_and_transparent_pixels_do_not_bleed() {
        let flat = gray_u8(7, &[255; 21]);
        assert_eq!(apply_whole(&BoxBlur { radius: 100, linear: false }, &flat), flat);
        let row = [90, 255, 255, 0, 255, 0, 255, 0];
        assert_eq!(
            apply_to_row_u8(&BoxBlur { radius: 1, linear: false }, Channels::GrayAlpha, &row),
            [90, 170, 90, 85, 0, 0, 0, 0]
        );
    }

    #[test]
    fn pictures_follow_the_formula() {
        for (pixel, radius) in pixel_types().flat_map(|pixel| [1u32, 2, 9, 40].map(|radius| (pixel, radius)))
        {
            let source = picture(image(27, 18, pixel), 2);
            let weight = 1.0 / f64::from((2 * radius + 1).pow(2));
            check_linear(
                &source,
                &apply_whole(&BoxBlur { radius, linear: false }, &source),
                radius as i64,
                |_, _| weight,
                0.0,
            );
        }
    }

    #[test]
    fn linear_pictures_follow_the_formula() {
        for (pixel, radius) in pixel_types().flat_map(|pixel| [1u32, 5].map(|radius| (pixel, radius))) {
            let source = picture(image(27, 18, pixel), 2);
            let weight = 1.0 / f64::from((2 * radius + 1).pow(2));
            let result = apply_whole(&BoxBlur { radius, linear: true }, &source);
            check_light(&source, &result, radius.into(), |_, _| weight);
        }
    }
}
