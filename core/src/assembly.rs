//! How pieces become one object by multipart upload: which are copied inside the store, and which are fetched and joined
//! because a part but the last must have 5 MiB. Pure arithmetic on sizes.

use std::ops::Range;

/// The least bytes of a part but the last.
pub const MIN_PART: u64 = 5 << 20;

/// The most parts of an upload.
pub const MAX_PARTS: usize = 10_000;

/// Something to be laid into the file: the head, a piece, or the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The bytes before the first piece.
    Head,
    /// Piece number `0` in file order.
    Piece(usize),
    /// The bytes after the last piece.
    Tail,
}

/// Some bytes of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Of what.
    pub content: Content,
    /// Which bytes.
    pub bytes: Range<u64>,
}

/// One part of the upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Bytes of a piece, copied inside the store.
    Copy {
        /// Number of the piece in file order.
        piece: usize,
        /// Which bytes.
        bytes: Range<u64>,
        /// Whether that is all of it.
        whole: bool,
    },
    /// Bytes that are fetched, joined and uploaded.
    Upload(Vec<Segment>),
}

/// Plans the parts for a head, pieces and a tail of the given sizes. Every part but the last has at least [`MIN_PART`]
/// bytes, and the parts joined are the file.
pub fn parts(head: u64, pieces: &[u64], tail: u64) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut pending = Pending::default();
    pending.push(Content::Head, 0..head);
    pending.flush_from(MIN_PART, &mut parts);
    for (piece, &size) in pieces.iter().enumerate() {
        if pending.size == 0 && size >= MIN_PART {
            parts.push(Part::Copy { piece, bytes: 0..size, whole: true });
        } else if pending.size + size < 2 * MIN_PART {
            pending.push(Content::Piece(piece), 0..size);
            pending.flush_from(MIN_PART, &mut parts);
        } else {
            let taken = MIN_PART - pending.size;
            pending.push(Content::Piece(piece), 0..taken);
            pending.flush_from(0, &mut parts);
            parts.push(Part::Copy { piece, bytes: taken..size, whole: false });
        }
    }
    pending.push(Content::Tail, 0..tail);
    pending.flush_from(0, &mut parts);
    parts
}

#[derive(Default)]
struct Pending {
    segments: Vec<Segment>,
    size: u64,
}

impl Pending {
    fn push(&mut self, content: Content, bytes: Range<u64>) {
        if !bytes.is_empty() {
            self.size += bytes.end - bytes.start;
            self.segments.push(Segment { content, bytes });
        }
    }

    /// Closes the part if it has at least `least` bytes (and any at all).
    fn flush_from(&mut self, least: u64, parts: &mut Vec<Part>) {
        if self.size > 0 && self.size >= least {
            parts.push(Part::Upload(std::mem::take(&mut self.segments)));
            self.size = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(part: &Part) -> u64 {
        match part {
            Part::Copy { bytes, .. } => bytes.end - bytes.start,
            Part::Upload(segments) => {
                segments.iter().map(|segment| segment.bytes.end - segment.bytes.start).sum()
            }
        }
    }

    #[test]
    fn large_pieces_are_copied_and_the_head_takes_only_what_it_needs() {
        let parts = parts(100, &[20 << 20, 8 << 20], 0);
        assert_eq!(parts.len(), 3);
        assert_eq!(size(&parts[0]), MIN_PART);
        assert_eq!(parts[1], Part::Copy { piece: 0, bytes: MIN_PART - 100..20 << 20, whole: false });
        assert_eq!(parts[2], Part::Copy { piece: 1, bytes: 0..8 << 20, whole: true });
    }

    #[test]
    fn a_small_file_is_one_part() {
        assert_eq!(parts(10, &[5, 5], 3).len(), 1);
    }

    proptest! {
        #[test]
        fn parts_are_the_file_and_large_enough(
            head in 0u64..12 << 20, tail in 0u64..100, pieces in proptest::collection::vec(1u64..20 << 20, 0..30)
        ) {
            let parts = parts(head, &pieces, tail);
            let mut laid: Vec<(Content, Range<u64>)> = Vec::new();
            for part in &parts {
                match part {
                    Part::Copy { piece, bytes, .. } => laid.push((Content::Piece(*piece), bytes.clone())),
                    Part::Upload(segments) => laid.extend(segments.iter().map(|s| (s.content, s.bytes.clone()))),
                }
            }
            let mut expected = vec![(Content::Head, head)];
            expected.extend(pieces.iter().enumerate().map(|(piece, size)| (Content::Piece(piece), *size)));
            expected.push((Content::Tail, tail));
            let mut laid = laid.into_iter().peekable();
            for (content, size) in expected {
                let mut at = 0;
                while let Some((_, bytes)) = laid.next_if(|(found, _)| *found == content) {
                    prop_assert_eq!(bytes.start, at);
                    at = bytes.end;
                }
                prop_assert_eq!(at, size);
            }
            prop_assert!(laid.next().is_none());
            let short = parts.iter().rev().skip(1).filter(|part| size(part) < MIN_PART).count();
            prop_assert_eq!(short, 0);
        }
    }
}
