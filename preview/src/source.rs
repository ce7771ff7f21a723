//! An image that is looked at: its object, header, and the levels that its file holds, read once and remembered. It reads no
//! pixels.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tessera_formats::header::{Header, Kind};
use tessera_formats::tiff::TileTable;
use tessera_imaging::profile;
use tessera_probe::{Probed, source_image};
use tessera_store::{Location, ObjectInfo, Store};
use tessera_worker::fetch::SourceObject;
use tokio::sync::OnceCell;

use crate::error::PreviewError;
use crate::memory::Memory;
use crate::sheet::{Layer, Sheet};

/// The most pixels of an image that is decoded as a whole.
pub const MOST_WHOLE: u64 = 50_000_000;

/// The most tiles whose places are remembered; those of larger images are read for each tile that is shown.
const MOST_PLACES: u64 = 1 << 18;

/// The largest profile that goes with every tile.
const LARGEST_PROFILE: usize = 4 << 10;

/// An open image.
pub struct Source {
    /// A number that no other open image has.
    pub(crate) number: u64,
    /// Its bytes.
    pub(crate) object: SourceObject,
    /// Its header.
    pub header: Header,
    /// What planning knows of it.
    pub sheet: Sheet,
    /// Its profile, where that is small enough to go with every tile.
    pub(crate) profile: Option<Vec<u8>>,
    layers: Vec<Places>,
    info: ObjectInfo,
}

/// A level of the file, and where its tiles lie.
struct Places {
    header: Header,
    table: OnceCell<Option<Arc<TileTable>>>,
}

impl Source {
    /// Opens the image at `at`: its header, and those of its overviews.
    ///
    /// # Errors
    /// The object cannot be read, or is no image.
    pub async fn open(store: Arc<dyn Store>, at: &Location, memory: Memory) -> Result<Source, PreviewError> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let probed = tessera_probe::probe(&*store, at).await?;
        let overviews = tessera_probe::overviews(&*store, &probed).await?;
        let Probed { info, header, .. } = probed;
        let mut levels = Vec::new();
        if matches!(header.kind, Kind::Tiff(_)) {
            levels.push((0, header.clone()));
            levels.extend(overviews.into_iter().map(|overview| (overview.level, overview.header)));
        }
        let sheet = sheet(&header, &levels, info.size, memory);
        let places = |(_, header)| Places { header, table: OnceCell::new() };
        Ok(Source {
            number: OPENED.fetch_add(1, Ordering::Relaxed),
            object: SourceObject { store, at: at.clone(), etag: info.etag.clone(), size: info.size },
            profile: profile(&header).filter(|profile| profile.len() <= LARGEST_PROFILE),
            layers: levels.into_iter().map(places).collect(),
            header,
            sheet,
            info,
        })
    }

    /// The tag of the object.
    pub fn etag(&self) -> &str {
        &self.object.etag
    }

    /// Bytes of the object.
    pub fn bytes(&self) -> u64 {
        self.object.size
    }

    /// The header of a layer of the sheet.
    pub(crate) fn layer(&self, index: usize) -> &Header {
        &self.layers[index].header
    }

    /// Where the tiles `tiles` of a layer lie.
    pub(crate) async fn table(
        &self,
        index: usize,
        tiles: Range<u64>,
    ) -> Result<Option<Arc<TileTable>>, PreviewError> {
        let places = &self.layers[index];
        let Kind::Tiff(tiff) = &places.header.kind else { return Ok(None) };
        if tiff.tiles() * tiff.planes() as u64 > MOST_PLACES {
            return self.read_table(&places.header, tiles).await;
        }
        places.table.get_or_try_init(|| self.read_table(&places.header, 0..tiff.tiles())).await.cloned()
    }

    async fn read_table(
        &self,
        header: &Header,
        tiles: Range<u64>,
    ) -> Result<Option<Arc<TileTable>>, PreviewError> {
        let image = source_image(header, self.object.size);
        let probed = Probed { info: self.info.clone(), header: header.clone(), image };
        Ok(tessera_probe::tile_table(&*self.object.store, &probed, tiles).await?.map(Arc::new))
    }
}

/// What planning needs to know.
fn sheet(header: &Header, levels: &[(u32, Header)], bytes: u64, memory: Memory) -> Sheet {
    let layer = |(level, header): &(u32, Header)| {
        let tile = header.tile_size()?;
        Some(Layer { level: *level, size: header.extent.size, tile })
    };
    Sheet {
        extent: header.extent,
        decode_cost: header.decode_cost(),
        layers: levels.iter().filter_map(layer).collect(),
        whole: fits(header, bytes, memory),
    }
}

/// Whether all of an image may be decoded and kept, with its levels.
fn fits(header: &Header, bytes: u64, memory: Memory) -> bool {
    let pixels = header.extent.size.pixels();
    pixels <= MOST_WHOLE
        && decoding(header, bytes) <= memory.work
        && kept(pixels * header.extent.pixel.bytes() as u64) <= memory.wholes
}

/// Bytes that it takes to decode an image as a whole.
pub(crate) fn decoding(header: &Header, bytes: u64) -> u64 {
    let pixels = header.extent.size.pixels() * header.extent.pixel.bytes() as u64;
    let decoder = header.decode_memory();
    // A TIFF's bytes are taken twice while its tiles are found.
    let file = if matches!(header.kind, Kind::Tiff(_)) { 2 * bytes } else { bytes };
    (decoder + file).max(2 * pixels)
}

/// Bytes of an image with all its halves.
pub(crate) fn kept(raw: u64) -> u64 {
    raw + raw / 3 + (64 << 10)
}
