//! A source read from its first row to its last: its bytes in order, or its strips, become bands of rows of the stored image.
//! One task fetches ahead, one thread decodes; what is in memory at once is bounded by the channels between them.

use std::io::{BufRead, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tessera_core::geometry::Rect;
use tessera_formats::header::{Header, Kind};
use tessera_formats::tiff::{TiffSource, TileTable};
use tessera_operations::Region;
use tessera_probe::Probed;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::error::WorkError;
use crate::fetch::{EncodedTile, SourceObject};
use crate::reader::undecodable;

/// The bands of a source as they are decoded. Dropped, it ends after the band that is being decoded.
pub(crate) struct Rowwise {
    bands: Receiver<Region>,
    fetcher: JoinHandle<()>,
    decoder: Option<JoinHandle<Result<(), WorkError>>>,
}

impl Rowwise {
    /// Starts reading `object`, whose header is `probed`, in bands of `rows` rows, as it is stored.
    pub(crate) async fn start(
        object: SourceObject,
        probed: &Probed,
        rows: u32,
    ) -> Result<Rowwise, WorkError> {
        let uri = object.at.to_string();
        let header = probed.header.clone();
        let (to, bands) = channel(1);
        if let Kind::Tiff(tiff) = &probed.header.kind {
            let all = 0..tiff.tiles();
            let error = |error| WorkError::of_probe(&uri, error);
            let table = tessera_probe::tile_table(&*object.store, probed, all).await.map_err(error)?;
            let table = table.ok_or_else(|| WorkError::Plan("its source has no tiles".into()))?;
            let (send, strips) = channel(1);
            let fetcher = tokio::spawn(fetch_strips(object, table, tiff.clone(), send));
            let decoder = move || Strips { header, strips, uri }.decode(rows, &to);
            let decoder = Some(tokio::task::spawn_blocking(decoder));
            return Ok(Rowwise { bands, fetcher, decoder });
        }
        let (send, chunks) = channel(1);
        let fetcher = tokio::spawn(async move { object.stream(&send).await });
        let decoder = Some(tokio::task::spawn_blocking(move || decode(&header, chunks, rows, &to, &uri)));
        Ok(Rowwise { bands, fetcher, decoder })
    }

    /// The next band; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Region>, WorkError> {
        if let Some(band) = self.bands.recv().await {
            return Ok(Some(band));
        }
        let Some(decoder) = self.decoder.take() else { return Ok(None) };
        let panicked = |error: tokio::task::JoinError| WorkError::Panicked {
            at: "the source's rows".into(),
            what: error.to_string(),
        };
        decoder.await.map_err(panicked)?.map(|()| None)
    }
}

impl Drop for Rowwise {
    fn drop(&mut self) {
        self.fetcher.abort();
    }
}

/// Decodes the bytes of `chunks` and sends the bands. A failed fetch is its error, not that the data ends early.
fn decode(
    header: &Header,
    chunks: Receiver<Result<Bytes, WorkError>>,
    rows: u32,
    to: &Sender<Region>,
    uri: &str,
) -> Result<(), WorkError> {
    let failure = Arc::new(Mutex::new(None));
    let source = Chunks { chunks, now: Bytes::new(), failure: failure.clone() };
    let decoded = tessera_imaging::decode_bands(header, source, rows, |band| to.blocking_send(band).is_ok());
    let failed = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    match failed {
        Some(error) => Err(error),
        None => decoded.map_err(|error| undecodable(uri, &error)),
    }
}

/// Bytes that arrive in chunks, as a decoder reads them.
struct Chunks {
    chunks: Receiver<Result<Bytes, WorkError>>,
    now: Bytes,
    /// Why there are no more.
    failure: Arc<Mutex<Option<WorkError>>>,
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.now.is_empty() {
            match self.chunks.blocking_recv() {
                Some(Ok(bytes)) => self.now = bytes,
                Some(Err(error)) => {
                    *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return Err(std::io::Error::other("the store gave no more bytes"));
                }
                None => break,
            }
        }
        Ok(&self.now)
    }

    fn consume(&mut self, amount: usize) {
        bytes::Buf::advance(&mut self.now, amount);
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

/// The decoders ask for this, and have no use for it.
impl Seek for Chunks {
    fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// Fetches a TIFF's rows of tiles in order.
async fn fetch_strips(
    object: SourceObject,
    table: TileTable,
    tiff: TiffSource,
    to: Sender<Result<Vec<EncodedTile>, WorkError>>,
) {
    let columns = u64::from(tiff.columns());
    for row in 0..u64::from(tiff.rows()) {
        // A place in the channel first: one row is fetched ahead, not two.
        let Ok(place) = to.reserve().await else { return };
        let tiles: Vec<u64> = (row * columns..(row + 1) * columns).collect();
        let fetched = object.tiles(&table, &tiles).await;
        let failed = fetched.is_err();
        place.send(fetched);
        if failed {
            return;
        }
    }
}

/// A TIFF's rows of tiles as they arrive.
struct Strips {
    header: Header,
    strips: Receiver<Result<Vec<EncodedTile>, WorkError>>,
    uri: String,
}

impl Strips {
    /// Decodes them and sends the bands.
    fn decode(mut self, rows: u32, to: &Sender<Region>) -> Result<(), WorkError> {
        let (stored, pixel) = (self.header.stored, self.header.extent.pixel);
        let mut strip: Option<Region> = None;
        for y in (0..stored.height).step_by(rows as usize) {
            let rect = Rect::new(0, y, stored.width, rows.min(stored.height - y));
            let mut band = Region::zeroed(rect, pixel);
            loop {
                if let Some(strip) = &strip {
                    band.paste(strip);
                    if strip.rect.bottom() >= rect.bottom() {
                        break;
                    }
                }
                strip = Some(self.next()?);
            }
            if to.blocking_send(band).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next row of tiles.
    fn next(&mut self) -> Result<Region, WorkError> {
        let gone =
            || WorkError::Panicked { at: "the source".into(), what: "its strips stopped coming".into() };
        let tiles = self.strips.blocking_recv().ok_or_else(gone)??;
        let mut strip: Option<Region> = None;
        for (index, planes) in tiles {
            let tile = tessera_imaging::decode_stored_tile(&self.header, index, &planes);
            let tile = tile.map_err(|error| undecodable(&self.uri, &error))?;
            let width = self.header.stored.width;
            if tile.rect.width == width {
                return Ok(tile);
            }
            let rect = Rect { x: 0, width, ..tile.rect };
            strip.get_or_insert_with(|| Region::zeroed(rect, tile.pixel())).paste(&tile);
        }
        strip.ok_or_else(gone)
    }
}
