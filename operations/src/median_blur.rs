//! `medianBlur`: the middle sample of a square, for small squares by comparing and exchanging, else by counting.

use crate::apply::{Apply, Reduced, apply_by_target, reduced_radius};
use crate::border::{Rows, Window, keep_alpha};
use crate::form::{Field, Form};
use crate::large_median;
use crate::parameter::{Bounds, OutOfBounds};
use crate::region::Region;
use crate::sample::Sample;
use crate::target::{Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const RADIUS: Bounds = Bounds::new(1.0, 7.0);

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
            0.001 * square * square
        } else {
            0.11 * square * input.pixel.depth.bytes() as f64
        };
        bytes * of_a_byte.max(0.3)
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
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let window = Window { output: target.rect, radius: self.radius, image: image.size };
        each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
            let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
            if self.radius <= 2 {
                vectorised(Medians::<_, true> { rows: &rows, window: &window, lines });
            } else {
                vectorised(Medians::<_, false> { rows: &rows, window: &window, lines });
            }
            keep_alpha(&rows, window.output, input.channels, lines);
        });
    }
}

/// The medians of one rectangle, by comparison if `SMALL`: of squares of radius 1 or 2.
struct Medians<'a, 'b, S, const SMALL: bool> {
    rows: &'a Rows<'a, S>,
    window: &'a Window,
    lines: &'a mut [&'b mut [S]],
}

impl<S: Sample, const SMALL: bool> Kernel for Medians<'_, '_, S, SMALL> {
    type Output = ();
    const NARROW: bool = SMALL;

    #[inline(always)]
    fn run(self) {
        let Medians { rows, window, lines } = self;
        if !SMALL {
            return large_median::medians(rows, window, lines);
        }
        match (window.radius, rows.channels) {
            (1, 1) => of_nine::<_, 1>(rows, window, lines),
            (1, 2) => of_nine::<_, 2>(rows, window, lines),
            (1, 3) => of_nine::<_, 3>(rows, window, lines),
            (1, _) => of_nine::<_, 4>(rows, window, lines),
            (_, 1) => of_sorted::<_, 1>(rows, window, lines),
            (_, 2) => of_sorted::<_, 2>(rows, window, lines),
            (_, 3) => of_sorted::<_, 3>(rows, window, lines),
            _ => of_sorted::<_, 4>(rows, window, lines),
        }
    }
}

/// Medians of squares of radius 1, with `N` channels, two rows at once, whose columns share two samples. To sort a column again
/// for each of its squares costs less than to keep it.
#[inline(always)]
fn of_nine<S: Sample, const N: usize>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let (read, output) = (window.read(), window.output);
    // The pixels at the image's sides, whose squares reach beyond, come last.
    let first = output.x + u32::from(read.x == output.x);
    let inner = first..first.max(output.right() - u32::from(read.right() == output.right()));
    let at = |x: u32| (x - output.x) as usize * N;
    let mut spare = vec![S::default(); output.width as usize * N];
    for (y, lines) in (output.y..).step_by(2).zip(lines.chunks_mut(2)) {
        // The last row may stand alone.
        let below = lines.len() as i32;
        let (upper, lower) = match lines {
            [upper, lower] => (&mut **upper, &mut **lower),
            [upper] => (&mut **upper, &mut spare[..]),
            _ => continue,
        };
        let four = [-1, 0, 1, below].map(|dy| window.row(y, dy));
        if !inner.is_empty() {
            let (rows, pixels) = (four.map(|y| rows.row(y, read)), at(inner.start)..at(inner.end));
            medians_of_nine::<S, N>(rows, &mut upper[pixels.clone()], &mut lower[pixels]);
        }
        for x in (output.x..inner.start).chain(inner.end..output.right()) {
            let one = Window { output: Rect::new(x, y, 1, 1), ..*window };
            let mut around = [[[S::default(); N]; 3]; 4];
            for (around, y) in around.iter_mut().zip(four) {
                let around = around.as_flattened_mut();
                around[one.inside().start * N..one.inside().end * N].copy_from_slice(rows.row(y, one.read()));
                one.replicate(around, N);
            }
            let around = around.each_ref().map(|row| row.as_flattened());
            medians_of_nine::<S, N>(around, &mut upper[at(x)..][..N], &mut lower[at(x)..][..N]);
        }
    }
}

/// The medians of the squares of the first three rows, and of the last three.
#[inline(always)]
fn medians_of_nine<S: Sample, const N: usize>(rows: [&[S]; 4], upper: &mut [S], lower: &mut [S]) {
    let length = upper.len();
    let lower = &mut lower[..length];
    let mut shifted = [[rows[0]; 3]; 4];
    for row in 0..4 {
        for column in 0..3 {
            shifted[row][column] = &rows[row][column * N..][..length];
        }
    }
    for index in 0..length {
        let (mut above, mut below) = ([[S::default(); 3]; 3], [[S::default(); 3]; 3]);
        for column in 0..3 {
            let middle = sort2(shifted[1][column][index], shifted[2][column][index]);
            above[column] = insert(shifted[0][column][index], middle);
            below[column] = insert(shifted[3][column][index], middle);
        }
        upper[index] = middle_of_nine(above);
        lower[index] = middle_of_nine(below);
    }
}

/// Three samples in ascending order, of which two are.
#[inline(always)]
fn insert<S: Sample>(sample: S, (low, high): (S, S)) -> [S; 3] {
    [sample.min(low), sample.min(high).max(low), sample.max(high)]
}

/// The median of three columns in ascending order: the middle one of the largest of the small, the middle one of the middle,
/// and the smallest of the large.
#[inline(always)]
fn middle_of_nine<S: Sample>([a, b, c]: [[S; 3]; 3]) -> S {
    let small = a[0].max(b[0]).max(c[0]);
    let large = a[2].min(b[2]).min(c[2]);
    middle([small, middle([a[1], b[1], c[1]]), large])
}

/// The median.
#[inline(always)]
fn middle<S: Sample>([a, b, c]: [S; 3]) -> S {
    let (low, high) = sort2(a, b);
    c.min(high).max(low)
}

/// Pixels on a side of a square of radius 2.
const FIVE: usize = 5;

/// Medians of squares of radius 2, with `N` channels: every column is sorted once, for all squares that it is part of.
#[inline(always)]
fn of_sorted<S: Sample, const N: usize>(rows: &Rows<S>, window: &Window, lines: &mut [&mut [S]]) {
    let read = window.read();
    let inside = window.inside().start * N..window.inside().end * N;
    let mut ranks: [Vec<S>; FIVE] = std::array::from_fn(|_| vec![S::default(); window.padded() * N]);
    for (y, line) in (window.output.y..).zip(lines) {
        let sources = std::array::from_fn(|row| rows.row(window.row(y, row as i32 - 2), read));
        sort_columns(sources, ranks.each_mut().map(|rank| &mut rank[inside.clone()]));
        ranks.iter_mut().for_each(|rank| window.replicate(rank, N));
        medians::<S, N>(ranks.each_ref().map(|rank| &rank[..]), line);
    }
}

/// The samples of each column in order: those of the first rank, of the second, and so on.
#[inline(always)]
fn sort_columns<S: Sample>(mut sources: [&[S]; FIVE], mut ranks: [&mut [S]; FIVE]) {
    let length = ranks[0].len();
    for row in 0..FIVE {
        sources[row] = &sources[row][..length];
        ranks[row] = &mut std::mem::take(&mut ranks[row])[..length];
    }
    for index in 0..length {
        let mut column = [S::default(); FIVE];
        for row in 0..FIVE {
            column[row] = sources[row][index];
        }
        let sorted = sort5(column);
        for rank in 0..FIVE {
            ranks[rank][index] = sorted[rank];
        }
    }
}

/// The medians of the squares whose columns are in order.
#[inline(always)]
fn medians<S: Sample, const N: usize>(ranks: [&[S]; FIVE], line: &mut [S]) {
    let length = line.len();
    let mut shifted = [[ranks[0]; FIVE]; FIVE];
    for rank in 0..FIVE {
        for column in 0..FIVE {
            shifted[rank][column] = &ranks[rank][column * N..][..length];
        }
    }
    for index in 0..length {
        let mut square = [[S::default(); FIVE]; FIVE];
        for rank in 0..FIVE {
            for column in 0..FIVE {
                square[rank][column] = shifted[rank][column][index];
            }
        }
        line[index] = middle_of_25(square);
    }
}

/// The samples in ascending order.
#[inline(always)]
fn sort5<S: Sample>([a, b, c, d, e]: [S; 5]) -> [S; 5] {
    let (a, b) = sort2(a, b);
    let (d, e) = sort2(d, e);
    let (c, e) = sort2(c, e);
    let (c, d) = sort2(c, d);
    let (b, e) = sort2(b, e);
    let (a, d) = sort2(a, d);
    let (a, c) = sort2(a, c);
    let (b, d) = sort2(b, d);
    let (b, c) = sort2(b, c);
    [a, b, c, d, e]
}

/// The median of a square whose columns are in order; `ranks` are its rows.
///
/// With the rows in order too, a sample has all those above and to the left below it, so that only 13 on three
/// antidiagonals can be the median, which is theirs. Of the four of the first, all but the largest have at least seven of
/// the 13 above them, and of the four of the last, all but the smallest as many below; of the five of the middle one, the
/// smallest and the largest have eight. The median is that of the five others.
#[inline(always)]
fn middle_of_25<S: Sample>(ranks: [[S; 5]; 5]) -> S {
    let [a, b, c, d, e] = ranks;
    let (a, b, c) = (sort5(a), sort5(b), sort5(c));
    let (d, e) = (sort5(d), sort5(e));
    let first = a[3].max(b[2]).max(c[1]).max(d[0]);
    let last = b[4].min(c[3]).min(d[2]).min(e[1]);
    let middle = sort5([a[4], b[3], c[2], d[1], e[0]]);
    let (low, high) = sort2(first, last);
    middle[3].min(low.max(middle[2])).min(high.max(middle[1]))
}

/// The smaller and the larger.
#[inline(always)]
fn sort2<S: Sample>(a: S, b: S) -> (S, S) {
    (a.min(b), a.max(b))
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
