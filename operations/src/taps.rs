//! Weights along an axis, for consecutive pixels of the result of a resampling.

use crate::axis::Axis;
use crate::real::{Real, Tap};
use crate::sample::Sample;
use std::ops::{Add, Mul, Range};

/// How many numbers are weighed at once.
pub(crate) const BESIDE: usize = 16;

/// What a resampling computes in.
pub(crate) trait Number: Copy + Default + Add<Output = Self> + Mul<Output = Self> + Tap<Self> {
    /// A weight as it is multiplied with numbers that stand side by side.
    type Factor: Copy;

    /// A weight as a factor.
    fn factor(self) -> Self::Factor;

    /// Adds each of the numbers, times the factor, to its sum.
    fn add_weighed(sums: &mut [Self; BESIDE], numbers: &[Self; BESIDE], factor: &Self::Factor);

    /// Appends the weights of the samples of one pixel, given exactly. The lowest `zeros` bits of what is weighed are 0.
    fn weigh(exact: &[f64], zeros: u32, weights: &mut Vec<Self>) -> Ends<Self>;

    /// The sample nearest to a sum along the rows of sums down the columns.
    fn sample<S: Sample>(self) -> S;
}

/// How a weighted sum begins and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends<N> {
    /// What it begins with.
    pub(crate) start: N,
    /// Whether it is doubled, since the weights are halves.
    pub(crate) twice: bool,
}

impl<F: Real> Number for F {
    type Factor = F;

    #[inline(always)]
    fn factor(self) -> F {
        self
    }

    #[inline(always)]
    fn add_weighed(sums: &mut [F; BESIDE], numbers: &[F; BESIDE], factor: &F) {
        for lane in 0..BESIDE {
            sums[lane] = sums[lane] + numbers[lane] * *factor;
        }
    }

    fn weigh(exact: &[f64], _: u32, weights: &mut Vec<F>) -> Ends<F> {
        weights.extend(exact.iter().map(|weight| F::from_f64(*weight)));
        Ends { start: F::default(), twice: false }
    }

    #[inline(always)]
    fn sample<S: Sample>(self) -> S {
        Real::sample(self)
    }
}

/// How one pixel of the result is made along an axis.
#[derive(Debug, Clone)]
pub(crate) struct Place<N> {
    /// Its samples, also those outside the image.
    reach: Range<i64>,
    /// Those inside.
    pub(crate) span: Range<u32>,
    /// Where their weights begin.
    weights: usize,
    pub(crate) ends: Ends<N>,
}

impl<N> Place<N> {
    fn is_inside(&self) -> bool {
        are_inside(&self.reach, &self.span)
    }
}

/// Whether the samples `reach` are all inside the image, where those of `span` are.
fn are_inside(reach: &Range<i64>, span: &Range<u32>) -> bool {
    *reach == (span.start.into()..span.end.into())
}

/// How consecutive pixels of the result are made along an axis.
pub(crate) struct Taps<N> {
    /// The pixels.
    pub(crate) places: Vec<Place<N>>,
    weights: Vec<N>,
    /// After how many pixels, which are how many samples, the weights come again.
    pub(crate) period: (usize, u32),
}

impl<N: Number> Taps<N> {
    /// For the pixels `places`. The lowest `zeros` bits of what is weighed are 0.
    pub(crate) fn new(axis: Axis, places: Range<u32>, zeros: u32) -> Taps<N> {
        let (mut exact, (period, stride)) = (Vec::new(), axis.period());
        let mut taps = Taps { places: Vec::new(), weights: Vec::new(), period: (period, stride) };
        taps.places.reserve_exact(places.len());
        for (index, place) in places.enumerate() {
            let before = index.checked_sub(period).map(|before| &taps.places[before]);
            let reach = match before {
                Some(Place { reach, .. }) => reach.start + i64::from(stride)..reach.end + i64::from(stride),
                None => axis.reach(place),
            };
            let span = axis.inside(&reach);
            let next = match before {
                // The border takes weights away, and the rest are larger.
                Some(before) if are_inside(&reach, &span) && before.is_inside() => {
                    Place { reach, span, ..before.clone() }
                }
                _ => {
                    axis.weigh(place, span.clone(), &mut exact);
                    let weights = taps.weights.len();
                    let ends = N::weigh(&exact, zeros, &mut taps.weights);
                    Place { reach, span, weights, ends }
                }
            };
            taps.places.push(next);
        }
        taps
    }

    /// The weights of the pixel at `index`, one for each sample of its span.
    #[inline(always)]
    pub(crate) fn weights(&self, index: usize) -> &[N] {
        let Place { span, weights, .. } = &self.places[index];
        &self.weights[*weights..][..span.len()]
    }

    /// Whether the pixel at `index` has the weights of the one before it.
    pub(crate) fn repeats(&self, index: usize) -> bool {
        self.places[index].weights == self.places[index - 1].weights
    }

    /// The pixels of which all samples are inside the image.
    pub(crate) fn inner(&self) -> Range<usize> {
        let first = self.places.iter().take_while(|place| !place.is_inside()).count();
        first..first + self.places[first..].iter().take_while(|place| place.is_inside()).count()
    }

    /// All samples that the pixels `indices` are made of.
    pub(crate) fn spans(&self, indices: Range<usize>) -> Range<u32> {
        self.places[indices.start].span.start..self.places[indices.end - 1].span.end
    }
}
