//! Memory that the processor is asked for before it is needed. It looks ahead by itself where memory is gone through from one end
//! to the other, but not far enough, and hardly for what is only written; and not at all where a few samples of each row are
//! read. What is fetched changes no result, only the time; on processors other than x86-64 nothing is asked for.
#![allow(unsafe_code, reason = "to give hints")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// About how many bytes of a row are computed while the memory brings the next.
pub(crate) const PART: usize = 1024;

/// Has `values` brought into the nearest cache.
pub(crate) fn fetch<T>(values: &[T]) {
    lines::<0>(values.as_ptr().cast(), size_of_val(values));
}

/// Has `values`, which are needed only after several others, brought into the second cache.
pub(crate) fn fetch_early<T>(values: &[T]) {
    lines::<1>(values.as_ptr().cast(), size_of_val(values));
}

/// [`fetch`] for what lies behind `values`, as much again: rows are gone through part by part.
pub(crate) fn fetch_behind<T>(values: &[T]) {
    lines::<0>(values.as_ptr_range().end.cast(), size_of_val(values));
}

/// The same for what lies before `values`.
pub(crate) fn fetch_before<T>(values: &[T]) {
    lines::<0>(values.as_ptr().cast::<i8>().wrapping_sub(size_of_val(values)), size_of_val(values));
}

/// The same for the value at index `at` of each of `rows`, or what lies there.
#[inline(never)]
pub(crate) fn fetch_column<T>(rows: &[&[T]], at: usize) {
    for row in rows {
        hint::<0>(row.as_ptr().wrapping_add(at).cast());
    }
}

/// Copies a row to one of the same length.
pub(crate) fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    for (from, to) in from.chunks(PART).zip(to.chunks_mut(PART)) {
        fetch_behind(from);
        fetch_behind(to);
        to.copy_from_slice(from);
    }
}

// Not inlined, as the one above: the compiler would no longer vectorise the loops around.
#[inline(never)]
fn lines<const CACHE: u8>(first: *const i8, bytes: usize) {
    /// Bytes that are brought together.
    const LINE: usize = 64;
    for at in (0..bytes).step_by(LINE) {
        hint::<CACHE>(first.wrapping_add(at));
    }
}

/// Asks for what lies at `address`: into the nearest cache, or the one behind it.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "there is no stable way to ask"))]
fn hint<const CACHE: u8>(address: *const i8) {
    // SAFETY: nothing is read, so no address is wrong.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        if CACHE == 0 {
            _mm_prefetch::<_MM_HINT_T0>(address);
        } else {
            _mm_prefetch::<_MM_HINT_T1>(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_copied() {
        for length in [0, 1, PART - 1, PART, PART + 1, 3 * PART] {
            let from: Vec<u16> = (0..).take(length).collect();
            let mut to = vec![0; length];
            copy(&from, &mut to);
            assert_eq!(to, from);
        }
    }

    #[test]
    fn no_address_is_wrong() {
        let row = [1u8; 3];
        fetch(&row[3..]);
        fetch_before(&row);
        fetch_early(&row);
        fetch_behind(&row);
        fetch_column(&[&row], usize::MAX / 2);
        fetch_column(&[&row[..0]], 1 << 40);
    }
}
