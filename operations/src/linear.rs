//! Linear operations on a neighbourhood: the same sums for every channel, of premultiplied colours where there is alpha.

use crate::border::Rows;
use crate::light::{Encoded, Encoder};
use crate::real::{Real, Tap, premultiplied, unpremultiply};
use crate::region::Region;
use crate::sample::Sample;
use crate::vector::{Kernel, vectorised};
use std::marker::PhantomData;
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// Weighted sums for each pixel of a rectangle.
pub(crate) trait Linear {
    /// The pixels of the input that are read, and those of the result.
    fn rects(&self) -> (Rect, Rect);

    /// What is added to each colour at the end, in levels.
    fn offset<S: Sample>(&self) -> f64 {
        0.0
    }

    /// Hands the rows of the result to `finish`, from top to bottom. `rows` holds at least the pixels that are read.
    fn rows<T: Tap<F>, F: Real>(&self, rows: &Rows<T>, finish: impl FnMut(&[F]));
}

/// The result for `samples`, those of `input`. Sums are made in `O` for opaque images, in `P` for premultiplied ones.
pub(crate) fn apply_linear<S: Sample, O: Real, P: Real>(
    linear: &impl Linear,
    samples: &[S],
    input: &Region,
) -> Vec<S> {
    vectorised(Plain { linear, samples, input, sums: PhantomData::<(O, P)> })
}

struct Plain<'a, L, S, O, P> {
    linear: &'a L,
    samples: &'a [S],
    input: &'a Region,
    sums: PhantomData<(O, P)>,
}

impl<L: Linear, S: Sample, O: Real, P: Real> Kernel for Plain<'_, L, S, O, P> {
    type Output = Vec<S>;

    #[inline(always)]
    fn run(self) -> Vec<S> {
        let Plain { linear, samples, input, sums: PhantomData } = self;
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        match input.channels {
            Channels::Gray | Channels::Rgb => opaque::<S, O>(linear, &rows),
            Channels::GrayAlpha => with_alpha::<S, P, 2>(linear, &rows),
            Channels::Rgba => with_alpha::<S, P, 4>(linear, &rows),
        }
    }
}

/// The same in linear light: samples are decoded before they are summed, and the sums encoded. Nothing is added at the end.
pub(crate) fn apply_in_light<S: Encoded, F: Real>(
    linear: &impl Linear,
    samples: &[S],
    input: &Region,
) -> Vec<S> {
    vectorised(InLight { linear, samples, input, sums: PhantomData::<F> })
}

struct InLight<'a, L, S, F> {
    linear: &'a L,
    samples: &'a [S],
    input: &'a Region,
    sums: PhantomData<F>,
}

impl<L: Linear, S: Encoded, F: Real> Kernel for InLight<'_, L, S, F> {
    type Output = Vec<S>;

    #[inline(always)]
    fn run(self) -> Vec<S> {
        let InLight { linear, samples, input, sums: PhantomData } = self;
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        match input.channels {
            Channels::Gray | Channels::Rgb => opaque_in_light::<S, F>(linear, &rows),
            Channels::GrayAlpha => with_alpha_in_light::<S, F, 2>(linear, &rows),
            Channels::Rgba => with_alpha_in_light::<S, F, 4>(linear, &rows),
        }
    }
}

#[inline(always)]
fn opaque_in_light<S: Encoded, F: Real>(linear: &impl Linear, rows: &Rows<S>) -> Vec<S> {
    let ((read, output), light, encoder) = (linear.rects(), S::light(), Encoder::new());
    let decode = |sample: &S| F::from_f64(f64::from(light[sample.widen() as usize]));
    let samples: Vec<F> =
        (read.y..read.bottom()).flat_map(|y| rows.row(y, read).iter().map(decode)).collect();
    let mut result = Vec::with_capacity(output.width as usize * output.height as usize * rows.channels);
    linear.rows(&Rows { samples: &samples, rect: read, channels: rows.channels }, |sums: &[F]| {
        result.extend(sums.iter().map(|sum| encoder.sample::<S>(sum.to_f32())));
    });
    result
}

/// Light is multiplied by alpha, which has no curve.
#[inline(always)]
fn with_alpha_in_light<S: Encoded, F: Real, const N: usize>(linear: &impl Linear, rows: &Rows<S>) -> Vec<S> {
    let ((read, output), light, encoder) = (linear.rects(), S::light(), Encoder::new());
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
    let mut result = Vec::with_capacity(output.width as usize * output.height as usize * N);
    linear.rows(&Rows { samples: &colours, rect: read, channels: N }, |sums: &[F]| {
        result.extend(sums.as_chunks::<N>().0.iter().flat_map(encode));
    });
    result
}

#[inline(always)]
fn opaque<S: Sample, F: Real>(linear: &impl Linear, rows: &Rows<S>) -> Vec<S> {
    let (_, output) = linear.rects();
    let offset = F::from_f64(linear.offset::<S>());
    let mut result = Vec::with_capacity(output.width as usize * output.height as usize * rows.channels);
    linear.rows(rows, |sums: &[F]| result.extend(sums.iter().map(|sum| (*sum + offset).sample::<S>())));
    result
}

#[inline(always)]
fn with_alpha<S: Sample, F: Real, const N: usize>(linear: &impl Linear, rows: &Rows<S>) -> Vec<S> {
    let (read, output) = linear.rects();
    let offset = F::from_f64(linear.offset::<S>());
    let colours: Vec<F> = premultiplied::<S, F, N>(rows, read);
    let mut result = Vec::with_capacity(output.width as usize * output.height as usize * N);
    linear.rows(&Rows { samples: &colours, rect: read, channels: N }, |sums: &[F]| {
        result
            .extend(sums.as_chunks::<N>().0.iter().flat_map(|pixel| unpremultiply::<S, F, N>(pixel, offset)));
    });
    result
}
