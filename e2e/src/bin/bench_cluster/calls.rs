//! How often a job makes the operator call the API server, by its own counter, and the store, by the store's access log.

use crate::figures::now;
use crate::lab::Lab;
use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde::Serialize;
use std::collections::BTreeMap;
use tessera_e2e::report::{OPERATOR_LABELS, OPERATOR_NAMESPACE};
use tessera_e2e::{Result, kubectl};

/// The counter in the operator's metrics.
const COUNTER: &str = "tessera_api_requests_total{";

/// Calls by what they are.
type Counts = BTreeMap<String, u64>;

/// Calls of one job, on average over `jobs` equal ones, from before `kubectl apply` until after its deletion.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Calls {
    pub(crate) what: String,
    pub(crate) jobs: u32,
    pub(crate) seconds: f64,
    /// `verb resource`, without watches, which are opened anew by the clock.
    pub(crate) api: BTreeMap<String, f64>,
    pub(crate) watches: f64,
    /// The operator's calls of the store, by operation.
    pub(crate) store: BTreeMap<String, f64>,
    /// The workers' calls of the store, by operation.
    pub(crate) workers: BTreeMap<String, f64>,
}

impl Calls {
    /// All calls of the API server.
    pub(crate) fn api_total(&self) -> f64 {
        self.api.values().sum()
    }

    /// All calls of the store by the operator.
    pub(crate) fn store_total(&self) -> f64 {
        self.store.values().sum()
    }

    /// All calls of the store by workers.
    pub(crate) fn workers_total(&self) -> f64 {
        self.workers.values().sum()
    }
}

/// The counts at a moment.
pub(crate) struct Counter {
    start: f64,
    before: Counts,
    operators: Vec<String>,
}

impl Counter {
    /// Counts from now on.
    pub(crate) async fn start(lab: &Lab<'_>) -> Result<Counter> {
        let pods = operators(lab).await?;
        let operators = pods.iter().filter_map(|pod| pod.status.as_ref()?.pod_ip.clone()).collect();
        Ok(Counter { start: now(), before: read(&pods).await?, operators })
    }

    /// What was counted, divided by `jobs`.
    pub(crate) async fn stop(self, lab: &Lab<'_>, what: &str, jobs: u32) -> Result<Calls> {
        let after = read(&operators(lab).await?).await?;
        let per_job = |count: u64| count as f64 / f64::from(jobs.max(1));
        let more = |(name, count): (&String, &u64)| {
            let more = count.saturating_sub(self.before.get(name).copied().unwrap_or(0));
            (more > 0).then(|| (name.clone(), per_job(more)))
        };
        let mut api: BTreeMap<String, f64> = after.iter().filter_map(more).collect();
        let watches = api.iter().filter(|(name, _)| name.starts_with("watch ")).map(|(_, count)| count).sum();
        api.retain(|name, _| !name.starts_with("watch "));
        let (mut store, mut workers) = (Counts::new(), Counts::new());
        for request in lab.access.since(self.start) {
            let counts = match request.from.as_str() {
                from if self.operators.iter().any(|one| one == from) => &mut store,
                from if is_pod(from) => &mut workers,
                _ => continue,
            };
            *counts.entry(request.operation).or_default() += 1;
        }
        let shared =
            |counts: Counts| counts.into_iter().map(|(name, count)| (name, per_job(count))).collect();
        let (store, workers) = (shared(store), shared(workers));
        Ok(Calls { what: what.to_owned(), jobs, seconds: now() - self.start, api, watches, store, workers })
    }
}

/// Whether an address is one of a pod's: this program itself calls from the cluster's bridge.
fn is_pod(address: &str) -> bool {
    address.starts_with("10.244.")
}

async fn operators(lab: &Lab<'_>) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = Api::namespaced(lab.ns.client.clone(), OPERATOR_NAMESPACE);
    Ok(pods.list(&ListParams::default().labels(OPERATOR_LABELS)).await?.items)
}

/// The counter of all replicas together.
async fn read(pods: &[Pod]) -> Result<Counts> {
    ensure!(!pods.is_empty(), "no operator runs in namespace {OPERATOR_NAMESPACE}: make install");
    let mut counts = Counts::new();
    for pod in pods {
        let path =
            format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{}:8080/proxy/metrics", pod.name_any());
        let answer = kubectl(OPERATOR_NAMESPACE, &["get", "--raw", &path], "").await?;
        ensure!(answer.ok, "{}", answer.said);
        for line in answer.out.lines().filter_map(|line| line.strip_prefix(COUNTER)) {
            let (labels, count) = line.split_once("} ").context("a line of the metrics")?;
            let of = |name: &str| value(labels, name).unwrap_or_default();
            let name = format!("{} {}", of("verb"), of("resource"));
            *counts.entry(name).or_default() += count.trim().parse::<u64>()?;
        }
    }
    Ok(counts)
}

/// The value of one label.
fn value(labels: &str, name: &str) -> Option<String> {
    let start = labels.find(&format!("{name}=\""))? + name.len() + 2;
    let end = labels[start..].find('"')?;
    Some(labels[start..start + end].to_owned())
}
