//! What a job will take, before it is made: the operator's own plan, on the header of the source. Starts nothing.

use super::request::Prepared;
use crate::app::Shared;
use crate::refusal::{Refusal, Result};
use serde::Serialize;
use tessera_api::imagejob::IfExists as Asked;
use tessera_api::{ValidJob, WorkerPool};
use tessera_core::cost::POD_START;
use tessera_core::output::{OutputFormat, TiffCompression, WebPCoding};
use tessera_core::plan::{IfExists, Limits, Plan, PlanRefusal, Request, Spread, Stage, plan};
use tessera_operations::Operation;
use tessera_probe::{Probed, probe_page};
use tessera_store::Location;
use utoipa::ToSchema;

/// What a job will take.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Estimate {
    /// From now to the finished file, with the slots of the pool and nobody else's work.
    seconds: f64,
    /// Bytes of the result, roughly.
    bytes: u64,
    /// Worker pods at once.
    workers: u32,
    /// What is done, in order.
    stages: Vec<&'static str>,
    /// Of the result.
    width: u32,
    height: u32,
    channels: usize,
    bit_depth: u32,
    /// The ImageJob.
    yaml: String,
    /// The line that would make it.
    kubectl: String,
}

/// Checks a job against its image and its pool, as the operator will.
///
/// # Errors
/// The reason for which the operator would refuse it.
pub(crate) async fn planned(app: &Shared, valid: &ValidJob, pool: &WorkerPool) -> Result<Plan<Operation>> {
    check_allowed(valid, pool)?;
    let source: Location = valid.source.to_string().parse().map_err(|_| Refusal::not_found("image"))?;
    let probed = probe_page(app.store.as_ref(), &source, valid.page).await?;
    plan(request(valid, pool, probed)).map_err(|refusal| match refusal {
        PlanRefusal::TooLarge(text) => {
            Refusal::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "TooLarge", text)
        }
        PlanRefusal::Chain(text) => Refusal::chain(text),
    })
}

fn request(valid: &ValidJob, pool: &WorkerPool, probed: Probed) -> Request<Operation> {
    Request {
        job: String::new(),
        source_uri: valid.source.to_string(),
        source_etag: probed.info.etag,
        image: probed.image,
        page: valid.page,
        operations: valid.operations.clone(),
        output_uri: valid.output.uri.to_string(),
        format: valid.output.format,
        if_exists: match valid.output.if_exists {
            Asked::Fail => IfExists::Fail,
            Asked::Replace => IfExists::Replace,
        },
        scratch: pool.spec.store.scratch.clone(),
        limits: Limits {
            pixels: pool.spec.limits.pixels,
            operations: pool.spec.limits.operations,
            memory: pool.spec.worker.memory_bytes(),
        },
        spread: if pool.spec.worker.spot { Spread::Brief } else { Spread::Auto },
    }
}

/// The pool's owner decides what its store is used for.
fn check_allowed(valid: &ValidJob, pool: &WorkerPool) -> Result<()> {
    let allowed =
        |prefixes: &[String], uri: &str| prefixes.iter().any(|prefix| uri.starts_with(prefix.as_str()));
    let refuse = |uri: &str, list: &str| {
        let pool = pool.metadata.name.as_deref().unwrap_or_default();
        Err(Refusal::chain(format!(
            "WorkerPool {pool} does not allow {uri}: whoever runs the page should add its prefix to spec.allow.{list} of the pool"
        )))
    };
    let (source, output) = (valid.source.to_string(), valid.output.uri.to_string());
    if !allowed(&pool.spec.allow.sources, &source) {
        return refuse(&source, "sources");
    }
    if !allowed(&pool.spec.allow.outputs, &output) {
        return refuse(&output, "outputs");
    }
    Ok(())
}

/// What the page shows of a plan.
pub(crate) fn estimate(prepared: &Prepared, plan: &Plan<Operation>, pool: &WorkerPool) -> Result<Estimate> {
    let extent = plan.output.extent;
    let shards = plan.stages().iter().map(|stage| plan.shards(*stage)).max().unwrap_or(1);
    let workers = pool.spec.replicas.min(shards).max(1);
    let namespace = prepared.manifest["metadata"]["namespace"].as_str().unwrap_or_default();
    let yaml = serde_norway::to_string(&prepared.manifest).map_err(|error| Refusal::internal(&error))?;
    Ok(Estimate {
        seconds: seconds(plan, workers),
        bytes: bytes(plan),
        workers,
        stages: plan.stages().iter().map(|stage| stage.name()).collect(),
        width: extent.size.width,
        height: extent.size.height,
        channels: extent.pixel.channels.count(),
        bit_depth: extent.pixel.depth.bits(),
        kubectl: format!("kubectl --namespace {namespace} apply -f job.yaml"),
        yaml,
    })
}

/// The tiles are divided among the workers, the other stages are one pod's; each begins with a pod.
fn seconds(plan: &Plan<Operation>, workers: u32) -> f64 {
    let work = plan.work_millis as f64 / 1000.0;
    let divided: f64 = plan
        .stages()
        .iter()
        .map(|stage| {
            let share = work * plan.share(*stage);
            POD_START + if *stage == Stage::Tiles { share / f64::from(workers) } else { share }
        })
        .sum();
    (divided * 10.0).round() / 10.0
}

/// By what photographs come to: bytes for each sample.
fn bytes(plan: &Plan<Operation>) -> u64 {
    let extent = plan.output.extent;
    let samples = extent.size.pixels() as f64 * extent.pixel.channels.count() as f64;
    let deep = extent.pixel.depth.bytes() as f64;
    let for_each = match plan.output.format {
        OutputFormat::Png => 0.55 * deep,
        OutputFormat::Jpeg { quality } => lossy(quality),
        OutputFormat::WebP { coding: WebPCoding::Lossless } => 0.45,
        OutputFormat::WebP { coding: WebPCoding::Lossy { quality } } => 0.7 * lossy(quality),
        OutputFormat::Tiff { compression, .. } => tiles(compression, deep),
        OutputFormat::Cog { compression, .. } => tiles(compression, deep) * 4.0 / 3.0,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far below 2^63"
    )]
    let bytes = (samples * for_each) as u64;
    bytes
}

fn tiles(compression: TiffCompression, deep: f64) -> f64 {
    match compression {
        TiffCompression::None => deep,
        TiffCompression::Deflate | TiffCompression::Zstd => 0.55 * deep,
        TiffCompression::Lzw => 0.65 * deep,
        TiffCompression::Jpeg { quality } => lossy(quality),
    }
}

/// Of a JPEG of 4:2:0, by its quality.
fn lossy(quality: u8) -> f64 {
    0.02 + 0.16 * (f64::from(quality) / 100.0).powi(6)
}
