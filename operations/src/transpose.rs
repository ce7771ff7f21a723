//! Squares of numbers with their columns as rows.

/// The square with its columns as rows. `B` is a power of two, 2 to 16.
#[inline(always)]
pub(crate) fn transposed<S: Copy + Default, const B: usize>(square: &[[S; B]; B]) -> [[S; B]; B] {
    // A sample's row and column, written in binary one after the other, are rotated by one bit in each step. Neither in a loop
    // nor by value: the compiler would keep the square in memory, and read in wide vectors what was just written in narrow ones.
    let (steps, once) = (B.ilog2(), shuffled(square));
    let twice = if steps > 1 { shuffled(&once) } else { once };
    let thrice = if steps > 2 { shuffled(&twice) } else { twice };
    if steps > 3 { shuffled(&thrice) } else { thrice }
}

/// The square with the upper half of the rows shuffled into the lower half, sample by sample, as two halves of a pack of cards.
#[inline(always)]
fn shuffled<S: Copy + Default, const B: usize>(square: &[[S; B]; B]) -> [[S; B]; B] {
    let mut shuffled = [[S::default(); B]; B];
    for row in 0..B / 2 {
        let (upper, lower) = (square[row], square[row + B / 2]);
        for half in 0..2 {
            let first = half * B / 2;
            for at in 0..B / 2 {
                shuffled[2 * row + half][2 * at] = upper[first + at];
                shuffled[2 * row + half][2 * at + 1] = lower[first + at];
            }
        }
    }
    shuffled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let square: [[u16; 16]; 16] =
            std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + column) as u16));
        let turned = transposed(&square);
        for (row, samples) in turned.iter().enumerate() {
            assert!((0..16).all(|column| samples[column] == square[column][row]), "{row}: {samples:?}");
        }
        assert_eq!(transposed(&[[1, 2], [3, 4]]), [[1, 3], [2, 4]]);
    }
}
