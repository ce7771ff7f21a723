//! Memory and processor time of the programs of the cluster, as the kernel counts them: all run on this machine.
//! It reads only.

use crate::record::rounded;
use std::collections::BTreeMap;
use std::fs;

/// The programs that are looked at.
const PROGRAMS: [&str; 8] = [
    "tessera-operator",
    "kube-apiserver",
    "etcd",
    "kube-controller-manager",
    "kube-scheduler",
    "versitygw",
    "kwok",
    "many",
];

/// Ticks of a second of processor time: the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// MiB of resident memory and seconds of processor time of each program that runs.
pub(crate) fn usage() -> BTreeMap<String, (f64, f64)> {
    let mut all: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (id, name) in processes() {
        let used = all.entry(name).or_default();
        used.0 = rounded(used.0 + memory(id, "VmRSS:"));
        used.1 = rounded(used.1 + processor(id));
    }
    all
}

/// The most MiB of memory that a program had since it started.
pub(crate) fn peak(program: &str) -> f64 {
    let of_it = processes().into_iter().filter(|(_, name)| name == program);
    of_it.map(|(id, _)| memory(id, "VmHWM:")).fold(0.0, f64::max)
}

/// What this machine is.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|line| line.trim_start_matches([' ', '\t', ':']).to_owned());
    let memory = read("/proc/meminfo");
    let total: f64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0.0);
    format!(
        "{cores} cores ({}), {:.0} GiB of memory, Linux {}",
        model.unwrap_or_else(|| "unknown".to_owned()),
        total / f64::from(1 << 20),
        read("/proc/sys/kernel/osrelease").trim()
    )
}

/// Identifier and name of the processes of these programs.
fn processes() -> Vec<(u32, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id| program(id).map(|name| (id, name))).collect()
}

fn program(id: u32) -> Option<String> {
    let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let first = String::from_utf8_lossy(command.split(|byte| *byte == 0).next()?).into_owned();
    let name = first.rsplit('/').next().unwrap_or_default();
    PROGRAMS.contains(&name).then(|| name.to_owned())
}

fn memory(id: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib: f64 =
        line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

fn processor(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit(") ").next().map(|rest| rest.split(' ').collect()).unwrap_or_default();
    // utime and stime, the 14th and 15th field, of which the first two are cut off.
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS
}
