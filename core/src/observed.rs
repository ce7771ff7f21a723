//! What a decision about an ImageJob follows from: the user's wishes and what was seen of plan, cluster and scratch.
//! Values only.

use crate::plan::{Plan, Stage};
use crate::reason::Reason;
use crate::record::Published;

/// What the user asks beside the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Whether the job is suspended.
    pub suspend: bool,
    /// Seconds after its end when the job is deleted; `None`: kept.
    pub ttl: Option<i64>,
    /// Seconds after its start when it fails.
    pub deadline: Option<i64>,
    /// Whether another controller (Kueue) decides when the Jobs run and with how many pods: they are created and left alone.
    pub managed: bool,
    /// How often the user has asked to try again after a failure.
    pub retry: u32,
}

/// Something that keeps a job from being planned or run, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is.
    pub reason: Reason,
    /// A sentence for the user.
    pub message: String,
}

impl Problem {
    /// A problem.
    pub fn new(reason: Reason, message: impl Into<String>) -> Problem {
        Problem { reason, message: message.into() }
    }
}

/// Where the job stands with its plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Planning<O> {
    /// There is none, for this problem; `since` is when it was first told.
    Impossible {
        /// What is in the way.
        problem: Problem,
        /// Unix seconds at which the status first told this problem.
        since: Option<i64>,
    },
    /// Just made; not stored yet.
    Made(Box<Plan<O>>),
    /// Stored in its ConfigMap, with what has been seen of its execution.
    Stored(Box<Plan<O>>, Box<Execution>),
}

/// What has been seen of a plan's execution.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Execution {
    /// Whether workers can be started: the pool and its Secret are there.
    pub problem: Option<Problem>,
    /// Slots that the pool has granted.
    pub slots: u32,
    /// Slots that the pool has in all.
    pub pool_slots: u32,
    /// Place in the pool's queue, from 1; 0 if the job does not wait in it.
    pub place: u32,
    /// Pieces of the source's copy that have a record.
    pub copied_pieces: u32,
    /// Whether the copy is complete.
    pub copied: bool,
    /// Shards of the stage `tiles` that have a manifest.
    pub shards_done: u32,
    /// Tiles that have been written, of whatever stage is active.
    pub tiles_done: u64,
    /// The finished file, once a worker has recorded it.
    pub published: Option<Published>,
    /// The Jobs of the ImageJob, by stage.
    pub jobs: Vec<StageJob>,
}

/// What the cluster says of a stage's Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageJob {
    /// Which stage it runs.
    pub stage: Stage,
    /// `spec.parallelism`.
    pub parallelism: u32,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Pods that run or wait to run; those that have been told to end do not count.
    pub active: u32,
    /// Pods that have failed so far.
    pub retries: u32,
    /// Whether it has ended, and how.
    pub end: JobEnd,
    /// What keeps pods from running.
    pub blocked: Option<Blocked>,
}

/// Pods that cannot run yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// What the first of them waits for.
    pub problem: Problem,
    /// How many wait.
    pub pods: u32,
}

/// Whether a Job has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Not yet.
    Open,
    /// Every index succeeded.
    Succeeded,
    /// It failed, for this.
    Failed(Problem),
    /// It is being deleted.
    Deleting,
}

/// How the job ended earlier, as its status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether the output is complete.
    pub complete: bool,
    /// Unix seconds.
    pub at: i64,
    /// Whether scratch and Jobs may still exist: the finalizer is there.
    pub holds_scratch: bool,
    /// Seconds that scratch and Jobs of a failed job are kept.
    pub retention: i64,
    /// How many of the user's requests to try again have been taken up.
    pub retried: u32,
}

/// Everything that the decision follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed<O> {
    /// Unix seconds at which the job was first seen.
    pub started: i64,
    /// Set when the job has ended.
    pub ended: Option<Ended>,
    /// The plan; not looked at once the job has ended.
    pub planning: Planning<O>,
}
