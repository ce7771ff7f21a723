//! Formats that take a way of their own through the cluster: sources that are only read from their beginning, JPEG in
//! bands and WebP.

use anyhow::{Result, ensure};
use tessera_core::output::OutputFormat;
use tessera_e2e::picture::{self, GRAY, RGB, RGBA};
use tessera_e2e::work::{sharded, status};
use tessera_e2e::{Namespace, local, with_namespace};

/// Seconds that a job may take on a machine that does other things as well.
const PATIENCE: u64 = 120;

const CHAIN: &str = "operations: [{gaussianBlur: {sigma: 2}}, {invert: {}}]";

/// Runs a job on `source` in `shards` shards, and expects the bytes of one machine; the stages that it took.
async fn in_shards(ns: &Namespace, source: &[u8], output: &str, shards: u32) -> Result<u32> {
    ns.put_source(&format!("{output}-source"), source).await?;
    let name = output.replace('.', "-");
    let job = sharded(ns.job(&name, &format!("{output}-source"), output, CHAIN)?, shards);
    ns.create_job(&job).await?;
    let expected = local::run(&job, source).await?;
    let job = ns.wait_finished(&name, PATIENCE).await?;
    ns.expect_complete(&job, &expected).await?;
    Ok(status(&job).stage.unwrap_or_default().of)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_read_from_its_beginning_is_split_and_then_shared() -> Result<()> {
    with_namespace("split", async |ns| {
        let jpeg = picture::file(4000, 3000, RGB, OutputFormat::Jpeg { quality: 90 })?;
        ensure!(in_shards(ns, &jpeg, "photograph.tif", 3).await? == 3, "split, tiles, assemble");
        let png = picture::file(3000, 2500, RGBA, OutputFormat::Png)?;
        ensure!(in_shards(ns, &png, "drawing.png", 3).await? == 3, "split, tiles, assemble");
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jpeg_in_shards_gives_the_bytes_of_one_machine() -> Result<()> {
    with_namespace("bands-jpeg", async |ns| {
        for (pixel, output) in [(RGB, "colour.jpg"), (GRAY, "gray.jpg")] {
            let source = picture::file(4000, 3000, pixel, picture::PLAIN)?;
            ensure!(in_shards(ns, &source, output, 4).await? == 2, "tiles, assemble");
        }
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webp_is_the_work_of_one_pod_however_many_shards_are_asked_for() -> Result<()> {
    with_namespace("webp", async |ns| {
        let source = picture::file(1500, 1000, RGBA, picture::DEFLATE)?;
        ensure!(in_shards(ns, &source, "sticker.webp", 4).await? == 1, "whole");
        ns.wait_nothing_left(30).await
    })
    .await
}
