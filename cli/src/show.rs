//! `tessera plan`: the plan of a job and what it costs, for people or as JSON. It runs nothing.

use tessera_core::operation::{Extent, Planned};
use tessera_core::output::{OutputFormat, TiffCompression, WebPCoding};
use tessera_core::plan::{Access, Plan, Spread, Stage};
use tessera_operations::{Operation, plan_chain};
use tessera_probe::Probed;

use crate::arguments::{self, Form};
use crate::failure::Failure;
use crate::job::{Job, Wish};

/// Prints the plan.
///
/// # Errors
/// The job is invalid, its source cannot be read, or there is no plan for it.
pub(crate) async fn plan(arguments: &arguments::Plan) -> Result<(), Failure> {
    let job = Job::open(&arguments.job)?;
    let spread = arguments.shards.map_or(Spread::Auto, Spread::Shards);
    let wish = Wish { spread, memory: arguments.memory << 20, force: false, id: "plan".into() };
    let (plan, probed) = job.plan(wish).await?;
    match arguments.output {
        Form::Json => println!("{}", plan.to_json()),
        Form::Text => text(&plan, &probed)?,
    }
    Ok(())
}

fn text(plan: &Plan<Operation>, probed: &Probed) -> Result<(), Failure> {
    let chain = plan_chain(&plan.operations, plan.source.extent);
    let chain = chain.map_err(|refusal| Failure::new(11, refusal.to_string()))?;
    let header = &probed.header;
    println!("source   {}", plan.source.uri);
    println!("         {}, {}, {}", header.format(), extent(plan.source.extent), access(plan.source.access));
    for (operation, result) in plan.operations.iter().zip(&chain.extents()[1..]) {
        println!("         > {} = {}", step(operation), extent(*result));
    }
    println!("output   {}", plan.output.uri);
    println!("         {}, {}", format(plan.output.format), extent(plan.output.extent));
    println!(
        "tiles    {}: {} x {} of {} pixels",
        plan.grid.tiles(),
        plan.grid.columns(),
        plan.grid.rows(),
        plan.grid.tile
    );
    println!("halo     {} pixels around each tile are read with it", plan.halo);
    costs(plan);
    Ok(())
}

fn costs(plan: &Plan<Operation>) {
    let seconds = plan.work_millis as f64 / 1000.0;
    println!("work     about {seconds:.1} s of one core");
    println!(
        "memory   about {} MiB for a worker, {} columns at once",
        plan.memory.div_ceil(1 << 20),
        plan.column
    );
    for (number, stage) in plan.stages().iter().enumerate() {
        let shards = plan.shards(*stage);
        let each = seconds * plan.share(*stage) / f64::from(shards);
        let what = match stage {
            Stage::Whole => "one pod does everything and publishes",
            Stage::Split => "copies the source, so that it can be read by ranges",
            Stage::Tiles => "computes the pieces",
            Stage::Assemble => "joins the pieces inside the store and publishes",
        };
        println!("stage {}  {:8} {shards} x about {each:.1} s: {what}", number + 1, stage.name());
    }
}

/// An operation as a job writes it: `gaussianBlur {"sigma":1.5}`.
fn step(operation: &Operation) -> String {
    let value = serde_json::to_value(operation).ok();
    let parameters =
        value.and_then(|value| value.get(operation.name()).map(ToString::to_string)).unwrap_or_default();
    if parameters == "{}" {
        operation.name().to_owned()
    } else {
        format!("{} {parameters}", operation.name())
    }
}

fn extent(extent: Extent) -> String {
    format!("{} pixels, {}", extent.size, extent.pixel)
}

fn access(access: Access) -> String {
    match access {
        Access::Tiles { tile } => format!("in tiles of {tile}, read by ranges"),
        Access::Rows { rows } => format!("read once, from top to bottom, {rows} rows at a time"),
        Access::Whole => "read as a whole".into(),
    }
}

/// A compression, for people.
fn compression(compression: TiffCompression) -> String {
    match compression {
        TiffCompression::None => "without compression".into(),
        TiffCompression::Deflate => "deflate".into(),
        TiffCompression::Lzw => "LZW".into(),
        TiffCompression::Zstd => "Zstandard".into(),
        TiffCompression::Jpeg { quality } => format!("JPEG of quality {quality}"),
    }
}

/// A format with its options, for people.
pub(crate) fn format(format: OutputFormat) -> String {
    match format {
        OutputFormat::Tiff { tile, compression: by } => {
            format!("TIFF in tiles of {tile} x {tile}, {}", compression(by))
        }
        OutputFormat::Cog { tile, compression: by } => {
            format!("COG in tiles of {tile} x {tile}, {}", compression(by))
        }
        OutputFormat::Png => "PNG".into(),
        OutputFormat::Jpeg { quality } => format!("JPEG of quality {quality}"),
        OutputFormat::WebP { coding: WebPCoding::Lossless } => "WebP without loss".into(),
        OutputFormat::WebP { coding: WebPCoding::Lossy { quality } } => format!("WebP of quality {quality}"),
    }
}
