//! Floating point sums of samples, and premultiplied colours. One fixed order, without fused multiply-add.

use crate::border::Rows;
use crate::sample::{Sample, round_f32, round_f64};
use std::ops::{Add, Div, Mul, Sub};
use tessera_core::geometry::Rect;

/// A floating point type to sum in.
pub(crate) trait Real:
    Copy
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Tap<Self>
{
    fn from_f64(value: f64) -> Self;

    fn from_i32(value: i32) -> Self;

    fn to_f32(self) -> f32;

    /// The sample nearest to the value, saturated; ties to the even one.
    fn sample<S: Sample>(self) -> S;
}

impl Real for f32 {
    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    #[inline(always)]
    fn from_i32(value: i32) -> f32 {
        value as f32
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn sample<S: Sample>(self) -> S {
        S::narrow(round_f32(self.clamp(0.0, S::MAX as f32)))
    }
}

impl Real for f64 {
    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }

    #[inline(always)]
    fn from_i32(value: i32) -> f64 {
        f64::from(value)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn sample<S: Sample>(self) -> S {
        S::narrow(round_f64(self.clamp(0.0, f64::from(S::MAX))))
    }
}

/// What can be weighed and summed in `F`: samples as they come, and sums of a pass before.
pub(crate) trait Tap<F>: Copy {
    fn one(self) -> F;
}

impl<S: Sample, F: Real> Tap<F> for S {
    #[inline(always)]
    fn one(self) -> F {
        F::from_i32(self.widen())
    }
}

impl Tap<f32> for f32 {
    #[inline(always)]
    fn one(self) -> f32 {
        self
    }
}

impl Tap<f64> for f64 {
    #[inline(always)]
    fn one(self) -> f64 {
        self
    }
}

/// A sample with the type whose sums of it are exact to far below a level.
pub(crate) trait Exact: Sample {
    type Real: Real;
}

impl Exact for u8 {
    type Real = f32;
}

impl Exact for u16 {
    type Real = f64;
}

/// The pixels `part`, of `N` channels of which the last is alpha, with their colours multiplied by it; exact.
#[inline(always)]
pub(crate) fn premultiplied<S: Sample, F: Real, const N: usize>(rows: &Rows<S>, part: Rect) -> Vec<F> {
    let mut result = Vec::with_capacity(part.width as usize * part.height as usize * N);
    for y in part.y..part.bottom() {
        let (pixels, _) = rows.row(y, part).as_chunks::<N>();
        result.extend(pixels.iter().flat_map(premultiply::<S, F, N>));
    }
    result
}

/// Multiplies the colours of the pixel by its alpha, exactly; alpha as it is.
#[inline(always)]
fn premultiply<S: Sample, F: Real, const N: usize>(pixel: &[S; N]) -> [F; N] {
    let values = pixel.map(|sample| F::from_i32(sample.widen()));
    std::array::from_fn(
        |channel| if channel < N - 1 { values[channel] * values[N - 1] } else { values[N - 1] },
    )
}

/// Divides the colours of the pixel by its alpha, adds `offset` to them, and rounds; colour 0 where alpha rounds to 0.
#[inline(always)]
pub(crate) fn unpremultiply<S: Sample, F: Real, const N: usize>(pixel: &[F; N], offset: F) -> [S; N] {
    let alpha = pixel[N - 1];
    let rounded: S = alpha.sample();
    if rounded.widen() == 0 {
        return [S::default(); N];
    }
    std::array::from_fn(
        |channel| {
            if channel < N - 1 { (pixel[channel] / alpha + offset).sample() } else { rounded }
        },
    )
}

/// The same in integers, below 2^32.
#[inline(always)]
pub(crate) fn premultiplied_integers<S: Sample, const N: usize>(rows: &Rows<S>, part: Rect) -> Vec<u32> {
    let premultiply = |pixel: &[S; N]| {
        let values = pixel.map(|sample| sample.widen() as u32);
        std::array::from_fn::<u32, N, _>(
            |c| if c < N - 1 { values[c] * values[N - 1] } else { values[N - 1] },
        )
    };
    (part.y..part.bottom())
        .flat_map(|y| rows.row(y, part).as_chunks::<N>().0.iter().flat_map(premultiply))
        .collect()
}
