//! The same job at 1, 2, 4 and 8 slots, each worker with a limit on processor time so small that two cores are enough
//! for all of them. The number of shards is fixed, so that only the slots differ.

use crate::calls::{Calls, Counter};
use crate::figures::{Sample, say};
use crate::lab::{CHAIN, Lab, Task};
use crate::moments::Moments;
use crate::steps::{Step, beside, gaps, steps};
use anyhow::{Context as _, ensure};
use serde::Serialize;
use tessera_e2e::Result;

const POOL: &str = "limited";

/// Processor time of a worker.
pub(crate) const LIMIT: &str = "100m";

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Scaling {
    pub(crate) limit: &'static str,
    pub(crate) pixels: String,
    pub(crate) shards: u32,
    pub(crate) rows: Vec<Row>,
    /// Of the runs with the most slots.
    pub(crate) steps: Vec<Step>,
    pub(crate) beside: Vec<Step>,
    /// Of all runs.
    pub(crate) gaps: Vec<Step>,
    pub(crate) calls: Calls,
}

/// The runs with one number of slots.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) slots: u32,
    pub(crate) seconds: Sample,
    /// Time of one slot divided by that of these.
    pub(crate) speedup: f64,
    /// The speedup divided by the number of slots.
    pub(crate) efficiency: f64,
    pub(crate) runs: Vec<Moments>,
}

/// Runs it all: the most slots first, since those runs are short and show early whether something is wrong.
pub(crate) async fn measure(lab: &Lab<'_>, quick: bool) -> Result<Scaling> {
    let (source, shards, pixels) =
        if quick { ("quick.tif", 16, "8,192 x 8,192") } else { ("wide.tif", 32, "16,384 x 8,192") };
    say(&format!("  {pixels} pixels in {shards} shards, {LIMIT} of a processor for each worker"));
    lab.pool(POOL, 8, Some(LIMIT)).await?;
    let times: [(u32, usize); 4] =
        if quick { [(8, 1), (4, 1), (2, 1), (1, 1)] } else { [(8, 3), (4, 3), (2, 2), (1, 1)] };
    let counter = Counter::start(lab).await?;
    let mut measured = Vec::new();
    let mut expected: Option<String> = None;
    for (slots, times) in times {
        lab.scale(POOL, slots).await?;
        let mut runs = Vec::new();
        for time in 0..times {
            let run = lab.run(&task(source, shards, slots, time)).await?;
            let same = expected.get_or_insert_with(|| run.sha256.clone()) == &run.sha256;
            ensure!(same, "{slots} slots made another file");
            runs.push(run.moments);
        }
        measured.push((slots, runs));
    }
    let jobs = u32::try_from(measured.iter().map(|(_, runs)| runs.len()).sum::<usize>())?;
    let calls = counter.stop(lab, &format!("{shards} shards"), jobs).await?;
    let all: Vec<Moments> = measured.iter().flat_map(|(_, runs)| runs.clone()).collect();
    let most = measured.first().map(|(_, runs)| runs.clone()).unwrap_or_default();
    let (steps, beside, gaps) = (steps(&most), beside(&most), gaps(&all));
    Ok(Scaling {
        limit: LIMIT,
        pixels: pixels.to_owned(),
        shards,
        rows: rows(measured)?,
        steps,
        beside,
        gaps,
        calls,
    })
}

fn task(source: &'static str, shards: u32, slots: u32, time: usize) -> Task {
    Task {
        name: format!("slots-{slots}-{time}"),
        pool: POOL,
        source,
        operations: CHAIN,
        output: "scaling.tif".to_owned(),
        format: "tiff: {tile: 256, compression: deflate}, ",
        shards: Some(shards),
    }
}

/// From the fewest slots to the most.
fn rows(mut measured: Vec<(u32, Vec<Moments>)>) -> Result<Vec<Row>> {
    measured.sort_by_key(|(slots, _)| *slots);
    let seconds = |runs: &[Moments]| runs.iter().map(|run| run.finished).collect::<Sample>();
    let one = measured.first().map(|(_, runs)| seconds(runs).median()).context("one slot was measured")?;
    let row = |(slots, runs): (u32, Vec<Moments>)| {
        let seconds = seconds(&runs);
        let speedup = one / seconds.median();
        Row { slots, speedup, efficiency: speedup / f64::from(slots), seconds, runs }
    };
    Ok(measured.into_iter().map(row).collect())
}
