//! The status of a WorkerPool, from its claims and grants. Pure but for the gauges.

use crate::context::Ctx;
use crate::metrics::Pool;
use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use tessera_api::conditions::{self, ConditionStatus, ConditionType, NewCondition};
use tessera_api::{WorkerPool, WorkerPoolStatus};
use tessera_core::allocate::Claim;
use tessera_core::name::{label, label_value};
use tessera_core::observed::Problem;
use tessera_core::reason::Reason;

/// What the status follows from.
pub(crate) struct Figures<'a> {
    /// What the ImageJobs ask for.
    pub(crate) claims: &'a [Claim],
    /// What they get, in the same order.
    pub(crate) granted: &'a [u32],
    /// What is wrong with the store.
    pub(crate) problem: Option<Problem>,
}

/// The status that follows.
pub(crate) fn next(pool: &WorkerPool, figures: &Figures<'_>, now: Timestamp) -> WorkerPoolStatus {
    let waiting = figures
        .claims
        .iter()
        .zip(figures.granted)
        .filter(|(claim, granted)| claim.demand > 0 && **granted == 0);
    let mut conditions = pool.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    let (reason, message) = match &figures.problem {
        None => (Reason::Healthy, "the store answers".to_owned()),
        Some(problem) => (problem.reason, problem.message.clone()),
    };
    let ready = NewCondition {
        type_: ConditionType::Ready,
        status: if figures.problem.is_none() { ConditionStatus::True } else { ConditionStatus::False },
        reason,
        message,
        observed_generation: pool.meta().generation,
    };
    conditions::set(&mut conditions, ready, Timestamp::from_second(now.as_second()).unwrap_or(now));
    WorkerPoolStatus {
        observed_generation: pool.meta().generation,
        replicas: pool.spec.replicas,
        selector: Some(format!("{}={}", label::POOL, label_value(&pool.name_any()))),
        in_use: figures.granted.iter().sum(),
        waiting: u32::try_from(waiting.count()).unwrap_or(u32::MAX),
        queue_depth: figures.claims.iter().map(|claim| claim.demand).sum(),
        tiles_outstanding: 0,
        conditions,
    }
}

/// Sets the pool's gauges.
pub(crate) fn count(ctx: &Ctx, pool: &WorkerPool, status: &WorkerPoolStatus) {
    let label = Pool { namespace: pool.namespace().unwrap_or_default(), pool: pool.name_any() };
    ctx.metrics.slots.get_or_create(&label).set(i64::from(status.replicas));
    ctx.metrics.slots_in_use.get_or_create(&label).set(i64::from(status.in_use));
    ctx.metrics.queue_depth.get_or_create(&label).set(i64::from(status.queue_depth));
}
