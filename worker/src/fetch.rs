//! Fetches encoded tiles of the source by ranges: near ones with one request, several requests at once.
//! Every range must come from the object that the plan was made for. It decodes nothing.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use tessera_formats::tiff::TileTable;
use tessera_store::{Location, Store, StoreError};

use crate::error::WorkError;

/// Bytes between two tiles that are fetched with them, since a request costs more.
const GAP: u64 = 64 << 10;

/// The most bytes of one request, unless one tile alone has more.
const REQUEST: u64 = 4 << 20;

/// Requests at once.
const AT_ONCE: usize = 8;

/// The object that the source is.
#[derive(Debug, Clone)]
pub(crate) struct SourceObject {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) at: Location,
    pub(crate) etag: String,
    pub(crate) size: u64,
}

/// An encoded tile: its index and its bytes.
pub(crate) type EncodedTile = (u64, Bytes);

/// Tiles that one request fetches.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    bytes: Range<u64>,
    tiles: Vec<(u64, Range<u64>)>,
}

impl SourceObject {
    /// The bytes of `tiles`. A sparse tile has none.
    pub(crate) async fn tiles(
        &self,
        table: &TileTable,
        tiles: &[u64],
    ) -> Result<Vec<EncodedTile>, WorkError> {
        let ranges = tiles.iter().map(|tile| (*tile, table.bytes_of(*tile).unwrap_or(0..0)));
        let fetched = futures::stream::iter(requests(ranges.collect()))
            .map(|request| async move { Ok(split(&self.range(request.bytes.clone()).await?, request)) })
            .buffer_unordered(AT_ONCE);
        let tiles: Vec<Vec<EncodedTile>> = fetched.try_collect().await.map_err(|error| self.error(error))?;
        Ok(tiles.into_iter().flatten().collect())
    }

    /// The whole object.
    pub(crate) async fn whole(&self) -> Result<Bytes, WorkError> {
        let starts = (0..self.size).step_by(2 * REQUEST as usize);
        let ranges = starts.map(|start| start..(start + 2 * REQUEST).min(self.size));
        let parts = futures::stream::iter(ranges).map(|range| self.range(range)).buffered(AT_ONCE);
        let joined = BytesMut::with_capacity(usize::try_from(self.size).unwrap_or(0));
        let join = async |mut joined: BytesMut, part: Bytes| {
            joined.extend_from_slice(&part);
            Ok(joined)
        };
        parts.try_fold(joined, join).await.map(BytesMut::freeze).map_err(|error| self.error(error))
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.store.get_range(&self.at, range, Some(&self.etag)).await
    }

    fn error(&self, error: StoreError) -> WorkError {
        WorkError::of_source(&self.at.to_string(), error)
    }
}

/// Joins the ranges of tiles that lie near each other.
fn requests(mut tiles: Vec<(u64, Range<u64>)>) -> Vec<Request> {
    tiles.sort_by_key(|(_, bytes)| (bytes.start, bytes.end));
    let mut requests: Vec<Request> = Vec::new();
    for (tile, bytes) in tiles {
        match requests.last_mut() {
            Some(last) if near(&last.bytes, &bytes) => {
                last.bytes.end = last.bytes.end.max(bytes.end);
                last.tiles.push((tile, bytes));
            }
            _ => requests.push(Request { bytes: bytes.clone(), tiles: vec![(tile, bytes)] }),
        }
    }
    requests
}

fn near(before: &Range<u64>, next: &Range<u64>) -> bool {
    !before.is_empty()
        && next.start <= before.end.saturating_add(GAP)
        && next.end.max(before.end) - before.start <= REQUEST
}

fn split(bytes: &Bytes, request: Request) -> Vec<EncodedTile> {
    let index =
        |offset: u64| usize::try_from(offset - request.bytes.start).expect("a request's bytes are in memory");
    request
        .tiles
        .into_iter()
        .map(|(tile, range)| (tile, bytes.slice(index(range.start)..index(range.end))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_tiles_are_one_request_and_far_ones_are_not() {
        let far = 10 << 20;
        let requests = requests(vec![(7, far..far + 5), (3, 100..200), (2, 0..100), (9, 0..0)]);
        let tiles: Vec<Vec<u64>> =
            requests.iter().map(|r| r.tiles.iter().map(|(tile, _)| *tile).collect()).collect();
        assert_eq!(tiles, [vec![9], vec![2, 3], vec![7]]);
        assert_eq!(requests[1].bytes, 0..200);
    }

    #[test]
    fn a_request_is_split_into_its_tiles() {
        let request = Request { bytes: 10..16, tiles: vec![(1, 10..12), (2, 13..16)] };
        let tiles = split(&Bytes::from_static(b"abcdef"), request);
        assert_eq!(tiles, [(1, Bytes::from_static(b"ab")), (2, Bytes::from_static(b"def"))]);
    }
}
