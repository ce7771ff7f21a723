//! The status of a WorkerPool, from its members and what they are granted. Pure.

use super::members::Members;
use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use tessera_api::conditions::{self, ConditionStatus, ConditionType, NewCondition};
use tessera_api::{ImageJob, WorkerPool, WorkerPoolStatus};
use tessera_core::allocate::{Claim, queue_depth};
use tessera_core::name::{label, label_value};
use tessera_core::observed::Problem;
use tessera_core::reason::Reason;

/// What the status follows from.
pub(crate) struct Figures<'a> {
    /// The ImageJobs.
    pub(crate) members: &'a Members,
    /// What they ask for, in the same order.
    pub(crate) claims: &'a [Claim],
    /// What they get, in the same order.
    pub(crate) granted: &'a [u32],
    /// Why the pool is not usable.
    pub(crate) problem: Option<&'a Problem>,
}

/// The status that follows.
pub(crate) fn next(pool: &WorkerPool, figures: &Figures<'_>, now: Timestamp) -> WorkerPoolStatus {
    let waiting = figures
        .claims
        .iter()
        .zip(figures.granted)
        .filter(|(claim, granted)| claim.demand > 0 && **granted == 0);
    let mut conditions = pool.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    let (reason, message) = match figures.problem {
        None => (Reason::Healthy, "the store takes what is written to it".to_owned()),
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
    let sum = |of: fn(&ImageJob) -> u64| figures.members.jobs.iter().map(|member| of(member.job())).sum();
    WorkerPoolStatus {
        observed_generation: pool.meta().generation,
        replicas: pool.spec.replicas,
        selector: Some(format!("{}={}", label::POOL, label_value(&pool.name_any()))),
        in_use: figures.granted.iter().sum(),
        waiting: u32::try_from(waiting.count()).unwrap_or(u32::MAX),
        queue_depth: queue_depth(figures.claims, sum(remaining_seconds), pool.spec.target_drain_seconds),
        tiles_outstanding: sum(tiles_outstanding),
        conditions,
    }
}

/// Whether a status says more than other figures.
pub(crate) fn tells_news(before: Option<&WorkerPoolStatus>, after: &WorkerPoolStatus) -> bool {
    let Some(before) = before else { return true };
    before.observed_generation != after.observed_generation
        || before.replicas != after.replicas
        || before.selector != after.selector
        || before.conditions != after.conditions
}

fn remaining_seconds(job: &ImageJob) -> u64 {
    let remaining = job.status.as_ref().and_then(|status| status.remaining_seconds);
    u64::from(remaining.unwrap_or(0))
}

fn tiles_outstanding(job: &ImageJob) -> u64 {
    if crate::imagejob::has_ended(job) {
        return 0;
    }
    let tiles = job.status.as_ref().and_then(|status| status.tiles.as_ref());
    tiles.map_or(0, |tiles| tiles.total.saturating_sub(tiles.done))
}
