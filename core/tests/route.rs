//! When a source without random access is streamed, and when it is copied first: because what is held of it does not fit,
//! because it pays, or because shards are asked for.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::output::{OutputFormat, TiffCompression, WebPCoding};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::*;

/// A step that no chain here has.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Nothing {}

impl Planned for Nothing {
    fn name(&self) -> &'static str {
        match *self {}
    }
    fn output(&self, _: Extent) -> Result<Extent, Refusal> {
        match *self {}
    }
    fn reads(&self, _: Rect, _: Size) -> Rect {
        match *self {}
    }
    fn cost(&self, _: Extent) -> f64 {
        match *self {}
    }
}

const DEFLATE: OutputFormat = OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate };

/// The plan of a conversion of an RGB PNG with `side` pixels on a side, in workers of `memory` MiB.
fn planned(
    side: u32,
    memory: u64,
    format: OutputFormat,
    spread: Spread,
) -> Result<Plan<Nothing>, PlanRefusal> {
    planned_of(side, true, memory, format, spread)
}

/// The same of a PNG whose rows are, or are not, in the order of the image that is meant.
fn planned_of(
    side: u32,
    in_order: bool,
    memory: u64,
    format: OutputFormat,
    spread: Spread,
) -> Result<Plan<Nothing>, PlanRefusal> {
    let stored = Size::new(side, side);
    let extent = Extent { size: stored, pixel: PixelType::new(Channels::Rgb, Depth::U8) };
    plan(Request {
        job: "uid".into(),
        source_uri: "s3://images/a.png".into(),
        page: 0,
        source_etag: "e".into(),
        image: SourceImage {
            extent,
            access: Access::Whole,
            decode_cost: 12.0,
            decode_memory: 6 * stored.pixels(),
            bytes: stored.pixels(),
            streaming: Streaming::Rows { stored, memory: 2 << 20, in_order },
        },
        operations: Vec::new(),
        output_uri: "s3://results/a".into(),
        format,
        if_exists: IfExists::Fail,
        scratch: "s3://results/.tessera/uid/".into(),
        limits: Limits { pixels: 1 << 40, operations: 32, memory: memory << 20 },
        spread,
    })
}

/// Whether the source is copied, and in how many shards the rest is done; 0 for one process.
fn route(side: u32, memory: u64, format: OutputFormat, spread: Spread) -> (bool, u32) {
    let plan = planned(side, memory, format, spread).unwrap();
    let shards = match plan.mode {
        Mode::Whole => 0,
        Mode::Tiles { shards } => shards,
    };
    assert!(plan.memory <= memory << 20);
    (plan.copy.is_some(), shards)
}

#[test]
fn a_source_that_fits_is_copied_only_where_that_saves_time() {
    assert_eq!(route(1000, 1 << 14, DEFLATE, Spread::Auto), (false, 0));
    assert_eq!(route(30_000, 1 << 14, DEFLATE, Spread::Auto), (true, 3));
    assert_eq!(route(30_000, 1 << 14, OutputFormat::Png, Spread::Auto), (false, 0));
    assert_eq!(route(30_000, 1 << 14, DEFLATE, Spread::Whole), (false, 0));
}

#[test]
fn a_source_that_does_not_fit_is_copied_whatever_is_asked_for() {
    for (spread, shards) in [(Spread::Auto, 2), (Spread::Whole, 2), (Spread::Shards(7), 7)] {
        let (copied, found) = route(20_000, 256, DEFLATE, spread);
        assert!(copied && found >= shards.min(2), "{spread:?}: {found}");
    }
    assert_eq!(route(20_000, 256, OutputFormat::Png, Spread::Shards(3)), (true, 3));
}

#[test]
fn a_source_is_streamed_where_its_rows_come_in_order_and_a_row_of_blocks_fits() {
    let access = |side, memory, format| planned(side, memory, format, Spread::Whole).unwrap().source.access;
    assert_eq!(access(1000, 256, DEFLATE), Access::Rows { rows: 512 });
    assert_eq!(access(10_000, 256, DEFLATE), Access::Rows { rows: 128 });
    assert_eq!(access(20_000, 1 << 10, DEFLATE), Access::Rows { rows: 64 });
    // Bands are lower than blocks.
    assert_eq!(access(60_000, 256, OutputFormat::Png), Access::Rows { rows: 16 });
    // A copy, since blocks of 4096 rows do not fit.
    assert_eq!(access(20_000, 256, DEFLATE), Access::Tiles { tile: Size::new(512, 256) });
    let turned = planned_of(1000, false, 256, DEFLATE, Spread::Whole).unwrap();
    assert_eq!(turned.source.access, Access::Whole);
}

#[test]
fn a_source_of_many_blocks_is_planned_at_once() {
    // A terapixel: 2^18 blocks, of which one row does not fit.
    assert!(planned(1 << 20, 1 << 10, DEFLATE, Spread::Auto).unwrap().copy.is_some());
    assert_eq!(
        planned(1 << 20, 1 << 15, DEFLATE, Spread::Whole).unwrap().source.access,
        Access::Rows { rows: 8 }
    );
}

#[test]
fn shards_that_are_asked_for_read_a_copy_and_not_all_of_the_source_each() {
    assert_eq!(route(3000, 1 << 14, DEFLATE, Spread::Shards(2)), (true, 1));
    assert_eq!(route(9000, 1 << 14, DEFLATE, Spread::Shards(2)), (true, 2));
}

#[test]
fn a_webp_is_made_of_the_source_itself() {
    let webp = OutputFormat::WebP { coding: WebPCoding::Lossy { quality: 90 } };
    assert_eq!(route(3000, 1 << 10, webp, Spread::Shards(2)), (false, 0));
    let refusal = planned(16_000, 1 << 10, webp, Spread::Auto).unwrap_err();
    assert!(refusal.to_string().contains("raise spec.worker.resources.limits.memory"), "{refusal}");
}

#[test]
fn the_stages_of_a_copied_source_share_the_whole_progress() {
    let plan = planned(30_000, 256, DEFLATE, Spread::Auto).unwrap();
    assert_eq!(plan.stages(), [Stage::Split, Stage::Tiles, Stage::Assemble]);
    let shares: Vec<f64> = plan.stages().iter().map(|stage| plan.share(*stage)).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
    assert!(shares[0] > 0.2 && shares[0] < 0.4, "{shares:?}");
    let read: Plan<Nothing> = serde_json::from_str(&plan.to_json()).unwrap();
    assert_eq!(read, plan);
}
