//! A row in blocks that are computed at once.

/// Where blocks of `N` numbers start that cover a row of at least `N`; the last overlaps the one before.
/// Unlike `step_by` it divides nothing, which would cost as much as a block.
pub(crate) struct Blocks<const N: usize> {
    next: usize,
    length: usize,
}

impl<const N: usize> Blocks<N> {
    /// Those of a row of `length` numbers.
    #[inline(always)]
    pub(crate) fn of(length: usize) -> Blocks<N> {
        assert!(length >= N, "a row shorter than a block");
        Blocks { next: 0, length }
    }
}

impl<const N: usize> Iterator for Blocks<N> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.next >= self.length {
            return None;
        }
        let start = self.next.min(self.length - N);
        self.next += N;
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_ends_with_the_row() {
        assert_eq!(Blocks::<4>::of(4).collect::<Vec<_>>(), [0]);
        assert_eq!(Blocks::<4>::of(8).collect::<Vec<_>>(), [0, 4]);
        assert_eq!(Blocks::<4>::of(9).collect::<Vec<_>>(), [0, 4, 5]);
    }
}
