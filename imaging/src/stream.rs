//! Decodes an image from its first row to its last in bands of rows, and holds no more of it: the stored image, before any
//! orientation. The pixels are those of [`crate::decode_whole`].

use crate::decode::{Damage, DecodeError, guarded, region_of_bytes};
use crate::{jpeg, png_read};
use std::io::{BufRead, Seek};
use tessera_core::geometry::{Rect, Size};
use tessera_formats::header::{Header, Kind};
use tessera_operations::region::Region;

/// Gives `take` the bands of `rows` rows (the last has what is left) of a PNG that is not interlaced or a JPEG of one scan,
/// in order, until it returns false. `source` need not seek.
///
/// # Errors
/// The bytes are not the whole image that `header` promises, or cannot be read.
///
/// # Panics
/// The image is of another kind: a mistake of the caller.
pub fn decode_bands(
    header: &Header,
    source: impl BufRead + Seek,
    rows: u32,
    mut take: impl FnMut(Region) -> bool,
) -> Result<(), DecodeError> {
    let pixel = header.extent.pixel;
    let bands = Bands { size: header.stored, rows };
    let mut give = |rect: Rect, bytes: Vec<u8>| take(region_of_bytes(rect, pixel, bytes, true));
    let (format, decoded) = match header.kind {
        Kind::Png { interlaced: false } => (
            "PNG",
            guarded("the decoder", || png_read::decode_bands(source, &bands, pixel, &mut give)).flatten(),
        ),
        Kind::Jpeg { progressive: false, components } => {
            ("JPEG", jpeg::decode_bands(source, &bands, usize::from(components), &mut give))
        }
        Kind::Png { .. } | Kind::Jpeg { .. } | Kind::WebP { .. } | Kind::Tiff(_) => {
            panic!("only a PNG and a JPEG whose rows come in order are streamed")
        }
    };
    decoded.map_err(|damage: Damage| DecodeError::Whole { format, damage })
}

/// How an image is cut into bands.
pub(crate) struct Bands {
    pub(crate) size: Size,
    pub(crate) rows: u32,
}

impl Bands {
    /// The bands in order.
    pub(crate) fn rects(&self) -> impl Iterator<Item = Rect> + use<> {
        let (Size { width, height }, rows) = (self.size, self.rows);
        (0..height).step_by(rows as usize).map(move |y| Rect::new(0, y, width, rows.min(height - y)))
    }
}
