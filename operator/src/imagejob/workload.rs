//! What a stage's Job and its pods say, in the words that the decision understands. Pure.

use crate::pool::has_ended_pod;
use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStateWaiting, Pod};
use kube::{Resource, ResourceExt};
use std::sync::Arc;
use tessera_core::name::label;
use tessera_core::observed::{Blocked, JobEnd, Problem, StageJob};
use tessera_core::plan::Stage;
use tessera_core::reason::Reason;

/// The Job as the decision wants it; `None` for a Job that is no stage of ours.
pub(crate) fn stage_job(job: &Job, pods: &[Arc<Pod>]) -> Option<StageJob> {
    let stage_name = job.labels().get(label::STAGE)?;
    let stage = Stage::from_name(stage_name)?;
    let of_stage = |pod: &&Arc<Pod>| pod.labels().get(label::STAGE) == Some(stage_name);
    let pods: Vec<&Pod> = pods.iter().filter(of_stage).map(AsRef::as_ref).collect();
    let spec = job.spec.as_ref()?;
    let status = job.status.clone().unwrap_or_default();
    let count = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    Some(StageJob {
        stage,
        parallelism: count(spec.parallelism),
        suspended: spec.suspend.unwrap_or(false),
        active: live(&pods),
        retries: count(status.failed),
        end: end(job, &pods),
        blocked: blocked(&pods),
    })
}

/// Whether the Job has failed, or is about to when its last pod has ended.
pub(crate) fn has_failed(job: &Job) -> bool {
    failed(job).is_some()
}

/// The condition that says so. `Failed` waits until the last pod has ended, on a node that may be dead.
fn failed(job: &Job) -> Option<&JobCondition> {
    condition(job, "Failed").or_else(|| condition(job, "FailureTarget"))
}

fn condition<'a>(job: &'a Job, name: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|one| one.type_ == name && one.status == "True")
}

fn end(job: &Job, pods: &[&Pod]) -> JobEnd {
    if job.meta().deletion_timestamp.is_some() {
        return JobEnd::Deleting;
    }
    if condition(job, "Complete").is_some() {
        return JobEnd::Succeeded;
    }
    match failed(job) {
        Some(failed) => JobEnd::Failed(failure(pods, failed.message.clone().unwrap_or_default())),
        None => JobEnd::Open,
    }
}

/// Why the Job failed: what the worker that could not go on said, else what the Job says.
fn failure(pods: &[&Pod], said: String) -> Problem {
    let mut ends: Vec<(&Pod, &ContainerStateTerminated)> = pods
        .iter()
        .filter_map(|pod| terminated(pod).map(|state| (*pod, state)))
        .filter(|(_, state)| state.exit_code != 0)
        .collect();
    ends.sort_by_key(|(_, state)| {
        (weight(state), state.finished_at.clone().map(|time| std::cmp::Reverse(time.0)))
    });
    let Some((pod, state)) = ends.first() else {
        return Problem::new(Reason::ShardFailed, said);
    };
    let (reason, otherwise) = meaning(state);
    let text = state.message.clone().filter(|text| !text.trim().is_empty()).unwrap_or(otherwise);
    let shard =
        pod.annotations().get("batch.kubernetes.io/job-completion-index").cloned().unwrap_or_default();
    Problem::new(reason, format!("{} (shard {shard}, pod {})", text.trim(), pod.name_any()))
}

/// The most telling end first: input and limits before a shard's own failure, before what a retry might have helped.
fn weight(state: &ContainerStateTerminated) -> u8 {
    match state.exit_code {
        10 | 11 | 14 | 15 | 16 => 0,
        12 => 1,
        _ => 2,
    }
}

/// What an exit code means, with a sentence for a worker that left none.
fn meaning(state: &ContainerStateTerminated) -> (Reason, String) {
    match state.exit_code {
        10 => (Reason::BadInput, "the source cannot be decoded: check the file".to_owned()),
        11 => (Reason::ImageTooLarge, "a limit refuses the image".to_owned()),
        13 => (
            Reason::StoreUnavailable,
            "the store did not answer: check it, and apply the job again".to_owned(),
        ),
        14 => {
            (Reason::InputChanged, "the source was changed while it was read: apply the job again".to_owned())
        }
        16 => (
            Reason::OutputConflict,
            "something exists at the output's place: set spec.output.ifExists to Replace, or choose another output"
                .to_owned(),
        ),
        137 => (
            Reason::OutOfMemory,
            "a worker was killed for its memory: raise spec.worker.resources.limits.memory of the WorkerPool"
                .to_owned(),
        ),
        code => (Reason::ShardFailed, format!("a worker ended with exit code {code}")),
    }
}

fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find_map(|status| status.state.as_ref()?.terminated.as_ref())
}

/// Pods that have not ended and have not been told to.
fn live(pods: &[&Pod]) -> u32 {
    let live = pods.iter().filter(|pod| pod.meta().deletion_timestamp.is_none() && !has_ended_pod(pod));
    u32::try_from(live.count()).unwrap_or(u32::MAX)
}

/// What keeps pods from running, and how many.
fn blocked(pods: &[&Pod]) -> Option<Blocked> {
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
    let pending = pods
        .iter()
        .filter(|pod| pod.meta().deletion_timestamp.is_none() && phase(pod).as_deref() == Some("Pending"));
    let mut problems: Vec<Problem> =
        pending.filter_map(|pod| unscheduled(pod).or_else(|| not_started(pod))).collect();
    let pods = u32::try_from(problems.len()).unwrap_or(u32::MAX);
    (pods > 0).then(|| Blocked { problem: problems.swap_remove(0), pods })
}

fn unscheduled(pod: &Pod) -> Option<Problem> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions
        .iter()
        .find(|one| one.type_ == "PodScheduled" && one.reason.as_deref() == Some("Unschedulable"))?;
    // What follows is about preemption, which workers do not ask for.
    let said =
        found.message.as_deref().and_then(|said| said.split(" preemption:").next()).unwrap_or_default();
    Some(Problem::new(Reason::WaitingForNodes, format!("no node has room for a worker: {said}")))
}

fn not_started(pod: &Pod) -> Option<Problem> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let waiting = statuses.iter().find_map(|status| status.state.as_ref()?.waiting.as_ref())?;
    explain(waiting)
}

fn explain(waiting: &ContainerStateWaiting) -> Option<Problem> {
    let said = waiting.message.clone().unwrap_or_default();
    match waiting.reason.as_deref()? {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Some(Problem::new(Reason::ImageNotPulled, format!("the worker's image cannot be pulled: {said}")))
        }
        "CreateContainerConfigError" | "CreateContainerError" => {
            Some(Problem::new(Reason::StoreUnavailable, format!("a worker cannot be started: {said}")))
        }
        _ => None,
    }
}
