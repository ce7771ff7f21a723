//! Squares of numbers with their columns as rows.

/// The square with its columns as rows. `B` is a power of two.
#[inline(always)]
pub(crate) fn transposed<S: Copy + Default, const B: usize>(mut square: [[S; B]; B]) -> [[S; B]; B] {
    // Each step shuffles the upper half of the rows into the lower half, sample by sample, as it would two halves of a pack of
    // cards: a sample's row and column, written in binary one after the other, are rotated by one bit.
    for _ in 0..B.ilog2() {
        let mut shuffled = [[S::default(); B]; B];
        for row in 0..B / 2 {
            let (upper, lower) = (square[row], square[row + B / 2]);
            for half in 0..2 {
                let first = half * B / 2;
                shuffled[2 * row + half] = std::array::from_fn(|at| {
                    if at % 2 == 0 { upper[first + at / 2] } else { lower[first + at / 2] }
                });
            }
        }
        square = shuffled;
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let square: [[u16; 16]; 16] =
            std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + column) as u16));
        let turned = transposed(square);
        for (row, samples) in turned.iter().enumerate() {
            assert!((0..16).all(|column| samples[column] == square[column][row]), "{row}: {samples:?}");
        }
        assert_eq!(transposed([[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
    }
}
