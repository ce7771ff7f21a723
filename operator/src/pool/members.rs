//! The ImageJobs of a pool with their pods, from what the watches have. Reads only.

use super::grant::{ANSWERED, Asked, Grant};
use super::workers::{self, Workers};
use crate::context::Ctx;
use crate::imagejob::{Guarded, has_ended, is_managed};
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::allocate::Claim;

/// Seconds after which a pod has done work that would be lost with it.
const SETTLED: i64 = 5;

/// Who has, or could have, slots of a pool.
pub(crate) struct Members {
    /// Oldest first: the jobs that have not ended, and those whose slots are still to be taken back.
    pub(crate) jobs: Vec<Member>,
    /// Slots held by pods of jobs that are not among them.
    pub(crate) foreign: u32,
}

/// One job of the pool.
pub(crate) struct Member {
    pub(super) job: Arc<Guarded>,
    workers: Workers,
    /// What this process has asked for its Job lately, which the watch may not have seen yet.
    asked: Option<Asked>,
    /// What this process has granted it lately, which the watch may not have seen yet.
    granted: Option<Grant>,
}

impl Members {
    /// What each job asks and has, in the same order.
    pub(crate) fn claims(&self, now: i64) -> Vec<Claim> {
        self.jobs.iter().map(|member| member.claim(now)).collect()
    }

    /// The time after which what was asked for a Job holds no slot any more, if nothing else tells before.
    pub(super) fn again(&self) -> Option<Duration> {
        let unseen = |member: &Member| member.workers.held(member.asked.as_ref()) > member.workers.held(None);
        self.jobs.iter().any(unseen).then_some(ANSWERED)
    }
}

impl Member {
    /// The job.
    pub(crate) fn job(&self) -> &ImageJob {
        self.job.0.as_ref().expect("only jobs that are understood become members")
    }

    /// What it was granted last.
    pub(crate) fn current(&self) -> Grant {
        self.granted.clone().unwrap_or_else(|| Grant::told(self.job()))
    }

    fn claim(&self, now: i64) -> Claim {
        let job = self.job();
        let status = job.status.as_ref();
        let demand = status.and_then(|status| status.demand).unwrap_or(0);
        let current = self.current();
        let ended = has_ended(job);
        let settled = self.workers.pods.iter().filter(|pod| is_settled(pod, now)).count();
        Claim {
            demand: if ended { 0 } else { demand },
            weight: job.spec.weight,
            // One that has ended starts no more pods.
            slots: if ended { 0 } else { current.slots },
            pods: self.workers.held(self.asked.as_ref()),
            settled: count(settled),
            since: current
                .slots_since
                .or_else(|| job.creation_timestamp())
                .map_or(now, |time| time.0.as_second()),
            fixed: is_managed(job),
        }
    }
}

/// The members of `pool`.
pub(crate) fn of(ctx: &Ctx, pool: &WorkerPool) -> Members {
    let mut workers = workers::of(ctx, pool);
    let (namespace, name) = (pool.namespace(), pool.name_any());
    let mut jobs: Vec<Member> = Vec::new();
    for job in ctx.watches.image_jobs.cache().state() {
        let Ok(known) = &job.0 else { continue };
        let ours = known.meta().namespace == namespace && known.spec.pool == name;
        if !ours || known.meta().deletion_timestamp.is_some() {
            continue;
        }
        let granted = ctx.ledger.of(known);
        let held = Grant::told(known).slots.max(granted.as_ref().map_or(0, |grant| grant.slots));
        if has_ended(known) && held == 0 {
            continue;
        }
        let workers = known.uid().and_then(|uid| workers.remove(&uid)).unwrap_or_default();
        let asked = if has_ended(known) { None } else { ctx.ledger.asked(known) };
        jobs.push(Member { job, workers, asked, granted });
    }
    jobs.sort_by_cached_key(|member| {
        let job = member.job();
        (job.creation_timestamp().map(|time| time.0), job.uid())
    });
    Members { jobs, foreign: workers.values().map(|workers| workers.held(None)).sum() }
}

/// Whether the pod's containers have ended.
pub(crate) fn has_ended_pod(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn is_settled(pod: &Pod, now: i64) -> bool {
    let status = pod.status.as_ref();
    let running = status.and_then(|status| status.phase.as_deref()) == Some("Running");
    let began = status.and_then(|status| status.start_time.as_ref()).map(|time| time.0.as_second());
    running && pod.meta().deletion_timestamp.is_none() && began.is_some_and(|began| now - began >= SETTLED)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
