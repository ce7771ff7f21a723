//! What a decision about an ImageJob says: what to do, what to tell, when to look again. Values only.

use crate::observed::Problem;
use crate::plan::{Plan, Stage};
use crate::reason::Reason;
use crate::record::Published;
use std::time::Duration;

/// One thing to do. Each may be repeated without harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<O> {
    /// Store the plan in its ConfigMap, unless there is one.
    CreatePlan(Box<Plan<O>>),
    /// Create the stage's Job, unless there is one.
    CreateJob {
        /// Which stage.
        stage: Stage,
        /// Its `spec.parallelism`.
        parallelism: u32,
    },
    /// Change the parallelism and the suspension of the stage's Job.
    AdjustJob {
        /// Which stage.
        stage: Stage,
        /// Its `spec.parallelism`.
        parallelism: u32,
        /// Its `spec.suspend`.
        suspend: bool,
    },
    /// Delete the stage's Job with its pods.
    DeleteJob(Stage),
    /// Hold the finalizer again and delete all Jobs with their pods; plan and scratch stay.
    Reopen,
    /// Delete all Jobs and everything in scratch, then remove the finalizer.
    Release,
    /// Delete the ImageJob itself.
    DeleteImageJob,
}

/// The word for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not planned yet.
    Pending,
    /// Something outside is missing.
    Waiting,
    /// Workers are at work.
    Running,
    /// The user has suspended it.
    Suspended,
    /// The output is complete.
    Complete,
    /// It will not be.
    Failed,
}

/// What the status has to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The word.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// A sentence.
    pub message: String,
    /// The active stage with its number, from 1, of how many.
    pub stage: Option<(Stage, usize, usize)>,
    /// Tiles that are done, running (in shards that run) and all.
    pub tiles: Option<(u64, u64)>,
    /// Share of the predicted cost that is done, 0 to 100.
    pub progress: u8,
    /// Pods at work.
    pub workers: u32,
    /// Pods that have failed, in the stages whose Jobs exist.
    pub retries: u32,
    /// Slots that the job could use now.
    pub demand: u32,
    /// Predicted seconds that one worker would need for what is left.
    pub remaining: u32,
    /// The finished file.
    pub published: Option<Published>,
    /// The job begins again, by the user's request of this number: that it had ended is not true any more.
    pub again: Option<u32>,
}

impl Summary {
    pub(crate) fn of(state: State, problem: &Problem) -> Summary {
        Summary {
            state,
            reason: problem.reason,
            message: problem.message.clone(),
            stage: None,
            tiles: None,
            progress: 0,
            workers: 0,
            retries: 0,
            demand: 0,
            remaining: 0,
            published: None,
            again: None,
        }
    }

    pub(crate) fn told(self, state: State, problem: Problem) -> Summary {
        let ended = matches!(state, State::Complete | State::Failed | State::Suspended);
        let (demand, remaining) = if ended { (0, 0) } else { (self.demand, self.remaining) };
        Summary { state, reason: problem.reason, message: problem.message, demand, remaining, ..self }
    }
}

/// What to do, what to tell, and when to look again.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<O> {
    /// In this order.
    pub actions: Vec<Action<O>>,
    /// `None`: the status says it already.
    pub summary: Option<Summary>,
    /// `None`: when something changes.
    pub requeue: Option<Duration>,
}
