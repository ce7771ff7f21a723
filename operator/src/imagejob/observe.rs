//! Reads the world for one ImageJob: pool, plan, Jobs, pods and scratch. Writes nothing and decides nothing.
//! Scratch is read after the Jobs: what a Job has finished is therefore always seen there.

use super::build::plan::{self, StoredPlan};
use super::probe::{self, Planned};
use super::status;
use crate::context::Ctx;
use crate::stores;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Arc;
use tessera_api::uri::Locations;
use tessera_api::{ImageJob, WorkerPool, validate};
use tessera_core::name::{self, Entry, Scratch, label};
use tessera_core::observed::{Ended, Execution, Observed, Planning, Problem, StageJob, Wanted};
use tessera_core::piece::Piece;
use tessera_core::plan::{Plan, Stage};
use tessera_core::pyramid::Layer;
use tessera_core::reason::Reason;
use tessera_operations::Operation;
use tessera_store::{ErrorKind, Prefix, Store, StoreError};

/// A read failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the API server does not answer")]
    Kube(#[from] kube::Error),
    #[error("cannot read the scratch")]
    Scratch(#[source] StoreError),
    #[error("the plan in ConfigMap {0} is not understood: it was made by another version of the operator")]
    Plan(String),
}

/// What was observed, and what the writing steps need with it.
pub(crate) struct Seen {
    pub(crate) observed: Observed<Operation>,
    pub(crate) pool: Option<WorkerPool>,
    pub(crate) stored: Option<StoredPlan>,
    /// Name of the source's format, when the source was just probed.
    pub(crate) format: Option<&'static str>,
}

/// What the user wants beside the plan.
pub(crate) fn wanted(job: &ImageJob) -> Wanted {
    Wanted {
        suspend: job.spec.suspend,
        ttl: job.spec.ttl_seconds_after_finished.map(i64::from),
        deadline: job.spec.active_deadline_seconds.map(i64::from),
        managed: is_managed(job),
        retry: retry(job),
    }
}

/// The number of the user's last request to try again; 0 where there is none, or no number.
fn retry(job: &ImageJob) -> u32 {
    job.annotations().get(label::RETRY).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Whether Kueue decides when the Jobs of this ImageJob run, and with how many pods.
pub(crate) fn is_managed(job: &ImageJob) -> bool {
    job.labels().contains_key(label::KUEUE_QUEUE)
}

/// Observes.
pub(crate) async fn observe(ctx: &Ctx, job: &ImageJob) -> Result<Seen, Error> {
    let namespace = job.namespace().unwrap_or_default();
    let pool = ctx.watches.pools.cache().get(&ObjectRef::new(&job.spec.pool).within(&namespace));
    let pool = pool.and_then(|pool| pool.0.clone().ok());
    let ended = ended(job, pool.as_ref());
    let mut seen = Seen {
        observed: Observed { started: started(ctx, job), ended, planning: impossible(job, not_looked_at()) },
        pool,
        stored: None,
        format: None,
    };
    if seen.observed.ended.is_some() {
        return Ok(seen);
    }
    let plans: Api<ConfigMap> = Api::namespaced(ctx.client.clone(), &namespace);
    let plan_name = name::plan(&job.name_any(), &job.uid().unwrap_or_default());
    let store = store(ctx, job, seen.pool.as_ref()).await?;
    seen.observed.planning = match plans.get_opt(&plan_name).await? {
        Some(stored) => {
            let stored = plan::read(&stored).ok_or(Error::Plan(plan_name))?;
            let execution = execution(ctx, job, seen.pool.as_ref(), &stored.plan, store).await?;
            let planning = Planning::Stored(Box::new(stored.plan.clone()), Box::new(execution));
            seen.stored = Some(stored);
            planning
        }
        None => match new_plan(ctx, job, seen.pool.as_ref(), store).await {
            Ok(planned) => {
                seen.format = Some(planned.format);
                Planning::Made(Box::new(planned.plan))
            }
            Err(problem) => impossible(job, problem),
        },
    };
    Ok(seen)
}

fn not_looked_at() -> Problem {
    Problem::new(Reason::Probing, "not looked at")
}

fn impossible(job: &ImageJob, problem: Problem) -> Planning<Operation> {
    let since = status::told_since(job, problem.reason);
    Planning::Impossible { problem, since }
}

fn started(ctx: &Ctx, job: &ImageJob) -> i64 {
    let start = job.status.as_ref().and_then(|status| status.start_time.as_ref());
    start.map_or_else(|| ctx.now(), |time| time.0).as_second()
}

fn ended(job: &ImageJob, pool: Option<&WorkerPool>) -> Option<Ended> {
    let (complete, at) = status::ended(job)?;
    Some(Ended {
        complete,
        at: at.as_second(),
        holds_scratch: job.finalizers().iter().any(|finalizer| finalizer == label::FINALIZER),
        retention: pool
            .map_or(0, |pool| i64::try_from(pool.spec.store.scratch_retention_seconds()).unwrap_or(i64::MAX)),
        retried: status::retried(job),
    })
}

/// The pool's store, or why there is none yet.
async fn store(
    ctx: &Ctx,
    job: &ImageJob,
    pool: Option<&WorkerPool>,
) -> Result<Result<Arc<dyn Store>, Problem>, Error> {
    match pool {
        Some(pool) => match crate::pool::refused(pool, &ctx.config) {
            Some(problem) => Ok(Err(problem)),
            None => Ok(stores::of(ctx, pool).await?),
        },
        None => Ok(Err(Problem::new(
            Reason::PoolNotFound,
            format!(
                "there is no WorkerPool {} in namespace {}: create it, or name another in spec.pool",
                job.spec.pool,
                job.namespace().unwrap_or_default()
            ),
        ))),
    }
}

async fn new_plan(
    ctx: &Ctx,
    job: &ImageJob,
    pool: Option<&WorkerPool>,
    store: Result<Arc<dyn Store>, Problem>,
) -> Result<Planned, Problem> {
    let valid = validate(&job.spec, Locations::Cluster).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Problem::new(Reason::InvalidSpec, texts.join("; "))
    })?;
    let store = store?;
    let pool = pool.ok_or_else(not_looked_at)?;
    probe::make_plan(ctx, job, &valid, pool, &store).await
}

/// What has become of a stored plan.
async fn execution(
    ctx: &Ctx,
    job: &ImageJob,
    pool: Option<&WorkerPool>,
    plan: &Plan<Operation>,
    store: Result<Arc<dyn Store>, Problem>,
) -> Result<Execution, Error> {
    let status = job.status.clone().unwrap_or_default();
    let jobs = stage_jobs(ctx, job, plan).await?;
    let mut execution = Execution {
        slots: status.slots.unwrap_or(0),
        pool_slots: pool.map_or(0, |pool| pool.spec.replicas),
        place: status.place.unwrap_or(0),
        jobs,
        ..Execution::default()
    };
    match store {
        // Without a Job, now or earlier, nothing can lie there: a job that waits for its first slot costs no request.
        Ok(_) if execution.jobs.is_empty() && status.start_time.is_none() && status.retried.is_none() => {}
        Ok(store) => read_scratch(plan, store.as_ref(), &mut execution).await.map_err(Error::Scratch)?,
        Err(problem) => execution.problem = Some(problem),
    }
    Ok(execution)
}

/// The Jobs of the ImageJob with what their pods tell, as the watches have them. When a Job has failed, it is read anew with
/// its pods: why they ended must not be missed because one watch is ahead of the other, nor the failure of a Job that was
/// deleted for another try be taken for that of the next.
async fn stage_jobs(ctx: &Ctx, job: &ImageJob, plan: &Plan<Operation>) -> Result<Vec<StageJob>, Error> {
    let (namespace, uid) = (job.namespace().unwrap_or_default(), job.uid().unwrap_or_default());
    let watched = ctx.watches.jobs.cache();
    let named =
        |stage: &Stage| ObjectRef::new(&name::job(&job.name_any(), &uid, stage.name())).within(&namespace);
    let mut jobs: Vec<_> = plan.stages().iter().filter_map(|stage| watched.get(&named(stage))).collect();
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let pods = if jobs.iter().any(|job| super::workload::has_failed(job)) {
        let ours = ListParams::default().labels(&format!("{}={uid}", label::JOB_UID));
        jobs = list(ctx, &namespace, &ours).await?;
        list(ctx, &namespace, &ours).await?
    } else {
        let mut pods = ctx.watches.pods.cache().state();
        pods.retain(|pod| pod.labels().get(label::JOB_UID) == Some(&uid));
        pods
    };
    Ok(jobs.iter().filter_map(|job| super::workload::stage_job(job, &pods)).collect())
}

async fn list<K>(ctx: &Ctx, namespace: &str, which: &ListParams) -> kube::Result<Vec<Arc<K>>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(ctx.client.clone(), namespace);
    Ok(api.list(which).await?.items.into_iter().map(Arc::new).collect())
}

/// Looks at what the workers have left.
async fn read_scratch(
    plan: &Plan<Operation>,
    store: &dyn Store,
    seen: &mut Execution,
) -> Result<(), StoreError> {
    let Ok(prefix) = plan.scratch.parse::<Prefix>() else { return Ok(()) };
    let parent = prefix.path().strip_suffix(&format!("{}/", plan.job)).unwrap_or_default();
    let scratch = Scratch::new(parent, &plan.job);
    let listed = store.list(&prefix, None).await?;
    let keys = listed.iter().filter_map(|info| scratch.parse(info.at.key()));
    let mut pieces: std::collections::BTreeMap<u32, Vec<u64>> = std::collections::BTreeMap::new();
    for key in keys {
        let Some(stage) = Stage::from_name(&key.stage) else { continue };
        match (stage, key.entry) {
            (Stage::Split, Entry::Manifest) => seen.copied = true,
            (Stage::Split, Entry::Record(_)) => seen.copied_pieces += 1,
            (Stage::Tiles, Entry::Manifest) => seen.shards_done += 1,
            (Stage::Whole | Stage::Assemble, Entry::Manifest) => {
                seen.published = read_json(store, &prefix, &scratch.manifest(stage.name(), 0)).await?;
            }
            (Stage::Tiles, Entry::Record(number)) => {
                let tiles = pieces.entry(key.shard).or_insert_with(|| tiles_of_pieces(plan, key.shard));
                seen.tiles_done += tiles.get(number as usize).copied().unwrap_or(0);
            }
            (Stage::Whole, Entry::Progress) => {
                let progress: Option<WholeProgress> =
                    read_json(store, &prefix, &scratch.progress(stage.name())).await?;
                seen.tiles_done = progress.map_or(0, |progress| progress.tiles);
            }
            (Stage::Split | Stage::Tiles | Stage::Assemble, Entry::Progress)
            | (_, Entry::Record(_) | Entry::Data(_)) => {}
        }
    }
    Ok(())
}

/// What a stage of one pod tells while it runs.
#[derive(serde::Deserialize)]
struct WholeProgress {
    tiles: u64,
}

/// Tiles of the image in each piece of a shard: none in those of overviews.
fn tiles_of_pieces(plan: &Plan<Operation>, shard: u32) -> Vec<u64> {
    let tiles = |piece: &Piece| match piece.layer {
        Layer::Level(0) => piece.tile_count(&plan.grid),
        Layer::Level(_) | Layer::Crown => 0,
    };
    plan.pieces(shard).iter().map(tiles).collect()
}

/// Reads a record; `None` where there is none, or none of this version.
async fn read_json<T: serde::de::DeserializeOwned>(
    store: &dyn Store,
    prefix: &Prefix,
    key: &str,
) -> Result<Option<T>, StoreError> {
    let Ok(at) = tessera_store::Location::new(prefix.bucket(), key) else { return Ok(None) };
    match store.get(&at).await {
        Ok((_, bytes)) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
