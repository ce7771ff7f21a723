//! The status of an ImageJob, from what was decided; and what an earlier status says. An unchanged status is not written.

use super::events;
use super::observe::Seen;
use crate::context::Ctx;
use crate::metrics::Outcome;
use crate::objects::apply_status;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{Api, Resource, ResourceExt};
use tessera_api::conditions::{self, ConditionStatus, ConditionType, NewCondition};
use tessera_api::imagejob::{ImageStatus, OutputStatus, StageStatus, State as ApiState, TilesStatus};
use tessera_api::{ImageJob, ImageJobStatus};
use tessera_core::decision::{Decision, State, Summary};
use tessera_core::observed::Planning;
use tessera_core::operation::Planned;
use tessera_core::plan::Plan;
use tessera_core::reason::Reason;
use tessera_operations::Operation;

/// Field manager of the status; the pool's controller has another one for `slots`.
const MANAGER: &str = "tessera-imagejob";

/// Whether the job has ended.
pub(crate) fn has_ended(job: &ImageJob) -> bool {
    ended(job).is_some()
}

/// Whether the job has been accepted: there is a plan.
pub(crate) fn is_accepted(job: &ImageJob) -> bool {
    condition(job, ConditionType::Accepted).is_some()
}

/// Whether the job is complete, and when it ended; `None` while it has not.
pub(crate) fn ended(job: &ImageJob) -> Option<(bool, Timestamp)> {
    let finished = condition(job, ConditionType::Finished)?;
    let complete = condition(job, ConditionType::Complete).is_some();
    Some((complete, finished.last_transition_time.0))
}

/// How many of the user's requests to try again have been taken up.
pub(crate) fn retried(job: &ImageJob) -> u32 {
    job.status.as_ref().and_then(|status| status.retried).unwrap_or(0)
}

/// The condition, if it is True.
fn condition(job: &ImageJob, kind: ConditionType) -> Option<&Condition> {
    let conditions = &job.status.as_ref()?.conditions;
    conditions.iter().find(|one| one.type_ == kind.as_str() && one.status == "True")
}

/// Unix seconds since when the status tells that the job is not accepted for `reason`.
pub(crate) fn told_since(job: &ImageJob, reason: Reason) -> Option<i64> {
    let conditions = &job.status.as_ref()?.conditions;
    let accepted = conditions.iter().find(|one| one.type_ == ConditionType::Accepted.as_str())?;
    let same = accepted.status == "False" && accepted.reason == reason.as_str();
    same.then(|| accepted.last_transition_time.0.as_second())
}

/// Writes the status, and an event where it tells something new.
pub(crate) async fn write(
    ctx: &Ctx,
    job: &ImageJob,
    seen: &Seen,
    decision: &Decision<Operation>,
    now: Timestamp,
) -> kube::Result<()> {
    let Some(summary) = &decision.summary else { return Ok(()) };
    let before = job.status.clone().unwrap_or_default();
    let mut after = next(job, seen, summary, now);
    if after == before {
        return Ok(());
    }
    // These belong to the pool's controller.
    (after.slots, after.slots_since, after.place) = (None, None, None);
    let api: Api<ImageJob> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    crate::objects::gone_is_fine(apply_status(&api, &job.name_any(), MANAGER, &after).await)?;
    if tells(&before) != tells(&after) {
        events::transition(ctx, job, summary).await;
    }
    if matches!(summary.state, State::Complete | State::Failed) {
        let outcome = if summary.state == State::Complete { "complete" } else { "failed" };
        let label = Outcome { outcome, reason: summary.reason.as_str().to_owned() };
        ctx.metrics.finished.get_or_create(&label).inc();
    }
    Ok(())
}

/// What an event would tell.
fn tells(status: &ImageJobStatus) -> (Option<ApiState>, Option<String>, Option<String>) {
    (status.state, status.reason.clone(), status.stage.as_ref().map(|stage| stage.name.clone()))
}

/// The status that follows from the one before and the summary. Pure.
fn next(job: &ImageJob, seen: &Seen, summary: &Summary, now: Timestamp) -> ImageJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    status.observed_generation = job.meta().generation;
    let state = api_state(summary.state);
    status.state = Some(state);
    status.reason = Some(summary.reason.as_str().to_owned());
    if let Planning::Made(plan) | Planning::Stored(plan, _) = &seen.observed.planning {
        describe(&mut status, plan, seen.format);
    }
    if summary.state == State::Running && status.start_time.is_none() {
        status.start_time = Some(Time(whole_second(now)));
    }
    figures(&mut status, summary, seen, now);
    if let Some(request) = summary.again {
        status.retried = Some(request);
        // A deadline counts from here.
        status.start_time = None;
    }
    if let Some(published) = &summary.published {
        status.completion_time = Some(Time(whole_second(now)));
        status.estimated_completion_time = None;
        status.output = Some(OutputStatus {
            uri: published.uri.clone(),
            etag: published.etag.clone(),
            size: published.size,
            digest: published.digest.clone(),
        });
    }
    set_conditions(&mut status.conditions, job, summary, seen, now);
    status
}

fn api_state(state: State) -> ApiState {
    match state {
        State::Pending => ApiState::Pending,
        State::Waiting => ApiState::Waiting,
        State::Running => ApiState::Running,
        State::Suspended => ApiState::Suspended,
        State::Complete => ApiState::Complete,
        State::Failed => ApiState::Failed,
    }
}

/// Kubernetes' times have whole seconds; with a fraction the status would differ from what the API server gives back.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Source and chain, which do not change once there is a plan.
fn describe(status: &mut ImageJobStatus, plan: &Plan<Operation>, format: Option<&'static str>) {
    let (size, pixel) = (plan.source.extent.size, plan.source.extent.pixel);
    let known = status.image.take().map(|image| image.format).unwrap_or_default();
    status.image = Some(ImageStatus {
        width: size.width,
        height: size.height,
        channels: u32::try_from(pixel.channels.count()).unwrap_or(0),
        bit_depth: pixel.depth.bits(),
        format: format.map_or(known, str::to_owned),
    });
    let chain: Vec<String> = plan.operations.iter().map(with_parameters).collect();
    status.operations =
        Some(if chain.is_empty() { "none (conversion)".to_owned() } else { chain.join(" > ") });
}

/// An operation as `gaussianBlur(sigma: 1.5)`, defaults included: so a parameter that was dropped is seen.
fn with_parameters(operation: &Operation) -> String {
    let json = serde_json::to_value(operation).unwrap_or_default();
    let parameters = json.get(operation.name()).and_then(serde_json::Value::as_object);
    let texts: Vec<String> =
        parameters.into_iter().flatten().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
    if texts.is_empty() {
        operation.name().to_owned()
    } else {
        format!("{}({})", operation.name(), texts.join(", "))
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Stage, tiles, progress, workers, and what follows from them.
fn figures(status: &mut ImageJobStatus, summary: &Summary, seen: &Seen, now: Timestamp) {
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    if let Some((stage, number, of)) = summary.stage {
        status.stage =
            Some(StageStatus { name: stage.name().to_owned(), number: small(number), of: small(of) });
    }
    status.workers = Some(summary.workers);
    status.demand = Some(summary.demand);
    status.remaining_seconds = Some(summary.remaining);
    status.retries = Some(summary.retries.max(status.retries.unwrap_or(0)));
    let progress = u32::from(summary.progress).max(status.progress.unwrap_or(0));
    let moved = status.progress != Some(progress);
    status.progress = Some(progress);
    status.percent = Some(format!("{progress}%"));
    if let (Some((done, total)), Planning::Stored(plan, _) | Planning::Made(plan)) =
        (summary.tiles, &seen.observed.planning)
    {
        let done = done.max(status.tiles.as_ref().map_or(0, |tiles| tiles.done));
        status.tiles = Some(TilesStatus {
            total,
            done,
            running: running_tiles(summary, plan, total - done),
            failed: 0,
            summary: format!("{done}/{total}"),
        });
        if moved {
            speed(status, plan, done, now);
        }
    }
    if matches!(summary.state, State::Failed | State::Suspended) {
        status.estimated_completion_time = None;
    }
}

/// Tiles of the shards that run: their share of those that are left.
fn running_tiles(summary: &Summary, plan: &Plan<Operation>, left: u64) -> u64 {
    let Some((stage, ..)) = summary.stage else { return 0 };
    let in_shard = plan.grid.tiles().div_ceil(u64::from(plan.shards(stage)));
    (u64::from(summary.workers) * in_shard).min(left)
}

/// Pixels of the result per second so far, and when the rest will be done at that rate.
fn speed(status: &mut ImageJobStatus, plan: &Plan<Operation>, done: u64, now: Timestamp) {
    let Some(start) = &status.start_time else { return };
    let seconds = now.duration_since(start.0).as_secs_f64();
    if seconds < 1.0 || done == 0 {
        return;
    }
    let pixels = plan.output.extent.size.pixels() as f64 * done as f64 / plan.grid.tiles() as f64;
    status.throughput = Some(format!("{:.0} MP/s", (pixels / seconds / 1e6).max(1.0)));
    let progress = f64::from(status.progress.unwrap_or(0)).max(1.0);
    let left = SignedDuration::try_from_secs_f64(seconds * (100.0 - progress) / progress).unwrap_or_default();
    status.estimated_completion_time = now.checked_add(left).ok().map(|time| Time(whole_second(time)));
}

fn set_conditions(all: &mut Vec<Condition>, job: &ImageJob, summary: &Summary, seen: &Seen, now: Timestamp) {
    let mut set = |type_: ConditionType, holds: bool, reason: Reason, message: &str| {
        let new = NewCondition {
            type_,
            status: if holds { ConditionStatus::True } else { ConditionStatus::False },
            reason,
            message: message.to_owned(),
            observed_generation: job.meta().generation,
        };
        conditions::set(all, new, whole_second(now));
    };
    let (reason, message) = (summary.reason, summary.message.as_str());
    match &seen.observed.planning {
        Planning::Impossible { .. } => set(ConditionType::Accepted, false, reason, message),
        Planning::Made(_) | Planning::Stored(..) => {
            set(ConditionType::Accepted, true, Reason::Accepted, "the job is valid and planned");
        }
    }
    set(ConditionType::Progressing, summary.state == State::Running, reason, message);
    set(ConditionType::Ready, summary.state == State::Complete, reason, message);
    match summary.state {
        State::Complete => {
            set(ConditionType::Complete, true, reason, message);
            set(ConditionType::Finished, true, reason, message);
        }
        State::Failed => {
            set(ConditionType::Failed, true, reason, message);
            set(ConditionType::Finished, true, reason, message);
            set(ConditionType::Stalled, true, reason, message);
        }
        // What a job that is tried again was told at its end.
        State::Pending | State::Waiting | State::Running | State::Suspended => {
            for type_ in [ConditionType::Failed, ConditionType::Finished, ConditionType::Stalled] {
                conditions::remove(all, type_);
            }
        }
    }
}
