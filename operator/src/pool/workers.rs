//! The worker pods of a pool, by ImageJob: those that there are, and those that Jobs may still start. Reads only.

use super::grant::Asked;
use crate::context::Ctx;
use crate::imagejob::has_failed;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt};
use std::collections::HashMap;
use std::sync::Arc;
use tessera_api::WorkerPool;
use tessera_core::name::label;

/// The worker pods of one ImageJob.
#[derive(Debug, Default)]
pub(super) struct Workers {
    /// Those that have not ended.
    pub(super) pods: Vec<Arc<Pod>>,
    stages: HashMap<String, Counts>,
}

/// Pods of one stage.
#[derive(Debug, Default)]
struct Counts {
    /// Those that have not ended.
    live: u32,
    /// Those that have succeeded.
    succeeded: u32,
    /// Those that may be there at once while the Job is not changed.
    allowed: u32,
}

impl Workers {
    /// The pods that hold a slot: a Job may start as many as its parallelism at any moment, as it was seen or as it was
    /// asked for and may not have been seen yet.
    pub(super) fn held(&self, asked: Option<&Asked>) -> u32 {
        let asked_for =
            |stage: &str| asked.filter(|asked| asked.stage == stage).map_or(0, |asked| asked.parallelism);
        let seen =
            self.stages.iter().map(|(stage, counts)| counts.live.max(counts.allowed).max(asked_for(stage)));
        let unseen = asked.filter(|asked| !self.stages.contains_key(asked.stage));
        seen.sum::<u32>() + unseen.map_or(0, |asked| asked.parallelism)
    }
}

/// The pool's workers by the UID of their ImageJob.
pub(super) fn of(ctx: &Ctx, pool: &WorkerPool) -> HashMap<String, Workers> {
    let mut all: HashMap<String, Workers> = HashMap::new();
    for pod in ctx.watches.pods.cache().state() {
        if !is_of(pod.as_ref(), pool) {
            continue;
        }
        let workers = all.entry(label_of(pod.as_ref(), label::JOB_UID)).or_default();
        let counts = workers.stages.entry(label_of(pod.as_ref(), label::STAGE)).or_default();
        match pod.status.as_ref().and_then(|status| status.phase.as_deref()) {
            Some("Succeeded") => counts.succeeded += 1,
            Some("Failed") => {}
            _ => {
                counts.live += 1;
                workers.pods.push(pod);
            }
        }
    }
    for job in ctx.watches.jobs.cache().state() {
        if is_of(job.as_ref(), pool) {
            let workers = all.entry(label_of(job.as_ref(), label::JOB_UID)).or_default();
            let counts = workers.stages.entry(label_of(job.as_ref(), label::STAGE)).or_default();
            counts.allowed += allowed(&job, counts.succeeded);
        }
    }
    all
}

/// The pods that `job` may have at once, where the pods of `succeeded` shards have succeeded.
fn allowed(job: &Job, succeeded: u32) -> u32 {
    let Some(spec) = &job.spec else { return 0 };
    let over = job.meta().deletion_timestamp.is_some() || has_failed(job);
    if over || spec.suspend == Some(true) {
        return 0;
    }
    let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    let told = number(job.status.as_ref().and_then(|status| status.succeeded));
    number(spec.parallelism).min(number(spec.completions).saturating_sub(told.max(succeeded)))
}

fn is_of<K: Resource<DynamicType = ()>>(object: &K, pool: &WorkerPool) -> bool {
    object.meta().namespace == pool.namespace() && label_of(object, label::POOL) == pool.name_any()
}

fn label_of<K: Resource<DynamicType = ()>>(object: &K, key: &str) -> String {
    object.labels().get(key).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::allowed;
    use serde_json::{Value, json};

    fn check(spec: &Value, status: &Value, succeeded: u32, expected: u32) {
        let job = serde_json::from_value(json!({ "metadata": {}, "spec": spec, "status": status }));
        assert_eq!(allowed(&job.expect("a Job"), succeeded), expected, "{spec} {status} {succeeded}");
    }

    #[test]
    fn a_job_may_start_pods_up_to_its_parallelism_and_the_shards_that_are_left() {
        let spec = json!({ "parallelism": 3, "completions": 8, "template": {} });
        check(&spec, &json!({}), 0, 3);
        check(&spec, &json!({ "succeeded": 4 }), 6, 2);
        check(&spec, &json!({ "succeeded": 8 }), 6, 0);
    }

    #[test]
    fn a_job_that_is_suspended_or_over_starts_none() {
        let spec = json!({ "parallelism": 3, "completions": 8, "template": {} });
        let failed = json!({ "conditions": [{ "type": "FailureTarget", "status": "True" }] });
        check(&spec, &failed, 0, 0);
        let spec = json!({ "parallelism": 3, "completions": 8, "suspend": true, "template": {} });
        check(&spec, &json!({}), 0, 0);
    }
}
