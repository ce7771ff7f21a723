//! Everything that previews share: the open images, what was decoded and encoded before, and the bounds on how much is computed
//! at once. A request that nobody waits for any more is dropped where it stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tessera_core::geometry::Rect;
use tessera_core::record::sha256;
use tessera_imaging::decode_whole;
use tessera_operations::Region;
use tessera_store::Location;
use tessera_worker::Stores;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::chain::ValidChain;
use crate::error::PreviewError;
use crate::memory::Memory;
use crate::picture::{self, Picture};
use crate::pixels::{self, Pixels};
use crate::recipe::{Kitchen, Quality, Recipe, TILE, levels};
use crate::render::{Order, Waiting, render};
use crate::sheet::{Reading, halved_size};
use crate::source::{Source, decoding, kept};
use crate::whole::{UNIT, Whole, Wholes};

/// Open images that are remembered. Each has at most some MiB of places of its tiles.
const SOURCES: u64 = 64;

/// Requests that may wait for their turn.
const MOST_WAITING: usize = 512;

/// What previews share. A copy is the same engine.
#[derive(Clone)]
pub struct Engine {
    /// The threads that compute.
    pub(crate) threads: Arc<rayon::ThreadPool>,
    /// Decoded tiles of sources.
    pub(crate) pixels: Pixels,
    shared: Arc<Shared>,
}

struct Shared {
    stores: Stores,
    memory: Memory,
    version: String,
    sources: Cache<String, Arc<Source>>,
    wholes: Wholes,
    tiles: Cache<String, (Quality, Picture)>,
    /// Tiles that are computed at once.
    turns: Semaphore,
    waiting: AtomicUsize,
    /// The memory that they may take, in units.
    work: Semaphore,
}

/// A tile that is asked for.
#[derive(Debug, Clone)]
pub struct TileRequest {
    /// The image.
    pub at: Location,
    /// The tag that the image must have.
    pub etag: String,
    /// What is computed.
    pub chain: ValidChain,
    /// Halvings of the result.
    pub level: u32,
    /// Column of the tile.
    pub x: u32,
    /// Row of the tile.
    pub y: u32,
    /// Whether every pixel must be that of the result; at level 0 only.
    pub exact: bool,
}

impl Engine {
    /// With `threads` threads and this memory. `version` is what tiles are remembered under.
    ///
    /// # Errors
    /// The machine gives no threads.
    pub fn new(
        stores: Stores,
        memory: Memory,
        threads: usize,
        version: String,
    ) -> Result<Engine, rayon::ThreadPoolBuildError> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build()?;
        let weight = |key: &String, (_, tile): &(Quality, Picture)| {
            u32::try_from(key.len() + tile.bytes.len() + 128).unwrap_or(u32::MAX)
        };
        let tiles = Cache::builder()
            .max_capacity(memory.tiles)
            .weigher(weight)
            .eviction_policy(EvictionPolicy::lru());
        let shared = Shared {
            stores,
            memory,
            version,
            sources: Cache::builder().max_capacity(SOURCES).eviction_policy(EvictionPolicy::lru()).build(),
            wholes: Wholes::new(memory),
            tiles: tiles.build(),
            turns: Semaphore::new(threads.current_num_threads() + 1),
            waiting: AtomicUsize::new(0),
            work: Semaphore::new(usize::try_from(memory.work / UNIT).unwrap_or(Semaphore::MAX_PERMITS)),
        };
        Ok(Engine {
            threads: Arc::new(threads),
            pixels: pixels::remember(memory.pixels),
            shared: Arc::new(shared),
        })
    }

    /// The version of the code that computes, as tiles are remembered under it.
    pub fn version(&self) -> &str {
        &self.shared.version
    }

    /// The stores that images are in.
    pub(crate) fn stores(&self) -> &Stores {
        &self.shared.stores
    }

    /// The image at an address as it is now.
    ///
    /// # Errors
    /// It cannot be read, or is no image.
    pub async fn open(&self, at: &Location) -> Result<Arc<Source>, PreviewError> {
        let elsewhere =
            |_| PreviewError::Request(format!("{at} is not in the store of this page: use s3://bucket/key"));
        let store = self.shared.stores.of(at).map_err(elsewhere)?;
        let info = store.head(at).await?;
        if let Some(known) =
            self.shared.sources.get(&at.to_string()).await.filter(|known| known.etag() == info.etag)
        {
            return Ok(known);
        }
        let opened = Arc::new(Source::open(store, at, self.shared.memory).await?);
        self.shared.sources.insert(at.to_string(), opened.clone()).await;
        Ok(opened)
    }

    /// The image of that tag.
    async fn opened(&self, at: &Location, etag: &str) -> Result<Arc<Source>, PreviewError> {
        let known = self.shared.sources.get(&at.to_string()).await;
        if let Some(known) = known.filter(|known| known.etag() == etag) {
            return Ok(known);
        }
        let opened = self.open(at).await?;
        if opened.etag() == etag { Ok(opened) } else { Err(PreviewError::Changed) }
    }

    /// What recipes for an image are made for.
    pub(crate) fn kitchen<'a>(&self, source: &'a Source, chain: &'a ValidChain) -> Kitchen<'a> {
        Kitchen {
            sheet: &source.sheet,
            operations: &chain.operations,
            threads: self.threads.current_num_threads(),
            memory: self.shared.memory.work,
        }
    }

    /// A tile, from memory or computed.
    ///
    /// # Errors
    /// See [`PreviewError`]; shared by all who asked for the same tile.
    pub async fn tile(&self, request: TileRequest) -> Result<(Quality, Picture), Arc<PreviewError>> {
        let key = self.key(&request);
        self.shared.tiles.try_get_with(key, self.compute(request)).await
    }

    fn key(&self, request: &TileRequest) -> String {
        let TileRequest { at, etag, chain, level, x, y, exact } = request;
        let version = &self.shared.version;
        sha256(format!("{at}\n{etag}\n{}\n{level} {x} {y} {exact}\n{version}", chain.digest).as_bytes())
    }

    async fn compute(&self, request: TileRequest) -> Result<(Quality, Picture), PreviewError> {
        let source = self.opened(&request.at, &request.etag).await?;
        let (quality, pixels) = self.pixels(&source, &request).await?;
        let encode = move |_: &Engine| Ok(picture::encode(pixels, source.profile.as_deref(), request.exact)?);
        Ok((quality, self.blocking(encode).await?))
    }

    /// The pixels of a tile of an open image, and what they are.
    ///
    /// # Errors
    /// See [`PreviewError`].
    pub async fn pixels(
        &self,
        source: &Arc<Source>,
        request: &TileRequest,
    ) -> Result<(Quality, Region), PreviewError> {
        let waiting = Waiting::new();
        let (recipe, tile) = self.recipe(source, request)?;
        let turn = self.turn().await?;
        if recipe.reading == Reading::Whole {
            // Before its own memory is taken: what decodes takes some as well.
            self.whole(source).await?;
        }
        let memory = self.room(recipe.memory).await?;
        let quality = recipe.quality;
        let pixels = render(self, Order::new(source.clone(), recipe, tile, &waiting)).await?;
        drop((turn, memory, waiting));
        Ok((quality, pixels))
    }

    fn recipe(&self, source: &Source, request: &TileRequest) -> Result<(Recipe, Rect), PreviewError> {
        let size = request.chain.fit(source.sheet.extent)?.size;
        if request.level >= levels(size) || (request.exact && request.level > 0) {
            let most = if request.exact { 0 } else { levels(size) - 1 };
            return Err(PreviewError::Request(format!(
                "there is no level {}: use 0 to {most}",
                request.level
            )));
        }
        let level = halved_size(size, request.level);
        let (columns, rows) = (level.width.div_ceil(TILE), level.height.div_ceil(TILE));
        if request.x >= columns || request.y >= rows {
            let text = format!(
                "level {} has {columns} x {rows} tiles, and {}, {} is none of them",
                request.level, request.x, request.y
            );
            return Err(PreviewError::Request(text));
        }
        let kitchen = self.kitchen(source, &request.chain);
        let recipe =
            if request.exact { kitchen.whatever_it_costs()? } else { kitchen.recipe(request.level)? };
        Ok((recipe, Rect::new(request.x * TILE, request.y * TILE, TILE, TILE).intersect(&level.rect())))
    }

    /// A turn to compute.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, PreviewError> {
        let shared = &*self.shared;
        let _place = Place::take(&shared.waiting)?;
        shared.turns.acquire().await.map_err(|_| PreviewError::Busy)
    }

    /// Memory to compute with.
    pub(crate) async fn room(&self, bytes: u64) -> Result<SemaphorePermit<'_>, PreviewError> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        if bytes > self.shared.memory.work {
            return Err(PreviewError::TooLarge(format!(
                "the preview would take {units} MiB of memory: use smaller radii"
            )));
        }
        self.shared.work.acquire_many(units).await.map_err(|_| PreviewError::Busy)
    }

    /// The image decoded as a whole.
    pub(crate) async fn whole(&self, source: &Arc<Source>) -> Result<Arc<Whole>, PreviewError> {
        let slot = self.shared.wholes.slot(source.number);
        slot.get_or_try_init(|| self.decode_whole(source)).await.cloned()
    }

    async fn decode_whole(&self, source: &Arc<Source>) -> Result<Arc<Whole>, PreviewError> {
        let header = &source.header;
        let raw = header.extent.size.pixels() * header.extent.pixel.bytes() as u64;
        let room = self.shared.wholes.room(kept(raw)).await?;
        let memory = self.room(decoding(header, source.bytes())).await?;
        let bytes = source.object.whole().await?;
        let source = source.clone();
        let decode = move |_: &Engine| Ok(Arc::new(Whole::new(decode_whole(&source.header, &bytes)?, room)));
        let whole = self.blocking(decode).await;
        drop(memory);
        whole
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(waiting: &AtomicUsize) -> Result<Place<'_>, PreviewError> {
        let place = Place(waiting);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        if before >= MOST_WAITING { Err(PreviewError::Busy) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
