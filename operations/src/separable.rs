//! Sums of pixels with weights that are the same on both sides: first down the columns, then along the rows.

use crate::border::{Rows, Window};
use crate::linear::Linear;
use crate::real::{Real, Tap};
use tessera_core::geometry::Rect;

/// A separable, symmetric convolution of one rectangle. The image's border is repeated.
pub(crate) struct Symmetric {
    /// The weights of the distances 0 to the window's radius.
    pub(crate) weights: Vec<f64>,
    /// What is computed.
    pub(crate) window: Window,
}

impl Linear for Symmetric {
    fn rects(&self) -> (Rect, Rect) {
        (self.window.read(), self.window.output)
    }

    #[inline(always)]
    fn rows<T: Tap<F>, F: Real>(&self, rows: &Rows<T>, mut finish: impl FnMut(&[F])) {
        let weights: Vec<F> = self.weights.iter().map(|weight| F::from_f64(*weight)).collect();
        let (channels, radius, read) = (rows.channels, self.window.radius as usize, self.window.read());
        let inside = self.window.inside().start * channels..self.window.inside().end * channels;
        let mut padded = vec![F::default(); self.window.padded() * channels];
        let mut sums = vec![F::default(); self.window.output.width as usize * channels];
        for y in self.window.output.y..self.window.output.bottom() {
            let row = |dy: isize| rows.row(self.window.row(y, dy as i32), read);
            weigh(&taps(radius, row), &weights, &mut padded[inside.clone()]);
            self.window.replicate(&mut padded, channels);
            let length = sums.len();
            let shifted = |dx: isize| &padded[radius.saturating_add_signed(dx) * channels..][..length];
            weigh(&taps(radius, shifted), &weights, &mut sums);
            finish(&sums);
        }
    }
}

/// The centre, as the first pair, and the pairs at the distances 1 to `radius`.
fn taps<'a, T>(radius: usize, at: impl Fn(isize) -> &'a [T]) -> Vec<(&'a [T], &'a [T])> {
    (0..=radius as isize).map(|distance| (at(-distance), at(distance))).collect()
}

/// The weighted sums of `taps`, each as long as `sums`.
#[inline(always)]
fn weigh<T: Tap<F>, F: Real>(taps: &[(&[T], &[T])], weights: &[F], sums: &mut [F]) {
    // Sums that stay in vector registers over all taps. The order of a sum's terms is the same in both loops.
    const BLOCK: usize = 32;
    let whole = sums.len() - sums.len() % BLOCK;
    let (blocks, rest) = sums.split_at_mut(whole);
    for (block, at) in blocks.chunks_exact_mut(BLOCK).zip((0..).step_by(BLOCK)) {
        block.copy_from_slice(&weigh_block::<T, F, BLOCK>(taps, weights, at));
    }
    for (sum, at) in rest.iter_mut().zip(whole..) {
        [*sum] = weigh_block(taps, weights, at);
    }
}

/// The weighted sums of `N` samples from index `at`.
#[inline(always)]
fn weigh_block<T: Tap<F>, F: Real, const N: usize>(
    taps: &[(&[T], &[T])],
    weights: &[F],
    at: usize,
) -> [F; N] {
    let mut sums = std::array::from_fn(|lane| taps[0].0[at..][..N][lane].one() * weights[0]);
    for ((before, after), weight) in taps[1..].iter().zip(&weights[1..]) {
        let (before, after) = (&before[at..][..N], &after[at..][..N]);
        for lane in 0..N {
            sums[lane] = sums[lane] + before[lane].pair(after[lane]) * *weight;
        }
    }
    sums
}
