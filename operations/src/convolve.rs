//! `convolve`: sums with weights of one's own.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::blocks::Blocks;
use crate::border::{Rows, Window};
use crate::form::{Control, Field, Form};
use crate::linear::{Linear, Sums, apply_linear};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::real::{Real, Tap};
use crate::region::{Region, Samples};
use crate::sample::Sample;
use crate::target::{Lines, Target};
use crate::vector::{self, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Mul};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const WEIGHT: Bounds = Bounds::new(-1000.0, 1000.0);
const DIVISOR: Bounds = Bounds::new(0.001, 1_000_000.0);
const OFFSET: Bounds = Bounds::new(-1.0, 1.0);

/// The most rows and columns of a kernel.
const MAX_SIDE: usize = 31;

/// Correlation with a kernel: the sum of the weighted samples around each, divided by `divisor`; the kernel is not
/// turned. With alpha, premultiplied colours and alpha are summed. The result is saturated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Convolve {
    /// The weights in rows from top to bottom, each from left to right and -1000 to 1000: 1, 3, ... or 31 rows, and as
    /// many or other odd columns.
    #[schemars(length(min = 1, max = MAX_SIDE), inner(length(min = 1, max = MAX_SIDE), inner(range(min = WEIGHT.min, max = WEIGHT.max))))]
    pub kernel: Vec<Vec<Millionths>>,
    /// What the sum is divided by: 0.001 to 1000000.
    #[serde(default = "one")]
    #[schemars(range(min = DIVISOR.min, max = DIVISOR.max))]
    pub divisor: Millionths,
    /// What is added to colours at the end, as a fraction of the full range: -1 to 1.
    #[serde(default = "zero")]
    #[schemars(range(min = OFFSET.min, max = OFFSET.max))]
    pub offset: Millionths,
}

fn one() -> Millionths {
    Millionths::whole(1)
}

fn zero() -> Millionths {
    Millionths::whole(0)
}

impl Convolve {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "convolve";

    /// The length of the first row, and of all in a kernel that is within its bounds.
    fn columns(&self) -> usize {
        self.kernel.first().map_or(0, Vec::len)
    }

    /// The kernel for a picture reduced by 2^`level`: right to a level or so where that picture is flat over a pixel, since
    /// a weight counts for the two pixels that it falls between, by its distance from them.
    fn at_level(&self, level: u32) -> Convolve {
        let across = transposed(&self.kernel.iter().map(|row| reduce(row, level)).collect::<Vec<_>>());
        let kernel = transposed(&across.iter().map(|column| reduce(column, level)).collect::<Vec<_>>());
        Convolve { kernel, ..*self }
    }

    /// How far the kernel reaches, in pixels: the square around it is read.
    fn radius(&self) -> u32 {
        (self.kernel.len().max(self.columns()) / 2) as u32
    }

    /// The weights that are not 0, divided, row by row, each with its distance to the right and down.
    fn taps(&self, divisor: f64) -> Vec<(i32, i32, f64)> {
        let (across, down) = (self.columns() as i32 / 2, self.kernel.len() as i32 / 2);
        let rows = (-down..).zip(&self.kernel);
        let taps = rows.flat_map(|(dy, row)| (-across..).zip(row).map(move |(dx, weight)| (dx, dy, *weight)));
        taps.filter(|(_, _, weight)| weight.0 != 0)
            .map(|(dx, dy, weight)| (dx, dy, weight.to_f64() / divisor))
            .collect()
    }
}

impl Planned for Convolve {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(self.radius(), input)
    }

    fn cost(&self, input: Extent) -> f64 {
        (1.0 + 0.25 * self.taps(1.0).len() as f64) * input.pixel.bytes() as f64
    }
}

impl Apply for Convolve {
    fn form() -> Form {
        Form::advanced("Blur and sharpen")
            .called("Kernel of your own")
            .with(Field::new("kernel").control(Control::Kernel).suggested(serde_json::json!([
                [0, -1, 0],
                [-1, 5, -1],
                [0, -1, 0]
            ])))
            .with(Field::new("divisor").step(0.1).logarithmic())
            .with(Field::new("offset").step(0.05))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        let odd = |length: usize| length % 2 == 1 && length <= MAX_SIDE;
        let columns = self.columns();
        if !odd(self.kernel.len()) || !odd(columns) || self.kernel.iter().any(|row| row.len() != columns) {
            let fault = format!("must have rows of one length; both numbers are odd and at most {MAX_SIDE}");
            return Err(OutOfBounds { parameter: "kernel", fault });
        }
        self.kernel.iter().flatten().try_for_each(|weight| WEIGHT.check("kernel", *weight))?;
        DIVISOR.check("divisor", self.divisor)?;
        OFFSET.check("offset", self.offset)
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        let reduced = self.at_level(level);
        if reduced.check_bounds().is_ok() { Reduced::Scaled(Some(reduced)) } else { Reduced::Never }
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let window = Window { output: target.rect, radius: self.radius(), image: image.size };
        let (divisor, weights) = (self.divisor.to_f64(), self.taps(1.0));
        let whole = Kernel::is_whole(&weights)
            && !input.channels.has_alpha()
            && matches!(input.samples, Samples::U8(_));
        let taps = if whole { weights } else { self.taps(divisor) };
        let kernel = Kernel { taps, offset: self.offset.to_f64(), window };
        // Large weights that cancel out need more than 24 bits.
        let precise = kernel.taps.iter().map(|(_, _, weight)| weight.abs()).sum::<f64>() > 64.0;
        match (&input.samples, &mut target.rows) {
            (Samples::U8(samples), Lines::U8(lines)) if whole => {
                let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
                vectorised(Whole { kernel: &kernel, rows, divisor, lines });
            }
            (Samples::U8(samples), Lines::U8(lines)) if !precise => {
                apply_linear::<u8, f32, f32>(&kernel, (samples, input), lines);
            }
            (Samples::U8(samples), Lines::U8(lines)) => {
                apply_linear::<u8, f64, f64>(&kernel, (samples, input), lines);
            }
            (Samples::U16(samples), Lines::U16(lines)) => {
                apply_linear::<u16, f64, f64>(&kernel, (samples, input), lines);
            }
            (Samples::U8(_), Lines::U16(_)) | (Samples::U16(_), Lines::U8(_)) => {
                debug_assert!(false, "the depth stays");
            }
        }
    }
}

/// An odd number of weights side by side, for pixels 2^`level` times as large; an odd number again.
fn reduce(weights: &[Millionths], level: u32) -> Vec<Millionths> {
    let (size, centre) = (1i64 << level.min(20), weights.len() as i64 / 2);
    let reach = (centre + size - 1) / size;
    let share = |place: i64, pixel: i64| (size - (place - pixel * size).abs()).max(0);
    let weight = |pixel: i64| {
        let shares = (-centre..).zip(weights).map(|(place, weight)| weight.0 * share(place, pixel));
        Millionths(shares.sum::<i64>() / size)
    };
    (-reach..=reach).map(weight).collect()
}

/// Rows as columns; all are of one length.
fn transposed(rows: &[Vec<Millionths>]) -> Vec<Vec<Millionths>> {
    let columns = 0..rows.first().map_or(0, Vec::len);
    columns.map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

/// The kernel on one rectangle.
struct Kernel {
    taps: Vec<(i32, i32, f64)>,
    offset: f64,
    window: Window,
}

impl Linear for Kernel {
    fn rects(&self) -> (Rect, Rect) {
        (self.window.read(), self.window.output)
    }

    fn offset<S: Sample>(&self) -> f64 {
        self.offset * f64::from(S::MAX)
    }

    #[inline(always)]
    fn rows<'a, T: Tap<F> + 'a, F: Real + 'a>(&'a self, rows: &'a Rows<'a, T>) -> impl Sums<F> + 'a {
        Convolved::<F, WIDE>::new(self, rows, T::one, F::from_f64)
    }
}

impl Kernel {
    /// Whether sums of samples of 8 bits are exact in 16: the weights, without the divisor, are whole and small.
    fn is_whole(weights: &[(i32, i32, f64)]) -> bool {
        weights.iter().all(|(_, _, weight)| weight.fract() == 0.0)
            && weights.iter().map(|(_, _, weight)| weight.abs()).sum::<f64>() <= 128.0
    }
}

/// Numbers of 4 and more bytes whose sums stay in registers over all taps.
const WIDE: usize = 32;

/// The same of 2 bytes.
const NARROW: usize = 64;

/// The rows of sums. `N` numbers of a row are summed in registers.
struct Convolved<F, const N: usize> {
    /// The padded rows that are read.
    padded: Vec<F>,
    /// Numbers of a padded row.
    length: usize,
    /// Places from the first number of a window on, with weights.
    taps: Vec<(usize, F)>,
    sums: Vec<F>,
    /// Rows that were given, and all.
    done: usize,
    height: usize,
}

impl<F: Copy + Default, const N: usize> Convolved<F, N> {
    #[inline(always)]
    fn new<T: Copy>(
        kernel: &Kernel,
        rows: &Rows<T>,
        widen: impl Fn(T) -> F,
        weight: impl Fn(f64) -> F,
    ) -> Convolved<F, N> {
        let (channels, window, radius) = (rows.channels, &kernel.window, kernel.window.radius as i32);
        let (length, padded) = (window.padded() * channels, window.padded_rows(rows, widen));
        let place = |(dx, dy, number): &(i32, i32, f64)| {
            let place = (radius + dy) as usize * length + (radius + dx) as usize * channels;
            (place, weight(*number))
        };
        let taps = kernel.taps.iter().map(place).collect();
        let sums = vec![F::default(); window.output.width as usize * channels];
        Convolved { padded, length, taps, sums, done: 0, height: window.output.height as usize }
    }
}

impl<F: Copy + Default + Add<Output = F> + Mul<Output = F>, const N: usize> Sums<F> for Convolved<F, N> {
    #[inline(always)]
    fn next_row(&mut self) -> Option<&[F]> {
        if self.done == self.height {
            return None;
        }
        let (values, count) = (&self.padded[self.done * self.length..], self.sums.len());
        self.done += 1;
        if count < N {
            for (at, sum) in self.sums.iter_mut().enumerate() {
                [*sum] = weigh(&values[at..], &self.taps);
            }
        } else {
            for at in Blocks::<N>::of(count) {
                self.sums[at..][..N].copy_from_slice(&weigh::<F, N>(&values[at..], &self.taps));
            }
        }
        Some(&self.sums)
    }
}

/// The sums of the values at the places of the taps, from each of `N` places on.
#[inline(always)]
fn weigh<F: Copy + Default + Add<Output = F> + Mul<Output = F>, const N: usize>(
    values: &[F],
    taps: &[(usize, F)],
) -> [F; N] {
    let mut sums = [F::default(); N];
    for (place, weight) in taps {
        let values = &values[*place..][..N];
        for lane in 0..N {
            sums[lane] = sums[lane] + values[lane] * *weight;
        }
    }
    sums
}

/// A kernel of whole weights on opaque samples of 8 bits, of which `divisor` and `offset` are left to be done.
struct Whole<'a, 'b> {
    kernel: &'a Kernel,
    rows: Rows<'a, u8>,
    divisor: f64,
    lines: &'a mut [&'b mut [u8]],
}

impl vector::Kernel for Whole<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Whole { kernel, rows, divisor, lines } = self;
        let (share, offset) = ((1.0 / divisor) as f32, kernel.offset::<u8>() as f32);
        let mut sums = Convolved::<i16, NARROW>::new(kernel, &rows, i16::from, |weight| weight as i16);
        for line in lines {
            let Some(sums) = sums.next_row() else { return };
            for (to, sum) in line.iter_mut().zip(sums) {
                *to = (f32::from(*sum) * share + offset).sample();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, check_linear, gray_u8, image, picture, pixel_types, values};

    fn convolve(kernel: &[&[f64]], divisor: f64, offset: f64) -> Convolve {
        let kernel = kernel.iter().map(|row| row.iter().map(|weight| Millionths::nearest(*weight)).collect());
        Convolve {
            kernel: kernel.collect(),
            divisor: Millionths::nearest(divisor),
            offset: Millionths::nearest(offset),
        }
    }

    #[test]
    fn the_kernel_is_not_turned() {
        let mut point = [0; 25];
        point[12] = 10;
        let result = values(&apply_whole(&convolve(&[&[1.0, 2.0, 3.0]], 1.0, 0.0), &gray_u8(5, &point)));
        assert_eq!(result[10..15], [0, 30, 20, 10, 0]);
        let result =
            values(&apply_whole(&convolve(&[&[0.0], &[0.0], &[4.0]], 8.0, 0.2), &gray_u8(5, &point)));
        assert_eq!((result[7], result[12]), (56, 51));
    }

    #[test]
    fn kernels_have_odd_sides_and_rows_of_one_length() {
        let fault = |kernel: &[&[f64]]| convolve(kernel, 1.0, 0.0).check_bounds().err();
        assert!(fault(&[&[1.0]]).is_none());
        for wrong in [
            &[][..],
            &[&[][..]],
            &[&[1.0, 2.0]],
            &[&[1.0][..], &[1.0]],
            &[&[1.0][..], &[], &[1.0]],
            &[&[1.0; 33]],
        ] {
            assert_eq!(fault(wrong).unwrap().parameter, "kernel", "{wrong:?}");
        }
        assert_eq!(fault(&[&[1001.0]]).unwrap().to_string(), "kernel must be from -1000 to 1000, not 1001");
    }

    #[test]
    fn pictures_follow_the_formula() {
        let kernels: [(&[&[f64]], f64); 3] = [
            (&[&[1.0, 2.0, 0.5], &[-1.0, 3.0, 0.25], &[0.0, 1.0, 7.0]], 9.0),
            (&[&[1.0, 0.0, 2.0, 4.0, -0.3]], 5.0),
            (&[&[999.0], &[-900.0], &[-98.0]], 1.0),
        ];
        for (pixel, (kernel, divisor)) in
            pixel_types().flat_map(|pixel| kernels.map(|kernel| (pixel, kernel)))
        {
            let (source, operation) = (picture(image(33, 14, pixel), 2), convolve(kernel, divisor, -0.03));
            let weight = |dx: i64, dy: i64| {
                let (x, y) = (dx + kernel[0].len() as i64 / 2, dy + kernel.len() as i64 / 2);
                kernel
                    .get(y as usize)
                    .and_then(|row| row.get(x as usize))
                    .map_or(0.0, |weight| weight / divisor)
            };
            check_linear(&source, &apply_whole(&operation, &source), 2, weight, -0.03);
        }
    }

    #[test]
    fn a_kernel_for_a_reduced_picture_has_the_same_sum_and_weighs_by_distance() {
        let kernel = |rows: &[&[i64]]| {
            let rows = rows.iter().map(|row| row.iter().map(|weight| Millionths::whole(*weight)).collect());
            Convolve { kernel: rows.collect(), divisor: one(), offset: zero() }
        };
        let row = kernel(&[&[8, 4, 0, 16, 32]]);
        assert_eq!(row.at_level(1), kernel(&[&[10, 10, 40]]));
        assert_eq!(row.at_level(2), kernel(&[&[5, 35, 20]]));
        let square = kernel(&[&[0, 4, 0], &[4, 16, 4], &[0, 4, 0]]);
        assert_eq!(square.at_level(1), kernel(&[&[0, 2, 0], &[2, 24, 2], &[0, 2, 0]]));
    }
}
