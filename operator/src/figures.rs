//! The figures of the pools as every replica knows them, whether it leads or not: what their status says, for as long
//! as somebody leads and so keeps it true. What is not known is absent, never 0. Reads only.

use crate::context::Ctx;
use crate::leader;
use crate::objects::{watch, watched};
use crate::pool::GuardedPool;
use crate::watches::Watch;
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use std::sync::atomic::{AtomicI64, Ordering};

/// Seconds for which a renewal of the Lease vouches for what the leader has written.
const VOUCHED_SECONDS: i64 = 60;

/// What the status of one pool says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolFigures {
    pub(crate) namespace: String,
    pub(crate) pool: String,
    pub(crate) slots: u32,
    pub(crate) slots_in_use: u32,
    pub(crate) queue_depth: u32,
    pub(crate) tiles_outstanding: u64,
}

/// The figures of all pools. Filled while [`Figures::run`] runs.
pub(crate) struct Figures {
    pools: Watch<GuardedPool>,
    /// When the Lease was last renewed, in seconds since 1970.
    renewed: AtomicI64,
}

impl Figures {
    /// Nothing is known yet.
    pub(crate) fn new() -> Figures {
        Figures { pools: Watch::new(), renewed: AtomicI64::new(i64::MIN) }
    }

    /// Watches pools and Lease for as long as the process lives.
    pub(crate) async fn run(&self, ctx: &Ctx) {
        futures::join!(self.pools.run(watched(ctx), watch()), self.watch_lease(ctx));
    }

    /// The lease's own name of a holder is of no interest: any leader writes the same.
    async fn watch_lease(&self, ctx: &Ctx) {
        let leases: Api<Lease> = Api::namespaced(ctx.client.clone(), &ctx.config.namespace);
        let only = watch().fields(&format!("metadata.name={}", leader::LEASE));
        let renewals = watcher(leases, only).default_backoff().touched_objects();
        renewals
            .for_each(|lease| {
                match lease {
                    Ok(lease) => {
                        // A lease that is given back has no time of renewal; the last one still counts.
                        let time = lease.spec.and_then(|spec| spec.renew_time).map(|time| time.0.as_second());
                        self.renewed.fetch_max(time.unwrap_or(i64::MIN), Ordering::Relaxed);
                    }
                    Err(error) => tracing::debug!(%error, "watch of the lease"),
                }
                std::future::ready(())
            })
            .await;
    }

    /// The figures at this time, by namespace and pool; none if nobody has led for a while.
    pub(crate) fn at(&self, now: Timestamp) -> Vec<PoolFigures> {
        if !vouched(self.renewed.load(Ordering::Relaxed), now) {
            return Vec::new();
        }
        let mut known: Vec<PoolFigures> =
            self.pools.cache().state().iter().filter_map(|pool| known(pool)).collect();
        known.sort_by(|a, b| (&a.namespace, &a.pool).cmp(&(&b.namespace, &b.pool)));
        known
    }
}

fn vouched(renewed: i64, now: Timestamp) -> bool {
    now.as_second().saturating_sub(renewed) < VOUCHED_SECONDS
}

/// The figures of a pool whose controller has seen it as it is now.
fn known(pool: &GuardedPool) -> Option<PoolFigures> {
    let pool = pool.0.as_ref().ok()?;
    let status = pool.status.as_ref()?;
    if status.observed_generation.is_none() || status.observed_generation != pool.metadata.generation {
        return None;
    }
    Some(PoolFigures {
        namespace: pool.namespace().unwrap_or_default(),
        pool: pool.name_any(),
        slots: status.replicas,
        slots_in_use: status.in_use,
        queue_depth: status.queue_depth,
        tiles_outstanding: status.tiles_outstanding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pool(status: Value) -> GuardedPool {
        serde_json::from_value(json!({
            "apiVersion": "tessera.dev/v1alpha1", "kind": "WorkerPool",
            "metadata": { "name": "p", "namespace": "n", "generation": 3 },
            "spec": { "store": { "secretName": "s", "scratch": "s3://bucket/scratch/" } },
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_pool_says_what_its_status_says() {
        let status = json!({
            "observedGeneration": 3, "replicas": 4, "inUse": 2, "queueDepth": 9, "tilesOutstanding": 5_000_000_000_u64,
        });
        let expected = PoolFigures {
            namespace: "n".into(),
            pool: "p".into(),
            slots: 4,
            slots_in_use: 2,
            queue_depth: 9,
            tiles_outstanding: 5_000_000_000,
        };
        assert_eq!(known(&pool(status)), Some(expected));
    }

    #[test]
    fn a_pool_that_its_controller_has_not_seen_as_it_is_now_says_nothing() {
        for status in [json!(null), json!({}), json!({ "observedGeneration": 2, "queueDepth": 7 })] {
            assert_eq!(known(&pool(status)), None);
        }
    }

    #[test]
    fn a_pool_that_is_not_understood_says_nothing() {
        let broken = serde_json::from_value(json!({ "metadata": { "name": "p" }, "spec": 1 })).unwrap();
        assert_eq!(known(&broken), None);
    }

    #[test]
    fn without_a_leader_for_a_minute_nothing_is_known() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert!(vouched(999_999, now));
        assert!(vouched(1_000_005, now), "a clock that goes ahead");
        assert!(!vouched(999_940, now));
        assert!(!vouched(i64::MIN, now));
    }
}
