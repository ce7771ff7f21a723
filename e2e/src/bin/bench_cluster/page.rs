//! Writes the page, its pictures and the raw figures, and prints the tables. It computes nothing but what a table shows.

use crate::calls::Calls;
use crate::figures::{Sample, say};
use crate::machine::Machine;
use crate::moments::Moments;
use crate::overhead::{Overhead, Small};
use crate::peers::Peers;
use crate::scaling::Scaling;
use crate::steps::Step;
use crate::{Report, chart};
use anyhow::Context as _;
use std::path::Path;
use tessera_e2e::Result;

/// Load above which the figures are those of a busy machine.
const BUSY: f64 = 1.0;

/// Goals in seconds.
const OVERHEAD_GOAL: f64 = 6.0;
const SMALL_GOAL: f64 = 4.0;

/// Writes everything into `folder`.
pub(crate) fn write(report: &Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let save = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())
    };
    save("fleet.json", &(serde_json::to_string(report)? + "\n"))?;
    save("fleet-scaling.svg", &chart::scaling(&report.scaling.rows))?;
    if let Some(run) = shown(&report.scaling) {
        save("fleet-timeline.svg", &chart::timeline(run))?;
    }
    let text = page(report);
    save("fleet.md", &text)?;
    say("");
    say(&text);
    say(&format!("written: {}", folder.join("fleet.md").display()));
    Ok(())
}

/// The run whose pods are shown: the middle one of four slots.
fn shown(scaling: &Scaling) -> Option<&Moments> {
    let row = scaling.rows.iter().find(|row| row.slots == 4)?;
    let middle = row.seconds.median();
    row.runs.iter().min_by(|a, b| (a.finished - middle).abs().total_cmp(&(b.finished - middle).abs()))
}

fn page(report: &Report) -> String {
    let mut sections = vec![
        "<!-- Written by `make bench-cluster`. Do not edit. -->\n\n# More slots, more speed\n".to_owned(),
        summary(report),
        scaling(&report.scaling),
        inside(&report.scaling),
        overhead(&report.overhead),
        small(&report.small),
        peers(&report.peers),
        calls(&report.calls),
        "## Many\n\nHundreds and thousands of ImageJobs at once: [many.md](many.md).\n".to_owned(),
        method(report),
        machine(&report.machine, report.quick),
    ];
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn summary(report: &Report) -> String {
    let Report { scaling, overhead, small, peers, .. } = report;
    let last = scaling.rows.last();
    let scale = last.map_or_else(String::new, |row| {
        format!(
            "- {} slots are {:.2} times as fast as one (efficiency {:.0} %).\n",
            row.slots,
            row.speedup,
            row.efficiency * 100.0
        )
    });
    let beside = overhead.cluster.median() - overhead.local.median();
    let busy = if report.machine.load > BUSY {
        "**Measured on a busy machine: the absolute figures are too high.**\n\n"
    } else {
        ""
    };
    let mut text = format!(
        "{busy}{scale}- A distributed job costs {beside:.1} s more than `tessera run` of the same (goal: {OVERHEAD_GOAL:.0} s \
         at most).\n- An image of 12 MP is finished {:.1} s after `kubectl apply` (goal: {SMALL_GOAL:.0} s at most).\n",
        small.cluster.median()
    );
    if !peers.dask.0.is_empty() {
        let ratio = peers.dask.median() / peers.cluster.median();
        text += &format!(
            "- A large image takes {:.1} s on the cluster, {:.1} s by `tessera run` and {:.1} s by dask.distributed on the \
             same {} processors: the cluster is {ratio:.1} times as fast as dask.\n",
            peers.cluster.median(),
            peers.local.median(),
            peers.dask.median(),
            peers.processors
        );
    }
    text
}

fn scaling(scaling: &Scaling) -> String {
    let mut text = format!(
        "## The same job with more slots\n\n{} pixels RGB, deflate TIFF, `grayscale > gaussianBlur 1.5 > sobel`, deflate TIFF; \
         {} shards whatever the slots; each worker may use {} of a processor, so that two processors do for eight. Seconds \
         from `kubectl apply` to Finished: median (least to most).\n\n| slots | runs | seconds | speed | efficiency T1 / (n Tn) | of the \
         stage `tiles` alone |\n| --- | --- | --- | --- | --- | --- |\n",
        scaling.pixels, scaling.shards, scaling.limit
    );
    let one = scaling.rows.first().map_or(0.0, |row| tiles(&row.runs).median());
    for row in &scaling.rows {
        let alone = one / tiles(&row.runs).median() / f64::from(row.slots);
        text += &format!(
            "| {} | {} | {} | {:.2} x | {:.0} % | {:.0} % |\n",
            row.slots,
            row.seconds.0.len(),
            row.seconds.text(),
            row.speedup,
            row.efficiency * 100.0,
            alone * 100.0
        );
    }
    text + "\n![Slots against speed](fleet-scaling.svg)\n"
}

/// Seconds of the stage `tiles`: from its Job to the last answer that one of its workers got.
fn tiles(runs: &[Moments]) -> Sample {
    let of = |run: &Moments| {
        let stage = run.stages.first()?;
        let end = stage.pods.iter().map(|pod| pod.last_answer).fold(stage.created, f64::max);
        Some(end - stage.created)
    };
    runs.iter().filter_map(of).collect()
}

fn inside(scaling: &Scaling) -> String {
    let most = scaling.rows.last().map_or(0, |row| row.slots);
    format!(
        "## Where the time goes\n\n![The pods of a run](fleet-timeline.svg)\n\nThe steps of the runs with {most} slots (each begins \
         where the one before has ended), in milliseconds:\n\n{}\nBetween two pods of one slot, all runs together:\n\n{}",
        steps(scaling.steps.iter().chain(&scaling.beside)),
        steps(&scaling.gaps)
    )
}

fn steps<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let mut text = "| step | median (ms) | least to most |\n| --- | --- | --- |\n".to_owned();
    for step in steps {
        let figures = step.seconds.millis();
        let cells = if figures.contains('|') { figures } else { format!("{figures} |") };
        text += &format!("| {} | {cells} |\n", step.name);
    }
    text
}

fn overhead(overhead: &Overhead) -> String {
    let (cluster, local) = (&overhead.cluster, &overhead.local);
    format!(
        "## What a distributed job costs beside its pixels\n\nTwo shards and an assembly with next to no work, no limit on \
         processor time, {} runs of each in turn: {} s on the cluster, {} s by `tessera run`; the difference of the medians \
         is **{:.1} s** (goal: {OVERHEAD_GOAL:.0} s at most).\n\n{}",
        cluster.0.len(),
        cluster.text(),
        local.text(),
        cluster.median() - local.median(),
        steps(overhead.steps.iter().chain(&overhead.beside))
    )
}

fn small(small: &Small) -> String {
    format!(
        "## An image of 12 MP\n\n4,000 x 3,000 pixels, JPEG, `sobel`, PNG, one pod, on an idle cluster with the worker's image \
         present, {} runs: **{}** s from `kubectl apply` to Finished (goal: {SMALL_GOAL:.0} s at most); {} s by `tessera \
         run`.\n\n{}",
        small.cluster.0.len(),
        small.cluster.text(),
        small.local.text(),
        steps(small.steps.iter().chain(&small.beside))
    )
}

fn peers(peers: &Peers) -> String {
    let pixels =
        peers.pixels.split('x').filter_map(|side| side.trim().parse::<f64>().ok()).product::<f64>() / 1e6;
    let mut text = format!(
        "## Against one process and against dask\n\n{} pixels RGB, deflate TIFF, the same chain, deflate TIFF, {} processors each, \
         {} runs of each in turn.\n\n| by | seconds | MP/s | against `tessera run` |\n| --- | --- | --- | --- |\n",
        peers.pixels,
        peers.processors,
        peers.cluster.0.len()
    );
    let rows = [
        ("the cluster, from `kubectl apply` to Finished", &peers.cluster),
        ("`tessera run`, local files", &peers.local),
        ("dask.distributed, local files, whole process", &peers.dask),
        ("the same without starting Python and its processes", &peers.dask_compute),
    ];
    for (by, seconds) in rows.into_iter().filter(|(_, seconds)| !seconds.0.is_empty()) {
        text += &format!(
            "| {by} | {} | {:.0} | {:.2} x |\n",
            seconds.text(),
            pixels / seconds.median(),
            seconds.median() / peers.local.median()
        );
    }
    let Some(agreement) = peers.agreement else { return text };
    text + &format!(
        "\nThe files of the cluster and of `tessera run` are identical byte for byte. Dask's pixels: {:.4} % are within one \
         level of ours, the largest difference is {}.\n",
        agreement.within * 100.0,
        agreement.largest
    )
}

fn calls(all: &[Calls]) -> String {
    let mut text = "## Calls for each job\n\nOf the operator to the API server (its metric `tessera_api_requests_total`; watches are \
                    opened anew every 45 s and stand apart) and to the store, from before `kubectl apply` until after the job's deletion; of the \
                    workers to the store. On average over equal jobs.\n\n| job | jobs | API calls | of these | watches | store calls of the \
                    operator | store calls of the workers |\n| --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for one in all {
        let mut parts: Vec<(&String, &f64)> = one.api.iter().collect();
        parts.sort_by(|a, b| b.1.total_cmp(a.1));
        let parts: Vec<String> =
            parts.into_iter().map(|(name, count)| format!("{name} {count:.1}")).collect();
        text += &format!(
            "| {} | {} | {:.0} | {} | {:.1} | {:.0} | {:.0} |\n",
            one.what,
            one.jobs,
            one.api_total(),
            parts.join(", "),
            one.watches,
            one.store_total(),
            one.workers_total()
        );
    }
    text
}

fn method(report: &Report) -> String {
    let Report { scaling, small, overhead, .. } = report;
    let bytes = |runs: &[Moments]| runs.iter().map(|run| run.status_bytes).max().unwrap_or(0);
    let versions = |runs: &[Moments]| runs.iter().map(|run| run.versions as f64).collect::<Sample>().median();
    let all: Vec<Moments> = scaling.rows.iter().flat_map(|row| row.runs.clone()).collect();
    format!(
        "The last status of an ImageJob has at most {} bytes of JSON for one pod, {} for two shards and {} for {} shards; the \
         ImageJob is written {:.0}, {:.0} and {:.0} times.\n\n## How it was measured\n\n`make bench-cluster` builds, installs, runs and writes \
         this page. The times inside Kubernetes' objects have whole seconds; so a program beside the cluster watches \
         ImageJobs, Jobs and pods, and takes its own clock at each change. What happens inside pods follows from the access \
         log of the S3 server, which is one of the program's own: each pod has its own address. A step's time includes what the \
         watch needs to tell of it. Source and scratch are on the disk of the same machine, and the control plane and the S3 server share \
         its processors with the workers. Every output is compared by SHA-256 with the one of another run, or of `tessera run`. Dask \
         has one process for each processor; each reads its own chunks with tifffile, computes them with OpenCV and compresses \
         them with libdeflate at level 6. Raw figures: [fleet.json](fleet.json).\n",
        bytes(&small.runs),
        bytes(&overhead.runs),
        bytes(&all),
        scaling.shards,
        versions(&small.runs),
        versions(&overhead.runs),
        versions(&all),
    )
}

fn machine(machine: &Machine, quick: bool) -> String {
    let trial = if quick { "\nA trial (`QUICK=1`): fewer and smaller runs.\n" } else { "" };
    format!(
        "## The machine\n\n| | |\n| --- | --- |\n| processors | {}, {} |\n| memory | {:.0} GiB |\n| kernel | {} |\n| cluster | {} nodes on \
         this machine, Kubernetes {}, {} |\n| versions | {} |\n| load before | {:.2}, {} other ImageJobs |\n{trial}",
        machine.processors,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.nodes,
        machine.kubernetes,
        machine.runtime,
        machine.versions.join(", "),
        machine.load,
        machine.other_jobs
    )
}
