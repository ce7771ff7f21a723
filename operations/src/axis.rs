//! An axis along which an image is resampled: which samples of the input a place of the result is made of, with which weights.
//! Places follow from whole numbers alone, so that they do not depend on the part that is computed.

use crate::sample::round_f64;
use std::ops::Range;
use tessera_core::geometry::MAX_SIDE;

/// The weight of a sample by its distance, in pixels of the image that has the larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// Only the sample in which the centre lies counts.
    Nearest,
    /// The share of a pixel of the result that a sample covers.
    Area,
    /// A triangle.
    Bilinear,
    /// The cubic convolution with a = -1/2 (Keys 1981).
    Bicubic,
    /// sinc(x) sinc(x / 3).
    Lanczos3,
}

impl Kernel {
    /// How far the kernel reaches, for those that are functions of the distance.
    fn support(self) -> i64 {
        match self {
            Kernel::Nearest | Kernel::Area | Kernel::Bilinear => 1,
            Kernel::Bicubic => 2,
            Kernel::Lanczos3 => 3,
        }
    }

    /// The weight at the distance `x`, which is within the support.
    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            Kernel::Nearest | Kernel::Area | Kernel::Bilinear => 1.0 - distance,
            Kernel::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Kernel::Bicubic => ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0,
            Kernel::Lanczos3 => sinc(distance) * sinc(distance / 3.0),
        }
    }
}

/// sin(pi x) / (pi x) for x from 0, with an error below 1e-12; exactly 0 at whole numbers.
fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let whole = round_f64(x);
    let sign = f64::from(1 - 2 * (whole & 1));
    sign * sin_pi(x - f64::from(whole)) / (std::f64::consts::PI * x)
}

/// sin(pi x) for x within -1/2 to 1/2, by its Taylor series.
fn sin_pi(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    let square = angle * angle;
    // From the term of the 17th power to that of the first.
    let factors = [272.0, 210.0, 156.0, 110.0, 72.0, 42.0, 20.0, 6.0].map(|product: f64| 1.0 / product);
    angle * factors.iter().fold(1.0, |series, factor| 1.0 - square * factor * series)
}

/// One axis of a resampling: `from` pixels become `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) kernel: Kernel,
}

impl Axis {
    /// The samples, inside the image, that the pixel `place` of the result is made of; at least one.
    pub(crate) fn span(self, place: u32) -> Range<u32> {
        self.inside(&self.reach(place))
    }

    /// The part of `reach` that is inside the image.
    pub(crate) fn inside(self, reach: &Range<i64>) -> Range<u32> {
        let place = |place: i64| place.clamp(0, self.from.into()) as u32;
        place(reach.start)..place(reach.end)
    }

    /// The samples, also those outside the image, that the pixel `place` of the result is made of.
    pub(crate) fn reach(self, place: u32) -> Range<i64> {
        let (from, to, place) = (i64::from(self.from), i64::from(self.to), i64::from(place));
        // In units of half a sample / `to`. A centre is at most 2^61.
        let centre = (2 * place + 1) * from;
        match self.kernel {
            _ if from == to => place..place + 1,
            Kernel::Nearest => centre / (2 * to)..centre / (2 * to) + 1,
            Kernel::Area => place * from / to..((place + 1) * from + to - 1) / to,
            Kernel::Bilinear | Kernel::Bicubic | Kernel::Lanczos3 => {
                let reach = 2 * self.kernel.support() * from.max(to) - to;
                (centre - reach - 2 * to).div_euclid(2 * to) + 1..-(-(centre + reach)).div_euclid(2 * to)
            }
        }
    }

    /// The samples that the pixels `places` of the result are made of.
    pub(crate) fn spans(self, places: Range<u32>) -> Range<u32> {
        self.span(places.start).start..self.span(places.end - 1).end
    }

    /// After how many pixels of the result, which are how many samples, the weights come again.
    pub(crate) fn period(self) -> (usize, u32) {
        let (mut divisor, mut rest) = (self.to, self.from);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        ((self.to / divisor) as usize, self.from / divisor)
    }

    /// The most samples that `count` pixels of the result are made of.
    pub(crate) fn window(self, count: u32) -> u32 {
        let (from, to) = (u64::from(self.from), u64::from(self.to));
        let reach = 2 * self.kernel.support() as u64 * from.max(to);
        let samples =
            if from == to { count.into() } else { (u64::from(count) * from + reach).div_ceil(to) + 1 };
        u32::try_from(samples).unwrap_or(MAX_SIDE).min(MAX_SIDE)
    }

    /// Makes `weights` those of the samples of `span`, the span of `place`; their sum is 1.
    pub(crate) fn weigh(self, place: u32, span: Range<u32>, weights: &mut Vec<f64>) {
        weights.clear();
        weights.extend(span.map(|sample| self.weight(place, sample)));
        let share = 1.0 / weights.iter().sum::<f64>();
        weights.iter_mut().for_each(|weight| *weight *= share);
    }

    fn weight(self, place: u32, sample: u32) -> f64 {
        let [from, to, place, sample] = [self.from, self.to, place, sample].map(i64::from);
        match self.kernel {
            _ if from == to => 1.0,
            Kernel::Nearest => 1.0,
            Kernel::Area => {
                (((sample + 1) * to).min((place + 1) * from) - (sample * to).max(place * from)) as f64
            }
            Kernel::Bilinear | Kernel::Bicubic | Kernel::Lanczos3 => {
                let distance = (2 * sample + 1) * to - (2 * place + 1) * from;
                self.kernel.weight(distance as f64 / (2 * from.max(to)) as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNELS: [Kernel; 5] =
        [Kernel::Nearest, Kernel::Area, Kernel::Bilinear, Kernel::Bicubic, Kernel::Lanczos3];

    #[test]
    fn spans_hold_every_weight_and_nothing_else() {
        for (from, to) in [(1, 1), (1, 7), (7, 1), (10, 20), (20, 10), (31, 17), (17, 31), (5, 5), (100, 3)] {
            for axis in KERNELS.map(|kernel| Axis { from, to, kernel }) {
                for place in 0..to {
                    let span = axis.span(place);
                    assert!(!span.is_empty() && span.end <= from, "{axis:?} {place}");
                    assert!(span.len() <= axis.window(1) as usize, "{axis:?} {place}");
                    let mut weights = Vec::new();
                    axis.weigh(place, span, &mut weights);
                    let sum: f64 = weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-12, "{axis:?} {place}: {sum}");
                }
                assert!(axis.spans(0..to).len() <= axis.window(to) as usize);
            }
        }
    }

    #[test]
    fn places_of_the_largest_images_are_exact() {
        for (kernel, (from, to)) in KERNELS[1..].iter().flat_map(|kernel| {
            [(MAX_SIDE, MAX_SIDE - 1), (MAX_SIDE - 1, MAX_SIDE), (MAX_SIDE, 1000), (3, MAX_SIDE)]
                .map(|sides| (*kernel, sides))
        }) {
            let axis = Axis { from, to, kernel };
            let (first, last) = (axis.span(0), axis.span(to - 1));
            assert_eq!((first.start, last.end), (0, from), "{axis:?}");
            // The same from both ends.
            assert_eq!((first.len(), axis.window(1) >= 1), (last.len(), true), "{axis:?}");
        }
    }

    #[test]
    fn the_sinc_is_exact_to_float64s_last_digits() {
        assert_eq!([1.0, 2.0, 3.0].map(sinc), [0.0; 3]);
        for step in 1..=3000 {
            let x = f64::from(step) / 1000.0;
            let exact = (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x);
            assert!((sinc(x) - exact).abs() < 1e-13, "{x}");
        }
    }
}
