//! The WorkerPool controller: divides the slots among the pool's ImageJobs and tells how the pool is.
//! It is the only one that grants slots; the ImageJob controller turns grants into pods.

mod grant;
mod members;
mod ready;
mod shape;
mod status;
mod workers;

pub(crate) use grant::Ledger;
pub(crate) use members::has_ended_pod;
pub(crate) use ready::Checks;
pub(crate) use shape::refused;

use crate::context::Ctx;
use crate::imagejob::Guarded;
use crate::objects::{MANAGER, apply_status, gone_is_fine};
use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tessera_api::WorkerPool;
use tessera_core::allocate::allocate;
use tessera_core::name::label;
use tracing::Instrument;

/// Time until the slots are divided again though nothing has happened.
const RECHECK: Duration = Duration::from_secs(60);

/// What happens within this time is answered by one division.
const PACE: Duration = Duration::from_millis(200);

/// A reconcile that takes longer is given up and tried again.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A WorkerPool as the watch gives it: perhaps not of the form that this version knows.
pub(crate) type GuardedPool = DeserializeGuard<WorkerPool>;

/// A step of a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read the pool's Secret")]
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

/// The controller, which runs for as long as the process lives. It listens from now on.
pub(crate) fn run(ctx: Arc<Ctx>) -> impl Future<Output = ()> {
    let watches = &ctx.watches;
    Controller::for_stream(watches.pools.listen(), watches.pools.cache())
        .watches_stream(watches.image_jobs.listen(), of_job)
        .watches_stream(watches.jobs.listen(), of_labels)
        .watches_stream(watches.pods.listen(), of_labels)
        .with_config(Config::default().concurrency(16))
        .run(reconcile, on_error, ctx.clone())
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(error = %error, "controller");
            }
        })
}

fn of_job(job: Guarded) -> Option<ObjectRef<GuardedPool>> {
    let namespace = job.meta().namespace.clone().unwrap_or_default();
    job.0.ok().map(|job| ObjectRef::new(&job.spec.pool).within(&namespace))
}

/// Names of pools are short enough to be labels as they are.
fn of_labels<K: Resource<DynamicType = ()>>(object: K) -> Option<ObjectRef<GuardedPool>> {
    let pool = object.labels().get(label::POOL)?;
    Some(ObjectRef::new(pool).within(object.meta().namespace.as_deref().unwrap_or_default()))
}

async fn reconcile(object: Arc<GuardedPool>, ctx: Arc<Ctx>) -> Result<Action, Error> {
    let span = tracing::info_span!(
        "reconcile",
        kind = "WorkerPool",
        namespace = object.meta().namespace,
        pool = object.meta().name
    );
    let step = tokio::time::timeout(TIMEOUT, step(&object, &ctx).instrument(span));
    let result = ctx.metrics.timed("WorkerPool", step).await.unwrap_or(Err(Error::Timeout));
    // The next reconcile of this pool waits for this one to end: so all that happens meanwhile is answered at once.
    tokio::time::sleep(PACE).await;
    result
}

/// One reconcile, on what the watches have. What this process has granted and the watch has not seen yet is remembered.
async fn step(object: &GuardedPool, ctx: &Ctx) -> Result<Action, Error> {
    let Ok(pool) = &object.0 else { return Ok(Action::await_change()) };
    ctx.watches.ready().await;
    let now = ctx.now();
    let members = members::of(ctx, pool);
    let claims = members.claims(now.as_second());
    let granted = allocate(pool.spec.replicas, members.foreign, &claims, now.as_second());
    let pending = grant::write(ctx, pool, &members, &grant::next(&members, &claims, &granted, now)).await?;
    let check = ready::look(ctx, pool).await.map_err(Error::Observe)?;
    let told = status::next(
        pool,
        &status::Figures {
            members: &members,
            claims: &claims,
            granted: &granted,
            problem: check.problem.as_ref(),
        },
        now,
    );
    let paced = write_status(ctx, pool, &told).await.map_err(Error::Status)?;
    let next =
        [Some(RECHECK), Some(check.again), pending, paced, members.again()].into_iter().flatten().min();
    Ok(Action::requeue(next.unwrap_or(RECHECK)))
}

/// Writes the status if it is new; figures alone are written at most once a second. The time until what was held back.
async fn write_status(
    ctx: &Ctx,
    pool: &WorkerPool,
    told: &tessera_api::WorkerPoolStatus,
) -> kube::Result<Option<Duration>> {
    if Some(told) == pool.status.as_ref() {
        return Ok(None);
    }
    if let Some(wait) = ctx.ledger.hold_back(pool, status::tells_news(pool.status.as_ref(), told)) {
        return Ok(Some(wait));
    }
    let api: Api<WorkerPool> = Api::namespaced(ctx.client.clone(), &pool.namespace().unwrap_or_default());
    gone_is_fine(apply_status(&api, &pool.name_any(), MANAGER, told).await)?;
    Ok(None)
}

fn on_error(object: Arc<GuardedPool>, error: &Error, ctx: Arc<Ctx>) -> Action {
    ctx.metrics.failed("WorkerPool", error.kind());
    let causes = crate::objects::causes(error);
    tracing::warn!(namespace = object.meta().namespace, name = object.meta().name, error = %causes, "reconcile failed");
    Action::requeue(Duration::from_secs(5))
}
