//! Carries out the verdict on one pod, as PodGC does: first it is marked as failed by a disruption, for its Job to see that
//! it has ended without fault, and then removed. It decides nothing.

use super::{Error, bounded};
use crate::context::Ctx;
use crate::objects::MANAGER;
use crate::pool::has_ended_pod;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::events::{Event, EventType};
use kube::{Api, Resource, ResourceExt};
use tessera_core::lost::{self, Deletion, Node, Verdict};
use tessera_core::name::label;
use tessera_core::reason::Reason;

/// The condition of a pod that ends for no fault of its own.
const DISRUPTED: &str = "DisruptionTarget";

/// Why the condition is there, if we had to set it.
const BY_US: &str = "DeletionByTessera";

/// Where a pod is.
pub(super) struct Place<'a> {
    /// Name of the node.
    pub(super) name: &'a str,
    /// What is known of it.
    pub(super) node: Node,
}

/// What the judgement follows from.
pub(super) fn facts(pod: &Pod) -> lost::Pod {
    let forced = pod.meta().deletion_grace_period_seconds == Some(0);
    let mark = |time: &Time| Deletion { due: time.0.as_second(), forced };
    let reason = disruption(pod).and_then(|condition| condition.reason.as_deref());
    lost::Pod {
        ended: has_ended_pod(pod),
        deletion: pod.meta().deletion_timestamp.as_ref().map(mark),
        driven_off: reason == Some("DeletionByTaintManager"),
    }
}

fn disruption(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == DISRUPTED && condition.status == "True")
}

/// Does what the verdict says. A pod that has changed or gone meanwhile is left to the next look.
pub(super) async fn carry_out(
    ctx: &Ctx,
    pod: &Pod,
    place: &Place<'_>,
    verdict: Verdict,
) -> Result<(), Error> {
    match verdict {
        Verdict::Keep => Ok(()),
        Verdict::Remove => remove(ctx, pod).await,
        Verdict::GiveUp => {
            if fail(ctx, pod, place).await? {
                announce(ctx, pod, place).await;
                remove(ctx, pod).await?;
            }
            Ok(())
        }
    }
}

/// Marks the pod as failed; `false` if it is not the pod any more that was judged.
async fn fail(ctx: &Ctx, pod: &Pod, place: &Place<'_>) -> Result<bool, Error> {
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Strategic(failed(pod, place, ctx.now()));
    match bounded(api(ctx, pod).patch_status(&pod.name_any(), &params, &patch)).await? {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(false),
        Err(error) => Err(Error::Fail(error)),
    }
}

/// What is to be changed of the pod that was judged.
fn failed(pod: &Pod, place: &Place<'_>, now: Timestamp) -> serde_json::Value {
    let condition = serde_json::json!({
        "type": DISRUPTED,
        "status": "True",
        "reason": BY_US,
        "message": format!("Tessera: {}", situation(place)),
        "lastTransitionTime": Time(now),
    });
    let conditions = if disruption(pod).is_none() { vec![condition] } else { Vec::new() };
    serde_json::json!({
        "metadata": { "uid": pod.meta().uid, "resourceVersion": pod.meta().resource_version },
        "status": { "phase": "Failed", "conditions": conditions },
    })
}

fn situation(place: &Place<'_>) -> String {
    let name = place.name;
    match place.node {
        Node::Gone => format!("node {name} does not exist any more"),
        Node::Silent | Node::Hidden | Node::Answers => format!("node {name} does not answer"),
    }
}

async fn remove(ctx: &Ctx, pod: &Pod) -> Result<(), Error> {
    let same = Preconditions { uid: pod.meta().uid.clone(), resource_version: None };
    let params = DeleteParams::default().grace_period(0).preconditions(same);
    match bounded(api(ctx, pod).delete(&pod.name_any(), &params)).await? {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
        Err(error) => Err(Error::Remove(error)),
    }
}

fn api(ctx: &Ctx, pod: &Pod) -> Api<Pod> {
    Api::namespaced(ctx.client.clone(), &pod.namespace().unwrap_or_default())
}

/// Logs it, and tells it with the ImageJob, unless that is gone. An event that cannot be written is forgotten.
async fn announce(ctx: &Ctx, pod: &Pod, place: &Place<'_>) {
    let note = note(pod, place);
    tracing::warn!(namespace = pod.namespace(), pod = pod.name_any(), node = place.name, "{note}");
    let uid = pod.labels().get(label::JOB_UID);
    let jobs = ctx.watches.image_jobs.cache().state();
    let Some(job) = jobs.iter().find(|job| job.meta().uid.as_ref() == uid) else { return };
    let event = Event {
        type_: EventType::Warning,
        reason: Reason::NodeLost.as_str().to_owned(),
        note: Some(note),
        action: "Free".to_owned(),
        // An event of its own for each pod: events that differ in their note alone are counted as one.
        secondary: Some(pod.object_ref(&())),
    };
    let published = bounded(ctx.recorder.publish(&event, &job.object_ref(&()))).await;
    if !matches!(published, Ok(Ok(()))) {
        tracing::debug!(?published, "an event could not be written");
    }
}

fn note(pod: &Pod, place: &Place<'_>) -> String {
    let label = |key| pod.labels().get(key).cloned().unwrap_or_default();
    format!(
        "{}: its pod {} was given up, so that another one can take shard {} of stage {}",
        situation(place),
        pod.name_any(),
        label("batch.kubernetes.io/job-completion-index"),
        label(label::STAGE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(phase: &str, conditions: Value) -> Pod {
        let pod = json!({
            "metadata": {
                "name": "slide-1-tiles-3-x", "uid": "u", "resourceVersion": "7",
                "labels": { "batch.kubernetes.io/job-completion-index": "3", "tessera.dev/stage": "tiles" },
                "deletionTimestamp": "1970-01-01T00:01:00Z", "deletionGracePeriodSeconds": 20,
            },
            "spec": { "containers": [] },
            "status": { "phase": phase, "conditions": conditions },
        });
        serde_json::from_value(pod).expect("this is a pod")
    }

    const SILENT: Place<'_> = Place { name: "n3", node: Node::Silent };

    fn disrupted(reason: &str) -> Value {
        json!([{ "type": DISRUPTED, "status": "True", "reason": reason }])
    }

    #[test]
    fn a_patch_is_for_the_judged_pod_only_and_keeps_the_reason_that_is_there() {
        let patch = |conditions| failed(&pod("Running", conditions), &SILENT, Timestamp::UNIX_EPOCH);
        let (evicted, deleted) = (patch(disrupted("DeletionByTaintManager")), patch(json!([])));
        for patch in [&evicted, &deleted] {
            assert_eq!(patch["metadata"], json!({ "uid": "u", "resourceVersion": "7" }));
            assert_eq!(patch["status"]["phase"], "Failed");
        }
        assert_eq!(evicted["status"]["conditions"], json!([]));
        let expected = json!([{
            "type": DISRUPTED, "status": "True", "reason": BY_US, "message": "Tessera: node n3 does not answer",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }]);
        assert_eq!(deleted["status"]["conditions"], expected);
    }

    #[test]
    fn the_facts_are_those_of_the_pod() {
        let deletion = Some(Deletion { due: 60, forced: false });
        let expected = lost::Pod { ended: false, deletion, driven_off: true };
        assert_eq!(facts(&pod("Running", disrupted("DeletionByTaintManager"))), expected);
        let expected = lost::Pod { ended: true, deletion, driven_off: false };
        assert_eq!(facts(&pod("Succeeded", disrupted("EvictionByEvictionAPI"))), expected);
    }

    #[test]
    fn the_event_names_node_pod_and_shard() {
        assert_eq!(
            note(&pod("Running", json!([])), &SILENT),
            "node n3 does not answer: its pod slide-1-tiles-3-x was given up, so that another one can take shard 3 of \
             stage tiles"
        );
    }
}
