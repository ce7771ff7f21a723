//! Gives back what an ImageJob holds: its Jobs with their pods, its scratch, its open upload; then the finalizer.
//! It must work without pool, Secret or plan (in a namespace being deleted they go first), and it must end.

use crate::context::Ctx;
use crate::objects::gone_is_fine;
use crate::stores;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::name::{Scratch, label};
use tessera_core::reason::Reason;
use tessera_store::{Location, Prefix, Store, StoreError};

/// Seconds after the deletion during which pods may end and the store may come back; then the job is let go.
const PATIENCE: i64 = 300;

/// Seconds that pods get to end before their scratch is deleted all the same.
const POD_PATIENCE: i64 = 60;

/// How often a write is tried that another one has overtaken.
const CONFLICTS: u32 = 5;

/// Giving back failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the API server does not answer")]
    Kube(#[from] kube::Error),
    #[error("the store does not let the scratch be deleted")]
    Store(#[from] StoreError),
}

/// The job is being deleted.
pub(crate) async fn deleted(ctx: &Ctx, job: &ImageJob) -> Result<Action, Error> {
    if !job.finalizers().iter().any(|finalizer| finalizer == label::FINALIZER) {
        return Ok(Action::await_change());
    }
    let since = job.meta().deletion_timestamp.as_ref().map_or_else(|| ctx.now(), |time| time.0);
    let waited = ctx.now().as_second() - since.as_second();
    delete_jobs(ctx, job).await?;
    if waited < POD_PATIENCE && pods_run(ctx, job).await? {
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    match clean(ctx, job).await {
        Ok(Cleaned::Everything) => {}
        Ok(Cleaned::Nothing) => orphan(ctx, job, "the pool or its Secret is gone").await,
        Err(error) if waited < PATIENCE => return Err(error),
        Err(error) => orphan(ctx, job, &error.to_string()).await,
    }
    remove_finalizer(ctx, job).await?;
    tracing::info!(name = job.name_any(), namespace = job.namespace(), "released");
    Ok(Action::await_change())
}

/// The job has ended, and what it held is not needed any more.
pub(crate) async fn finished(ctx: &Ctx, job: &ImageJob) -> Result<(), Error> {
    delete_jobs(ctx, job).await?;
    match clean(ctx, job).await? {
        Cleaned::Everything => {}
        Cleaned::Nothing => orphan(ctx, job, "the pool or its Secret is gone").await,
    }
    Ok(remove_finalizer(ctx, job).await?)
}

enum Cleaned {
    Everything,
    /// There is no store to clean in.
    Nothing,
}

/// Deletes all Jobs of the ImageJob with their pods.
pub(crate) async fn delete_jobs(ctx: &Ctx, job: &ImageJob) -> kube::Result<()> {
    let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    for owned in jobs.list(&ours(job)).await? {
        gone_is_fine(jobs.delete(&owned.name_any(), &DeleteParams::background()).await)?;
    }
    Ok(())
}

/// Whether a pod of the job could still write.
async fn pods_run(ctx: &Ctx, job: &ImageJob) -> kube::Result<bool> {
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
    let pods = pods.list(&ours(job)).await?;
    Ok(pods.iter().any(|pod| !matches!(phase(pod).as_str(), "Succeeded" | "Failed")))
}

fn ours(job: &ImageJob) -> ListParams {
    ListParams::default().labels(&format!("{}={}", label::JOB_UID, job.uid().unwrap_or_default()))
}

/// Deletes everything in scratch and aborts the upload of the output.
async fn clean(ctx: &Ctx, job: &ImageJob) -> Result<Cleaned, Error> {
    let namespace = job.namespace().unwrap_or_default();
    let pools: Api<WorkerPool> = Api::namespaced(ctx.client.clone(), &namespace);
    let pool = pools.get_opt(&job.spec.pool).await?;
    let current = match &pool {
        Some(pool) => stores::of(ctx, pool).await?.ok(),
        None => None,
    };
    let (store, scratch) = match current.or_else(|| ctx.stores.remembered(&namespace, &job.spec.pool)) {
        Some(store) => (store, scratch_of(ctx, job, pool.as_ref())),
        None => return Ok(Cleaned::Nothing),
    };
    let Some(scratch) = scratch else { return Ok(Cleaned::Nothing) };
    abort_uploads(&store, job).await?;
    store.delete_all(&scratch).await?;
    Ok(Cleaned::Everything)
}

/// The job's own folder of scratch.
fn scratch_of(ctx: &Ctx, job: &ImageJob, pool: Option<&WorkerPool>) -> Option<Prefix> {
    let namespace = job.namespace().unwrap_or_default();
    let known = pool.map(|pool| pool.spec.store.scratch.clone());
    let scratch = known.or_else(|| ctx.stores.remembered_scratch(&namespace, &job.spec.pool))?;
    let parent: Prefix = scratch.parse().ok()?;
    let own = Scratch::new(parent.path(), &job.uid()?);
    Prefix::new(parent.bucket(), own.prefix()).ok()
}

/// Aborts the open uploads of exactly the output: while this job lives, no other may write there.
async fn abort_uploads(store: &Arc<dyn Store>, job: &ImageJob) -> Result<(), StoreError> {
    let Ok(output) = job.spec.output.uri.parse::<Location>() else { return Ok(()) };
    for upload in store.list_uploads(&output.parent()).await?.iter().filter(|upload| upload.at == output) {
        store.abort_upload(upload).await?;
    }
    Ok(())
}

/// The job is let go although its scratch could not be deleted: told, and counted.
async fn orphan(ctx: &Ctx, job: &ImageJob, why: &str) {
    ctx.metrics.orphans.inc();
    let text = format!(
        "its scratch could not be deleted ({why}); it lies under the UID {}",
        job.uid().unwrap_or_default()
    );
    tracing::warn!(name = job.name_any(), namespace = job.namespace(), "{text}");
    super::events::warn(ctx, job, Reason::StoreUnavailable, &text).await;
}

async fn remove_finalizer(ctx: &Ctx, job: &ImageJob) -> kube::Result<()> {
    change_finalizers(ctx, job, |all| all.retain(|one| one != label::FINALIZER)).await
}

/// Changes the list of finalizers as it is now: the status may have been written since the job was read, and another
/// controller may have a finalizer of its own.
pub(crate) async fn change_finalizers(
    ctx: &Ctx,
    job: &ImageJob,
    change: impl Fn(&mut Vec<String>),
) -> kube::Result<()> {
    let api: Api<ImageJob> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    for attempt in 1.. {
        let live = api.get_opt(&job.name_any()).await?;
        let Some(live) = live.filter(|live| live.uid() == job.uid()) else { return Ok(()) };
        let mut finalizers = live.finalizers().to_vec();
        change(&mut finalizers);
        if finalizers == live.finalizers() {
            return Ok(());
        }
        let patch = serde_json::json!({
            "metadata": { "finalizers": finalizers, "resourceVersion": live.resource_version() }
        });
        match api.patch(&job.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if status.code == 409 && attempt < CONFLICTS => {}
            written => return gone_is_fine(written),
        }
    }
    Ok(())
}
