//! The operator's figures for Prometheus. Labels are bounded: kinds, reasons, namespaces and pools, never a job's name.

use crate::calls::Calls;
use crate::figures::PoolFigures;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
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
struct Pool {
    namespace: String,
    pool: String,
}

/// The figures.
pub(crate) struct Metrics {
    registry: Registry,
    reconciles: Family<Kind, Counter>,
    failures: Family<Failure, Counter>,
    seconds: Family<Kind, Histogram>,
    pub(crate) finished: Family<Outcome, Counter>,
    pub(crate) orphans: Counter,
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

    /// The text form of OpenMetrics, with the figures of these pools.
    pub(crate) fn encode(&self, pools: &[PoolFigures]) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &of_pools(pools))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Made anew for each scrape, so that nothing of a pool that is gone is left.
fn of_pools(pools: &[PoolFigures]) -> Registry {
    let mut registry = Registry::with_prefix("tessera");
    let mut register = |name: &str, help: &str, value: fn(&PoolFigures) -> u64| {
        let gauges = Family::<Pool, Gauge>::default();
        for pool in pools {
            let label = Pool { namespace: pool.namespace.clone(), pool: pool.pool.clone() };
            gauges.get_or_create(&label).set(i64::try_from(value(pool)).unwrap_or(i64::MAX));
        }
        registry.register(name, help, gauges);
    };
    register("pool_slots", "Slots of a pool", |pool| pool.slots.into());
    register("pool_slots_in_use", "Slots granted to jobs", |pool| pool.slots_in_use.into());
    register("queue_depth", "Slots that a pool's jobs could use now", |pool| pool.queue_depth.into());
    register("tiles_outstanding", "Tiles of unfinished jobs that are not done yet", |pool| {
        pool.tiles_outstanding
    });
    registry
}

fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 2.0, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_has_the_pools_of_now_and_no_others() {
        let pool = PoolFigures {
            namespace: "n".into(),
            pool: "p".into(),
            slots: 4,
            slots_in_use: 2,
            queue_depth: 9,
            tiles_outstanding: 70,
        };
        let metrics = Metrics::new(&Calls::default());
        let text = metrics.encode(&[pool]).unwrap();
        for line in [
            "tessera_pool_slots{namespace=\"n\",pool=\"p\"} 4",
            "tessera_pool_slots_in_use{namespace=\"n\",pool=\"p\"} 2",
            "tessera_queue_depth{namespace=\"n\",pool=\"p\"} 9",
            "tessera_tiles_outstanding{namespace=\"n\",pool=\"p\"} 70",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!metrics.encode(&[]).unwrap().contains("pool=\"p\""));
    }
}
