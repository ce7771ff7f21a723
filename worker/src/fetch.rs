//! Fetches encoded tiles of the source by ranges: near ones with one request, several requests at once.
//! Every range must come from the object that the plan was made for. It decodes nothing.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use tessera_formats::tiff::TileTable;
use tessera_store::{Location, Store, StoreError};
use tokio::sync::mpsc::Sender;

use crate::error::WorkError;

/// Bytes between two tiles that are fetched with them, since a request costs more.
const GAP: u64 = 64 << 10;

/// The most bytes of one request, unless one tile alone has more.
const REQUEST: u64 = 4 << 20;

/// Requests at once.
const AT_ONCE: usize = 8;

/// Bytes of a request, and requests at once, where all bytes are read in order.
const CHUNK: u64 = 2 << 20;
const CHUNKS: usize = 4;

/// The object that the source is.
#[derive(Debug, Clone)]
pub struct SourceObject {
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Its address.
    pub at: Location,
    /// Its tag: what is read must have it.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
}

/// An encoded tile: its index, and the bytes of each of its planes.
pub type EncodedTile = (u64, Vec<Bytes>);

/// A plane of a tile.
pub(crate) type Part = (u64, usize);

/// Planes of tiles that one request fetches.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    bytes: Range<u64>,
    parts: Vec<(Part, Range<u64>)>,
}

impl SourceObject {
    /// The bytes of `tiles`. A sparse tile has none.
    ///
    /// # Errors
    /// The object has changed, or the store does not give the bytes.
    pub async fn tiles(&self, table: &TileTable, tiles: &[u64]) -> Result<Vec<EncodedTile>, WorkError> {
        let parts = self.parts(parts(table, tiles)).await.map_err(|error| self.error(error))?;
        Ok(join(parts.into_iter().collect()))
    }

    /// The bytes of some parts, in any order.
    pub(crate) async fn parts(
        &self,
        parts: Vec<(Part, Range<u64>)>,
    ) -> Result<Vec<(Part, Bytes)>, StoreError> {
        let fetched = futures::stream::iter(requests(parts))
            .map(|request| async move { Ok(split(&self.range(request.bytes.clone()).await?, request)) })
            .buffer_unordered(AT_ONCE);
        let parts: Vec<Vec<(Part, Bytes)>> = fetched.try_collect().await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Sends all bytes in order, until nobody waits for them.
    pub(crate) async fn stream(&self, to: &Sender<Result<Bytes, WorkError>>) {
        let starts = (0..self.size).step_by(CHUNK as usize);
        let ranges = starts.map(|start| start..(start + CHUNK).min(self.size));
        let chunks = futures::stream::iter(ranges).map(|range| self.range(range)).buffered(CHUNKS);
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            let failed = chunk.is_err();
            if to.send(chunk.map_err(|error| self.error(error))).await.is_err() || failed {
                return;
            }
        }
    }

    /// The whole object.
    ///
    /// # Errors
    /// The object has changed, or the store does not give the bytes.
    pub async fn whole(&self) -> Result<Bytes, WorkError> {
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

/// Where the planes of `tiles` lie.
fn parts(table: &TileTable, tiles: &[u64]) -> Vec<(Part, Range<u64>)> {
    let planes = |tile: u64| table.planes_of(tile).unwrap_or_default().iter().cloned().enumerate();
    tiles.iter().flat_map(|&tile| planes(tile).map(move |(plane, range)| ((tile, plane), range))).collect()
}

/// The tiles of their planes.
pub(crate) fn join(parts: BTreeMap<Part, Bytes>) -> Vec<EncodedTile> {
    let mut tiles: Vec<EncodedTile> = Vec::new();
    for ((tile, _), bytes) in parts {
        match tiles.last_mut() {
            Some((last, planes)) if *last == tile => planes.push(bytes),
            _ => tiles.push((tile, vec![bytes])),
        }
    }
    tiles
}

/// Joins the ranges of parts that lie near each other.
fn requests(mut parts: Vec<(Part, Range<u64>)>) -> Vec<Request> {
    parts.sort_by_key(|(_, bytes)| (bytes.start, bytes.end));
    let mut requests: Vec<Request> = Vec::new();
    for (part, bytes) in parts {
        match requests.last_mut() {
            Some(last) if near(&last.bytes, &bytes) => {
                last.bytes.end = last.bytes.end.max(bytes.end);
                last.parts.push((part, bytes));
            }
            _ => requests.push(Request { bytes: bytes.clone(), parts: vec![(part, bytes)] }),
        }
    }
    requests
}

fn near(before: &Range<u64>, next: &Range<u64>) -> bool {
    !before.is_empty()
        && next.start <= before.end.saturating_add(GAP)
        && next.end.max(before.end) - before.start <= REQUEST
}

fn split(bytes: &Bytes, request: Request) -> Vec<(Part, Bytes)> {
    let index =
        |offset: u64| usize::try_from(offset - request.bytes.start).expect("a request's bytes are in memory");
    request
        .parts
        .into_iter()
        .map(|(part, range)| (part, bytes.slice(index(range.start)..index(range.end))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_tiles_are_one_request_and_far_ones_are_not() {
        let far = 10 << 20;
        let parts = [(7, far..far + 5), (3, 100..200), (2, 0..100), (9, 0..0)];
        let requests = requests(parts.map(|(tile, range)| ((tile, 0), range)).into());
        let tiles: Vec<Vec<u64>> =
            requests.iter().map(|r| r.parts.iter().map(|((tile, _), _)| *tile).collect()).collect();
        assert_eq!(tiles, [vec![9], vec![2, 3], vec![7]]);
        assert_eq!(requests[1].bytes, 0..200);
    }

    #[test]
    fn a_request_is_split_into_its_parts_and_they_are_joined_to_tiles() {
        let parts = vec![((1, 1), 10..12), ((1, 0), 12..13), ((0, 0), 13..16)];
        let parts = split(&Bytes::from_static(b"abcdef"), Request { bytes: 10..16, parts });
        let bytes = Bytes::from_static;
        let tiles = join(parts.into_iter().collect());
        assert_eq!(tiles, [(0, vec![bytes(b"def")]), (1, vec![bytes(b"c"), bytes(b"ab")])]);
    }
}
