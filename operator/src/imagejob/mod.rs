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

pub(crate) use observe::is_managed;
pub(crate) use status::has_ended;
pub(crate) use workload::has_failed;

use crate::context::Ctx;
use crate::pool::GuardedPool;
use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{PredicateConfig, WatchStreamExt};
use kube::{Api, Resource, ResourceExt};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tessera_api::ImageJob;
use tessera_api::workerpool::WorkerPoolSpec;
use tessera_core::decide::{TOLD, decide};
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

/// The controller, which runs for as long as the process lives. It listens from now on.
pub(crate) fn run(ctx: Arc<Ctx>) -> impl Future<Output = ()> {
    let watches = &ctx.watches;
    let changed = watches.image_jobs.listen().predicate_filter(news, PredicateConfig::default());
    Controller::for_stream(changed, watches.image_jobs.cache())
        .owns_stream(watches.jobs.listen())
        .watches_stream(watches.pools.listen(), jobs_of_changed_pools(&ctx))
        .with_config(Config::default().concurrency(CONCURRENCY))
        .run(reconcile, on_error, ctx.clone())
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(error = %error, "controller");
            }
        })
}

/// What of an ImageJob is worth a reconcile: all but its place in a long queue.
fn news(job: &Guarded) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let Ok(of) = &job.0 else {
        job.meta().resource_version.hash(&mut hasher);
        return Some(hasher.finish());
    };
    let mut of = of.clone();
    (of.metadata.resource_version, of.metadata.managed_fields) = (None, None);
    if let Some(place) = of.status.as_mut().and_then(|status| status.place.as_mut()) {
        *place = (*place).min(TOLD + 1);
    }
    serde_json::to_vec(&of).ok()?.hash(&mut hasher);
    Some(hasher.finish())
}

/// The unfinished ImageJobs of a pool whose spec, or whose being there, has changed. Its status and its number of slots
/// change all the time and are no news to jobs: slots come to each one by its own status.
fn jobs_of_changed_pools(
    ctx: &Ctx,
) -> impl Fn(GuardedPool) -> Vec<ObjectRef<Guarded>> + Send + Sync + 'static {
    let (jobs, pools) = (ctx.watches.image_jobs.cache(), ctx.watches.pools.cache());
    let known: Mutex<HashMap<ObjectRef<GuardedPool>, Option<WorkerPoolSpec>>> = Mutex::default();
    move |pool| {
        let key = ObjectRef::from_obj(&pool);
        let there = pools.get(&key);
        let now = there
            .as_ref()
            .and_then(|pool| pool.0.as_ref().ok())
            .map(|pool| WorkerPoolSpec { replicas: 0, ..pool.spec.clone() });
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&key) == Some(&now) {
            return Vec::new();
        }
        known.insert(key.clone(), now);
        let uses = |job: &&Arc<Guarded>| {
            job.meta().namespace.as_deref() == key.namespace.as_deref()
                && job.0.as_ref().is_ok_and(|job| job.spec.pool == key.name && !status::has_ended(job))
        };
        jobs.state().iter().filter(uses).map(|job| ObjectRef::from_obj(&**job)).collect()
    }
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
        // At once is a step that is due, no look.
        Some(Duration::ZERO) => Action::requeue(Duration::ZERO),
        Some(time) => Action::requeue(ctx.pace.look(time, Instant::now())),
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
