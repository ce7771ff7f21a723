//! The orientation in an EXIF block. Nothing else of EXIF is read, and a damaged block counts as none, as everywhere.

use crate::orientation::Orientation;
use crate::ranges::{Ranges, Reader};
use crate::tiff_ifd::{Directory, tag};

/// The orientation that the TIFF structure `block` states; normal where it states none.
pub(crate) fn orientation(block: &[u8]) -> Orientation {
    let have = Ranges::whole(block.to_vec());
    let reader = Reader { have: &have, total: block.len() as u64, limit: 0, format: "EXIF" };
    let value = Directory::of_page(reader, 0).and_then(|directory| directory.uint(tag::ORIENTATION));
    value.ok().flatten().map_or(Orientation::NORMAL, Orientation::from_tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orientation_is_read_in_both_byte_orders() {
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0";
        assert_eq!(orientation(little).tag(), 6);
        assert_eq!(orientation(big).tag(), 8);
        assert_eq!(orientation(&little[..12]), Orientation::NORMAL);
    }
}
