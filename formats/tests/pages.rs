//! A TIFF of several pages: the chosen one is read, and what is not there is said.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use tessera_core::geometry::Size;
use tessera_formats::{Header, HeaderError, Progress, Ranges, parse_page};

/// A little-endian TIFF of gray pages of these widths, each a plain strip of one row; the last points to `end`.
fn file(widths: &[u32], end: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    for (number, width) in (1..).zip(widths) {
        let fields =
            [(256, *width), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (279, *width)];
        let next = bytes.len() + 2 + 12 * fields.len() + 4;
        bytes.extend((fields.len() as u16).to_le_bytes());
        for (tag, value) in fields {
            bytes.extend([(tag as u16).to_le_bytes(), 4u16.to_le_bytes()].concat());
            bytes.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
        }
        let next = if number == widths.len() { end } else { next as u32 };
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

fn header(bytes: &[u8], page: u32) -> Result<Header, HeaderError> {
    match parse_page(&Ranges::whole(bytes.to_vec()), bytes.len() as u64, page)? {
        Progress::Done(header) => Ok(header),
        Progress::Need(range) => panic!("{range:?} is not in the test's file"),
    }
}

#[test]
fn a_page_is_counted_from_0_along_the_chain() {
    let bytes = file(&[10, 20, 30], 0);
    let widths = [0, 1, 2].map(|page| header(&bytes, page).unwrap().extent.size);
    assert_eq!(widths, [10, 20, 30].map(|width| Size::new(width, 1)));
}

#[test]
fn a_page_that_is_not_there_is_told_with_how_many_there_are() {
    let text = header(&file(&[10, 20, 30], 0), 3).unwrap_err().to_string();
    assert!(text.contains("has 3 pages, and source.page 3"), "{text}");
    let text = header(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 1).unwrap_err().to_string();
    assert!(text.contains("is no TIFF"), "{text}");
}

#[test]
fn directories_in_a_circle_end() {
    let text = header(&file(&[10, 20], 8), 60_000).unwrap_err().to_string();
    assert!(text.contains("circle"), "{text}");
}
