//! The ImageJob controller: read the world, decide with values, write the world. This file only drives.

mod apply;
mod build;
mod events;
mod observe;
mod probe;
mod reject;
mod release;
mod status;
mod workload;

pub(crate) use probe::unreachable_store;
pub(crate) use status::has_ended;

use crate::context::Ctx;
use crate::objects::{watch, watched};
use futures::StreamExt;
use k8s_openapi::api::batch::v1::Job;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::decide::decide;
use tessera_core::name::label;
use tracing::Instrument;

/// ImageJobs that are reconciled at the same time.
const CONCURRENCY: u16 = 16;

/// A reconcile that takes longer is given up and tried again.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An ImageJob as the watch gives it: perhaps not of the form that this version knows.
pub(crate) type Guarded = DeserializeGuard<ImageJob>;

/// A step of a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot observe the ImageJob")]
    Observe(#[source] observe::Error),
    #[error("cannot apply the decision")]
    Apply(#[source] apply::Error),
    #[error("cannot write the status")]
    Status(#[source] kube::Error),
    #[error("cannot release what the ImageJob holds")]
    Release(#[source] release::Error),
    #[error("the reconcile took longer than {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl Error {
    /// A bounded name for metrics.
    fn kind(&self) -> &'static str {
        match self {
            Error::Observe(_) => "observe",
            Error::Apply(_) => "apply",
            Error::Status(_) => "status",
            Error::Release(_) => "release",
            Error::Timeout => "timeout",
        }
    }
}

/// Runs the controller for as long as the process lives.
pub(crate) async fn run(ctx: Arc<Ctx>) {
    let owned = watch().labels(label::JOB_UID);
    let controller = Controller::new(watched::<Guarded>(&ctx), watch());
    let jobs = controller.store();
    ctx.set_jobs(jobs.clone());
    let of_pool = move |pool: DeserializeGuard<WorkerPool>| -> Vec<ObjectRef<Guarded>> {
        let uses = |job: &Guarded| {
            job.meta().namespace == pool.meta().namespace
                && job.0.as_ref().is_ok_and(|job| {
                    Some(&job.spec.pool) == pool.meta().name.as_ref() && !status::has_ended(job)
                })
        };
        jobs.state().iter().filter(|job| uses(job)).map(|job| ObjectRef::from_obj(&**job)).collect()
    };
    controller
        .owns(watched::<Job>(&ctx), owned)
        .watches(watched::<DeserializeGuard<WorkerPool>>(&ctx), watch(), of_pool)
        .with_config(Config::default().concurrency(CONCURRENCY))
        .run(reconcile, on_error, ctx)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(error = %error, "controller");
            }
        })
        .await;
}

async fn reconcile(object: Arc<Guarded>, ctx: Arc<Ctx>) -> Result<Action, Error> {
    let span = tracing::info_span!(
        "reconcile",
        kind = "ImageJob",
        namespace = object.meta().namespace,
        job = object.meta().name,
        uid = object.meta().uid
    );
    let step = tokio::time::timeout(TIMEOUT, step(&object, &ctx).instrument(span));
    ctx.metrics.timed("ImageJob", step).await.unwrap_or(Err(Error::Timeout))
}

/// One reconcile. The object is read again: a decision on a stale copy could undo what was decided since.
async fn step(object: &Guarded, ctx: &Ctx) -> Result<Action, Error> {
    let api: Api<Guarded> =
        Api::namespaced(ctx.client.clone(), object.meta().namespace.as_deref().unwrap_or_default());
    let live = api.get_opt(&object.name_any()).await.map_err(|error| Error::Observe(error.into()))?;
    let Some(live) = live.filter(|live| live.meta().uid == object.meta().uid) else {
        return Ok(Action::await_change());
    };
    let job = match live.0 {
        Ok(job) => job,
        Err(invalid) => return reject::unreadable(ctx, &invalid).await.map_err(Error::Status),
    };
    if job.meta().deletion_timestamp.is_some() {
        return release::deleted(ctx, &job).await.map_err(Error::Release);
    }
    let seen = observe::observe(ctx, &job).await.map_err(Error::Observe)?;
    let now = ctx.now();
    let decision = decide(observe::wanted(&job), &seen.observed, now.as_second());
    let applied = apply::apply(ctx, &job, &seen, &decision).await;
    status::write(ctx, &job, &seen, &decision, now).await.map_err(Error::Status)?;
    applied.map_err(Error::Apply)?;
    Ok(match decision.requeue {
        Some(seconds) => Action::requeue(Duration::from_secs(u64::from(seconds))),
        None => Action::await_change(),
    })
}

/// Tries again soon; the error is told once here, with its causes.
fn on_error(object: Arc<Guarded>, error: &Error, ctx: Arc<Ctx>) -> Action {
    ctx.metrics.failed("ImageJob", error.kind());
    let causes = crate::objects::causes(error);
    tracing::warn!(namespace = object.meta().namespace, name = object.meta().name, error = %causes, "reconcile failed");
    Action::requeue(Duration::from_secs(5))
}
