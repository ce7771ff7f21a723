//! Events about ImageJobs: at transitions only. An event that cannot be written is logged and forgotten.

use crate::context::Ctx;
use kube::Resource;
use kube::runtime::events::{Event, EventType};
use tessera_api::ImageJob;
use tessera_core::decision::{State, Summary};
use tessera_core::reason::Reason;

/// Bytes of an event's note.
const NOTE: usize = 1000;

/// Tells that the job has come into another state.
pub(crate) async fn transition(ctx: &Ctx, job: &ImageJob, summary: &Summary) {
    let bad = match summary.state {
        State::Failed => true,
        State::Waiting => summary.reason != Reason::WaitingForSlots,
        State::Pending | State::Running | State::Suspended | State::Complete => false,
    };
    let type_ = if bad { EventType::Warning } else { EventType::Normal };
    tracing::info!(state = ?summary.state, reason = %summary.reason, message = summary.message, "transition");
    publish(ctx, job, type_, summary.reason, &summary.message).await;
}

/// Warns about something that is not a state of the job.
pub(crate) async fn warn(ctx: &Ctx, job: &ImageJob, reason: Reason, note: &str) {
    publish(ctx, job, EventType::Warning, reason, note).await;
}

async fn publish(ctx: &Ctx, job: &ImageJob, type_: EventType, reason: Reason, note: &str) {
    let event = Event {
        type_,
        reason: reason.as_str().to_owned(),
        note: Some(note.chars().take(NOTE).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &job.object_ref(&())).await {
        tracing::debug!(%error, "an event could not be written");
    }
}
