//! `medianBlur`: the middle sample of a square, for small squares by comparing and exchanging, else bit by bit.

use crate::apply::{Apply, Reduced, reduced_radius};
use crate::border::{Rows, Window, keep_alpha};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, OutOfBounds};
use crate::region::{Region, each_depth};
use crate::sample::Sample;
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const RADIUS: Bounds = Bounds::new(1.0, 7.0);

/// Samples that are computed side by side.
const LANES: usize = 64;

/// Median: the middle one of the samples in the square of 2 * radius + 1 pixels on a side around each, in each channel.
/// Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MedianBlur {
    /// How far the square reaches from its centre in pixels: 1 to 7.
    #[schemars(range(min = RADIUS.min, max = RADIUS.max))]
    pub radius: u32,
}

impl MedianBlur {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "medianBlur";
}

impl Planned for MedianBlur {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(self.radius, input)
    }

    fn cost(&self, input: Extent) -> f64 {
        let (square, bytes) = (f64::from(2 * self.radius + 1).powi(2), input.pixel.bytes() as f64);
        let of_a_byte = if self.radius <= 2 {
            0.01 * square * square
        } else {
            0.6 * square * input.pixel.depth.bytes() as f64
        };
        bytes * of_a_byte.max(1.0)
    }
}

impl Apply for MedianBlur {
    fn form() -> Form {
        Form::advanced("Blur and sharpen").called("Median (removes specks)").with(Field::radius(2))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        RADIUS.check_whole("radius", self.radius)
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        Reduced::Scaled(reduced_radius(self.radius, level).map(|radius| MedianBlur { radius }))
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        let window = Window { output, radius: self.radius, image: image.size };
        let samples = each_depth!(&input.samples, samples => {
            let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
            let mut result = vectorised(Medians { rows: &rows, window: &window });
            keep_alpha(&rows, output, input.channels, &mut result);
            result
        });
        Region { rect: output, channels: input.channels, samples }
    }
}

/// The medians of one rectangle.
struct Medians<'a, S> {
    rows: &'a Rows<'a, S>,
    window: &'a Window,
}

impl<S: Sample> Kernel for Medians<'_, S> {
    type Output = Vec<S>;

    #[inline(always)]
    fn run(self) -> Vec<S> {
        medians(self.rows, self.window)
    }
}

#[inline(always)]
fn medians<S: Sample>(rows: &Rows<S>, window: &Window) -> Vec<S> {
    let (side, length) = (2 * window.radius as usize + 1, window.padded() * rows.channels);
    let width = window.output.width as usize * rows.channels;
    let mut padded = window.padded_rows(rows, |sample| sample);
    padded.resize(padded.len() + LANES, S::default());
    let places = (0..side).flat_map(|dy| (0..side).map(move |dx| dy * length + dx * rows.channels));
    let places: Vec<usize> = places.collect();
    let mut result = vec![S::default(); width * window.output.height as usize];
    for (y, row) in result.chunks_exact_mut(width.max(1)).enumerate() {
        for (block, x) in row.chunks_mut(LANES).zip((0..).step_by(LANES)) {
            let values = &padded[y * length + x..];
            let medians = match window.radius {
                1 => by_exchange::<S, 6>(values, &places),
                2 => by_exchange::<S, 14>(values, &places),
                _ => by_bits(values, &places),
            };
            block.copy_from_slice(&medians[..block.len()]);
        }
    }
    result
}

/// One value of each of several windows.
type Lanes<S> = [S; LANES];

/// The values at `place` of the windows.
#[inline(always)]
fn load<S: Sample>(values: &[S], place: usize) -> Lanes<S> {
    *values[place..].first_chunk().expect("as many samples as lanes follow the last row")
}

/// The medians by forgetful selection: of half of the values and one more, the smallest and the largest cannot be the
/// median; they are forgotten, and the next value comes in. `KEPT` is half of the places, rounded down, and 2.
#[inline(always)]
fn by_exchange<S: Sample, const KEPT: usize>(values: &[S], places: &[usize]) -> Lanes<S> {
    let mut kept: [Lanes<S>; KEPT] = std::array::from_fn(|index| load(values, places[index]));
    let mut next = KEPT;
    for count in (3..=KEPT).rev() {
        extremes_to_the_ends(&mut kept[..count]);
        if next < places.len() {
            // The smallest gives its place to the next value; the largest is left behind the end.
            kept[0] = load(values, places[next]);
            next += 1;
        }
    }
    kept[1]
}

/// Brings the smallest value to the front and the largest to the back.
#[inline(always)]
fn extremes_to_the_ends<S: Sample>(kept: &mut [Lanes<S>]) {
    let count = kept.len();
    for index in 0..count / 2 {
        exchange(kept, index, count - 1 - index);
    }
    for index in 1..count.div_ceil(2) {
        exchange(kept, 0, index);
    }
    for index in count / 2..count - 1 {
        exchange(kept, index, count - 1);
    }
}

/// Leaves the smaller values at `low` and the larger ones at `high`.
#[inline(always)]
fn exchange<S: Sample>(kept: &mut [Lanes<S>], low: usize, high: usize) {
    let (a, b) = (kept[low], kept[high]);
    let (mut smaller, mut larger) = (a, b);
    for lane in 0..LANES {
        smaller[lane] = if b[lane] < a[lane] { b[lane] } else { a[lane] };
        larger[lane] = if b[lane] < a[lane] { a[lane] } else { b[lane] };
    }
    (kept[low], kept[high]) = (smaller, larger);
}

/// The medians from their highest bit to the lowest: a bit is set if less than half of the values are below it. At most
/// 225 places, so that 8 bits can count them.
#[inline(always)]
fn by_bits<S: Sample>(values: &[S], places: &[usize]) -> Lanes<S> {
    let rank = S::narrow(places.len() as i32 / 2 + 1);
    let mut medians = [S::default(); LANES];
    let mut bit = (S::MAX + 1) / 2;
    while bit > 0 {
        let tried = medians.map(|median| S::narrow(median.widen() | bit));
        let mut below = [S::default(); LANES];
        for place in places {
            let sample: Lanes<S> = load(values, *place);
            for lane in 0..LANES {
                below[lane] = below[lane] + S::from(sample[lane] < tried[lane]);
            }
        }
        for lane in 0..LANES {
            medians[lane] = if below[lane] < rank { tried[lane] } else { medians[lane] };
        }
        bit /= 2;
    }
    medians
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, image, picture, pixel_types, values};

    #[test]
    fn points_vanish_and_steps_stay() {
        let mut point = [9; 35];
        point[17] = 200;
        assert_eq!(apply_whole(&MedianBlur { radius: 1 }, &gray_u8(7, &point)), gray_u8(7, &[9; 35]));
        let step = gray_u8(6, &[1, 1, 1, 250, 250, 250]);
        (1..=7).for_each(|radius| assert_eq!(apply_whole(&MedianBlur { radius }, &step), step));
        assert_eq!(apply_whole(&MedianBlur { radius: 1 }, &gray_u8(3, &[1, 9, 5])), gray_u8(3, &[1, 5, 5]));
    }

    #[test]
    fn pictures_equal_the_definition() {
        for (pixel, radius) in pixel_types().flat_map(|pixel| [1, 2, 3, 7].map(|radius| (pixel, radius))) {
            let source = picture(image(71, 11, pixel), 3);
            let result = values(&apply_whole(&MedianBlur { radius: radius as u32 }, &source));
            let (width, height) = (i64::from(source.rect.width), i64::from(source.rect.height));
            let (count, all) = (source.channels.count(), values(&source));
            for (index, value) in result.into_iter().enumerate() {
                let (pixel, c) = ((index / count) as i64, index % count);
                let at = |dx: i64, dy: i64| {
                    let (x, y) =
                        ((pixel % width + dx).clamp(0, width - 1), (pixel / width + dy).clamp(0, height - 1));
                    all[(y * width + x) as usize * count + c]
                };
                let mut square: Vec<i64> = (-radius..=radius)
                    .flat_map(|dy| (-radius..=radius).map(|dx| (dx, dy)).collect::<Vec<_>>())
                    .map(|(dx, dy)| at(dx, dy))
                    .collect();
                square.sort_unstable();
                let expected =
                    if c == source.channels.colours() { at(0, 0) } else { square[square.len() / 2] };
                assert_eq!(value, expected, "{radius} {} {index}", source.pixel());
            }
        }
    }
}
