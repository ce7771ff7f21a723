//! What a job costs beside its pixels: a tiny job in two shards against `tessera run`, and an image of 12 MP as one pod.

use crate::calls::{Calls, Counter};
use crate::figures::{Sample, say};
use crate::lab::{CHAIN, Lab, Task};
use crate::moments::Moments;
use crate::steps::{Step, beside, steps};
use anyhow::ensure;
use serde::Serialize;
use tessera_e2e::Result;

/// The pool of these jobs.
const POOL: &str = "free";

/// Two shards and an assembly with next to no work.
#[derive(Debug, Serialize)]
pub(crate) struct Overhead {
    /// Seconds from `kubectl apply` to Finished.
    pub(crate) cluster: Sample,
    /// Seconds of the process `tessera run` with the same job.
    pub(crate) local: Sample,
    pub(crate) steps: Vec<Step>,
    pub(crate) beside: Vec<Step>,
    pub(crate) calls: Calls,
    pub(crate) runs: Vec<Moments>,
}

/// One image of 12 MP.
#[derive(Debug, Serialize)]
pub(crate) struct Small {
    pub(crate) cluster: Sample,
    pub(crate) local: Sample,
    pub(crate) steps: Vec<Step>,
    pub(crate) beside: Vec<Step>,
    pub(crate) calls: Calls,
    pub(crate) runs: Vec<Moments>,
}

struct Both {
    cluster: Sample,
    local: Sample,
    calls: Calls,
    runs: Vec<Moments>,
}

/// The tiny job, `times` times on the cluster and on this machine in turn.
pub(crate) async fn fixed(lab: &Lab<'_>, times: u32) -> Result<Overhead> {
    say("  fixed overhead: 2 shards and an assembly with next to no work");
    let task = Task {
        name: "tiny".to_owned(),
        pool: POOL,
        source: "tiny.tif",
        operations: CHAIN,
        output: "tiny-result.tif".to_owned(),
        format: "tiff: {tile: 256, compression: deflate}, ",
        shards: Some(2),
    };
    let Both { cluster, local, calls, runs } = both(lab, &task, times).await?;
    Ok(Overhead { cluster, local, steps: steps(&runs), beside: beside(&runs), calls, runs })
}

/// The image of 12 MP, `times` times. It makes the pool, and one run before the others loads images and connections.
pub(crate) async fn small(lab: &Lab<'_>, times: u32) -> Result<Small> {
    say("  one image of 12 MP, JPEG to PNG");
    lab.pool(POOL, 4, None).await?;
    let task = Task {
        name: "small".to_owned(),
        pool: POOL,
        source: "small.jpg",
        operations: "[{sobel: {}}]",
        output: "small.png".to_owned(),
        format: "",
        shards: None,
    };
    lab.run(&task).await?;
    let Both { cluster, local, calls, runs } = both(lab, &task, times).await?;
    Ok(Small { cluster, local, steps: steps(&runs), beside: beside(&runs), calls, runs })
}

async fn both(lab: &Lab<'_>, task: &Task, times: u32) -> Result<Both> {
    let (mut local, mut runs) = (Sample::default(), Vec::new());
    let counter = Counter::start(lab).await?;
    for _ in 0..times {
        let run = lab.run(task).await?;
        let here = lab.run_here(task, None).await?;
        ensure!(run.sha256 == here.sha256, "{}: the cluster's file is not that of this machine", task.name);
        local.0.push(here.seconds);
        runs.push(run.moments);
    }
    let calls = counter.stop(lab, &task.name, times).await?;
    Ok(Both { cluster: runs.iter().map(|run| run.finished).collect(), local, calls, runs })
}
