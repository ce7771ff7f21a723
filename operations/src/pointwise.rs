//! Operations that turn each sample, or each pixel, into one other. Neighbours and places do not matter here.

use crate::border::Rows;
use crate::region::{Region, Samples};
use crate::sample::{Sample, round_f64};
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// Replaces every sample but alpha by `f` of it.
pub(crate) fn map_colours<S: Copy>(samples: &mut [S], channels: Channels, f: impl Fn(S) -> S) {
    let apply = |pixel: &mut [S]| pixel.iter_mut().for_each(|sample| *sample = f(*sample));
    match channels {
        Channels::Gray | Channels::Rgb => apply(samples),
        Channels::GrayAlpha => samples.chunks_exact_mut(2).for_each(|pixel| apply(&mut pixel[..1])),
        Channels::Rgba => samples.chunks_exact_mut(4).for_each(|pixel| apply(&mut pixel[..3])),
    }
}

/// The pixels `output` of `input` with every sample but alpha replaced by `curve(sample, max)`, rounded half to even
/// and saturated.
pub(crate) fn map_curve(input: &Region, output: Rect, curve: impl Fn(f64, f64) -> f64) -> Region {
    let mut region = input.crop(output);
    match &mut region.samples {
        Samples::U8(samples) => {
            let table: [u8; 256] = std::array::from_fn(|sample| on_curve(sample as u8, &curve));
            map_colours(samples, region.channels, |sample| table[usize::from(sample)]);
        }
        Samples::U16(samples) if samples.len() > 1 << 16 => {
            let table: Vec<u16> = (0..=u16::MAX).map(|sample| on_curve(sample, &curve)).collect();
            map_colours(samples, region.channels, |sample| table[usize::from(sample)]);
        }
        Samples::U16(samples) => map_colours(samples, region.channels, |sample| on_curve(sample, &curve)),
    }
    region
}

fn on_curve<S: Sample>(sample: S, curve: impl Fn(f64, f64) -> f64) -> S {
    let max = f64::from(S::MAX);
    S::narrow(round_f64(curve(f64::from(sample.widen()), max).clamp(0.0, max)))
}

/// The pixels `output` of an image of `N` channels, each replaced by the `M` samples that `f` makes of it. `rect` is
/// where `samples` lie.
pub(crate) fn map_pixels<S, T, const N: usize, const M: usize>(
    (samples, rect): (&[S], Rect),
    output: Rect,
    f: impl Fn([S; N]) -> [T; M],
) -> Vec<T>
where
    S: Copy,
    T: Copy + Default,
{
    let rows = Rows { samples, rect, channels: N };
    let mut result = vec![T::default(); output.width as usize * output.height as usize * M];
    for (y, row) in (output.y..).zip(result.chunks_exact_mut((output.width as usize * M).max(1))) {
        let (pixels, _) = rows.row(y, output).as_chunks::<N>();
        row.as_chunks_mut::<M>().0.iter_mut().zip(pixels).for_each(|(to, from)| *to = f(*from));
    }
    result
}
