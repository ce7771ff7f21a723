//! The WorkerPool controller: divides the slots among the pool's ImageJobs and tells how the pool is.
//! It is the only one that grants slots; the ImageJob controller turns grants into pods.

mod status;

use crate::context::Ctx;
use crate::imagejob::Guarded;
use crate::objects::{apply_status, gone_is_fine};
use crate::stores;
use futures::StreamExt;
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::allocate::{Claim, divide};
use tessera_core::handover::{Held, hand_over};
use tessera_core::observed::Problem;
use tessera_store::Prefix;
use tracing::Instrument;

/// Field manager of an ImageJob's slots.
const SLOTS: &str = "tessera-pool";

/// Seconds between two looks at the pool's store.
const RECHECK: u64 = 60;

/// A reconcile that takes longer is given up and tried again.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A step of a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read the pool or its ImageJobs")]
    Observe(#[source] kube::Error),
    #[error("cannot grant slots to ImageJob {job}")]
    Grant { job: String, source: kube::Error },
    #[error("cannot write the status of the pool")]
    Status(#[source] kube::Error),
    #[error("the reconcile took longer than {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl Error {
    fn kind(&self) -> &'static str {
        match self {
            Error::Observe(_) => "observe",
            Error::Grant { .. } => "grant",
            Error::Status(_) => "status",
            Error::Timeout => "timeout",
        }
    }
}

/// A WorkerPool as the watch gives it.
pub(crate) type GuardedPool = DeserializeGuard<WorkerPool>;

/// The controller, which runs for as long as the process lives. It listens from now on.
pub(crate) fn run(ctx: Arc<Ctx>) -> impl Future<Output = ()> {
    let of_job = |job: Guarded| {
        let namespace = job.meta().namespace.clone().unwrap_or_default();
        job.0.ok().map(|job| ObjectRef::<GuardedPool>::new(&job.spec.pool).within(&namespace))
    };
    let watches = &ctx.watches;
    Controller::for_stream(watches.pools.listen(), watches.pools.cache())
        .watches_stream(watches.image_jobs.listen(), of_job)
        .with_config(Config::default().concurrency(4))
        .run(reconcile, on_error, ctx.clone())
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(error = %error, "controller");
            }
        })
}

async fn reconcile(object: Arc<GuardedPool>, ctx: Arc<Ctx>) -> Result<Action, Error> {
    let span = tracing::info_span!(
        "reconcile",
        kind = "WorkerPool",
        namespace = object.meta().namespace,
        pool = object.meta().name
    );
    let step = tokio::time::timeout(TIMEOUT, step(&object, &ctx).instrument(span));
    ctx.metrics.timed("WorkerPool", step).await.unwrap_or(Err(Error::Timeout))
}

/// One reconcile, on what the API server has now.
async fn step(object: &GuardedPool, ctx: &Ctx) -> Result<Action, Error> {
    let namespace = object.meta().namespace.clone().unwrap_or_default();
    let pools: Api<GuardedPool> = Api::namespaced(ctx.client.clone(), &namespace);
    let live = pools.get_opt(&object.name_any()).await.map_err(Error::Observe)?;
    let Some(DeserializeGuard(Ok(pool))) = live else { return Ok(Action::await_change()) };
    let jobs = jobs_of(ctx, &pool).await.map_err(Error::Observe)?;
    let claims: Vec<Claim> = jobs.iter().map(claim).collect();
    let held: Vec<Held> = jobs.iter().map(held).collect();
    let granted = hand_over(pool.spec.replicas, &held, &divide(pool.spec.replicas, &claims));
    for (job, slots) in jobs.iter().zip(&granted) {
        grant(ctx, job, *slots).await.map_err(|source| Error::Grant { job: job.name_any(), source })?;
    }
    let problem = look_at_store(ctx, &pool).await.map_err(Error::Observe)?;
    let told =
        status::next(&pool, &status::Figures { claims: &claims, granted: &granted, problem }, ctx.now());
    status::count(ctx, &pool, &told);
    if Some(&told) != pool.status.as_ref() {
        let api: Api<WorkerPool> = Api::namespaced(ctx.client.clone(), &namespace);
        let written = apply_status(&api, &pool.name_any(), crate::objects::MANAGER, &told).await;
        gone_is_fine(written).map_err(Error::Status)?;
    }
    Ok(Action::requeue(Duration::from_secs(RECHECK)))
}

/// The pool's ImageJobs, oldest first: those that have not ended, and those whose slots are still to be taken back.
async fn jobs_of(ctx: &Ctx, pool: &WorkerPool) -> kube::Result<Vec<ImageJob>> {
    let api: Api<Guarded> = Api::namespaced(ctx.client.clone(), &pool.namespace().unwrap_or_default());
    let all = api.list(&ListParams::default()).await?;
    let mut jobs: Vec<ImageJob> = all.items.into_iter().filter_map(|job| job.0.ok()).collect();
    jobs.retain(|job| job.spec.pool == pool.name_any() && job.meta().deletion_timestamp.is_none());
    jobs.retain(|job| !crate::imagejob::has_ended(job) || granted_before(job) > 0);
    jobs.sort_by_key(|job| (job.creation_timestamp().map(|time| time.0), job.uid()));
    Ok(jobs)
}

fn claim(job: &ImageJob) -> Claim {
    let asked = job.status.as_ref().and_then(|status| status.demand).unwrap_or(0);
    let demand = if crate::imagejob::has_ended(job) { 0 } else { asked };
    Claim { demand, weight: job.spec.weight }
}

fn granted_before(job: &ImageJob) -> u32 {
    job.status.as_ref().and_then(|status| status.slots).unwrap_or(0)
}

fn held(job: &ImageJob) -> Held {
    let status = job.status.clone().unwrap_or_default();
    Held { slots: status.slots.unwrap_or(0), pods: status.workers.unwrap_or(0) }
}

/// Writes the job's slots if they differ.
async fn grant(ctx: &Ctx, job: &ImageJob, slots: u32) -> kube::Result<()> {
    if granted_before(job) == slots {
        return Ok(());
    }
    let api: Api<ImageJob> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    let status = serde_json::json!({ "slots": slots });
    gone_is_fine(apply_status(&api, &job.name_any(), SLOTS, &status).await)
}

/// Whether the store answers to these credentials: the scratch is listed.
async fn look_at_store(ctx: &Ctx, pool: &WorkerPool) -> kube::Result<Option<Problem>> {
    let store = match stores::of(ctx, pool).await? {
        Ok(store) => store,
        Err(problem) => return Ok(Some(problem)),
    };
    let scratch: Prefix = match pool.spec.store.scratch.parse() {
        Ok(scratch) => scratch,
        Err(error) => return Ok(Some(stores::unavailable(format!("spec.store.scratch: {error}")))),
    };
    Ok(store.list_uploads(&scratch).await.err().map(|error| crate::imagejob::unreachable_store(&error)))
}

fn on_error(object: Arc<GuardedPool>, error: &Error, ctx: Arc<Ctx>) -> Action {
    ctx.metrics.failed("WorkerPool", error.kind());
    let causes = crate::objects::causes(error);
    tracing::warn!(namespace = object.meta().namespace, name = object.meta().name, error = %causes, "reconcile failed");
    Action::requeue(Duration::from_secs(5))
}
