//! Jobs without pixels: everything of the cluster and the operator is real but the nodes and what workers compute.

use crate::Load;
use crate::measure::Measuring;
use crate::nodes;
use crate::standin::StandIn;
use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use std::time::Instant;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::geometry::Size;
use tessera_core::grid::Grid;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_e2e::picture::RGB;
use tessera_e2e::timeline::Timeline;
use tessera_e2e::wait::Look;
use tessera_e2e::work::sharded;
use tessera_e2e::{Namespace, eventually};
use tessera_formats::notes::Annotations;
use tessera_formats::tiff_out::TiffFile;
use tessera_store::Store;

/// Jobs that are created at once.
const AT_ONCE: usize = 16;

/// Of so many jobs one goes through shards and assembly; the others are one pod each.
const SHARDED: usize = 10;

/// Many jobs.
pub(crate) async fn jobs(load: &Load) -> Result<()> {
    simulated(load, "jobs", &json!({}), (6000, 4000), |ns, number| {
        let job = ns.job(
            &format!("job-{number:05}"),
            "header.tif",
            &format!("{number:05}.tif"),
            "operations: [{grayscale: {}}, {gaussianBlur: {sigma: 1.5}}]\noutput.tiff: {tile: 256}",
        )?;
        Ok(if number % SHARDED == 0 { sharded(job, 3) } else { job })
    })
    .await
}

/// One job of very many tiles.
pub(crate) async fn tiles(load: &Load) -> Result<()> {
    let limits = json!({ "pixels": 10_000_000_000_000_u64 });
    simulated(load, "tiles", &limits, (load.side, load.side), |ns, _| {
        let job = ns.job("huge", "header.tif", "huge.tif", "operations: [{grayscale: {}}, {sobel: {}}]")?;
        Ok(sharded(job, load.shards))
    })
    .await
}

async fn simulated(
    load: &Load,
    part: &str,
    limits: &Value,
    (width, height): (u32, u32),
    job: impl Fn(&Namespace, usize) -> Result<ImageJob>,
) -> Result<()> {
    let client = Client::try_default().await.context("is there a cluster? make cluster")?;
    nodes::delete(&client).await?;
    let slots = u32::try_from(load.namespaces)?.saturating_mul(load.slots);
    nodes::create(&client, slots * 2).await?;
    let namespaces = namespaces(load, limits).await?;
    let header = header(width, height);
    for ns in &namespaces {
        nodes::use_for(ns).await?;
        ns.put_source("header.tif", &header).await?;
    }
    let stand_in = StandIn::start(&client, namespaces[0].store.clone());
    let timeline = Timeline::watch(Api::all(client.clone()), &label(load));
    let mut measuring = Measuring::begin(&client, timeline, load.every).await?;
    let done = measured(load, &mut measuring, &namespaces, job).await;
    println!("            {} pods have ended", stand_in.stop());
    let run = measuring.end(part, load, &namespaces).await?;
    run.write(&load.out)?;
    clear(&namespaces).await?;
    nodes::delete(&client).await?;
    done
}

async fn measured(
    load: &Load,
    measuring: &mut Measuring,
    namespaces: &[Namespace],
    job: impl Fn(&Namespace, usize) -> Result<ImageJob>,
) -> Result<()> {
    let job = &job;
    futures::stream::iter(0..load.jobs)
        .map(|number| async move {
            let ns = &namespaces[number % namespaces.len()];
            ns.create_job(&labelled(load, job(ns, number / namespaces.len())?)).await
        })
        .buffered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    measuring.phase("all are created");
    wait_for_the_end(measuring, load).await
}

/// Waits until all jobs have been accepted, have finished and hold nothing any more.
pub(crate) async fn wait_for_the_end(measuring: &mut Measuring, load: &Load) -> Result<()> {
    let (timeline, all) = (measuring.timeline.clone(), load.jobs);
    timeline.wait("all are accepted", load.patience, |counts| counts.accepted == all).await?;
    measuring.phase("all are accepted");
    timeline.wait("all are finished", load.patience, |counts| counts.finished == all).await?;
    measuring.phase("all are finished");
    timeline.wait("all are released", load.patience, |counts| counts.released == all).await?;
    measuring.phase("all are released: no Job, no scratch");
    let counts = timeline.counts();
    ensure!(counts.complete == all, "{counts:?}");
    Ok(())
}

/// The label by which the jobs of this process are known.
pub(crate) fn label(load: &Load) -> String {
    format!("tessera-bench={}-{}", load.jobs, std::process::id())
}

/// The job with that label.
pub(crate) fn labelled(load: &Load, mut job: ImageJob) -> ImageJob {
    if let Some((name, value)) = label(load).split_once('=') {
        job.labels_mut().insert(name.to_owned(), value.to_owned());
    }
    job
}

/// Namespaces with a pool each, whose stores answer.
pub(crate) async fn namespaces(load: &Load, limits: &Value) -> Result<Vec<Namespace>> {
    let mut all = Vec::new();
    for _ in 0..load.namespaces {
        let ns = Namespace::create("bench").await?;
        ns.create_secret().await?;
        ns.create_pool("default", load.slots, limits.clone()).await?;
        all.push(ns);
    }
    for ns in &all {
        eventually("the pool is ready", 60, async || {
            let pool = ns.api::<WorkerPool>().get("default").await?;
            let ready = pool.status.as_ref().is_some_and(|status| {
                status.conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True")
            });
            Ok(Look::when(ready, (), || format!("{:?}", pool.status)))
        })
        .await?;
    }
    Ok(all)
}

/// Deletes the namespaces and waits until they are gone.
async fn clear(namespaces: &[Namespace]) -> Result<()> {
    let began = Instant::now();
    for ns in namespaces {
        ns.clear().await?;
    }
    for ns in namespaces {
        let all: Api<KubeNamespace> = Api::all(ns.client.clone());
        eventually("the namespace is gone", 1800, async || {
            let left = all.get_opt(&ns.name).await?;
            Ok(Look::when(left.is_none(), (), || format!("{left:?}")))
        })
        .await?;
        let left = ns.store.list(&ns.folder("results")?, None).await?;
        ensure!(left.is_empty(), "{} objects are left in {}", left.len(), ns.name);
    }
    println!("{:8.1} s  for deleting the namespaces", began.elapsed().as_secs_f64());
    Ok(())
}

/// The header of a TIFF of these sides whose tiles are sparse: it has no data.
fn header(width: u32, height: u32) -> Vec<u8> {
    let (tile, compression) = (512, TiffCompression::Deflate);
    let extent = Extent { size: Size::new(width, height), pixel: RGB };
    let tiles = Grid::new(extent, OutputFormat::Tiff { tile, compression }).tiles();
    TiffFile::new(extent, tile, compression, Annotations::default()).header(&vec![0; tiles as usize])
}
