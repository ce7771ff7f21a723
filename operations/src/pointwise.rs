//! Operations that turn each sample into one other. Alpha stays as it is.

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
