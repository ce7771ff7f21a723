//! Images through the cluster: the file is the one that one machine makes, the status tells the truth, nothing is left.

use anyhow::{Result, ensure};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tessera_api::conditions::ConditionType;
use tessera_core::output::OutputFormat;
use tessera_e2e::picture::{self, DEFLATE, GRAY, PLAIN, RGB, RGB16, RGBA};
use tessera_e2e::work::{holds, sharded, status};
use tessera_e2e::{Namespace, kubectl, local, with_namespace};

const EDGES: &str = "operations: [{grayscale: {}}, {gaussianBlur: {sigma: 1.5}}, {sobel: {}}]";

/// Seconds that a job may take on a machine that does other things as well.
const PATIENCE: u64 = 120;

/// Runs a job on `source` and compares all there is to compare.
async fn check(ns: &Namespace, name: &str, source: &[u8], (output, rest): (&str, &str)) -> Result<()> {
    let source_name = format!("{name}-source");
    ns.put_source(&source_name, source).await?;
    let job = ns.job(name, &source_name, output, rest)?;
    ns.create_job(&job).await?;
    let expected = local::run(&job, source).await?;
    let job = ns.wait_finished(name, PATIENCE).await?;
    ns.expect_complete(&job, &expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_picture_in_shards_gives_the_bytes_of_one_machine() -> Result<()> {
    with_namespace("shards", async |ns| {
        let source = picture::file(6000, 5000, RGB, DEFLATE)?;
        ns.put_source("large.tif", &source).await?;
        let job =
            ns.job("edges", "large.tif", "edges.tif", &format!("{EDGES}\noutput.tiff: {{tile: 256}}"))?;
        let job = sharded(job, 5);
        ns.create_job(&job).await?;
        let expected = local::run(&job, &source).await?;
        let job = ns.wait_finished("edges", PATIENCE).await?;
        ns.expect_complete(&job, &expected).await?;
        let now = status(&job);
        let stage = now.stage.unwrap_or_default();
        ensure!((stage.name.as_str(), stage.number, stage.of) == ("assemble", 2, 2), "{stage:?}");
        ensure!(now.tiles.unwrap_or_default().total == 24 * 20);
        let image = now.image.unwrap_or_default();
        ensure!(
            (image.width, image.height, image.channels, image.bit_depth) == (6000, 5000, 3, 8),
            "{image:?}"
        );
        ensure!(
            now.operations.as_deref().is_some_and(|chain| chain.starts_with("grayscale(")),
            "{:?}",
            now.operations
        );
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_png_in_shards_gives_the_bytes_of_one_machine() -> Result<()> {
    with_namespace("bands", async |ns| {
        let source = picture::file(5000, 5000, RGB, PLAIN)?;
        ns.put_source("large.tif", &source).await?;
        let job = sharded(
            ns.job("bands", "large.tif", "bands.png", "operations: [{gaussianBlur: {sigma: 2}}]")?,
            3,
        );
        ns.create_job(&job).await?;
        let expected = local::run(&job, &source).await?;
        let job = ns.wait_finished("bands", PATIENCE).await?;
        ns.expect_complete(&job, &expected).await?;
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_picture_goes_through_one_pod() -> Result<()> {
    with_namespace("whole", async |ns| {
        let source = picture::file(700, 500, RGB, OutputFormat::Png)?;
        for (name, output) in [("to-png", "small.png"), ("to-jpeg", "small.jpg")] {
            check(ns, name, &source, (output, EDGES)).await?;
            let stage = status(&ns.get_job(name).await?).stage.unwrap_or_default();
            ensure!((stage.name.as_str(), stage.number, stage.of) == ("whole", 1, 1), "{stage:?}");
        }
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_every_kind_are_converted() -> Result<()> {
    with_namespace("kinds", async |ns| {
        let blur = "operations: [{gaussianBlur: {sigma: 3}}, {invert: {}}]";
        check(ns, "sixteen", &picture::file(900, 300, RGB16, DEFLATE)?, ("sixteen.png", "")).await?;
        check(ns, "alpha", &picture::file(600, 700, RGBA, OutputFormat::Png)?, ("alpha.tif", blur)).await?;
        check(ns, "pixel", &picture::file(1, 1, GRAY, OutputFormat::Png)?, ("pixel.tif", blur)).await?;
        check(ns, "column", &picture::file(1, 3000, RGB, PLAIN)?, ("column.png", blur)).await?;
        let jpeg = picture::file(1000, 600, RGB, OutputFormat::Jpeg { quality: 90 })?;
        let options = "output.tiff: {tile: 256, compression: none}";
        check(ns, "photograph", &jpeg, ("photograph.tif", options)).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_share_the_slots_of_a_pool() -> Result<()> {
    with_namespace("share", async |ns| {
        let source = picture::file(5000, 4000, GRAY, PLAIN)?;
        ns.put_source("large.tif", &source).await?;
        let mut jobs = Vec::new();
        for (name, chain) in [("one", "[{gaussianBlur: {sigma: 4}}]"), ("two", "[{sobel: {}}]")] {
            let rest = format!("operations: {chain}\noutput.tiff: {{tile: 256}}");
            let job = sharded(ns.job(name, "large.tif", &format!("{name}.tif"), &rest)?, 4);
            ns.create_job(&job).await?;
            jobs.push((job.clone(), local::run(&job, &source).await?));
        }
        let (done, most) = (AtomicBool::new(false), AtomicUsize::new(0));
        let watched = async {
            while !done.load(Ordering::Relaxed) {
                let pods = ns.pods_with_slots().await?;
                if most.fetch_max(pods.len(), Ordering::Relaxed) < pods.len() && pods.len() > 2 {
                    eprintln!("more pods than slots: {pods:?}");
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            Ok::<_, anyhow::Error>(())
        };
        let worked = async {
            for (job, expected) in &jobs {
                let name = job.metadata.name.clone().unwrap_or_default();
                let ended = ns.wait_finished(&name, PATIENCE).await;
                done.store(ended.is_err(), Ordering::Relaxed);
                ns.expect_complete(&ended?, expected).await?;
            }
            done.store(true, Ordering::Relaxed);
            Ok::<_, anyhow::Error>(())
        };
        let (watched, worked) = futures::join!(watched, worked);
        worked?;
        watched?;
        let most = most.load(Ordering::Relaxed);
        ensure!(most <= 2, "{most} pods at once, and the pool has 2 slots");
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_is_deleted_after_its_time_to_live() -> Result<()> {
    with_namespace("ttl", async |ns| {
        let source = picture::file(64, 64, GRAY, OutputFormat::Png)?;
        ns.put_source("small.png", &source).await?;
        let job = ns.job("short", "small.png", "short.png", "ttlSecondsAfterFinished: 3")?;
        ns.create_job(&job).await?;
        let ended = ns.wait_finished("short", PATIENCE).await?;
        ensure!(holds(&ended, ConditionType::Complete));
        ns.wait_gone("short", 30).await?;
        ns.wait_nothing_left(30).await?;
        let expected = local::run(&job, &source).await?;
        let (_, bytes) = tessera_store::Store::get(&ns.store, &ns.output("short.png")?).await?;
        ensure!(bytes == expected.bytes, "the output stays");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_applies_a_file_waits_and_sees_it_complete() -> Result<()> {
    with_namespace("user", async |ns| {
        ns.put_source("small.png", &picture::file(200, 100, RGB, OutputFormat::Png)?).await?;
        let file = format!(
            "apiVersion: tessera.dev/v1alpha1\nkind: ImageJob\nmetadata: {{name: user}}\nspec:\n  source: {{uri: \
             {}}}\n  operations:\n  - invert: {{}}\n  output: {{uri: {}}}\n",
            ns.source("small.png")?,
            ns.output("small.tif")?
        );
        let applied = kubectl(&ns.name, &["apply", "-f", "-"], &file).await?;
        ensure!(applied.ok, "{applied:?}");
        let finished = ["wait", "--for=condition=Finished", "ij/user", "--timeout=2m"];
        let waited = kubectl(&ns.name, &finished, "").await?;
        ensure!(waited.ok, "{waited:?}");
        let listed = kubectl(&ns.name, &["get", "ij", "user"], "").await?;
        let lines: Vec<Vec<&str>> =
            listed.out.lines().map(|line| line.split_whitespace().collect()).collect();
        let [head, row] = &lines[..] else { anyhow::bail!("{listed:?}") };
        ensure!(*head == ["NAME", "STATUS", "PROGRESS", "TILES", "POOL", "AGE"], "{head:?}");
        ensure!(row[..5] == ["user", "Complete", "100%", "1/1", "default"], "{row:?}");
        let again = kubectl(&ns.name, &["apply", "-f", "-"], &file).await?;
        ensure!(again.out.contains("unchanged"), "{again:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_without_slots_lets_jobs_wait_until_it_is_scaled() -> Result<()> {
    with_namespace("scale", async |ns| {
        let scale = |slots: &'static str| [["scale", "wp/default"].as_slice(), &[slots]].concat();
        let scaled = kubectl(&ns.name, &scale("--replicas=0"), "").await?;
        ensure!(scaled.ok, "{scaled:?}");
        let source = picture::file(200, 100, RGB, OutputFormat::Png)?;
        ns.put_source("small.png", &source).await?;
        let job = ns.job("waits", "small.png", "small.tif", "")?;
        ns.create_job(&job).await?;
        ns.wait_for("waits", "waits for slots", 30, |job| {
            status(job).reason.as_deref() == Some("WaitingForSlots") && status(job).demand == Some(1)
        })
        .await?;
        ns.expect_no_pod_ever().await?;
        let scaled = kubectl(&ns.name, &scale("--replicas=1"), "").await?;
        ensure!(scaled.ok, "{scaled:?}");
        let ended = ns.wait_finished("waits", PATIENCE).await?;
        ns.expect_complete(&ended, &local::run(&job, &source).await?).await
    })
    .await
}
