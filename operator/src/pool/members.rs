//! The ImageJobs of a pool with their pods, from what the watches have. Reads only.

use super::grant::Grant;
use crate::context::Ctx;
use crate::imagejob::{Guarded, has_ended, is_managed};
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt};
use std::collections::HashMap;
use std::sync::Arc;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::allocate::Claim;
use tessera_core::name::label;

/// Seconds after which a pod has done work that would be lost with it.
const SETTLED: i64 = 5;

/// Who has, or could have, slots of a pool.
pub(crate) struct Members {
    /// Oldest first: the jobs that have not ended, and those whose slots are still to be taken back.
    pub(crate) jobs: Vec<Member>,
    /// Pods of jobs that are not among them.
    pub(crate) foreign_pods: u32,
}

/// One job of the pool.
pub(crate) struct Member {
    pub(super) job: Arc<Guarded>,
    pods: Vec<Arc<Pod>>,
    /// What this process has granted it lately, which the watch may not have seen yet.
    granted: Option<Grant>,
}

impl Members {
    /// What each job asks and has, in the same order.
    pub(crate) fn claims(&self, now: i64) -> Vec<Claim> {
        self.jobs.iter().map(|member| member.claim(now)).collect()
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
        let (told, current) = (Grant::told(job), self.current());
        let settled = self.pods.iter().filter(|pod| is_settled(pod, now)).count();
        Claim {
            demand: if has_ended(job) { 0 } else { demand },
            weight: job.spec.weight,
            // Where the two differ, another one may act on either.
            slots: current.slots.max(told.slots),
            pods: count(self.pods.len()),
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
    let mut pods = pods_of(ctx, pool);
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
        let pods = known.uid().and_then(|uid| pods.remove(&uid)).unwrap_or_default();
        jobs.push(Member { job, pods, granted });
    }
    jobs.sort_by_cached_key(|member| {
        let job = member.job();
        (job.creation_timestamp().map(|time| time.0), job.uid())
    });
    Members { jobs, foreign_pods: count(pods.values().map(Vec::len).sum()) }
}

/// The pool's pods that have not ended, by the UID of their ImageJob.
fn pods_of(ctx: &Ctx, pool: &WorkerPool) -> HashMap<String, Vec<Arc<Pod>>> {
    let (namespace, name) = (pool.namespace(), pool.name_any());
    let mut all: HashMap<String, Vec<Arc<Pod>>> = HashMap::new();
    for pod in ctx.watches.pods.cache().state() {
        let ours = pod.meta().namespace == namespace && pod.labels().get(label::POOL) == Some(&name);
        if ours && !has_ended_pod(&pod) {
            let uid = pod.labels().get(label::JOB_UID).cloned().unwrap_or_default();
            all.entry(uid).or_default().push(pod);
        }
    }
    all
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
