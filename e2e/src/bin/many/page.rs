//! The page of the measurements, from their JSON alone. What they mean is written by hand, in `notes.md` of the same
//! folder, and follows them.

use crate::picture;
use crate::record::{Pool, Run};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Rows of the table of calls.
const CALLS: usize = 8;

/// Writes the page beside `folder`, and a picture of each measurement into it.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut text =
        "<!-- Written by `make bench-many`. Do not edit. -->\n\n# Many jobs, and many tiles\n".to_owned();
    for path in measurements(folder)? {
        let run = Run::read(&path)?;
        let image = path.with_extension("svg");
        fs::write(&image, picture::over_time(&run))?;
        let name = image.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        text += &section(&run, &format!("many/{name}"));
    }
    text +=
        &fs::read_to_string(folder.join("notes.md")).map(|notes| format!("\n{notes}")).unwrap_or_default();
    fs::write(folder.with_extension("md"), text)?;
    Ok(())
}

/// The measurements of the folder: real images first, the one job of many tiles last.
fn measurements(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    let rank = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (!name.starts_with("real"), name)
    };
    all.sort_by_key(rank);
    ensure!(!all.is_empty(), "{} has no measurements: make bench-many", folder.display());
    Ok(all)
}

fn section(run: &Run, image: &str) -> String {
    let parts = [heading(run), phases(run), operator(run), fairness(&run.fairness), calls(run)];
    format!("\n{}\n![Over time]({image})\n", parts.join("\n"))
}

fn heading(run: &Run) -> String {
    let what = match run.part.as_str() {
        "real" => format!(
            "## {} jobs with real images\n\nAll created at once, over {} namespaces with a pool of {} slots each; every \
             output is compared with the bytes of one machine.",
            run.jobs, run.namespaces, run.slots
        ),
        "jobs" => format!(
            "## {} jobs without pixels\n\nOver {} namespaces with a pool of {} slots each. API server, controllers, operator \
             and store are real; nodes are played by KWOK, and what workers would have written is written by a stand-in.",
            run.jobs, run.namespaces, run.slots
        ),
        _ => format!(
            "## One job of very many tiles, without pixels\n\nA pool of {} slots; nodes are played by KWOK, and what workers \
             would have written is written by a stand-in.",
            run.slots
        ),
    };
    format!(
        "{what}\n\nMeasured on {}, version {}; {} of {} jobs complete.\n",
        run.machine, run.of, run.complete, run.jobs
    )
}

fn phases(run: &Run) -> String {
    let rows: String = run.phases.iter().map(|(what, at)| format!("| {what} | {at:.1} |\n")).collect();
    format!("| what happened | after seconds |\n| --- | --- |\n{rows}")
}

fn operator(run: &Run) -> String {
    let counters = run.operator.counters;
    let seconds = run.phases.last().map_or(1.0, |(_, at)| at.max(1.0));
    let jobs = run.jobs.max(1) as f64;
    let mean = |(count, seconds): (f64, f64)| if count > 0.0 { seconds / count * 1000.0 } else { 0.0 };
    let rows = [
        ("memory at most".to_owned(), format!("{:.0} MiB", run.operator.peak_mib)),
        ("restarts".to_owned(), run.operator.restarts.to_string()),
        (
            "reconciles of ImageJobs".to_owned(),
            format!(
                "{:.0}: {:.1} each job, {:.0} a second, {:.1} ms on average",
                counters.jobs.0,
                counters.jobs.0 / jobs,
                counters.jobs.0 / seconds,
                mean(counters.jobs)
            ),
        ),
        (
            "reconciles of WorkerPools".to_owned(),
            format!("{:.0}, {:.1} ms on average", counters.pools.0, mean(counters.pools)),
        ),
        ("failed reconciles".to_owned(), format!("{:.0}", counters.failures)),
        (
            "calls of the API server".to_owned(),
            format!("{:.0}: {:.1} each job", counters.requests, counters.requests / jobs),
        ),
        (
            "status of a finished job".to_owned(),
            format!("{} bytes (median), {} at most", run.status_bytes.0, run.status_bytes.1),
        ),
        (
            "etcd's database".to_owned(),
            format!("{:.0} MiB before, {:.0} after", run.etcd_mib.0, run.etcd_mib.1),
        ),
    ];
    let rows: String = rows.into_iter().map(|(what, value)| format!("| {what} | {value} |\n")).collect();
    format!("| the operator | |\n| --- | --- |\n{rows}")
}

fn fairness(pools: &[Pool]) -> String {
    if pools.iter().all(|pool| pool.jobs < 2) {
        return String::new();
    }
    let row = |pool: &Pool| {
        format!(
            "| {} | {} | {:.1} | {:.1} | {:.1} |\n",
            pool.jobs, pool.most_overtaken, pool.mean_overtaken, pool.median_wait, pool.longest_wait
        )
    };
    let rows: String = pools.iter().map(row).collect();
    format!(
        "Fairness, a pool to a line: how many jobs from behind started before one of the queue, and the wait for the first \
         slot.\n\n| jobs | overtaken at most | on average | median wait (s) | longest (s) |\n| --- | --- | --- | --- | --- \
         |\n{rows}"
    )
}

fn calls(run: &Run) -> String {
    let row =
        |(verb, resource, count): &(String, String, f64)| format!("| {verb} {resource} | {count:.0} |\n");
    let rows: String = run.requests.iter().take(CALLS).map(row).collect();
    format!("| most frequent calls of the API server, by all its clients | |\n| --- | --- |\n{rows}")
}
