//! Things that go wrong in the middle of a job: it completes with the same bytes, or ends, and never leaves anything.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use kube::api::DeleteParams;
use kube::{Api, ResourceExt};
use serde_json::json;
use std::collections::BTreeSet;
use tessera_api::ImageJob;
use tessera_api::imagejob::State;
use tessera_e2e::local::{self, Reference};
use tessera_e2e::picture::{self, GRAY, PLAIN};
use tessera_e2e::wait::Look;
use tessera_e2e::work::{sharded, status};
use tessera_e2e::{Namespace, eventually, with_namespace, with_namespace_alone};
use tessera_store::{PutOptions, Store};
use tokio::sync::OnceCell;

/// Seconds that a job may take on a machine that does other things as well.
const PATIENCE: u64 = 150;

/// A job in eight shards, with `more` in its spec, as soon as it is in the middle; and what one machine makes of it.
async fn slow_job(ns: &Namespace, more: &str) -> Result<(ImageJob, &'static Reference)> {
    static WORLD: OnceCell<(Vec<u8>, Reference)> = OnceCell::const_new();
    let rest = format!("operations: [{{gaussianBlur: {{sigma: 6}}}}]\noutput.tiff: {{tile: 256}}\n{more}");
    let job = sharded(ns.job("slow", "large.tif", "slow.tif", &rest)?, 8);
    let (source, expected) = WORLD
        .get_or_try_init(async || {
            let source = picture::file(8000, 6000, GRAY, PLAIN)?;
            let expected = local::run(&job, &source).await?;
            Ok::<_, anyhow::Error>((source, expected))
        })
        .await?;
    ns.put_source("large.tif", source).await?;
    ns.create_job(&job).await?;
    ns.wait_middle("slow", PATIENCE).await?;
    Ok((job, expected))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_deleted_in_the_middle_leaves_nothing() -> Result<()> {
    with_namespace("delete", async |ns| {
        let (job, _) = slow_job(ns, "").await?;
        ensure!(!ns.stored_leftovers().await?.is_empty(), "there is scratch in the middle");
        ns.api::<ImageJob>().delete("slow", &DeleteParams::background()).await?;
        ns.wait_gone("slow", 60).await?;
        let left = ns.stored_leftovers().await?;
        ensure!(left.is_empty(), "left when the finalizer was gone: {left:?}");
        ns.wait_nothing_left(30).await?;
        ns.expect_no_output(&job).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_deleted_in_the_middle_is_gone_soon_and_leaves_nothing() -> Result<()> {
    with_namespace("namespace", async |ns| {
        slow_job(ns, "").await?;
        let namespaces: Api<KubeNamespace> = Api::all(ns.client.clone());
        namespaces.delete(&ns.name, &DeleteParams::background()).await?;
        eventually("the namespace is gone", 90, async || {
            let left = namespaces.get_opt(&ns.name).await?;
            let seen = left.as_ref().and_then(|left| left.status.clone());
            Ok(Look::when(left.is_none(), (), || format!("{seen:?}")))
        })
        .await?;
        let left = ns.stored_leftovers().await?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_changes_nothing() -> Result<()> {
    with_namespace("worker", async |ns| {
        let (_, expected) = slow_job(ns, "").await?;
        let killed = ns.kill_a_worker().await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        eprintln!("killed {killed}; retries {:?}", status(&ended).retries);
        ns.expect_complete(&ended, expected).await?;
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evicted_worker_costs_no_retry() -> Result<()> {
    with_namespace("evicted", async |ns| {
        let (_, expected) = slow_job(ns, "retries: 0").await?;
        let evicted = ns.evict_a_worker().await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        eprintln!("evicted {evicted}; retries {:?}", status(&ended).retries);
        ns.expect_complete(&ended, expected).await?;
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_tried_again_and_keeps_what_is_done() -> Result<()> {
    with_namespace("again", async |ns| {
        ns.change_pool("default", json!({ "store": { "scratchRetention": "1h" } })).await?;
        let (_, expected) = slow_job(ns, "").await?;
        let at = ns.output("slow.tif")?;
        ns.store.put(&at, b"in the way".as_slice().into(), &PutOptions::default()).await?;
        ns.wait_for("slow", "has failed", PATIENCE, |job| status(job).state == Some(State::Failed)).await?;
        ns.store.delete(&[at]).await?;
        let kept = ns.stored_leftovers().await?;
        ensure!(!kept.is_empty(), "finished pieces are kept");
        ns.ask_again("slow", 1).await?;
        let ended = ns
            .wait_for("slow", "is complete", PATIENCE, |job| status(job).state == Some(State::Complete))
            .await?;
        ns.expect_complete(&ended, expected).await?;
        ns.expect_events(&ended, &["Retrying"]).await?;
        ensure!(status(&ended).retried == Some(1), "{:?}", status(&ended).retried);
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_appears_in_the_middle_is_not_replaced() -> Result<()> {
    with_namespace("appears", async |ns| {
        slow_job(ns, "").await?;
        let (at, foreign) = (ns.output("slow.tif")?, b"something of somebody".as_slice());
        ns.store.put(&at, foreign.into(), &PutOptions::default()).await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        let (_, kept) = ns.store.get(&at).await?;
        ensure!(kept == foreign, "the object was replaced by {} bytes", kept.len());
        ns.expect_failed(&ended, "OutputConflict", "exists already").await?;
        ns.wait_nothing_left(60).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_killed_in_the_middle_changes_nothing() -> Result<()> {
    with_namespace_alone("operator", async |ns| {
        let (_, expected) = slow_job(ns, "").await?;
        let mut seen = ns.stage_jobs().await?;
        ns.kill_the_operator().await?;
        let now = status(&ns.get_job("slow").await?);
        ensure!(now.stage.as_ref().is_some_and(|stage| stage.name == "tiles"), "it was too late: {now:?}");
        let ended = eventually("slow is finished", PATIENCE, async || {
            seen.extend(ns.stage_jobs().await?);
            let job = ns.get_job("slow").await?;
            let now = format!("{:?}", status(&job));
            Ok(Look::when(status(&job).state == Some(State::Complete), job, || now))
        })
        .await?;
        ns.expect_complete(&ended, expected).await?;
        let names: BTreeSet<&String> = seen.iter().map(|(name, _)| name).collect();
        ensure!(seen.len() == 2 && names.len() == 2, "each stage has one Job: {seen:?}");
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_job_keeps_what_is_done_and_goes_on() -> Result<()> {
    with_namespace("suspend", async |ns| {
        let (_, expected) = slow_job(ns, "").await?;
        ns.change_job("slow", json!({ "suspend": true })).await?;
        ns.wait_for("slow", "is suspended", 30, |job| status(job).state == Some(State::Suspended)).await?;
        eventually("no pod is left", 60, async || {
            let pods: Vec<String> = ns.live_pods().await?.iter().map(ResourceExt::name_any).collect();
            Ok(Look::when(pods.is_empty(), (), || pods.join(", ")))
        })
        .await?;
        let kept = ns.stored_leftovers().await?.len();
        ensure!(kept > 0, "finished pieces are kept");
        ns.change_job("slow", json!({ "suspend": false })).await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_complete(&ended, expected).await?;
        ensure!(
            status(&ended).retries == Some(0),
            "a suspension is no failure: {:?}",
            status(&ended).retries
        );
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_replaced_in_the_middle_fails_the_job() -> Result<()> {
    with_namespace("replaced", async |ns| {
        let (job, _) = slow_job(ns, "").await?;
        ns.put_source("large.tif", &picture::file(8000, 6000, GRAY, PLAIN)?[..40_000_000]).await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_failed(&ended, "InputChanged", "has changed since the job was planned").await?;
        ns.expect_no_output(&job).await?;
        // The pool keeps the pieces of a failed job for 5 s.
        ns.wait_nothing_left(60).await
    })
    .await
}
