//! What the figures were measured on.

use crate::lab::Lab;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;
use serde::Serialize;
use tessera_api::ImageJob;
use tessera_e2e::Result;

/// The machine and what ran on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) nodes: usize,
    pub(crate) kubernetes: String,
    pub(crate) runtime: String,
    /// Name and version of each part.
    pub(crate) versions: Vec<String>,
    /// Processes that wanted a processor during the minute before the first experiment.
    pub(crate) load: f64,
    /// ImageJobs of others in the cluster at that time.
    pub(crate) other_jobs: usize,
}

/// Looks.
pub(crate) async fn look(lab: &Lab<'_>, versions: &[String]) -> Result<Machine> {
    let nodes = Api::<Node>::all(lab.ns.client.clone()).list(&ListParams::default()).await?.items;
    let info = nodes.first().and_then(|node| node.status.clone()?.node_info).unwrap_or_default();
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let kib: f64 = field(&text("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    let jobs = Api::<ImageJob>::all(lab.ns.client.clone()).list(&ListParams::default()).await?;
    let open =
        jobs.iter().filter(|job| job.status.as_ref().is_none_or(|status| status.completion_time.is_none()));
    Ok(Machine {
        processor: field(&text("/proc/cpuinfo"), "model name"),
        processors: std::thread::available_parallelism()?.get(),
        memory_gib: kib / f64::from(1 << 20),
        kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        nodes: nodes.len(),
        kubernetes: info.kubelet_version,
        runtime: info.container_runtime_version,
        versions: versions.to_vec(),
        load: text("/proc/loadavg").split(' ').next().and_then(|one| one.parse().ok()).unwrap_or(0.0),
        other_jobs: open.count(),
    })
}
