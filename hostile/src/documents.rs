//! What users and workers write down: ImageJobs, plans, records. An error, or a value that holds what its documentation
//! says.

use tessera_api::uri::Locations;
use tessera_api::{parse_job, validate};
use tessera_core::geometry::Size;
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::{
    self, Access, IfExists, Limits, Mode, Plan, Request, SourceImage, Spread, Streaming,
};
use tessera_core::pyramid::Layer;
use tessera_core::record::{Manifest, PieceRecord, Published};
use tessera_operations::{Apply, Operation, plan_chain};

/// Above this many blocks not all pieces are looked at.
const BLOCKS: u32 = 4096;

/// Tests the text of an ImageJob, and plans it for an image that the first bytes choose.
pub fn imagejob(data: &[u8]) {
    let Some((&[width, height, pixel, spread], rest)) = data.split_first_chunk() else { return };
    let Ok(text) = str::from_utf8(rest) else { return };
    let job = match parse_job(text) {
        Ok(job) => job,
        Err(problems) => return assert!(!problems.is_empty()),
    };
    for locations in [Locations::Cluster, Locations::Local] {
        match validate(&job.spec, locations) {
            Ok(job) => {
                let spread = match spread {
                    0 => Spread::Auto,
                    1 => Spread::Brief,
                    2 => Spread::Whole,
                    shards => Spread::Shards(u32::from(shards)),
                };
                planned(job.operations, job.output.format, image(width, height, pixel), spread);
            }
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
}

/// Tests a plan's JSON, as a worker takes it.
pub fn plan(data: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan<Operation>>(data) else { return };
    if plan.operations.iter().any(|operation| operation.check_bounds().is_err()) {
        return;
    }
    let Ok(chain) = plan_chain(&plan.operations, plan.source.extent) else { return };
    let output = chain.output();
    if output == plan.output.extent && plan.grid == Grid::new(output, plan.output.format) {
        whole(&plan);
    }
}

/// Tests the records that stand beside data in scratch.
pub fn records(data: &[u8]) {
    fn same<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
        let Ok(record) = serde_json::from_slice::<T>(data) else { return };
        let text = serde_json::to_vec(&record).expect("a record has only string keys and finite numbers");
        assert_eq!(serde_json::from_slice::<T>(&text).expect("it was just written"), record);
    }
    same::<PieceRecord>(data);
    same::<Manifest>(data);
    same::<Published>(data);
}

/// An image of sides up to 2^30, and of any pixel type.
fn image(width: u8, height: u8, pixel: u8) -> SourceImage {
    let side = |byte: u8| (u32::from(byte & 7) + 1) << (byte >> 3).min(27);
    let channels = [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];
    let depth = if pixel & 4 == 0 { Depth::U8 } else { Depth::U16 };
    let pixel_type = PixelType::new(channels[usize::from(pixel & 3)], depth);
    let extent = Extent { size: Size::new(side(width), side(height)), pixel: pixel_type };
    let tile = Size::new(extent.size.width.min(512), extent.size.height.min(512));
    let access = if pixel & 8 == 0 { Access::Tiles { tile } } else { Access::Whole };
    let bytes = extent.size.pixels() * pixel_type.bytes() as u64;
    let streaming = if pixel & 16 == 0 {
        Streaming::No("an interlaced PNG")
    } else {
        Streaming::Rows { stored: extent.size, memory: 1 << 20, in_order: true }
    };
    SourceImage { extent, access, decode_cost: 3.0, decode_memory: 2 * bytes, bytes, streaming }
}

fn planned(
    operations: Vec<Operation>,
    format: tessera_core::output::OutputFormat,
    image: SourceImage,
    spread: Spread,
) {
    let limits = Limits { pixels: 1 << 40, operations: 32, memory: 8 << 30 };
    let request = Request {
        job: "uid".into(),
        source_uri: "s3://images/a".into(),
        source_etag: "tag".into(),
        image,
        page: 0,
        operations,
        output_uri: "s3://results/a".into(),
        format,
        if_exists: IfExists::Fail,
        scratch: "s3://images/.tessera/uid/".into(),
        limits,
        spread,
    };
    match plan::plan(request) {
        Ok(plan) => {
            assert!(plan.memory <= limits.memory && plan.column > 0 && plan.rows != Some(0));
            assert_eq!(
                serde_json::from_str::<Plan<Operation>>(&plan.to_json()).expect("it was just written"),
                plan
            );
            whole(&plan);
        }
        Err(refusal) => assert!(refusal.to_string().len() > 20),
    }
}

/// The shards share the blocks, and the pieces hold every tile of the image once.
fn whole(plan: &Plan<Operation>) {
    let shards = match plan.mode {
        Mode::Whole => 1,
        Mode::Tiles { shards } => shards,
    };
    let blocks = plan.grid.blocks();
    if shards == 0 || shards > blocks {
        return;
    }
    assert_eq!((plan.blocks(0).start, plan.blocks(shards - 1).end), (0, blocks));
    if blocks <= BLOCKS {
        let pyramid = plan.pyramid();
        let pieces = plan.all_pieces();
        assert!(pieces.iter().all(|piece| piece.tile_count(pyramid.grid(piece.layer)) > 0));
        let of_image = pieces.iter().filter(|piece| piece.layer == Layer::Level(0));
        assert_eq!(of_image.map(|piece| piece.tile_count(&plan.grid)).sum::<u64>(), plan.grid.tiles());
    }
}
