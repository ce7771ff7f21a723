//! Runs kernels by the widest vector instructions that the processor has. `unsafe` stands here and in `fetch`,
//! nowhere else in this crate.
//! Kernels are portable Rust, compiled once for each path: all give the same bits, since the compiler neither fuses
//! multiplications with additions nor reorders floating point sums, whatever instructions it may use.
#![allow(unsafe_code, reason = "to call code that is compiled for instructions which were found to be there")]

/// Work that is compiled for each path.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;

    /// Whether vectors of 64 bytes make it slower than those of 32. They do where the compiler then moves squares of samples through
    /// memory, and in medians by comparison: hardly more bytes are compared at once, and no vector lies in one cache line.
    const NARROW: bool = false;

    /// Does the work. `#[inline(always)]`, as is all that it calls in its loops: what is not inlined is compiled for
    /// the portable path only, and slow.
    fn run(self) -> Self::Output;
}

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// What the compiler's target has at least: SSE2 on x86-64, NEON on AArch64.
    Portable,
    /// AVX2 of x86-64: 32 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 (F, BW, DQ, VL) of x86-64: 64 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Path {
    /// Those of this processor, from the narrowest to the widest.
    pub(crate) fn available() -> impl DoubleEndedIterator<Item = Path> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            [avx2.then_some(Path::Avx2), avx512.then_some(Path::Avx512)]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<Path>; 0] = [];
        std::iter::once(Path::Portable).chain(wide.into_iter().flatten())
    }

    /// The one that kernels take.
    fn taken() -> Path {
        #[cfg(test)]
        if let Some(path) = tests::FORCED.get() {
            return path;
        }
        Path::available().next_back().unwrap_or(Path::Portable)
    }
}

/// Runs `kernel` by the widest instructions.
pub(crate) fn vectorised<K: Kernel>(kernel: K) -> K::Output {
    match Path::taken() {
        Path::Portable => kernel.run(),
        // SAFETY: `taken` gives only what `available` has found on this processor.
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => unsafe { by_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 if K::NARROW => unsafe { by_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => unsafe { by_avx512(kernel) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn by_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn by_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Kernel, Path, vectorised};
    use std::cell::Cell;

    thread_local! {
        pub(super) static FORCED: Cell<Option<Path>> = const { Cell::new(None) };
    }

    /// Does `work` with kernels taking `path`, which must be available.
    pub(crate) fn forced<R>(path: Path, work: impl FnOnce() -> R) -> R {
        assert!(Path::available().any(|available| available == path));
        FORCED.set(Some(path));
        let result = work();
        FORCED.set(None);
        result
    }

    #[test]
    fn a_kernel_gives_the_same_on_every_path() {
        struct Sum<'a>(&'a [f32]);
        impl Kernel for Sum<'_> {
            type Output = f32;

            #[inline(always)]
            fn run(self) -> f32 {
                self.0.iter().fold(0.1, |sum, value| sum * 1.000_1 + value * 0.3)
            }
        }
        let values: Vec<f32> = (0..1000).map(|value| 1.0 / (1.0 + value as f32)).collect();
        let sums: Vec<u32> =
            Path::available().map(|path| forced(path, || vectorised(Sum(&values))).to_bits()).collect();
        assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    }
}
