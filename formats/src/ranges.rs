//! The byte ranges of a file that have been fetched so far, and a reader that says which range is missing.
//! Fetches nothing.

use crate::header::{HeaderError, Stop};
use std::collections::BTreeMap;
use std::ops::Range;

/// The first range that a parser asks for: 64 KiB hold most headers.
const FIRST: u64 = 64 << 10;

/// The least that a parser asks for later, since a request costs more than its bytes.
const READ_AHEAD: u64 = 16 << 10;

/// Fetched byte ranges of one file. Ranges that touch or overlap are joined; of bytes inserted twice the first stay.
#[derive(Debug, Clone, Default)]
pub struct Ranges {
    parts: BTreeMap<u64, Vec<u8>>,
}

impl Ranges {
    /// No bytes yet.
    pub fn new() -> Ranges {
        Ranges::default()
    }

    /// A whole file in memory.
    pub fn whole(bytes: Vec<u8>) -> Ranges {
        let mut ranges = Ranges::new();
        ranges.insert(0, bytes);
        ranges
    }

    /// Adds the bytes that start at `offset` of the file.
    pub fn insert(&mut self, offset: u64, bytes: Vec<u8>) {
        let (mut start, mut joined) = (offset, bytes);
        let before = self.parts.range(..=offset).next_back().map(|(&at, held)| (at, at + held.len() as u64));
        if let Some((at, end)) = before
            && end >= offset
            && let Some(held) = self.parts.remove(&at)
        {
            joined = append(held, &joined, end - offset);
            start = at;
        }
        while let Some(next) = self.first_within(start..start + joined.len() as u64) {
            let held = self.parts.remove(&next).unwrap_or_default();
            let overlap = start + joined.len() as u64 - next;
            joined = append(joined, &held, overlap);
        }
        self.parts.insert(start, joined);
    }

    /// The start of the first part that starts inside `range` or at its end.
    fn first_within(&self, range: Range<u64>) -> Option<u64> {
        self.parts.range(range.start..=range.end).next().map(|(&at, _)| at)
    }

    /// The bytes of `range`, if all of them are here.
    pub fn get(&self, range: Range<u64>) -> Option<&[u8]> {
        if range.is_empty() {
            return Some(&[]);
        }
        let (&at, held) = self.parts.range(..=range.start).next_back()?;
        let start = usize::try_from(range.start - at).ok()?;
        let end = usize::try_from(range.end - at).ok()?;
        held.get(start..end)
    }

    /// The number of bytes that are here.
    pub fn bytes_held(&self) -> u64 {
        self.parts.values().map(|held| held.len() as u64).sum()
    }

    /// The first byte of `range` that is not here.
    fn first_missing(&self, range: &Range<u64>) -> u64 {
        match self.parts.range(..=range.start).next_back() {
            Some((&at, held)) => range.start.max(at + held.len() as u64),
            None => range.start,
        }
    }

    /// Where the next part behind the missing byte `at` starts.
    fn next_held(&self, at: u64) -> u64 {
        self.parts.range(at..).next().map_or(u64::MAX, |(&next, _)| next)
    }
}

/// `bytes` behind `held`, without the first `overlap` bytes of it, which `held` has already.
fn append(mut held: Vec<u8>, bytes: &[u8], overlap: u64) -> Vec<u8> {
    let overlap = usize::try_from(overlap).unwrap_or(usize::MAX).min(bytes.len());
    held.extend_from_slice(&bytes[overlap..]);
    held
}

/// Reads a file of `total` bytes of which `have` has been fetched. Never asks for more than `limit` bytes in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) have: &'a Ranges,
    pub(crate) total: u64,
    pub(crate) limit: u64,
    /// For messages.
    pub(crate) format: &'static str,
}

impl<'a> Reader<'a> {
    /// The `length` bytes from `offset` on; [`Stop::Need`] where they have not been fetched, an error where the file
    /// has not got them.
    pub(crate) fn bytes(&self, offset: u64, length: u64) -> Result<&'a [u8], Stop> {
        let end = offset.saturating_add(length);
        if end > self.total {
            return Err(HeaderError::Truncated { format: self.format, end, total: self.total }.into());
        }
        self.have.get(offset..end).ok_or_else(|| self.need(offset..end))
    }

    /// What to fetch for `range`: more than that, where the rest is likely to be asked for next.
    fn need(&self, range: Range<u64>) -> Stop {
        let start = self.have.first_missing(&range);
        let ahead = if start == 0 { FIRST } else { READ_AHEAD };
        let end = range.end.max(start.saturating_add(ahead)).min(self.total).min(self.have.next_held(start));
        if self.have.bytes_held().saturating_add(end - start) > self.limit {
            return HeaderError::TooLarge { format: self.format, limit: self.limit >> 20 }.into();
        }
        Stop::Need(start..end)
    }

    /// As [`Reader::bytes`], as an array.
    pub(crate) fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], Stop> {
        let bytes = self.bytes(offset, N as u64)?;
        Ok(bytes.try_into().expect("bytes() returns the length asked for"))
    }

    /// The error of a damaged header.
    pub(crate) fn damaged<T>(&self, what: impl Into<String>) -> Result<T, Stop> {
        Err(HeaderError::Malformed { format: self.format, what: what.into() }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_are_joined_in_any_order() {
        let mut ranges = Ranges::new();
        ranges.insert(10, vec![10, 11, 12]);
        ranges.insert(0, vec![0, 1]);
        assert_eq!(ranges.get(0..3), None);
        ranges.insert(1, vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        ranges.insert(13, vec![13]);
        assert_eq!(ranges.get(0..14), Some(&(0..14).collect::<Vec<u8>>()[..]));
        assert_eq!(ranges.bytes_held(), 14);
    }

    #[test]
    fn a_range_inside_another_changes_nothing() {
        let mut ranges = Ranges::whole((0..10).collect());
        ranges.insert(3, vec![3, 4]);
        assert_eq!(ranges.get(0..10), Some(&(0..10).collect::<Vec<u8>>()[..]));
    }

    #[test]
    fn only_missing_bytes_are_asked_for() {
        let have = Ranges::whole(vec![0; 100]);
        let reader = Reader { have: &have, total: 1_000_000, limit: 1 << 20, format: "TIFF" };
        assert!(matches!(reader.bytes(90, 20), Err(Stop::Need(range)) if range == (100..100 + READ_AHEAD)));
        assert!(matches!(reader.bytes(500_000, 1 << 19), Err(Stop::Bad(HeaderError::Truncated { .. }))));
    }
}
