//! Looks at everything every few seconds while jobs run, and sums up at the end. It changes nothing.

use crate::Load;
use crate::process;
use crate::record::{Counters, Operator, Pool, Run, Sample, rounded};
use crate::scrape::{self, Metrics};
use anyhow::Result;
use kube::Client;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tessera_e2e::Namespace;
use tessera_e2e::fairness::fairness;
use tessera_e2e::timeline::Timeline;
use tokio::task::JoinHandle;

/// A measurement that goes on.
pub(crate) struct Measuring {
    client: Client,
    pub(crate) timeline: Arc<Timeline>,
    samples: Arc<Mutex<Vec<Sample>>>,
    task: JoinHandle<()>,
    before: Metrics,
    operator_before: Metrics,
    began: u64,
    phases: Vec<(String, f64)>,
}

impl Measuring {
    /// Begins; the first job is to be created right after.
    pub(crate) async fn begin(client: &Client, timeline: Timeline, every: u64) -> Result<Measuring> {
        let timeline = Arc::new(timeline);
        let before = Metrics::of_api_server(client).await?;
        let operator_before = Metrics::of_operator(client).await?;
        let (began, samples) = (timeline.now(), Arc::<Mutex<Vec<Sample>>>::default());
        let (into, looked, client) = (samples.clone(), timeline.clone(), client.clone());
        let asked = client.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(every));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let sample = look(&asked, &looked, began).await;
                into.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
            }
        });
        Ok(Measuring { client, timeline, samples, task, before, operator_before, began, phases: Vec::new() })
    }

    /// Notes that something has happened now.
    pub(crate) fn phase(&mut self, what: &str) {
        let at = rounded((self.timeline.now() - self.began) as f64 / 1000.0);
        println!("{at:8.1} s  {what}");
        self.phases.push((what.to_owned(), at));
    }

    /// Ends, and sums up.
    pub(crate) async fn end(self, part: &str, load: &Load, namespaces: &[Namespace]) -> Result<Run> {
        let operator = scrape::operator(&self.client).await?;
        let last = look(&self.client, &self.timeline, self.began).await;
        self.task.abort();
        let now = Metrics::of_operator(&self.client).await?;
        let after = Metrics::of_api_server(&self.client).await?;
        let mut samples = std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner));
        samples.push(last);
        let statuses = operator.status.and_then(|status| status.container_statuses).unwrap_or_default();
        let counted = "tessera_api_requests_total";
        Ok(Run {
            part: part.to_owned(),
            of: load.of.clone(),
            machine: process::machine(),
            jobs: load.jobs,
            namespaces: load.namespaces,
            slots: load.slots,
            phases: self.phases,
            complete: self.timeline.counts().complete,
            fairness: namespaces.iter().map(|ns| pool(&self.timeline, &ns.name)).collect(),
            status_bytes: status_bytes(&self.timeline),
            operator: Operator {
                peak_mib: rounded(process::peak("tessera-operator")),
                restarts: statuses.iter().map(|status| status.restart_count).sum(),
                counters: since(self.operator_before.counters(), now.counters()),
            },
            requests: requests(&self.before, &after),
            operator_requests: largest(delta(
                &self.operator_before.by_labels(counted),
                &now.by_labels(counted),
            )),
            etcd_mib: (etcd(&self.before), etcd(&after)),
            samples,
        })
    }
}

async fn look(client: &Client, timeline: &Timeline, began: u64) -> Sample {
    let counts = timeline.counts();
    let metrics = Metrics::of_operator(client).await;
    Sample {
        at: rounded((timeline.now() - began) as f64 / 1000.0),
        jobs: [counts.created, counts.accepted, counts.started, counts.finished, counts.released],
        operator: metrics.map(|metrics| shortened(metrics.counters())).unwrap_or_default(),
        programs: process::usage(),
    }
}

fn shortened(counters: Counters) -> Counters {
    let pair = |(count, seconds): (f64, f64)| (count, rounded(seconds));
    Counters { jobs: pair(counters.jobs), pools: pair(counters.pools), ..counters }
}

fn since(before: Counters, now: Counters) -> Counters {
    let pair = |before: (f64, f64), now: (f64, f64)| (now.0 - before.0, rounded(now.1 - before.1));
    Counters {
        jobs: pair(before.jobs, now.jobs),
        pools: pair(before.pools, now.pools),
        failures: now.failures - before.failures,
        requests: now.requests - before.requests,
    }
}

fn pool(timeline: &Timeline, namespace: &str) -> Pool {
    let starts = timeline.starts(namespace);
    let fairness = fairness(&starts);
    Pool {
        jobs: starts.len(),
        most_overtaken: fairness.most_overtaken,
        mean_overtaken: rounded(fairness.mean_overtaken),
        median_wait: rounded(fairness.median_wait as f64 / 1000.0),
        longest_wait: rounded(fairness.longest_wait as f64 / 1000.0),
    }
}

fn status_bytes(timeline: &Timeline) -> (usize, usize) {
    let mut bytes: Vec<usize> = timeline.marks().iter().map(|job| job.status_bytes).collect();
    bytes.sort_unstable();
    (bytes.get(bytes.len() / 2).copied().unwrap_or(0), bytes.last().copied().unwrap_or(0))
}

fn delta<K: Ord + Clone>(before: &BTreeMap<K, f64>, after: &BTreeMap<K, f64>) -> Vec<(K, f64)> {
    let change = |(key, value): (&K, &f64)| (key.clone(), value - before.get(key).copied().unwrap_or(0.0));
    after.iter().map(change).filter(|(_, value)| *value > 0.0).collect()
}

fn largest<K>(mut all: Vec<(K, f64)>) -> Vec<(K, f64)> {
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

fn requests(before: &Metrics, after: &Metrics) -> Vec<(String, String, f64)> {
    let all = largest(delta(&before.requests(), &after.requests()));
    all.into_iter().map(|((verb, resource), count)| (verb, resource, count)).collect()
}

fn etcd(metrics: &Metrics) -> f64 {
    rounded(metrics.sum("apiserver_storage_size_bytes", "") / f64::from(1 << 20))
}
