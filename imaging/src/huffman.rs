//! Length-limited Huffman codes as deflate wants them (RFC 1951, section 3.2.2). Integers only, so that the same counts
//! give the same code everywhere.

/// A symbol's code, least significant bit first as deflate writes it, and its length in bits; 0 for symbols without code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Code {
    pub(crate) bits: u32,
    pub(crate) length: u32,
}

/// Optimal code lengths of at most `limit` bits for symbols that occur `counts` times; 0 for those that do not occur.
/// Package-merge (Larmore and Hirschberg, 1990).
///
/// Two symbols at least occur, and at most 2^`limit`.
pub(crate) fn lengths(counts: &[u32], limit: u32) -> Vec<u8> {
    let mut leaves: Vec<(u64, usize)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(s, count)| (u64::from(*count), s))
        .collect();
    leaves.sort_unstable();
    // For each bit of length: which of the list's items, in ascending order, are leaves, and which are packages.
    let mut levels: Vec<Vec<bool>> = Vec::new();
    let mut weights: Vec<u64> = Vec::new();
    for _ in 0..limit {
        let packages: Vec<u64> = weights.chunks_exact(2).map(|pair| pair[0] + pair[1]).collect();
        let (merged, are_leaves) = merge(&leaves, &packages);
        weights = merged;
        levels.push(are_leaves);
    }
    count_lengths(counts.len(), &leaves, &levels)
}

/// Leaves and packages in one ascending list, leaves first where they are equal: the weights, and which are leaves.
fn merge(leaves: &[(u64, usize)], packages: &[u64]) -> (Vec<u64>, Vec<bool>) {
    let (mut leaf, mut package) = (0, 0);
    let mut merged = Vec::with_capacity(leaves.len() + packages.len());
    while leaf < leaves.len() || package < packages.len() {
        let take_leaf = match (leaves.get(leaf), packages.get(package)) {
            (Some((weight, _)), Some(sum)) => weight <= sum,
            (next, _) => next.is_some(),
        };
        if take_leaf {
            merged.push((leaves[leaf].0, true));
            leaf += 1;
        } else {
            merged.push((packages[package], false));
            package += 1;
        }
    }
    merged.into_iter().unzip()
}

/// A symbol's length is the number of levels whose chosen items hold it: of the last level the first 2n - 2, of each
/// level before those that the chosen packages are made of.
fn count_lengths(symbols: usize, leaves: &[(u64, usize)], levels: &[Vec<bool>]) -> Vec<u8> {
    let mut lengths = vec![0; symbols];
    let mut chosen = 2 * leaves.len() - 2;
    for level in levels.iter().rev() {
        let of_leaves = level[..chosen].iter().filter(|leaf| **leaf).count();
        leaves[..of_leaves].iter().for_each(|&(_, symbol)| lengths[symbol] += 1);
        chosen = 2 * (chosen - of_leaves);
    }
    lengths
}

/// The canonical codes of these lengths.
pub(crate) fn codes(lengths: &[u8]) -> Vec<Code> {
    let mut next = [0u32; 17];
    for length in 1..16 {
        let of_length = lengths.iter().filter(|&&other| usize::from(other) == length).count() as u32;
        next[length + 1] = (next[length] + of_length) << 1;
    }
    let code = |&length: &u8| {
        if length == 0 {
            return Code::default();
        }
        let slot = &mut next[usize::from(length)];
        let length = u32::from(length);
        let bits = slot.reverse_bits() >> (32 - length);
        *slot += 1;
        Code { bits, length }
    };
    lengths.iter().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of 2^-length over the symbols, in units of 2^-15: that of a complete code is 2^15.
    fn kraft(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|length| **length > 0).map(|length| 1 << (15 - length)).sum()
    }

    #[test]
    fn without_a_limit_in_reach_the_code_is_huffmans() {
        assert_eq!(lengths(&[5, 0, 1, 1, 2], 15), [1, 0, 3, 3, 2]);
        assert_eq!(lengths(&[1, 1], 15), [1, 1]);
    }

    #[test]
    fn fibonacci_counts_stay_below_the_limit_and_the_code_is_complete() {
        let mut counts = vec![1u32, 1];
        (2..30).for_each(|i| counts.push(counts[i - 1] + counts[i - 2]));
        for limit in [5, 7, 12, 15] {
            let lengths = lengths(&counts, limit);
            assert!(lengths.iter().all(|&length| u32::from(length) <= limit));
            assert_eq!(kraft(&lengths), 1 << 15);
        }
    }

    #[test]
    fn the_codes_are_those_of_the_example_in_rfc_1951() {
        let codes = codes(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let forward: Vec<u32> =
            codes.iter().map(|code| code.bits.reverse_bits() >> (32 - code.length)).collect();
        assert_eq!(forward, [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111]);
    }
}
