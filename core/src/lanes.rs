//! How a file is written while it is computed: in parts of an upload, perhaps in several lanes at once, which are runs of bytes
//! that follow each other in the file. Pure arithmetic.

/// The least bytes of a part.
const PART: u64 = 8 << 20;

/// Parts that a file of the largest size is cut into; a store takes 10,000.
const PARTS: u64 = 9000;

/// Parts that are on their way at once.
pub const AT_ONCE: usize = 2;

/// The first bytes of a lane that are held back where there are several: the least part of a store.
pub const HELD: usize = crate::assembly::MIN_PART as usize;

/// Bytes of a part of a file of `size` bytes at most.
pub fn part_size(size: u64) -> usize {
    (size / PARTS).max(PART) as usize
}

/// The most bytes that are held of a file of `size` bytes at most with `lanes` lanes.
pub(crate) fn memory(size: u64, lanes: u64) -> u64 {
    let part = part_size(size) as u64;
    (lanes * (part + HELD as u64) + AT_ONCE as u64 * part).min(size)
}
