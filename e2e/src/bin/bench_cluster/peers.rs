//! The same large job by the cluster, by `tessera run` and by dask.distributed, in turn, on all processors of this machine.
//! The files are compared before the times count.

use crate::figures::{Sample, now, say};
use crate::lab::{CHAIN, Lab, Run, Task};
use crate::moments::Moments;
use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tessera_core::record::sha256;
use tessera_e2e::Result;
use tokio::process::Command;

const POOL: &str = "cores";

/// Seconds by each.
#[derive(Debug, Serialize)]
pub(crate) struct Peers {
    pub(crate) processors: usize,
    pub(crate) pixels: String,
    /// From `kubectl apply` to Finished.
    pub(crate) cluster: Sample,
    /// The process.
    pub(crate) local: Sample,
    /// The process; none without Python.
    pub(crate) dask: Sample,
    /// Of these, from the moment when its own processes were up.
    pub(crate) dask_compute: Sample,
    pub(crate) agreement: Option<Agreement>,
    pub(crate) runs: Vec<Moments>,
}

/// How dask's pixels agree with ours.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Agreement {
    /// Share of pixels within one level.
    pub(crate) within: f64,
    pub(crate) largest: u32,
}

/// What dask_chain.py measured.
#[derive(Debug, Deserialize)]
struct Measured {
    compute: f64,
}

/// A run on this machine.
pub(crate) struct Here {
    pub(crate) seconds: f64,
    pub(crate) sha256: String,
}

impl Lab<'_> {
    /// Where a file of the lab's folder is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs the task by `tessera run` on the same picture, and removes the file unless `keep` gives it a name.
    pub(crate) async fn run_here(&self, task: &Task, keep: Option<&str>) -> Result<Here> {
        let output = self.path(keep.unwrap_or(&task.output));
        let uri = |path: &Path| format!("file://{}", path.display());
        let document = self.path("job.yaml");
        tokio::fs::write(&document, task.document(&uri(&self.path(task.source)), &uri(&output))).await?;
        let (seconds, _) = timed(Command::new(&self.tessera).arg("run").arg(&document)).await?;
        let sha256 = sha256(&tokio::fs::read(&output).await?);
        if keep.is_none() {
            tokio::fs::remove_file(&output).await?;
        }
        Ok(Here { seconds, sha256 })
    }

    async fn dask(&self, python: &Path, task: &Task, processors: usize) -> Result<(f64, f64)> {
        let mut command = Command::new(python);
        command.arg(self.peers.join("dask_chain.py")).arg(self.path(task.source)).arg(self.path("dask.tif"));
        let (seconds, printed) = timed(command.arg(processors.to_string())).await?;
        let measured: Measured = serde_json::from_str(printed.trim())?;
        Ok((seconds, measured.compute))
    }
}

/// Runs a command: the seconds from start to end, and what it printed.
async fn timed(command: &mut Command) -> Result<(f64, String)> {
    let start = now();
    let output = command.kill_on_drop(true).output().await?;
    let seconds = now() - start;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok((seconds, String::from_utf8(output.stdout)?))
}

/// Runs all, `times` times in turn.
pub(crate) async fn compare(lab: &Lab<'_>, python: Option<&Path>, times: u32) -> Result<Peers> {
    let processors = std::thread::available_parallelism()?.get();
    say(&format!("  the cluster, tessera run and dask.distributed, {processors} processors"));
    lab.pool(POOL, u32::try_from(processors)?, Some("1")).await?;
    let task = task();
    let mut peers = Peers {
        processors,
        pixels: String::new(),
        cluster: Sample::default(),
        local: Sample::default(),
        dask: Sample::default(),
        dask_compute: Sample::default(),
        agreement: None,
        runs: Vec::new(),
    };
    for _ in 0..times {
        round(lab, &task, python, &mut peers).await?;
    }
    let size = peers_size(lab, &task).await?;
    for name in ["here.tif", "dask.tif"] {
        drop(tokio::fs::remove_file(lab.path(name)).await);
    }
    Ok(Peers { pixels: size, ..peers })
}

/// The job with the planner's own choice of shards.
fn task() -> Task {
    Task {
        name: "large".to_owned(),
        pool: POOL,
        source: "large.tif",
        operations: CHAIN,
        output: "large-result.tif".to_owned(),
        format: "tiff: {tile: 512, compression: deflate}, ",
        shards: None,
    }
}

async fn round(lab: &Lab<'_>, task: &Task, python: Option<&Path>, peers: &mut Peers) -> Result<()> {
    let Run { moments, sha256 } = lab.run(task).await?;
    let here = lab.run_here(task, Some("here.tif")).await?;
    say(&format!("      {:24} {:7.2} s", "tessera run", here.seconds));
    ensure!(here.sha256 == sha256, "the cluster's file is not that of this machine");
    peers.cluster.0.push(moments.finished);
    peers.local.0.push(here.seconds);
    peers.runs.push(moments);
    let Some(python) = python else { return Ok(()) };
    let (all, compute) = lab.dask(python, task, peers.processors).await?;
    say(&format!("      {:24} {all:7.2} s", "dask.distributed"));
    if peers.agreement.is_none() {
        peers.agreement = Some(agreement(lab, python).await?);
    }
    peers.dask.0.push(all);
    peers.dask_compute.0.push(compute);
    Ok(())
}

/// Compares the two files that were just made.
async fn agreement(lab: &Lab<'_>, python: &Path) -> Result<Agreement> {
    let mut command = Command::new(python);
    command.arg(lab.peers.join("agreement.py")).arg(lab.path("here.tif")).arg(lab.path("dask.tif"));
    let (_, printed) = timed(&mut command).await?;
    let found: Agreement = serde_json::from_str(printed.trim())?;
    ensure!(found.within > 0.999, "dask computes something else: {found:?}");
    Ok(found)
}

/// The picture's width and height, as the source's header says.
async fn peers_size(lab: &Lab<'_>, task: &Task) -> Result<String> {
    let probed = tessera_probe::probe(&lab.ns.store, &lab.ns.source(task.source)?).await;
    let size = probed.context("the large picture")?.image.extent.size;
    Ok(size.to_string())
}
