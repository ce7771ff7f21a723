//! A world in memory for the stages: sources that are written on the spot, plans, and what a file should be.
//! It runs nothing by itself.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate that uses its part of it")]

use std::sync::Arc;

use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::{IfExists, Limits, Mode, Plan, Request, Spread, Stage, plan};
use tessera_core::record::{Manifest, Published};
use tessera_formats::icc::suits;
use tessera_formats::notes::Annotations;
use tessera_operations::{Operation, Region, Samples, plan_chain, run_chain};
use tessera_store::{Location, MemoryStore, PutOptions, Store};
use tessera_worker::{Context, Stores, WorkError, run_assemble, run_shard, run_split, run_whole};

pub const NONE: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::None };
pub const DEFLATE: OutputFormat = OutputFormat::Tiff { tile: 256, compression: TiffCompression::Deflate };
pub const COG: OutputFormat = OutputFormat::Cog { tile: 256, compression: TiffCompression::Deflate };
pub const PNG: OutputFormat = OutputFormat::Png;
pub const JPEG: OutputFormat = OutputFormat::Jpeg { quality: 90 };

pub const GRAY: PixelType = PixelType::new(Channels::Gray, Depth::U8);
pub const RGB: PixelType = PixelType::new(Channels::Rgb, Depth::U8);

pub struct World {
    pub store: Arc<MemoryStore>,
    pub context: Context,
    /// Which page of the source is read.
    pub page: u32,
}

/// A picture that no filter leaves as it is, and that is not the same twice.
pub fn picture(width: u32, height: u32, pixel: PixelType) -> Region {
    let rect = Rect::new(0, 0, width, height);
    let count = pixel.channels.count();
    let value = |index: usize| {
        let (x, y, c) = (index / count % width as usize, index / count / width as usize, index % count);
        let noise = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        (x * 3 + y * 5 + c * 40 + (x / 50 + y / 30) % 2 * 60) as u64 + noise
    };
    let length = rect.pixels() as usize * count;
    let samples = match pixel.depth {
        Depth::U8 => Samples::U8((0..length).map(|index| value(index) as u8).collect()),
        Depth::U16 => Samples::U16((0..length).map(|index| (value(index) * 97) as u16).collect()),
    };
    Region { rect, channels: pixel.channels, samples }
}

/// The file of a picture.
pub fn file(picture: &Region, format: OutputFormat) -> Vec<u8> {
    tessera_imaging::write_whole(picture, format, None).unwrap()
}

pub fn operations(json: &str) -> Vec<Operation> {
    serde_json::from_str(json).unwrap()
}

pub const EDGES: &str = r#"[{"grayscale":{}},{"gaussianBlur":{"sigma":1.5}},{"sobel":{}}]"#;

/// A job without its source's header.
pub struct Job {
    pub operations: Vec<Operation>,
    pub format: OutputFormat,
    pub spread: Spread,
    pub if_exists: IfExists,
}

impl Job {
    pub fn new(chain: &str, format: OutputFormat, spread: Spread) -> Job {
        Job { operations: operations(chain), format, spread, if_exists: IfExists::Fail }
    }
}

pub fn at(text: &str) -> Location {
    text.parse().unwrap()
}

impl World {
    /// With the file `source` to be read.
    pub async fn new(source: &[u8]) -> World {
        let store = Arc::new(MemoryStore::new(&["images", "results"]));
        store.put(&at("s3://images/source"), source.to_vec().into(), &PutOptions::default()).await.unwrap();
        let context = Context::new(Stores::none().with_objects(store.clone()), 2).unwrap();
        World { store, context, page: 0 }
    }

    pub async fn plan(&self, job: &Job) -> Plan<Operation> {
        let probed =
            tessera_probe::probe_page(&*self.store, &at("s3://images/source"), self.page).await.unwrap();
        plan(Request {
            job: "uid-1".into(),
            source_uri: "s3://images/source".into(),
            page: self.page,
            source_etag: probed.info.etag,
            image: probed.image,
            operations: job.operations.clone(),
            output_uri: "s3://results/output".into(),
            format: job.format,
            if_exists: job.if_exists,
            scratch: "s3://images/.tessera/uid-1/".into(),
            limits: Limits { pixels: 1 << 40, operations: 32, memory: 8 << 30 },
            spread: job.spread,
        })
        .unwrap()
    }

    pub async fn run(&self, plan: &Plan<Operation>) -> Result<Published, WorkError> {
        let digest = plan.digest();
        match plan.mode {
            Mode::Whole => run_whole(&self.context, plan, &digest).await,
            Mode::Tiles { shards } => {
                if plan.copy.is_some() {
                    run_split(&self.context, plan, &digest).await?;
                }
                for shard in (0..shards).rev() {
                    self.shard(plan, shard).await?;
                }
                run_assemble(&self.context, plan, &digest).await
            }
        }
    }

    pub async fn shard(&self, plan: &Plan<Operation>, shard: u32) -> Result<Manifest, WorkError> {
        assert!(shard < plan.shards(Stage::Tiles));
        run_shard(&self.context, plan, &plan.digest(), shard).await
    }

    /// Deletes the output.
    pub async fn forget(&self) {
        self.store.delete(&[at("s3://results/output")]).await.unwrap();
    }

    pub async fn output(&self) -> Vec<u8> {
        self.store.get(&at("s3://results/output")).await.unwrap().1.to_vec()
    }
}

/// What the job makes of the source, computed in one go.
pub fn expected(source: &[u8], job: &Job) -> Vec<u8> {
    let (header, image) = tessera_imaging::decode_file(source).unwrap();
    let extent: Extent = header.extent;
    let chain = plan_chain(&job.operations, extent).unwrap();
    let size: Size = chain.output().size;
    let result = run_chain(&job.operations, &chain, size.rect(), image);
    let annotations = Annotations {
        icc: tessera_imaging::profile(&header).filter(|raw| suits(raw, result.channels)),
        notes: header.notes.carried(&chain.placement(), chain.keeps_samples()),
    };
    tessera_imaging::write_annotated(&result, job.format, annotations).unwrap()
}
