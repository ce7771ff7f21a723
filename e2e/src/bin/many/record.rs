//! What was measured, in the form in which it is kept. No IO but reading and writing its file.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One measurement.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    /// `real`, `jobs` or `tiles`.
    pub(crate) part: String,
    /// Which state of the code it is of.
    pub(crate) of: String,
    pub(crate) machine: String,
    pub(crate) jobs: usize,
    pub(crate) namespaces: usize,
    pub(crate) slots: u32,
    /// What happened, and how many seconds after the first job was created.
    pub(crate) phases: Vec<(String, f64)>,
    pub(crate) complete: usize,
    pub(crate) fairness: Vec<Pool>,
    /// Median and largest bytes of a finished job's status as JSON.
    pub(crate) status_bytes: (usize, usize),
    pub(crate) operator: Operator,
    /// Calls of the API server from all its clients: verb, resource, and how many.
    pub(crate) requests: Vec<(String, String, f64)>,
    /// Calls that the operator itself counts, by their labels.
    pub(crate) operator_requests: Vec<(String, f64)>,
    /// MiB of etcd's database before and after.
    pub(crate) etcd_mib: (f64, f64),
    pub(crate) samples: Vec<Sample>,
}

/// How fairly a pool's slots came to its jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pool {
    pub(crate) jobs: usize,
    pub(crate) most_overtaken: usize,
    pub(crate) mean_overtaken: f64,
    pub(crate) median_wait: f64,
    pub(crate) longest_wait: f64,
}

/// The operator over all of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operator {
    pub(crate) peak_mib: f64,
    pub(crate) restarts: i32,
    pub(crate) counters: Counters,
}

/// What the operator counts, since it started or between two looks.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counters {
    /// Reconciles of ImageJobs, and their seconds.
    pub(crate) jobs: (f64, f64),
    /// Reconciles of WorkerPools, and their seconds.
    pub(crate) pools: (f64, f64),
    pub(crate) failures: f64,
    /// Calls of the API server, where they are counted.
    pub(crate) requests: f64,
}

/// One look at everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sample {
    /// Seconds since the first job was created.
    pub(crate) at: f64,
    /// Jobs that are created, accepted, started, finished, released.
    pub(crate) jobs: [usize; 5],
    pub(crate) operator: Counters,
    /// MiB of memory and seconds of processor so far of each program.
    pub(crate) programs: BTreeMap<String, (f64, f64)>,
}

impl Run {
    /// Reads a measurement.
    pub(crate) fn read(path: &Path) -> Result<Run> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no measurement", path.display()))
    }

    /// Writes it, one sample to a line.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let samples: Vec<String> =
            self.samples.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let rest = serde_json::to_string_pretty(&Run { samples: Vec::new(), ..self.clone() })?;
        let lines = format!("\"samples\": [\n{}\n]", samples.join(",\n"));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, rest.replace("\"samples\": []", &lines) + "\n")?;
        Ok(())
    }
}

/// A figure with two digits behind the point: more say nothing.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
