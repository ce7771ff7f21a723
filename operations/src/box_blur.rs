//! `boxBlur`: the mean of a square. Running sums of integers, so that the cost does not depend on the radius.

use crate::apply::{Apply, Reduced};
use crate::border::{Rows, Window};
use crate::parameter::{Bounds, OutOfBounds};
use crate::real::{Real, premultiplied_integers};
use crate::region::{Region, each_depth};
use crate::sample::Sample;
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
        premultiplied * 1.5 * input.pixel.channels.count() as f64
    }
}

impl Apply for BoxBlur {
    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        RADIUS.check_whole("radius", self.radius)
    }

    fn reduced(&self) -> Reduced {
        Reduced::Scaled
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        let window = Window { output, radius: self.radius, image: image.size };
        let samples = each_depth!(&input.samples, samples => {
            let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
            match input.channels {
                Channels::Gray | Channels::Rgb => opaque(&rows, &window),
                Channels::GrayAlpha => with_alpha::<_, 2>(&rows, &window),
                Channels::Rgba => with_alpha::<_, 4>(&rows, &window),
            }
        });
        Region { rect: output, channels: input.channels, samples }
    }
}

/// Sums of samples fit in 32 bits: 65535 * 201^2 < 2^32.
fn opaque<S: Sample>(rows: &Rows<S>, window: &Window) -> Vec<S> {
    let scale = 1.0 / f64::from((2 * window.radius + 1).pow(2));
    let mut result =
        Vec::with_capacity(window.output.width as usize * window.output.height as usize * rows.channels);
    box_sums(
        rows,
        window,
        |sample| sample.widen() as u32,
        |sums| {
            result.extend(sums.iter().map(|sum| (f64::from(*sum) * scale).sample::<S>()));
        },
    );
    result
}

/// Sums of premultiplied colours are below 2^53, so the quotients are rounded only once.
fn with_alpha<S: Sample, const N: usize>(rows: &Rows<S>, window: &Window) -> Vec<S> {
    let scale = 1.0 / f64::from((2 * window.radius + 1).pow(2));
    let rect = window.read();
    let colours = premultiplied_integers::<S, N>(rows, rect);
    let mut result = Vec::with_capacity(window.output.width as usize * window.output.height as usize * N);
    box_sums(&Rows { samples: &colours, rect, channels: N }, window, u64::from, |sums| {
        for sums in sums.as_chunks::<N>().0 {
            let alpha = sums[N - 1] as f64;
            let rounded: S = (alpha * scale).sample();
            let share = if rounded > S::default() { 1.0 / alpha } else { 0.0 };
            let pixel: [S; N] =
                std::array::from_fn(|c| if c < N - 1 { (sums[c] as f64 * share).sample() } else { rounded });
            result.extend_from_slice(&pixel);
        }
    });
    result
}

/// Hands the rows of sums over the square around each sample to `finish`, from top to bottom.
fn box_sums<T: Copy, A: Copy + Default + AddAssign + SubAssign>(
    rows: &Rows<T>,
    window: &Window,
    widen: impl Fn(T) -> A,
    mut finish: impl FnMut(&[A]),
) {
    let (channels, radius, read) = (rows.channels, window.radius as i32, window.read());
    let inside = window.inside().start * channels..window.inside().end * channels;
    let mut columns = vec![A::default(); window.padded() * channels];
    let mut sums = vec![A::default(); window.output.width as usize * channels];
    let row = |y: u32, dy: i32| rows.row(window.row(y, dy), read);
    for y in window.output.y..window.output.bottom() {
        let columns_inside = &mut columns[inside.clone()];
        if y == window.output.y {
            (-radius..=radius).for_each(|dy| add(columns_inside, row(y, dy), &widen));
        } else {
            add(columns_inside, row(y, radius), &widen);
            columns_inside.iter_mut().zip(row(y - 1, -radius)).for_each(|(sum, value)| *sum -= widen(*value));
        }
        window.replicate(&mut columns, channels);
        (0..channels)
            .for_each(|channel| slide(&columns, &mut sums, (channel, channels), window.radius as usize));
        finish(&sums);
    }
}

fn add<T: Copy, A: AddAssign>(sums: &mut [A], row: &[T], widen: impl Fn(T) -> A) {
    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += widen(*value));
}

/// The sums of `2 * radius + 1` columns of one channel.
fn slide<A: Copy + Default + AddAssign + SubAssign>(
    columns: &[A],
    sums: &mut [A],
    (channel, channels): (usize, usize),
    radius: usize,
) {
    let side = 2 * radius + 1;
    let channel_of = |samples: usize| channel + samples * channels;
    let mut sum = A::default();
    (0..side - 1).for_each(|column| sum += columns[channel_of(column)]);
    let leading = columns[channel_of(side - 1)..].iter().step_by(channels);
    let trailing = columns[channel..].iter().step_by(channels);
    for ((to, first), last) in sums[channel..].iter_mut().step_by(channels).zip(leading).zip(trailing) {
        sum += *first;
        *to = sum;
        sum -= *last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_whole, check_linear, gray_u8, image, picture, pixel_types};

    #[test]
    fn a_point_becomes_a_square() {
        let mut point = [0; 25];
        point[12] = 90;
        let square = [[0; 5], [0, 10, 10, 10, 0], [0, 10, 10, 10, 0], [0, 10, 10, 10, 0], [0; 5]];
        assert_eq!(
            apply_whole(&BoxBlur { radius: 1 }, &gray_u8(5, &point)),
            gray_u8(5, square.as_flattened())
        );
    }

    #[test]
    fn flat_pictures_stay_and_transparent_pixels_do_not_bleed() {
        let flat = gray_u8(7, &[255; 21]);
        assert_eq!(apply_whole(&BoxBlur { radius: 100 }, &flat), flat);
        let row = [90, 255, 255, 0, 255, 0, 255, 0];
        assert_eq!(
            apply_to_row_u8(&BoxBlur { radius: 1 }, Channels::GrayAlpha, &row),
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
                &apply_whole(&BoxBlur { radius }, &source),
                radius as i64,
                |_, _| weight,
                0.0,
            );
        }
    }
}
