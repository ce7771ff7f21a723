//! Writes what each ImageJob is granted, and remembers it until the watch has seen it.

use super::Error;
use super::members::{Member, Members};
use crate::context::Ctx;
use crate::imagejob::Guarded;
use crate::objects::{apply_status, gone_is_fine};
use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Api, ResourceExt};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tessera_api::{ImageJob, WorkerPool};
use tessera_core::allocate::{Claim, places};
use tessera_core::decide;
use tessera_core::plan::Stage;

/// Field manager of an ImageJob's slots.
const SLOTS: &str = "tessera-pool";

/// Grants that are written at the same time.
const CONCURRENCY: usize = 16;

/// The shortest time between two writes of places in the queue: with each job that ends, all of them change.
const PLACES: Duration = Duration::from_secs(5);

/// The same for each job that waits, so that a long queue costs no more than a short one.
const PLACES_EACH: Duration = Duration::from_millis(100);

/// Steps of [`round`] by which a job may have fallen back before it is told: jobs that are accepted together come in any order.
const BACK: u32 = 2;

/// Time between two writes of a pool's figures.
const FIGURES: Duration = Duration::from_secs(1);

/// Places up to this are told exactly.
const EXACT: u32 = decide::TOLD;

/// What the pool's controller writes into an ImageJob's status.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grant {
    /// Slots.
    pub(crate) slots: u32,
    /// Since when the job has slots, or has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slots_since: Option<Time>,
    /// Place in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<u32>,
}

impl Grant {
    /// The grant that the status of `job` tells.
    pub(crate) fn told(job: &ImageJob) -> Grant {
        let Some(status) = &job.status else { return Grant::default() };
        Grant {
            slots: status.slots.unwrap_or(0),
            slots_since: status.slots_since.clone(),
            place: status.place,
        }
    }
}

/// The grants that follow from the division, in the order of the members.
pub(crate) fn next(members: &Members, claims: &[Claim], granted: &[u32], now: Timestamp) -> Vec<Grant> {
    let places = places(claims, granted, now.as_second());
    let next = |((member, slots), place): ((&Member, &u32), u32)| {
        let changes = (member.current().slots == 0) != (*slots == 0);
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Grant {
            slots: *slots,
            slots_since: if changes { Some(Time(now)) } else { member.current().slots_since },
            place: (place > 0).then(|| told(member.current().place, place)),
        }
    };
    members.jobs.iter().zip(granted).zip(places).map(next).collect()
}

/// The place that is told, where `before` was: a job that has fallen back a little is not told so.
fn told(before: Option<u32>, place: u32) -> u32 {
    let now = round(place);
    let bound = before
        .filter(|before| *before > EXACT)
        .map(|before| (0..BACK).fold(before, |bound, _| round(bound.saturating_add(1))));
    match (before, bound) {
        (Some(before), Some(bound)) if (before..bound).contains(&now) => before,
        _ => now,
    }
}

/// Exact for those who are next; else rounded up in steps, so that a long queue does not rewrite itself all the time.
fn round(place: u32) -> u32 {
    if place <= EXACT {
        return place;
    }
    let mut step = 10u32;
    loop {
        for factor in [1, 2, 5] {
            let bound = step.saturating_mul(factor);
            if place <= bound {
                return bound;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// Writes what is new. The time until places that were held back are written.
pub(crate) async fn write(
    ctx: &Ctx,
    pool: &WorkerPool,
    members: &Members,
    grants: &[Grant],
) -> Result<Option<Duration>, Error> {
    let differs = |(member, grant): &(&Member, &Grant)| member.current() != **grant;
    let moved = |(member, grant): &(&Member, &Grant)| member.current().slots != grant.slots;
    let changed: Vec<_> = members.jobs.iter().zip(grants).filter(differs).collect();
    let waiting =
        u32::try_from(grants.iter().filter(|grant| grant.place.is_some()).count()).unwrap_or(u32::MAX);
    let held_back = if changed.iter().all(&moved) { None } else { ctx.ledger.places(pool, waiting) };
    let writes = changed.into_iter().filter(|change| held_back.is_none() || moved(change));
    // A slot is taken before it is given.
    let (given, taken): (Vec<_>, Vec<_>) =
        writes.partition(|(member, grant)| grant.slots > member.current().slots);
    for batch in [taken, given] {
        let batch: Vec<_> =
            batch.into_iter().map(|(member, grant)| (member.job.clone(), grant.clone())).collect();
        write_all(ctx, batch).await?;
    }
    Ok(held_back)
}

async fn write_all(ctx: &Ctx, batch: Vec<(Arc<Guarded>, Grant)>) -> Result<(), Error> {
    let writes = batch.into_iter().map(|(job, grant)| write_one(ctx, job, grant));
    // One that fails does not keep the others from being written.
    let written: Vec<_> = futures::stream::iter(writes).buffer_unordered(CONCURRENCY).collect().await;
    written.into_iter().collect()
}

async fn write_one(ctx: &Ctx, job: Arc<Guarded>, grant: Grant) -> Result<(), Error> {
    let Ok(job) = &job.0 else { return Ok(()) };
    let api: Api<ImageJob> = Api::namespaced(ctx.client.clone(), &job.namespace().unwrap_or_default());
    // Before the job can read it, so that it is not refused what it was given.
    let promise = ctx.ledger.promise(job, grant);
    let written = gone_is_fine(apply_status(&api, &job.name_any(), SLOTS, &promise.grant).await);
    written.map_err(|source| Error::Grant { job: job.name_any(), source })?;
    promise.keep();
    Ok(())
}

/// A grant that is about to be written; forgotten if that fails or is given up.
struct Promise<'a> {
    ledger: &'a Ledger,
    uid: String,
    grant: Grant,
    kept: bool,
}

impl Promise<'_> {
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.ledger.lock().grants.remove(&self.uid);
        }
    }
}

/// The parallelism that was asked for the Job of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) stage: &'static str,
    pub(super) parallelism: u32,
}

/// What this process has written lately.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    grants: HashMap<String, (Instant, Grant)>,
    asked: HashMap<String, (Instant, Asked)>,
    places: HashMap<(String, String), Instant>,
    figures: HashMap<(String, String), Instant>,
}

impl Written {
    fn grant(&self, uid: &str) -> Option<&Grant> {
        let (at, grant) = self.grants.get(uid)?;
        (at.elapsed() < SEEN).then_some(grant)
    }
}

/// Time after which the watch has surely seen a write, or another one has changed it since, and no reconcile is under way that
/// began before it.
const SEEN: Duration = Duration::from_secs(180);

/// Time after which the watch has surely seen a Job that was created or changed.
pub(super) const ANSWERED: Duration = Duration::from_secs(10);

impl Ledger {
    /// What `job` was granted lately.
    pub(crate) fn of(&self, job: &ImageJob) -> Option<Grant> {
        self.lock().grant(&job.uid()?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn promise(&self, job: &ImageJob, grant: Grant) -> Promise<'_> {
        let (uid, mut written) = (job.uid().unwrap_or_default(), self.lock());
        written.grants.retain(|_, (at, _)| at.elapsed() < SEEN);
        written.grants.insert(uid.clone(), (Instant::now(), grant.clone()));
        Promise { ledger: self, uid, grant, kept: false }
    }

    /// The parallelism that the Job of `stage` may be given now, at most `parallelism`: what was taken from `job` since it read
    /// its slots may be another's. To be called before every write of a Job's parallelism.
    pub(crate) fn ask(&self, job: &ImageJob, stage: Stage, parallelism: u32) -> u32 {
        let (uid, mut written) = (job.uid().unwrap_or_default(), self.lock());
        let parallelism = written.grant(&uid).map_or(parallelism, |grant| grant.slots.min(parallelism));
        written.asked.retain(|_, (at, _)| at.elapsed() < ANSWERED);
        written.asked.insert(uid, (Instant::now(), Asked { stage: stage.name(), parallelism }));
        parallelism
    }

    /// The Job of `stage` could not be created: it may be there already, with what was asked `before`.
    pub(crate) fn not_created(&self, job: &ImageJob, stage: Stage, before: u32) {
        let mut written = self.lock();
        if let Some((_, asked)) = written.asked.get_mut(&job.uid().unwrap_or_default())
            && asked.stage == stage.name()
        {
            asked.parallelism = asked.parallelism.max(before);
        }
    }

    /// What was asked lately for the Job of `stage`.
    pub(crate) fn asked_for(&self, job: &ImageJob, stage: Stage) -> u32 {
        self.asked(job).filter(|asked| asked.stage == stage.name()).map_or(0, |asked| asked.parallelism)
    }

    /// What was asked lately for a Job of `job`.
    pub(super) fn asked(&self, job: &ImageJob) -> Option<Asked> {
        let (written, uid) = (self.lock(), job.uid()?);
        let (at, asked) = written.asked.get(&uid)?;
        (at.elapsed() < ANSWERED).then(|| asked.clone())
    }

    /// The time for which places in the queue of `pool`, where `waiting` jobs wait, are held back; `None`: they may be
    /// written now.
    fn places(&self, pool: &WorkerPool, waiting: u32) -> Option<Duration> {
        let mut written = self.lock();
        hold(&mut written.places, pool, PLACES.max(PLACES_EACH * waiting))
    }

    /// The time for which the status of `pool` is held back; `None`: it may be written now, as `news` may at any time.
    pub(crate) fn hold_back(&self, pool: &WorkerPool, news: bool) -> Option<Duration> {
        let mut written = self.lock();
        hold(&mut written.figures, pool, if news { Duration::ZERO } else { FIGURES })
    }
}

fn hold(
    last: &mut HashMap<(String, String), Instant>,
    pool: &WorkerPool,
    pause: Duration,
) -> Option<Duration> {
    let key = (pool.namespace().unwrap_or_default(), pool.name_any());
    let wait = last.get(&key).map_or(Duration::ZERO, |at| pause.saturating_sub(at.elapsed()));
    if wait.is_zero() {
        last.insert(key, Instant::now());
        return None;
    }
    Some(wait)
}

#[cfg(test)]
mod tests {
    use super::{Grant, Ledger, Stage, round, told};
    use serde_json::json;
    use tessera_api::ImageJob;

    #[test]
    fn a_job_asks_no_more_pods_than_it_was_granted_last() {
        let spec = json!({ "source": { "uri": "s3://b/a.tif" }, "operations": [], "output": { "uri": "s3://b/c.tif" } });
        let job = json!({ "apiVersion": "tessera.dev/v1alpha1", "kind": "ImageJob", "metadata": { "uid": "1" }, "spec": spec });
        let job: ImageJob = serde_json::from_value(job).expect("an ImageJob");
        let (ledger, tiles) = (Ledger::default(), Stage::Tiles);
        assert_eq!((ledger.asked_for(&job, tiles), ledger.ask(&job, tiles, 3)), (0, 3));
        ledger.promise(&job, Grant { slots: 1, ..Grant::default() }).keep();
        assert_eq!(ledger.asked_for(&job, tiles), 3, "its Job may still have what it was asked with");
        assert_eq!((ledger.ask(&job, tiles, 3), ledger.asked_for(&job, tiles)), (1, 1));
        ledger.not_created(&job, tiles, 3);
        assert_eq!((ledger.asked_for(&job, tiles), ledger.asked_for(&job, Stage::Assemble)), (3, 0));
        drop(ledger.promise(&job, Grant::default()));
        assert_eq!(ledger.ask(&job, tiles, 2), 2, "a grant that was not written is none");
    }

    #[test]
    fn who_falls_back_a_little_is_not_told_so() {
        assert_eq!(
            [told(None, 7), told(Some(10), 6), told(Some(10), 15), told(Some(10), 49)],
            [10, 10, 10, 50]
        );
        assert_eq!(
            [told(Some(20), 7), told(Some(3), 4), told(Some(3), 9), told(Some(50), 1)],
            [10, 4, 10, 1]
        );
    }

    #[test]
    fn the_next_places_are_exact_and_far_ones_are_rounded_up() {
        let rounded: Vec<u32> = [1, 5, 6, 10, 11, 21, 51, 101, 9999].into_iter().map(round).collect();
        assert_eq!(rounded, [1, 5, 10, 10, 20, 50, 100, 200, 10_000]);
    }
}
