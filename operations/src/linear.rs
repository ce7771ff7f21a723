//! Linear operations on a neighbourhood: the same sums for every channel, of premultiplied colours where there is alpha.

use crate::border::Rows;
use crate::light::{Encoded, Encoder};
use crate::real::{Real, Tap, premultiplied, unpremultiply};
use crate::region::{Region, Samples};
use crate::sample::Sample;
use crate::target::{Lines, Target};
use crate::vector::{Kernel, vectorised};
use std::marker::PhantomData;
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// Weighted sums for each pixel of a rectangle.
pub(crate) trait Linear {
    /// See [`Kernel::NARROW`].
    const NARROW: bool = false;

    /// The pixels of the input that are read, and those of the result.
    fn rects(&self) -> (Rect, Rect);

    /// What is added to each colour at the end, in levels.
    fn offset<S: Sample>(&self) -> f64 {
        0.0
    }

    /// The rows of the result. `rows` holds at least the pixels that are read.
    fn rows<'a, T: Tap<F> + 'a, F: Real + 'a>(&'a self, rows: &'a Rows<'a, T>) -> impl Sums<F> + 'a;

    /// Writes the rows of the result for samples without alpha, summed in `F`.
    #[inline(always)]
    fn write<S: Sample, F: Real>(&self, rows: &Rows<S>, lines: &mut [&mut [S]]) {
        let offset = F::from_f64(self.offset::<S>());
        let mut sums = self.rows::<S, F>(rows);
        for line in lines {
            let Some(sums) = sums.next_row() else { return };
            for (to, sum) in line.iter_mut().zip(sums) {
                *to = (*sum + offset).sample();
            }
        }
    }
}

/// Rows of sums, from top to bottom. Not a closure that takes them: a closure that is called on every path is not inlined
/// into the code of any.
pub(crate) trait Sums<F> {
    /// The next row.
    fn next_row(&mut self) -> Option<&[F]>;
}

/// Writes the result for `input`, `in_light` or as samples are encoded. Sums are made in f32, of 16-bit premultiplied colours
/// and of 16-bit light in f64.
pub(crate) fn apply(linear: &impl Linear, in_light: bool, input: &Region, target: &mut Target<'_>) {
    match (&input.samples, &mut target.rows, in_light) {
        (Samples::U8(samples), Lines::U8(lines), true) => {
            apply_in_light::<u8, f32>(linear, (samples, input), lines);
        }
        (Samples::U16(samples), Lines::U16(lines), true) => {
            apply_in_light::<u16, f64>(linear, (samples, input), lines);
        }
        (Samples::U8(samples), Lines::U8(lines), false) => {
            apply_linear::<u8, f32, f32>(linear, (samples, input), lines);
        }
        (Samples::U16(samples), Lines::U16(lines), false) => {
            apply_linear::<u16, f32, f64>(linear, (samples, input), lines);
        }
        (Samples::U8(_), Lines::U16(_), _) | (Samples::U16(_), Lines::U8(_), _) => {
            debug_assert!(false, "the depth stays");
        }
    }
}

/// Writes the result for `samples`, those of `input`. Sums are made in `O` for opaque images, in `P` for premultiplied
/// ones.
pub(crate) fn apply_linear<S: Sample, O: Real, P: Real>(
    linear: &impl Linear,
    (samples, input): (&[S], &Region),
    lines: &mut [&mut [S]],
) {
    vectorised(Plain { linear, samples, input, lines, sums: PhantomData::<(O, P)> });
}

struct Plain<'a, 'b, L, S, O, P> {
    linear: &'a L,
    samples: &'a [S],
    input: &'a Region,
    lines: &'a mut [&'b mut [S]],
    sums: PhantomData<(O, P)>,
}

impl<L: Linear, S: Sample, O: Real, P: Real> Kernel for Plain<'_, '_, L, S, O, P> {
    type Output = ();
    const NARROW: bool = L::NARROW;

    #[inline(always)]
    fn run(self) {
        let Plain { linear, samples, input, lines, sums: PhantomData } = self;
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        match input.channels {
            Channels::Gray | Channels::Rgb => linear.write::<S, O>(&rows, lines),
            Channels::GrayAlpha => with_alpha::<S, P, 2>(linear, &rows, lines),
            Channels::Rgba => with_alpha::<S, P, 4>(linear, &rows, lines),
        }
    }
}

/// The same in linear light: samples are decoded before they are summed, and the sums encoded. Nothing is added at the end.
fn apply_in_light<S: Encoded, F: Real>(
    linear: &impl Linear,
    (samples, input): (&[S], &Region),
    lines: &mut [&mut [S]],
) {
    vectorised(InLight { linear, samples, input, lines, sums: PhantomData::<F> });
}

struct InLight<'a, 'b, L, S, F> {
    linear: &'a L,
    samples: &'a [S],
    input: &'a Region,
    lines: &'a mut [&'b mut [S]],
    sums: PhantomData<F>,
}

impl<L: Linear, S: Encoded, F: Real> Kernel for InLight<'_, '_, L, S, F> {
    type Output = ();
    const NARROW: bool = L::NARROW;

    #[inline(always)]
    fn run(self) {
        let InLight { linear, samples, input, lines, sums: PhantomData } = self;
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        match input.channels {
            Channels::Gray | Channels::Rgb => opaque_in_light::<S, F>(linear, &rows, lines),
            Channels::GrayAlpha => with_alpha_in_light::<S, F, 2>(linear, &rows, lines),
            Channels::Rgba => with_alpha_in_light::<S, F, 4>(linear, &rows, lines),
        }
    }
}

#[inline(always)]
fn opaque_in_light<S: Encoded, F: Real>(linear: &impl Linear, rows: &Rows<S>, lines: &mut [&mut [S]]) {
    let ((read, _), light, encoder) = (linear.rects(), S::light(), Encoder::new());
    let decode = |sample: &S| F::from_f64(f64::from(light[sample.widen() as usize]));
    let samples: Vec<F> =
        (read.y..read.bottom()).flat_map(|y| rows.row(y, read).iter().map(decode)).collect();
    let lights = Rows { samples: &samples, rect: read, channels: rows.channels };
    let mut sums = linear.rows::<F, F>(&lights);
    for line in lines {
        let Some(sums) = sums.next_row() else { return };
        for (to, sum) in line.iter_mut().zip(sums) {
            *to = encoder.sample(sum.to_f32());
        }
    }
}

/// Light is multiplied by alpha, which has no curve.
#[inline(always)]
fn with_alpha_in_light<S: Encoded, F: Real, const N: usize>(
    linear: &impl Linear,
    rows: &Rows<S>,
    lines: &mut [&mut [S]],
) {
    let ((read, _), light, encoder) = (linear.rects(), S::light(), Encoder::new());
    let premultiply = |pixel: &[S; N]| -> [F; N] {
        let alpha = F::from_i32(pixel[N - 1].widen());
        let colour = |c: usize| F::from_f64(f64::from(light[pixel[c].widen() as usize])) * alpha;
        std::array::from_fn(|c| if c < N - 1 { colour(c) } else { alpha })
    };
    let colours = (read.y..read.bottom()).flat_map(|y| rows.row(y, read).as_chunks::<N>().0);
    let colours: Vec<F> = colours.flat_map(premultiply).collect();
    let encode = |pixel: &[F; N]| -> [S; N] {
        let alpha: S = pixel[N - 1].sample();
        let colour = |c: usize| encoder.sample((pixel[c] / pixel[N - 1]).to_f32());
        let visible = alpha > S::default();
        std::array::from_fn(|c| if c < N - 1 && visible { colour(c) } else { alpha })
    };
    let lights = Rows { samples: &colours, rect: read, channels: N };
    let mut sums = linear.rows::<F, F>(&lights);
    for line in lines {
        let Some(sums) = sums.next_row() else { return };
        for (to, pixel) in line.as_chunks_mut::<N>().0.iter_mut().zip(sums.as_chunks::<N>().0) {
            *to = encode(pixel);
        }
    }
}

#[inline(always)]
fn with_alpha<S: Sample, F: Real, const N: usize>(
    linear: &impl Linear,
    rows: &Rows<S>,
    lines: &mut [&mut [S]],
) {
    let (read, _) = linear.rects();
    let offset = F::from_f64(linear.offset::<S>());
    let colours: Vec<F> = premultiplied::<S, F, N>(rows, read);
    let colours = Rows { samples: &colours, rect: read, channels: N };
    let mut sums = linear.rows::<F, F>(&colours);
    for line in lines {
        let Some(sums) = sums.next_row() else { return };
        for (to, pixel) in line.as_chunks_mut::<N>().0.iter_mut().zip(sums.as_chunks::<N>().0) {
            *to = unpremultiply::<S, F, N>(pixel, offset);
        }
    }
}
