//! The half of an image, as the overviews of a file and the levels of a preview show it: every pixel the mean of four.
//! Integers only, so a part of an image gives the same pixels as the whole.

use crate::region::{Region, each_depth};
use crate::sample::Sample;
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// The half of `region`, whose rectangle begins at even coordinates and ends at even ones or where the image ends:
/// `ceil(n / 2)` pixels on a side. A sample is `(a + b + c + d + 2) >> 2` of the 2 x 2 pixels in its place, the image's last
/// column and row repeated where they are odd. With alpha, colours are weighed by it, rounded half up; where all four
/// pixels are transparent they are 0.
pub fn halve(region: &Region) -> Region {
    let Rect { x, y, width, height } = region.rect;
    debug_assert!(x % 2 == 0 && y % 2 == 0, "halves of parts fit together");
    let rect = Rect::new(x / 2, y / 2, width.div_ceil(2), height.div_ceil(2));
    let samples = each_depth!(&region.samples, samples => halved(samples, region));
    Region { rect, channels: region.channels, samples }
}

fn halved<T: Sample>(samples: &[T], region: &Region) -> Vec<T> {
    match region.channels {
        Channels::Gray => rows::<T, 1>(samples, region.rect, mean),
        Channels::GrayAlpha => rows::<T, 2>(samples, region.rect, weighed),
        Channels::Rgb => rows::<T, 3>(samples, region.rect, mean),
        Channels::Rgba => rows::<T, 4>(samples, region.rect, weighed),
    }
}

/// Two pixels of one row and the two below.
type Four<T, const N: usize> = [[T; N]; 4];

fn rows<T: Sample, const N: usize>(samples: &[T], rect: Rect, one: impl Fn(&Four<T, N>) -> [T; N]) -> Vec<T> {
    let (pixels, _) = samples.as_chunks::<N>();
    let (width, height) = (rect.width as usize, rect.height as usize);
    let mut result = Vec::with_capacity(width.div_ceil(2) * height.div_ceil(2) * N);
    for y in (0..height).step_by(2) {
        let (upper, lower) = (&pixels[y * width..], &pixels[(y + 1).min(height - 1) * width..]);
        let (upper, upper_last) = upper[..width].as_chunks::<2>();
        let (lower, lower_last) = lower[..width].as_chunks::<2>();
        for ([a, b], [c, d]) in upper.iter().zip(lower) {
            result.extend(one(&[*a, *b, *c, *d]));
        }
        if let ([a], [c]) = (upper_last, lower_last) {
            result.extend(one(&[*a, *a, *c, *c]));
        }
    }
    result
}

fn mean<T: Sample, const N: usize>([a, b, c, d]: &Four<T, N>) -> [T; N] {
    std::array::from_fn(|at| {
        T::narrow((a[at].widen() + b[at].widen() + c[at].widen() + d[at].widen() + 2) >> 2)
    })
}

/// The mean of premultiplied colours, divided by that of alpha, which is the last channel.
fn weighed<T: Sample, const N: usize>(four: &Four<T, N>) -> [T; N] {
    let alpha: u64 = four.iter().map(|pixel| pixel[N - 1].widen() as u64).sum();
    let colour = |at: usize| {
        let sum: u64 = four.iter().map(|pixel| pixel[at].widen() as u64 * pixel[N - 1].widen() as u64).sum();
        (2 * sum + alpha).checked_div(2 * alpha).unwrap_or(0)
    };
    let sample = |at: usize| if at == N - 1 { (alpha + 2) >> 2 } else { colour(at) };
    std::array::from_fn(|at| T::narrow(sample(at) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Samples;
    use tessera_core::geometry::Size;

    fn check(width: u32, height: u32, channels: Channels, samples: &[u8], expected: &[u8]) {
        let rect = Size::new(width, height).rect();
        let half = halve(&Region { rect, channels, samples: Samples::U8(samples.to_vec()) });
        assert_eq!(half.rect.size(), Size::new(width.div_ceil(2), height.div_ceil(2)));
        assert_eq!(half.samples, Samples::U8(expected.to_vec()));
    }

    #[test]
    fn a_pixel_is_the_rounded_mean_of_four_and_the_edge_is_repeated() {
        check(3, 3, Channels::Gray, &[0, 1, 7, 0, 1, 8, 10, 20, 255], &[1, 8, 15, 255]);
        check(1, 1, Channels::Rgb, &[1, 2, 3], &[1, 2, 3]);
    }

    #[test]
    fn transparent_pixels_do_not_bleed() {
        check(2, 2, Channels::GrayAlpha, &[200, 255, 9, 0, 100, 255, 9, 0], &[150, 128]);
        check(2, 1, Channels::GrayAlpha, &[200, 0, 9, 0], &[0, 0]);
    }

    #[test]
    fn parts_give_the_pixels_of_the_whole() {
        let rect = Size::new(9, 7).rect();
        let samples = Samples::U16((0..63 * 4).map(|i: u16| i.wrapping_mul(40_503)).collect());
        let whole = Region { rect, channels: Channels::Rgba, samples };
        let half = halve(&whole);
        for part in [Rect::new(0, 0, 4, 2), Rect::new(4, 2, 5, 5), Rect::new(8, 6, 1, 1)] {
            let of_part = halve(&whole.crop(part));
            assert_eq!(half.crop(of_part.rect), of_part);
        }
    }
}
