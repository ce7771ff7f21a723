//! Interleaved pixels as planes, one for each channel, and back. The loops have the shapes that compilers know to turn
//! into shuffles of vectors.

/// Pixels that are taken apart at once; their planes stay in the nearest cache.
pub(crate) const PLANE: usize = 256;

/// What begins with a line of the cache, so that no whole vector of it lies in two.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// The channels of at most `PLANE` pixels, to the fronts of `planes`.
#[inline(always)]
pub(crate) fn take_apart<S: Copy, const N: usize>(pixels: &[[S; N]], planes: &mut [[S; PLANE]; N]) {
    let (count, samples) = (pixels.len().min(PLANE), pixels.as_flattened());
    let samples = &samples[..count * N];
    match &mut planes[..] {
        [first] => first[..count].copy_from_slice(samples),
        [first, second] => {
            let (first, second) = (&mut first[..count], &mut second[..count]);
            for index in 0..count {
                first[index] = samples[2 * index];
                second[index] = samples[2 * index + 1];
            }
        }
        [first, second, third] => {
            let (first, second, third) = (&mut first[..count], &mut second[..count], &mut third[..count]);
            for index in 0..count {
                first[index] = samples[3 * index];
                second[index] = samples[3 * index + 1];
                third[index] = samples[3 * index + 2];
            }
        }
        [first, second, third, fourth] => {
            let (first, second) = (&mut first[..count], &mut second[..count]);
            let (third, fourth) = (&mut third[..count], &mut fourth[..count]);
            for index in 0..count {
                first[index] = samples[4 * index];
                second[index] = samples[4 * index + 1];
                third[index] = samples[4 * index + 2];
                fourth[index] = samples[4 * index + 3];
            }
        }
        _ => debug_assert!(false, "a pixel has 1 to 4 channels"),
    }
}

/// The pixels of the fronts of `planes`, at most `PLANE`.
#[inline(always)]
pub(crate) fn put_together<S: Copy, const N: usize>(planes: &[[S; PLANE]; N], pixels: &mut [[S; N]]) {
    let count = pixels.len().min(PLANE);
    let samples = &mut pixels.as_flattened_mut()[..count * N];
    match &planes[..] {
        [first] => samples.copy_from_slice(&first[..count]),
        [first, second] => {
            let (first, second) = (&first[..count], &second[..count]);
            for index in 0..count {
                samples[2 * index] = first[index];
                samples[2 * index + 1] = second[index];
            }
        }
        [first, second, third] => {
            let (first, second, third) = (&first[..count], &second[..count], &third[..count]);
            for index in 0..count {
                samples[3 * index] = first[index];
                samples[3 * index + 1] = second[index];
                samples[3 * index + 2] = third[index];
            }
        }
        [first, second, third, fourth] => {
            let (first, second) = (&first[..count], &second[..count]);
            let (third, fourth) = (&third[..count], &fourth[..count]);
            for index in 0..count {
                samples[4 * index] = first[index];
                samples[4 * index + 1] = second[index];
                samples[4 * index + 2] = third[index];
                samples[4 * index + 3] = fourth[index];
            }
        }
        _ => debug_assert!(false, "a pixel has 1 to 4 channels"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const N: usize>() {
        for count in [0, 1, 31, 100, PLANE] {
            let pixels: Vec<[u8; N]> =
                (0..count).map(|index| std::array::from_fn(|channel| (index * N + channel) as u8)).collect();
            let (mut planes, mut again) = ([[0; PLANE]; N], vec![[0; N]; count]);
            take_apart(&pixels, &mut planes);
            assert!((0..count).all(|index| (0..N).all(|c| planes[c][index] == pixels[index][c])));
            put_together(&planes, &mut again);
            assert_eq!(again, pixels);
        }
    }

    #[test]
    fn pixels_go_apart_and_together_again() {
        check::<1>();
        check::<2>();
        check::<3>();
        check::<4>();
    }
}
