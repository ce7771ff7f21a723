//! The operator's figures for Prometheus. Labels are bounded: kinds, reasons, namespaces and pools, never a job's name.

use crate::calls::Calls;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Kind of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Kind of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    kind: &'static str,
    error: String,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
    pub(crate) reason: String,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Pool {
    pub(crate) namespace: String,
    pub(crate) pool: String,
}

/// The figures.
pub(crate) struct Metrics {
    registry: Registry,
    reconciles: Family<Kind, Counter>,
    failures: Family<Failure, Counter>,
    seconds: Family<Kind, Histogram>,
    pub(crate) finished: Family<Outcome, Counter>,
    pub(crate) orphans: Counter,
    pub(crate) slots: Family<Pool, Gauge>,
    pub(crate) slots_in_use: Family<Pool, Gauge>,
    pub(crate) queue_depth: Family<Pool, Gauge>,
}

impl Metrics {
    /// All figures, at zero; `calls` are counted elsewhere.
    pub(crate) fn new(calls: &Calls) -> Metrics {
        let mut registry = Registry::with_prefix("tessera");
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let metrics = Metrics {
            reconciles: Family::default(),
            failures: Family::default(),
            seconds,
            finished: Family::default(),
            orphans: Counter::default(),
            slots: Family::default(),
            slots_in_use: Family::default(),
            queue_depth: Family::default(),
            registry: Registry::default(),
        };
        registry.register("reconciles", "Reconciles by kind", metrics.reconciles.clone());
        registry.register(
            "reconcile_failures",
            "Failed reconciles by kind and error",
            metrics.failures.clone(),
        );
        registry.register("reconcile_seconds", "Duration of reconciles", metrics.seconds.clone());
        registry.register(
            "imagejobs_finished",
            "ImageJobs that ended, by outcome and reason",
            metrics.finished.clone(),
        );
        registry.register(
            "orphaned_scratch",
            "Jobs released while their scratch could not be deleted",
            metrics.orphans.clone(),
        );
        registry.register("pool_slots", "Slots of a pool", metrics.slots.clone());
        registry.register("pool_slots_in_use", "Slots granted to jobs", metrics.slots_in_use.clone());
        registry.register(
            "queue_depth",
            "Slots that a pool's jobs could use now",
            metrics.queue_depth.clone(),
        );
        registry.register("api_requests", "Calls of the Kubernetes API", calls.0.clone());
        Metrics { registry, ..metrics }
    }

    /// Counts and times one reconcile of an object of this kind.
    pub(crate) async fn timed<T>(&self, kind: &'static str, reconcile: impl Future<Output = T>) -> T {
        let started = std::time::Instant::now();
        self.reconciles.get_or_create(&Kind { kind }).inc();
        let result = reconcile.await;
        self.seconds.get_or_create(&Kind { kind }).observe(started.elapsed().as_secs_f64());
        result
    }

    /// Counts a failed reconcile; `error` is one of a bounded set.
    pub(crate) fn failed(&self, kind: &'static str, error: &str) {
        self.failures.get_or_create(&Failure { kind, error: error.to_owned() }).inc();
    }

    /// The text form of OpenMetrics.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 2.0, 12))
}
