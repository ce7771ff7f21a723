//! Jobs that cannot run: they wait or fail, with a reason and words that help, within seconds, and no pod is started.

use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Instant;
use tessera_api::conditions::ConditionType;
use tessera_api::imagejob::State;
use tessera_core::output::OutputFormat;
use tessera_e2e::picture::{self, DEFLATE, GRAY, RGB, RGB16};
use tessera_e2e::work::{message, status};
use tessera_e2e::{Namespace, local, with_empty_namespace, with_namespace};

/// Runs a job that must fail, for this reason and with these words.
async fn check(
    ns: &Namespace,
    name: &str,
    (source, output, rest): (&str, &str, &str),
    (reason, words): (&str, &str),
) -> Result<()> {
    let started = Instant::now();
    let job = ns.create_job(&ns.job(name, source, output, rest)?).await?;
    let ended = ns.wait_finished(name, 30).await?;
    eprintln!("{name}: {reason} after {:?}: {}", started.elapsed(), message(&ended, ConditionType::Failed));
    ns.expect_failed(&ended, reason, words).await?;
    ensure!(job.metadata.uid == ended.metadata.uid);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_source_fails_within_seconds() -> Result<()> {
    with_namespace("missing", async |ns| {
        check(ns, "missing", ("none.tif", "none.png", ""), ("SourceNotFound", "none.tif")).await?;
        ns.expect_no_output(&ns.get_job("missing").await?).await?;
        ns.expect_no_pod_ever().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_are_no_images_are_refused_with_their_reason() -> Result<()> {
    with_namespace("undecodable", async |ns| {
        ns.put_source("notes.tif", b"These are notes, and no picture at all.\n").await?;
        let whole = picture::file(1200, 900, RGB, DEFLATE)?;
        ns.put_source("cut.tif", &whole[..whole.len() / 2]).await?;
        ns.put_source("empty.png", b"").await?;
        check(ns, "notes", ("notes.tif", "notes.png", ""), ("UnsupportedImage", "unknown format")).await?;
        check(ns, "cut", ("cut.tif", "cut.png", ""), ("BadInput", "")).await?;
        check(ns, "empty", ("empty.png", "empty.tif", ""), ("UnsupportedImage", "")).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pool_or_the_format_does_not_take_is_refused_before_any_pod() -> Result<()> {
    with_namespace("refused", async |ns| {
        ns.create_pool("tiny", 1, json!({ "pixels": 1000, "operations": 1 })).await?;
        ns.put_source("deep.tif", &picture::file(100, 80, RGB16, DEFLATE)?).await?;
        check(ns, "jpeg", ("deep.tif", "deep.jpg", ""), ("UnsupportedChain", "JPEG")).await?;
        check(ns, "pixels", ("deep.tif", "a.png", "pool: tiny"), ("ImageTooLarge", "spec.limits.pixels"))
            .await?;
        let long = "pool: tiny\noperations: [{invert: {}}, {invert: {}}]";
        check(ns, "chain", ("deep.tif", "b.png", long), ("UnsupportedChain", "2 operations")).await?;
        ns.expect_no_pod_ever().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_s_prefixes_are_the_only_ones_it_reads_and_writes() -> Result<()> {
    with_namespace("denied", async |ns| {
        ns.put_source("a.png", &picture::file(10, 10, GRAY, OutputFormat::Png)?).await?;
        let mut source = ns.job("source", "a.png", "a.tif", "")?;
        source.spec.source.uri = "s3://images/elsewhere/a.png".into();
        let mut output = ns.job("output", "a.png", "b.tif", "")?;
        output.spec.output.uri = "s3://results/elsewhere/e2e-denied.tif".into();
        for (job, reason) in [(source, "SourceDenied"), (output, "OutputDenied")] {
            let name = job.metadata.name.clone().unwrap_or_default();
            ns.create_job(&job).await?;
            let ended = ns.wait_finished(&name, 30).await?;
            ns.expect_failed(&ended, reason, &format!("spec.allow.{name}s")).await?;
            ns.expect_no_output(&ended).await?;
        }
        ns.expect_no_pod_ever().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_exists_is_kept_or_replaced_as_asked() -> Result<()> {
    with_namespace("exists", async |ns| {
        let source = picture::file(300, 200, RGB, OutputFormat::Png)?;
        ns.put_source("a.png", &source).await?;
        let (at, old) = (ns.output("a.tif")?, b"something of somebody".as_slice());
        tessera_store::Store::put(&ns.store, &at, old.into(), &Default::default()).await?;
        check(ns, "keep", ("a.png", "a.tif", ""), ("OutputConflict", "spec.output.ifExists")).await?;
        let (_, kept) = tessera_store::Store::get(&ns.store, &at).await?;
        ensure!(kept == old, "the object was changed");
        ns.expect_no_pod_ever().await?;
        let job = ns.job("replace", "a.png", "a.tif", "output.ifExists: Replace")?;
        ns.create_job(&job).await?;
        let ended = ns.wait_finished("replace", 60).await?;
        ns.expect_complete(&ended, &local::run(&job, &source).await?).await?;
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_jobs_on_one_output_the_older_goes_on() -> Result<()> {
    with_namespace("rivals", async |ns| {
        let source = picture::file(300, 200, RGB, OutputFormat::Png)?;
        ns.put_source("a.png", &source).await?;
        let older = ns.job("older", "a.png", "a.tif", "suspend: true")?;
        ns.create_job(&older).await?;
        ns.wait_for("older", "is suspended", 30, |job| status(job).state == Some(State::Suspended)).await?;
        // More than one, since creation times have whole seconds and UIDs no order.
        for name in ["younger", "youngest"] {
            let rest = "output.ifExists: Replace";
            check(ns, name, ("a.png", "a.tif", rest), ("OutputConflict", "ImageJob older")).await?;
        }
        ns.expect_no_pod_ever().await?;
        ns.change_job("older", json!({ "suspend": false })).await?;
        let ended = ns.wait_finished("older", 60).await?;
        ns.expect_complete(&ended, &local::run(&older, &source).await?).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_its_pool_and_for_the_pool_s_secret() -> Result<()> {
    with_empty_namespace("waits", async |ns| {
        let source = picture::file(300, 200, RGB, OutputFormat::Png)?;
        ns.put_source("a.png", &source).await?;
        let job = ns.job("patient", "a.png", "a.tif", "")?;
        ns.create_job(&job).await?;
        let waits = |reason: &'static str| {
            move |job: &tessera_api::ImageJob| {
                let now = status(job);
                now.state == Some(State::Waiting) && now.reason.as_deref() == Some(reason)
            }
        };
        let waiting = ns.wait_for("patient", "waits for the pool", 30, waits("PoolNotFound")).await?;
        let said = message(&waiting, ConditionType::Accepted);
        ensure!(said.contains("WorkerPool default"), "{said}");
        ns.create_pool("default", 1, json!({})).await?;
        let waiting = ns.wait_for("patient", "waits for the Secret", 30, waits("StoreUnavailable")).await?;
        let said = message(&waiting, ConditionType::Accepted);
        ensure!(said.contains("Secret store") && said.contains("accessKeyId"), "{said}");
        ns.expect_no_pod_ever().await?;
        ns.create_secret().await?;
        let ended = ns.wait_finished("patient", 60).await?;
        ns.expect_complete(&ended, &local::run(&job, &source).await?).await
    })
    .await
}
