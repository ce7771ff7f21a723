//! A store in memory with pictures, an engine on it, and what a tile should be.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate that uses its part of it")]

use std::sync::Arc;

use tessera_core::geometry::Rect;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::{IfExists, Limits, Request, Spread, plan};
use tessera_imaging::{decode_file, write_whole};
use tessera_operations::{Region, Samples, halve};
use tessera_preview::chain::ValidChain;
use tessera_preview::recipe::Quality;
use tessera_preview::view::View;
use tessera_preview::{Engine, Memory, PreviewError, TileRequest};
use tessera_store::{Location, MemoryStore, PutOptions, Store};
use tessera_worker::{Context, Stores, run_whole};

pub const DEFLATE: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::Deflate };
pub const NONE: OutputFormat = OutputFormat::Tiff { tile: 512, compression: TiffCompression::None };
pub const COG: OutputFormat = OutputFormat::Cog { tile: 256, compression: TiffCompression::Deflate };
pub const PNG: OutputFormat = OutputFormat::Png;

pub const GRAY: PixelType = PixelType::new(Channels::Gray, Depth::U8);
pub const RGB: PixelType = PixelType::new(Channels::Rgb, Depth::U8);
pub const RGBA16: PixelType = PixelType::new(Channels::Rgba, Depth::U16);

pub const EDGES: &str = r#"[{"grayscale":{}},{"gaussianBlur":{"sigma":1.5}},{"sobel":{}}]"#;

pub const MIB: u64 = 1 << 20;

pub struct World {
    pub store: Arc<MemoryStore>,
    pub engine: Engine,
}

pub fn at(text: &str) -> Location {
    text.parse().unwrap()
}

/// A picture that no filter leaves as it is, and that is not the same twice.
pub fn picture(width: u32, height: u32, pixel: PixelType) -> Region {
    let rect = Rect::new(0, 0, width, height);
    let count = pixel.channels.count();
    let value = |index: usize| {
        let (x, y, c) = (index / count % width as usize, index / count / width as usize, index % count);
        let noise = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        (x / 3 + y / 5 + c * 40 + (x / 50 + y / 30) % 2 * 60) as u64 + noise
    };
    let length = rect.pixels() as usize * count;
    let samples = match pixel.depth {
        Depth::U8 => Samples::U8((0..length).map(|index| value(index) as u8).collect()),
        Depth::U16 => Samples::U16((0..length).map(|index| (value(index) * 97) as u16).collect()),
    };
    Region { rect, channels: pixel.channels, samples }
}

pub fn file(picture: &Region, format: OutputFormat) -> Vec<u8> {
    write_whole(picture, format, None).unwrap()
}

impl World {
    /// With the file `source` at s3://images/source.
    pub async fn new(source: &[u8]) -> World {
        World::with(source, Memory::of(1024 * MIB)).await
    }

    pub async fn with(source: &[u8], memory: Memory) -> World {
        let store = Arc::new(MemoryStore::new(&["images", "results"]));
        store.put(&at("s3://images/source"), source.to_vec().into(), &PutOptions::default()).await.unwrap();
        let stores = Stores::none().with_objects(store.clone());
        World { store, engine: Engine::new(stores, memory, 2, "1".to_owned()).unwrap() }
    }

    pub async fn etag(&self) -> String {
        self.store.head(&at("s3://images/source")).await.unwrap().etag
    }

    pub async fn request(&self, chain: &str, level: u32, x: u32, y: u32) -> TileRequest {
        let chain = ValidChain::parse(chain).unwrap();
        TileRequest {
            at: at("s3://images/source"),
            etag: self.etag().await,
            chain,
            level,
            x,
            y,
            exact: false,
        }
    }

    /// The pixels of a tile, with what they say that they are.
    pub async fn tile(&self, request: TileRequest) -> Result<(Quality, Region), PreviewError> {
        let source = self.engine.open(&request.at).await?;
        self.engine.pixels(&source, &request).await
    }

    pub async fn view(&self, chain: &str) -> View {
        self.engine.view(&at("s3://images/source"), &ValidChain::parse(chain).unwrap()).await.unwrap()
    }

    pub async fn refused(&self, request: TileRequest) -> (u16, &'static str) {
        self.engine.tile(request).await.unwrap_err().answer()
    }

    /// What `tessera run` makes of the source: the picture in the file that a worker writes.
    pub async fn run(&self, chain: &str) -> Region {
        let probed = tessera_probe::probe(&*self.store, &at("s3://images/source")).await.unwrap();
        let plan = plan(Request {
            job: "uid-1".into(),
            source_uri: "s3://images/source".into(),
            source_etag: probed.info.etag,
            image: probed.image,
            page: 0,
            operations: ValidChain::parse(chain).unwrap().operations,
            output_uri: "s3://results/output".into(),
            format: NONE,
            if_exists: IfExists::Replace,
            scratch: "s3://images/.tessera/uid-1/".into(),
            limits: Limits { pixels: 1 << 40, operations: 32, memory: 8 << 30 },
            spread: Spread::Whole,
        })
        .unwrap();
        let context = Context::new(Stores::none().with_objects(self.store.clone()), 2).unwrap();
        run_whole(&context, &plan, &plan.digest()).await.unwrap();
        let bytes = self.store.get(&at("s3://results/output")).await.unwrap().1;
        decode_file(&bytes).unwrap().1
    }
}

/// The part of `whole`, halved `level` times, that the tile at column `x`, row `y` shows.
pub fn part(whole: &Region, level: u32, x: u32, y: u32) -> Region {
    let level = (0..level).fold(whole.clone(), |region, _| halve(&region));
    level.crop(Rect::new(x * 512, y * 512, 512, 512).intersect(&level.rect))
}
