//! When each of many jobs came to which state, by one watch: asking for each of them would be a load of its own.
//! It reads only.

use crate::fairness::Start;
use crate::wait::{Look, eventually};
use crate::work::{holds, status};
use anyhow::Result;
use futures::{StreamExt, future};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tessera_api::ImageJob;
use tessera_api::conditions::ConditionType;
use tessera_api::imagejob::State;
use tokio::task::AbortHandle;

/// When a job came to its states: milliseconds since the timeline began.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// Its namespace.
    pub namespace: String,
    /// Seconds of its creation, and its UID: what the pool's queue is sorted by.
    pub queue: (i64, String),
    /// When it was first seen.
    pub created: u64,
    /// When it was accepted.
    pub accepted: Option<u64>,
    /// When it was first seen to be running.
    pub running: Option<u64>,
    /// When it was finished.
    pub finished: Option<u64>,
    /// When, finished, it had no finalizer any more.
    pub released: Option<u64>,
    /// Whether it is complete.
    pub complete: bool,
    /// Bytes of its status as JSON, when it was last seen.
    pub status_bytes: usize,
}

/// How many jobs have come to a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that have been seen.
    pub created: usize,
    /// Accepted.
    pub accepted: usize,
    /// Started.
    pub started: usize,
    /// Finished.
    pub finished: usize,
    /// Complete.
    pub complete: usize,
    /// Finished, and without a finalizer.
    pub released: usize,
}

/// The states of many jobs over time.
pub struct Timeline {
    began: Instant,
    marks: Arc<Mutex<HashMap<String, Marks>>>,
    task: AbortHandle,
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Timeline {
    /// Begins to watch the jobs of `api` that have these labels; with an empty text, all of them.
    pub fn watch(api: Api<ImageJob>, labels: &str) -> Timeline {
        let (began, marks) = (Instant::now(), Arc::<Mutex<HashMap<String, Marks>>>::default());
        let config = watcher::Config::default().labels(labels);
        let into = marks.clone();
        let seen = watcher(api, config).default_backoff().applied_objects().for_each(move |job| {
            if let Ok(job) = job {
                let mut marks = into.lock().unwrap_or_else(PoisonError::into_inner);
                mark(marks.entry(job.uid().unwrap_or_default()).or_default(), &job, milliseconds(began));
            }
            future::ready(())
        });
        Timeline { began, marks, task: tokio::spawn(seen).abort_handle() }
    }

    /// Milliseconds since the timeline began.
    pub fn now(&self) -> u64 {
        milliseconds(self.began)
    }

    /// What has been seen of each job.
    pub fn marks(&self) -> Vec<Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// How many jobs have come to a state.
    pub fn counts(&self) -> Counts {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.values().fold(Counts::default(), |sum, job| Counts {
            created: sum.created + 1,
            accepted: sum.accepted + usize::from(job.accepted.is_some()),
            started: sum.started + usize::from(job.running.is_some()),
            finished: sum.finished + usize::from(job.finished.is_some()),
            complete: sum.complete + usize::from(job.complete),
            released: sum.released + usize::from(job.released.is_some()),
        })
    }

    /// Waits until `condition` holds of the counts, and says when that was, in milliseconds.
    ///
    /// # Errors
    /// It does not hold within `seconds`.
    pub async fn wait(&self, what: &str, seconds: u64, condition: impl Fn(&Counts) -> bool) -> Result<u64> {
        eventually(what, seconds, async || {
            let counts = self.counts();
            Ok(Look::when(condition(&counts), self.now(), || format!("{counts:?}")))
        })
        .await
    }

    /// The starts of the jobs of a namespace, as far as they have started.
    pub fn starts(&self, namespace: &str) -> Vec<Start> {
        let marks = self.marks().into_iter().filter(|job| job.namespace == namespace);
        let started = marks.filter_map(|job| {
            job.running.or(job.finished).map(|started| Start {
                queue: job.queue,
                created: job.created,
                started,
            })
        });
        started.collect()
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn mark(marks: &mut Marks, job: &ImageJob, now: u64) {
    if marks.queue.1.is_empty() {
        let created = job.creation_timestamp().map_or(0, |time| time.0.as_second());
        marks.queue = (created, job.uid().unwrap_or_default());
        marks.namespace = job.namespace().unwrap_or_default();
        marks.created = now;
    }
    let finished = holds(job, ConditionType::Finished);
    let first = |mark: &mut Option<u64>, holds: bool| {
        if holds && mark.is_none() {
            *mark = Some(now);
        }
    };
    first(&mut marks.accepted, holds(job, ConditionType::Accepted));
    first(&mut marks.running, status(job).state == Some(State::Running));
    first(&mut marks.finished, finished);
    first(&mut marks.released, finished && job.finalizers().is_empty());
    marks.complete = holds(job, ConditionType::Complete);
    marks.status_bytes = serde_json::to_vec(&job.status).map_or(0, |text| text.len());
}
