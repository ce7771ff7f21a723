//! A job that takes long enough for something to happen to it.

use anyhow::Result;
use serde_json::{Value, json};
use tessera_api::ImageJob;
use tessera_e2e::Namespace;
use tessera_e2e::local::{self, Reference};
use tessera_e2e::picture::{self, GRAY, PLAIN};
use tessera_e2e::work::sharded;
use tokio::sync::OnceCell;

/// Seconds that a job may take on a machine that does other things as well.
pub(crate) const PATIENCE: u64 = 240;

/// Pieces of work of half a second of one core each.
pub(crate) const SHARDS: u32 = 8;

/// What makes it slow.
pub(crate) const CHAIN: &str = "operations: [{gaussianBlur: {sigma: 12}}, {gaussianBlur: {sigma: 12}}, {gaussianBlur: {sigma: 12}}]\n\
     output.tiff: {tile: 256}";

/// What workers have that may take a small part of a processor, `cpu`: slow on the fastest machine, and with room on any node.
pub(crate) fn resources(cpu: &str) -> Value {
    json!({ "requests": { "cpu": "10m" }, "limits": { "cpu": cpu } })
}

/// The job `slow`, with `more` in its spec, as soon as it is in the middle; and what one machine makes of
/// it.
pub(crate) async fn slow_job(ns: &Namespace, more: &str) -> Result<(ImageJob, &'static Reference)> {
    let (job, expected) = create(ns, "slow", more, SHARDS).await?;
    ns.wait_middle("slow", PATIENCE).await?;
    Ok((job, expected))
}

/// The same by any name and in any number of shards, as soon as it is created.
pub(crate) async fn create(
    ns: &Namespace,
    name: &str,
    more: &str,
    shards: u32,
) -> Result<(ImageJob, &'static Reference)> {
    let (job, expected) = prepare(ns, name, more, shards).await?;
    ns.create_job(&job).await?;
    Ok((job, expected))
}

/// The same, to be created: its source is there.
pub(crate) async fn prepare(
    ns: &Namespace,
    name: &str,
    more: &str,
    shards: u32,
) -> Result<(ImageJob, &'static Reference)> {
    static WORLD: OnceCell<(Vec<u8>, Reference)> = OnceCell::const_new();
    let job =
        sharded(ns.job(name, "large.tif", &format!("{name}.tif"), &format!("{CHAIN}\n{more}"))?, shards);
    let (source, expected) = WORLD
        .get_or_try_init(async || {
            let source = picture::file(8000, 6000, GRAY, PLAIN)?;
            let expected = local::run(&job, &source).await?;
            Ok::<_, anyhow::Error>((source, expected))
        })
        .await?;
    ns.put_source("large.tif", source).await?;
    Ok((job, expected))
}
