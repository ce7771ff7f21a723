//! Which piece each row of tiles of each layer goes to, and which rows of the image must be computed for the pieces that
//! are missing. Pure arithmetic on the plan.

use std::collections::{BTreeSet, HashMap};

use tessera_core::piece::Piece;
use tessera_core::pyramid::{Layer, Pyramid};

/// Where a row of tiles goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of its piece in the list of pieces that are computed.
    pub(crate) piece: usize,
    /// Whether it is the last of its piece.
    pub(crate) last: bool,
}

/// The rows of tiles of the pieces that are computed, by layer, number of the block, and number of the row inside it.
pub(crate) struct Rows {
    places: HashMap<(Layer, u32, u32), Place>,
}

impl Rows {
    /// The rows of `pieces`.
    pub(crate) fn new(pieces: &[Piece]) -> Rows {
        let mut places = HashMap::new();
        for (index, piece) in pieces.iter().enumerate() {
            let mut rows = piece.row_numbers().peekable();
            while let Some((block, row)) = rows.next() {
                let place = Place { piece: index, last: rows.peek().is_none() };
                places.insert((piece.layer, block, row), place);
            }
        }
        Rows { places }
    }

    /// Where a row goes; `None` where it is not missing.
    pub(crate) fn place(&self, layer: Layer, block: u32, row: u32) -> Option<Place> {
        self.places.get(&(layer, block, row)).copied()
    }

    /// The rows of the image that the rows of all layers are made of: numbers of blocks and rows, in file order.
    pub(crate) fn needed(&self, pyramid: &Pyramid) -> BTreeSet<(u32, u32)> {
        let of_image = |&(layer, block, row): &(Layer, u32, u32)| {
            let level = match layer {
                Layer::Level(level) => level as usize,
                Layer::Crown => pyramid.shared.len() - 1,
            };
            let end = ((row + 1) << level).min(pyramid.shared[0].tile_rows_of(block));
            (row << level..end).map(move |row| (block, row))
        };
        self.places.keys().flat_map(of_image).collect()
    }
}
