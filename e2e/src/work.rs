//! What happens in a test's namespace: jobs, pods, Jobs, events, waiting for them; and the faults that tests cause.

use crate::namespace::Namespace;
use crate::report::{OPERATOR_LABELS, OPERATOR_NAMESPACE};
use crate::wait::{Look, eventually};
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use std::collections::BTreeSet;
use tessera_api::conditions::{self, ConditionType};
use tessera_api::{ImageJob, ImageJobStatus};
use tessera_core::name::label;
use tessera_store::Store;

/// What the job's status says; nothing, before it says something.
pub fn status(job: &ImageJob) -> ImageJobStatus {
    job.status.clone().unwrap_or_default()
}

/// Whether the condition is True.
pub fn holds(job: &ImageJob, condition: ConditionType) -> bool {
    conditions::is_true(&status(job).conditions, condition)
}

/// The message of the condition; empty if there is none.
pub fn message(job: &ImageJob, condition: ConditionType) -> String {
    conditions::get(&status(job).conditions, condition).map(|one| one.message.clone()).unwrap_or_default()
}

/// A line about the job for messages.
fn line(job: &ImageJob) -> String {
    let now = status(job);
    format!(
        "{:?} {} {} {} {}",
        now.state,
        now.reason.unwrap_or_default(),
        now.stage.map(|stage| stage.name).unwrap_or_default(),
        now.tiles.map(|tiles| tiles.summary).unwrap_or_default(),
        message(job, ConditionType::Ready)
    )
}

impl Namespace {
    /// The job as it is now.
    ///
    /// # Errors
    /// It is not there.
    pub async fn get_job(&self, name: &str) -> Result<ImageJob> {
        self.api::<ImageJob>().get(name).await.with_context(|| format!("ImageJob {name}"))
    }

    /// Waits until `condition` holds for the job.
    ///
    /// # Errors
    /// It does not within `seconds`.
    pub async fn wait_for(
        &self,
        name: &str,
        what: &str,
        seconds: u64,
        condition: impl Fn(&ImageJob) -> bool,
    ) -> Result<ImageJob> {
        eventually(&format!("{name} {what}"), seconds, async || {
            let job = self.get_job(name).await?;
            let seen = line(&job);
            Ok(Look::when(condition(&job), job, || seen))
        })
        .await
    }

    /// Waits until the job is finished, complete or failed.
    ///
    /// # Errors
    /// It is not within `seconds`.
    pub async fn wait_finished(&self, name: &str, seconds: u64) -> Result<ImageJob> {
        self.wait_for(name, "is finished", seconds, |job| holds(job, ConditionType::Finished)).await
    }

    /// Waits until the job is not there any more.
    ///
    /// # Errors
    /// It still is after `seconds`.
    pub async fn wait_gone(&self, name: &str, seconds: u64) -> Result<()> {
        eventually(&format!("{name} is gone"), seconds, async || {
            let left = self.api::<ImageJob>().get_opt(name).await?;
            let seen = left.as_ref().map(|job| format!("{} {:?}", line(job), job.metadata));
            Ok(Look::when(left.is_none(), (), || seen.unwrap_or_default()))
        })
        .await
    }

    /// Waits until some of the job's tiles are done, but not all, and workers are at work.
    ///
    /// # Errors
    /// There is no such moment within `seconds`.
    pub async fn wait_middle(&self, name: &str, seconds: u64) -> Result<ImageJob> {
        let job = self
            .wait_for(name, "is in the middle", seconds, |job| {
                holds(job, ConditionType::Finished)
                    || status(job).tiles.is_some_and(|tiles| tiles.done > 0)
                        && status(job).workers.is_some_and(|workers| workers > 0)
            })
            .await?;
        let stage = status(&job).stage.map(|stage| stage.name).unwrap_or_default();
        ensure!(stage == "tiles", "the job was too quick for this test: {}", line(&job));
        Ok(job)
    }

    /// The pods of this namespace that could work: neither succeeded nor failed.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn live_pods(&self) -> Result<Vec<Pod>> {
        let mut pods = self.api::<Pod>().list(&ListParams::default()).await?.items;
        let phase = |pod: &Pod| pod.status.clone().and_then(|status| status.phase).unwrap_or_default();
        pods.retain(|pod| !matches!(phase(pod).as_str(), "Succeeded" | "Failed"));
        Ok(pods)
    }

    /// The pods that hold a slot: those that could work, of a Job that is still there. The Job of a stage that is done
    /// goes at once, and its last pod, which has nothing left to do, a moment later.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn pods_with_slots(&self) -> Result<Vec<String>> {
        let pods = self.live_pods().await?;
        let jobs: BTreeSet<String> = self.stage_jobs().await?.into_iter().map(|(name, _)| name).collect();
        let of_job =
            |pod: &Pod| pod.labels().get("batch.kubernetes.io/job-name").cloned().unwrap_or_default();
        Ok(pods.iter().filter(|pod| jobs.contains(&of_job(pod))).map(ResourceExt::name_any).collect())
    }

    /// Waits until the pods of these names are not there any more.
    ///
    /// # Errors
    /// One still is after `seconds`.
    pub async fn wait_pods_gone(&self, names: &[String], seconds: u64) -> Result<()> {
        eventually(&format!("the pods {names:?} are gone"), seconds, async || {
            let mut pods = self.api::<Pod>().list(&ListParams::default()).await?.items;
            pods.retain(|pod| names.contains(&pod.name_any()));
            let seen = || {
                format!("{:?}", pods.iter().map(|pod| (pod.name_any(), &pod.metadata)).collect::<Vec<_>>())
            };
            Ok(Look::when(pods.is_empty(), (), seen))
        })
        .await
    }

    /// Waits until there is no pod at all, not even one that has ended.
    ///
    /// # Errors
    /// There still is one after `seconds`.
    pub async fn wait_no_pods(&self, seconds: u64) -> Result<()> {
        eventually("no pod is left", seconds, async || {
            let pods = self.api::<Pod>().list(&ListParams::default()).await?.items;
            let names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
            Ok(Look::when(names.is_empty(), (), || names.join(", ")))
        })
        .await
    }

    /// Names and UIDs of the batch Jobs of this namespace.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn stage_jobs(&self) -> Result<BTreeSet<(String, String)>> {
        let jobs = self.api::<Job>().list(&ListParams::default()).await?;
        Ok(jobs.items.iter().map(|job| (job.name_any(), job.uid().unwrap_or_default())).collect())
    }

    /// The reasons of the events about the objects of this kind, and of this name if one is given.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn event_reasons(&self, kind: &str, name: Option<&str>) -> Result<Vec<String>> {
        let events = self.api::<Event>().list(&ListParams::default()).await?.items;
        let of_kind = events.into_iter().filter(|event| {
            let about = event.regarding.clone().unwrap_or_default();
            about.kind.as_deref() == Some(kind) && (name.is_none() || about.name.as_deref() == name)
        });
        Ok(of_kind.filter_map(|event| event.reason).collect())
    }

    /// Changes fields of the job's spec.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn change_job(&self, name: &str, spec: serde_json::Value) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.api::<ImageJob>().patch(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Asks for another try of a failed job.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn ask_again(&self, name: &str, request: u32) -> Result<()> {
        let patch = json!({ "metadata": { "annotations": { (label::RETRY): request.to_string() } } });
        self.api::<ImageJob>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Deletes a pod that runs, without giving it time to end.
    ///
    /// # Errors
    /// None runs within 60 s.
    pub async fn kill_a_worker(&self) -> Result<String> {
        let name = self.running_pod().await?;
        self.api::<Pod>().delete(&name, &DeleteParams::default().grace_period(0)).await?;
        Ok(name)
    }

    /// Evicts a pod that runs, as draining a node does.
    ///
    /// # Errors
    /// None runs within 60 s, or the API server refuses it.
    pub async fn evict_a_worker(&self) -> Result<String> {
        let name = self.running_pod().await?;
        self.api::<Pod>().evict(&name, &EvictParams::default()).await?;
        Ok(name)
    }

    /// The name of a pod that runs.
    ///
    /// # Errors
    /// None runs within 60 s.
    pub async fn running_pod(&self) -> Result<String> {
        eventually("a worker runs", 60, async || {
            let running = |pod: &&Pod| {
                pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"))
            };
            let pods = self.live_pods().await?;
            let Some(pod) = pods.iter().find(running) else { return Ok(Look::NotYet("none".into())) };
            Ok(Look::Done(pod.name_any()))
        })
        .await
    }

    /// Deletes the operator's pods, without giving them time to end.
    ///
    /// # Errors
    /// The API server refuses it, or there are none.
    pub async fn kill_the_operator(&self) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        let operators = pods.list(&ListParams::default().labels(OPERATOR_LABELS)).await?.items;
        ensure!(!operators.is_empty(), "no operator runs in namespace {OPERATOR_NAMESPACE}: make install");
        for pod in operators {
            pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
        }
        Ok(())
    }

    /// Waits until no batch Job, no live pod, no scratch object and no open upload of this namespace is left.
    ///
    /// # Errors
    /// Something is left after `seconds`.
    pub async fn wait_nothing_left(&self, seconds: u64) -> Result<()> {
        eventually("nothing is left", seconds, async || {
            let mut left: Vec<String> =
                self.live_pods().await?.iter().map(|pod| format!("pod {}", pod.name_any())).collect();
            left.extend(self.stage_jobs().await?.into_iter().map(|(name, _)| format!("Job {name}")));
            left.extend(self.stored_leftovers().await?);
            Ok(Look::when(left.is_empty(), (), || left.join(", ")))
        })
        .await
    }

    /// What lies in scratch, and the open uploads of this test's outputs.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn stored_leftovers(&self) -> Result<Vec<String>> {
        let objects = self.store.list(&self.scratch()?, None).await?;
        let uploads = self.store.list_uploads(&self.folder("results")?).await?;
        let mut left: Vec<String> = objects.iter().map(|info| info.at.to_string()).collect();
        left.extend(uploads.iter().map(|upload| format!("open upload of {}", upload.at)));
        Ok(left)
    }
}

/// The same job, computed in this many shards.
pub fn sharded(mut job: ImageJob, shards: u32) -> ImageJob {
    job.annotations_mut().insert(label::SHARDS.to_owned(), shards.to_string());
    job
}
