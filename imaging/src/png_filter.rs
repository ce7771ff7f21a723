//! PNG's five row filters and the choice among them (PNG, third edition, sections 9 and 12.7): the least sum of absolute
//! values of the filtered bytes taken as signed, the lower filter where two are equal. Fixed for ever: it decides bytes.

/// Filters rows of `row` bytes whose pixels have `pixel` bytes. Keeps its buffers between rows.
pub(crate) struct Filter {
    pixel: usize,
    candidates: [Vec<u8>; 5],
}

impl Filter {
    pub(crate) fn new(row: usize, pixel: usize) -> Filter {
        Filter { pixel, candidates: std::array::from_fn(|_| vec![0; row]) }
    }

    /// Appends the filter's number and the filtered row to `out`. Both rows have the length given to `new`.
    pub(crate) fn append(&mut self, row: &[u8], above: &[u8], out: &mut Vec<u8>) {
        let pixel = self.pixel.min(row.len());
        let [none, sub, up, average, paeth] = &mut self.candidates;
        none.copy_from_slice(row);
        apply(row, above, pixel, sub, |left, _, _| left);
        apply(row, above, pixel, up, |_, up, _| up);
        apply(row, above, pixel, average, |left, up, _| ((u16::from(left) + u16::from(up)) >> 1) as u8);
        apply(row, above, pixel, paeth, predict);
        let sums = self.candidates.each_ref().map(|filtered| weight(filtered));
        let best = (0..5).min_by_key(|&filter| (sums[filter], filter)).unwrap_or(0);
        out.push(best as u8);
        out.extend_from_slice(&self.candidates[best]);
    }
}

/// Subtracts the prediction from the left, upper and upper left bytes, which are 0 left of the image.
#[inline(always)]
fn apply(row: &[u8], above: &[u8], pixel: usize, out: &mut [u8], predict: impl Fn(u8, u8, u8) -> u8) {
    for i in 0..pixel {
        out[i] = row[i].wrapping_sub(predict(0, above[i], 0));
    }
    let length = row.len() - pixel;
    let (left, upper_left) = (&row[..length], &above[..length]);
    let (row, up, out) = (&row[pixel..][..length], &above[pixel..][..length], &mut out[pixel..][..length]);
    for i in 0..length {
        out[i] = row[i].wrapping_sub(predict(left[i], up[i], upper_left[i]));
    }
}

/// Paeth's predictor: of left, up and upper left the one nearest to left + up - upper left, in this order.
#[inline(always)]
fn predict(left: u8, up: u8, upper_left: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(upper_left));
    let (to_left, to_up, to_upper_left) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    let nearer = if to_up <= to_upper_left { up } else { upper_left };
    if to_left <= to_up && to_left <= to_upper_left { left } else { nearer }
}

/// The sum of the absolute values of the bytes as signed numbers.
fn weight(filtered: &[u8]) -> u64 {
    // Wrapping, which 2^16 bytes cannot: a checked sum is not vectorised.
    let add = |sum: u32, &byte: &u8| sum.wrapping_add(u32::from((byte as i8).unsigned_abs()));
    filtered.chunks(1 << 16).map(|part| u64::from(part.iter().fold(0, add))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predictor_breaks_ties_in_the_order_of_the_specification() {
        assert_eq!(predict(10, 20, 15), 15);
        assert_eq!(predict(10, 10, 10), 10);
        assert_eq!(predict(3, 7, 3), 7);
        assert_eq!(predict(200, 100, 250), 100);
    }

    #[test]
    fn a_row_like_the_one_above_is_all_zeros_by_up() {
        let mut out = Vec::new();
        Filter::new(6, 3).append(&[9, 200, 3, 77, 1, 8], &[9, 200, 3, 77, 1, 8], &mut out);
        assert_eq!(out, [2, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_row_narrower_than_nothing_else_is_filtered_too() {
        let mut out = Vec::new();
        Filter::new(1, 1).append(&[5], &[0], &mut out);
        assert_eq!(out, [0, 5]);
    }
}
