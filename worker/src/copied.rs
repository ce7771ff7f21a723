//! The copy that the stage `split` has made of the source: which of its pieces hold what is needed, and its tiles by
//! ranges of them. What is missing or damaged there is missing work, not a bad source.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tessera_core::copied::SourceCopy;
use tessera_core::geometry::Rect;
use tessera_core::grid::TileAt;
use tessera_core::plan::Stage;
use tessera_core::record::PieceRecord;
use tessera_formats::header::Header;
use tessera_imaging::{crown, orient::orient};
use tessera_operations::Region;
use tessera_store::{ErrorKind, StoreError};

use crate::error::WorkError;
use crate::fetch::{EncodedTile, Part, SourceObject, join};
use crate::pieces::Pieces;

/// Records, and pieces, that are read at once.
const AT_ONCE: usize = 8;

/// The part of a copy that some tiles lie in.
#[derive(Debug)]
pub(crate) struct Copied {
    copy: SourceCopy,
    pieces: BTreeMap<u32, PieceRecord>,
    place: Pieces,
}

impl Copied {
    /// The pieces that hold what is needed for the parts `rects` of the image as the job sees it.
    pub(crate) async fn open(
        copy: SourceCopy,
        header: &Header,
        rects: impl Iterator<Item = Rect>,
        place: Pieces,
    ) -> Result<Copied, WorkError> {
        debug_assert_eq!(place.stage, Stage::Split);
        let height = copy.grid.tile.height;
        let stored = rects
            .filter(|rect| !rect.is_empty())
            .map(|rect| header.orientation.to_stored(rect, header.stored));
        let rows = stored.flat_map(|rect| rect.y / height..=(rect.bottom() - 1) / height);
        let rows: std::collections::BTreeSet<u32> = rows.collect();
        let place_of = &place;
        let read = futures::stream::iter(rows).map(|row| async move {
            let record = place_of.record(row).await?;
            let right = |record: &PieceRecord| {
                place_of.is_ours(record)
                    && record.piece == row
                    && record.tiles.len() as u64 == u64::from(copy.grid.columns())
            };
            record.filter(right).map(|record| (row, record)).ok_or_else(|| missing(row))
        });
        let pieces = read.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Copied { copy, pieces, place })
    }

    /// The indexes of the tiles that hold the pixels `rect` of the image as the job sees it, ascending.
    pub(crate) fn tiles_for(&self, header: &Header, rect: Rect) -> Vec<u64> {
        let rect = header.orientation.to_stored(rect, header.stored).intersect(&self.copy.grid.image.rect());
        if rect.is_empty() {
            return Vec::new();
        }
        let tile = self.copy.grid.tile;
        let columns = rect.x / tile.width..=(rect.right() - 1) / tile.width;
        let rows = rect.y / tile.height..=(rect.bottom() - 1) / tile.height;
        let at = rows.flat_map(|row| columns.clone().map(move |column| TileAt { column, row }));
        at.map(|at| self.copy.grid.index(at)).collect()
    }

    /// The packed bytes of `tiles`.
    pub(crate) async fn tiles(&self, tiles: &[u64]) -> Result<Vec<EncodedTile>, WorkError> {
        let columns = u64::from(self.copy.grid.columns());
        let mut pieces: BTreeMap<u32, Vec<(Part, std::ops::Range<u64>)>> = BTreeMap::new();
        for &tile in tiles {
            let row = u32::try_from(tile / columns).expect("a row of the grid");
            let record = self.pieces.get(&row).ok_or_else(|| missing(row))?;
            let (before, rest) = record.tiles.split_at((tile % columns) as usize);
            let start = before.iter().map(|tile| tile.size).sum::<u64>();
            let size = rest.first().map_or(0, |tile| tile.size);
            pieces.entry(row).or_default().push(((tile, 0), start..start + size));
        }
        let read = futures::stream::iter(pieces).map(|(row, parts)| self.of_piece(row, parts));
        let parts: Vec<Vec<(Part, Bytes)>> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(join(parts.into_iter().flatten().collect()))
    }

    async fn of_piece(
        &self,
        row: u32,
        parts: Vec<(Part, std::ops::Range<u64>)>,
    ) -> Result<Vec<(Part, Bytes)>, WorkError> {
        let record = self.pieces.get(&row).ok_or_else(|| missing(row))?;
        let scratch = &self.place.scratch;
        let object = SourceObject {
            store: scratch.store.clone(),
            at: scratch.at(scratch.keys.data(Stage::Split.name(), 0, row))?,
            etag: record.etag.clone(),
            size: record.size,
        };
        object.parts(parts).await.map_err(|error: StoreError| match error.kind() {
            ErrorKind::NotFound | ErrorKind::Changed => missing(row),
            _ => error.into(),
        })
    }

    /// The pixels of a tile, as the job sees them.
    pub(crate) fn decode(&self, header: &Header, index: u64, bytes: &[u8]) -> Result<Region, WorkError> {
        let columns = u64::from(self.copy.grid.columns());
        let (column, row) = ((index % columns) as u32, (index / columns) as u32);
        let rect = self.copy.grid.tile_rect(TileAt { column, row });
        let tile = crown::unpack(bytes, rect, header.extent.pixel);
        let tile = tile
            .map_err(|error| WorkError::Incomplete(format!("piece {row} of the source's copy: {error}")))?;
        Ok(orient(tile, header.orientation, header.stored))
    }
}

fn missing(row: u32) -> WorkError {
    WorkError::Incomplete(format!("piece {row} of the source's copy is gone or was changed"))
}
