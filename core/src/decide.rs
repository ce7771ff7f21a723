//! What to do next for one ImageJob: a pure, total function of what was observed and the time.
//! An unchanged world gives no action; a crash after any action is made good by deciding again.

use crate::cost;
use crate::decision::{Action, Decision, State, Summary};
use crate::name::label;
use crate::observed::{Blocked, Ended, Execution, JobEnd, Observed, Planning, Problem, StageJob, Wanted};
use crate::plan::{Mode, Plan, Stage};
use crate::reason::Reason;
use std::time::Duration;

/// Seconds that a problem with the source or the output may pass by itself before the job fails for it.
pub const GRACE: i64 = 10;

/// The longest time between looks at scratch while workers are at work.
const POLL: Duration = Duration::from_secs(3);

/// Places in the queue up to this stand in the message; of later ones it would be rewritten all the time.
pub const TOLD: u32 = 5;

/// The shortest.
const QUICK: Duration = Duration::from_millis(400);

/// Time until the next look while something outside is missing.
const RETRY: Duration = Duration::from_secs(15);

/// Time until the next look while there is nothing to look at: a slot, when it comes, wakes the job.
const IDLE: Duration = Duration::from_secs(300);

/// Decides. `now` is in Unix seconds.
pub fn decide<O: Clone>(wanted: Wanted, observed: &Observed<O>, now: i64) -> Decision<O> {
    if let Some(ended) = &observed.ended {
        if !ended.complete && wanted.retry > ended.retried {
            return again(wanted.retry);
        }
        return after_the_end(wanted, ended, now);
    }
    if let Some(problem) = overdue(wanted, observed.started, now) {
        return fail(&problem, open_stages(&observed.planning));
    }
    match &observed.planning {
        Planning::Impossible { problem, since } => hold(problem, *since, now),
        Planning::Made(plan) => start(plan),
        Planning::Stored(plan, seen) => advance(wanted, plan, seen),
    }
}

/// The job has ended: what it holds is released, a failed job's after its retention; then the TTL deletes it.
fn after_the_end<O>(wanted: Wanted, ended: &Ended, now: i64) -> Decision<O> {
    let mut actions = Vec::new();
    let mut due: Vec<i64> = Vec::new();
    if ended.holds_scratch {
        due.push(if ended.complete { ended.at } else { ended.at + ended.retention });
    }
    if due.first().is_some_and(|at| *at <= now) {
        actions.push(Action::Release);
        due.clear();
    }
    if let Some(ttl) = wanted.ttl {
        if ended.at + ttl <= now {
            actions.push(Action::DeleteImageJob);
        } else {
            due.push(ended.at + ttl);
        }
    }
    let next = due.into_iter().filter(|at| *at > now).min();
    let requeue = next.map(|at| Duration::from_secs(u64::try_from(at - now).unwrap_or(0)));
    Decision { actions, summary: None, requeue }
}

/// The user wants a failed job to be tried again: what it left is judged anew, and what is finished is not computed again.
fn again<O>(request: u32) -> Decision<O> {
    let text = format!("tried again by {}: \"{request}\"; finished pieces are kept", label::RETRY);
    let told = Summary::of(State::Pending, &Problem::new(Reason::Retrying, text));
    Decision {
        actions: vec![Action::Reopen],
        summary: Some(Summary { again: Some(request), ..told }),
        requeue: Some(Duration::ZERO),
    }
}

fn overdue(wanted: Wanted, started: i64, now: i64) -> Option<Problem> {
    let deadline = wanted.deadline?;
    (now - started >= deadline).then(|| {
        let text = format!("not finished {deadline} s after its start (spec.activeDeadlineSeconds)");
        Problem::new(Reason::DeadlineExceeded, text)
    })
}

fn open_stages<O>(planning: &Planning<O>) -> Vec<Stage> {
    match planning {
        Planning::Stored(_, seen) => seen.jobs.iter().map(|job| job.stage).collect(),
        Planning::Impossible { .. } | Planning::Made(_) => Vec::new(),
    }
}

fn fail<O>(problem: &Problem, stages: Vec<Stage>) -> Decision<O> {
    let actions = stages.into_iter().map(Action::DeleteJob).collect();
    Decision { actions, summary: Some(Summary::of(State::Failed, problem)), requeue: None }
}

/// Without a plan: wait, or fail, at once or after the grace.
fn hold<O>(problem: &Problem, since: Option<i64>, now: i64) -> Decision<O> {
    let waited = since.map_or(0, |since| now - since);
    match course(problem) {
        Course::Fail => fail(problem, Vec::new()),
        Course::FailAfterGrace if waited >= GRACE => fail(problem, Vec::new()),
        Course::FailAfterGrace => wait(problem, Duration::from_secs(2)),
        Course::Wait => wait(problem, RETRY),
    }
}

/// How a problem ends if nothing changes.
fn course(problem: &Problem) -> Course {
    match problem.reason {
        Reason::PoolNotFound | Reason::StoreUnavailable | Reason::WaitingForPool => Course::Wait,
        Reason::SourceNotFound | Reason::SourceDenied | Reason::OutputDenied => Course::FailAfterGrace,
        Reason::Accepted
        | Reason::Probing
        | Reason::InvalidSpec
        | Reason::ImageTooLarge
        | Reason::UnsupportedImage
        | Reason::UnsupportedChain
        | Reason::OutputConflict
        | Reason::WaitingForSlots
        | Reason::WaitingForNodes
        | Reason::NodeLost
        | Reason::ImageNotPulled
        | Reason::Retrying
        | Reason::Running
        | Reason::Suspended
        | Reason::Complete
        | Reason::InputChanged
        | Reason::BadInput
        | Reason::ShardFailed
        | Reason::OutOfMemory
        | Reason::DeadlineExceeded
        | Reason::Healthy => Course::Fail,
    }
}

enum Course {
    Wait,
    FailAfterGrace,
    Fail,
}

fn wait<O>(problem: &Problem, time: Duration) -> Decision<O> {
    Decision { actions: Vec::new(), summary: Some(Summary::of(State::Waiting, problem)), requeue: Some(time) }
}

/// The plan is new: store it, and ask the pool for slots.
fn start<O: Clone>(plan: &Plan<O>) -> Decision<O> {
    let seen = Execution::default();
    let stage = plan.stages()[0];
    let summary = progress(plan, &seen, stage).told(State::Waiting, waiting_for_slots(&seen));
    Decision {
        actions: vec![Action::CreatePlan(Box::new(plan.clone()))],
        summary: Some(summary),
        requeue: Some(IDLE),
    }
}

fn waiting_for_slots(seen: &Execution) -> Problem {
    let text = match (seen.pool_slots, seen.place) {
        (0, 1..) => {
            "the pool has no slots: kubectl scale workerpool gives it some (spec.replicas)".to_owned()
        }
        (_, 0) => "waiting for a free slot of the pool".to_owned(),
        (_, 1) => "waiting for a free slot of the pool: next in its queue".to_owned(),
        (_, place @ ..=TOLD) => format!("waiting for a free slot of the pool: place {place} in its queue"),
        _ => "waiting for a free slot of the pool: status.place is about the place in its queue".to_owned(),
    };
    Problem::new(Reason::WaitingForSlots, text)
}

/// Takes the first stage that is not done one step further.
fn advance<O: Clone>(wanted: Wanted, plan: &Plan<O>, seen: &Execution) -> Decision<O> {
    if let Some(problem) = &seen.problem {
        return blind(seen, problem);
    }
    let stages = plan.stages();
    let Some(stage) = stages.iter().copied().find(|stage| !is_done(plan, seen, *stage)) else {
        return complete(plan, seen);
    };
    let mut actions: Vec<Action<O>> = seen
        .jobs
        .iter()
        .filter(|job| job.stage < stage)
        .filter(|job| job.end != JobEnd::Deleting)
        .map(|job| Action::DeleteJob(job.stage))
        .collect();
    let told = progress(plan, seen, stage);
    let job = seen.jobs.iter().find(|job| job.stage == stage);
    if let Some(problem) = job.and_then(|job| failure(plan, job)) {
        return Decision { actions, summary: Some(told.told(State::Failed, problem)), requeue: None };
    }
    let (action, state, problem) = step(wanted, seen, stage, job, told.demand);
    actions.extend(action);
    let still = state == State::Suspended || (state == State::Waiting && seen.slots == 0);
    let idle = still && actions.is_empty() && told.workers == 0;
    let requeue = if idle { IDLE } else { patience(plan, stage, told.remaining) };
    Decision { actions, summary: Some(told.told(state, problem)), requeue: Some(requeue) }
}

/// Time between looks at scratch: short where the stage is about to end by prediction, or short itself.
fn patience<O>(plan: &Plan<O>, stage: Stage, remaining: u32) -> Duration {
    let alone = stage != Stage::Tiles || plan.shards(stage) == 1;
    let seconds = if alone { f64::from(remaining) / 8.0 } else { f64::from(remaining) / 32.0 };
    Duration::from_secs_f64(seconds).clamp(QUICK, POLL)
}

/// Without the store nothing is known of what is done: nothing is started and nothing judged, and what runs is left alone.
fn blind<O>(seen: &Execution, problem: &Problem) -> Decision<O> {
    let active: u32 = seen.jobs.iter().map(|job| job.active).sum();
    let told = Summary::of(State::Waiting, problem);
    let summary = Summary { workers: active, demand: active.max(seen.slots), ..told };
    Decision { actions: Vec::new(), summary: Some(summary), requeue: Some(RETRY) }
}

/// What an open stage needs: its Job, another parallelism, or patience.
fn step<O>(
    wanted: Wanted,
    seen: &Execution,
    stage: Stage,
    job: Option<&StageJob>,
    demand: u32,
) -> (Option<Action<O>>, State, Problem) {
    let parallelism = seen.slots.min(demand);
    match job {
        Some(job) if wanted.managed => {
            let (state, problem) = managed(job);
            (None, state, problem)
        }
        Some(job) => adjust(wanted, seen, job, parallelism),
        None if wanted.suspend => (None, State::Suspended, suspended()),
        None if parallelism == 0 => (None, State::Waiting, waiting_for_slots(seen)),
        None => (Some(Action::CreateJob { stage, parallelism }), State::Running, running(stage)),
    }
}

fn adjust<O>(
    wanted: Wanted,
    seen: &Execution,
    job: &StageJob,
    parallelism: u32,
) -> (Option<Action<O>>, State, Problem) {
    if job.end == JobEnd::Deleting {
        return (None, State::Running, running(job.stage));
    }
    // While the job is suspended its parallelism does not matter and is left as it is.
    let parallelism = if wanted.suspend { job.parallelism } else { parallelism };
    let differs = job.suspended != wanted.suspend || job.parallelism != parallelism;
    let action =
        differs.then_some(Action::AdjustJob { stage: job.stage, parallelism, suspend: wanted.suspend });
    if wanted.suspend {
        return (action, State::Suspended, suspended());
    }
    if parallelism == 0 {
        return (action, State::Waiting, waiting_for_slots(seen));
    }
    let (state, problem) = at_work(job);
    (action, state, problem)
}

/// What a Job that may run is doing.
fn at_work(job: &StageJob) -> (State, Problem) {
    let running = running(job.stage);
    match &job.blocked {
        None => (State::Running, running),
        Some(Blocked { problem, pods }) if *pods >= job.active => (State::Waiting, problem.clone()),
        Some(Blocked { problem, pods }) => {
            let text = format!("{}; {pods} more wait: {}", running.message, problem.message);
            (State::Running, Problem::new(running.reason, text))
        }
    }
}

/// What the controller that manages the Job makes of it.
fn managed(job: &StageJob) -> (State, Problem) {
    if job.suspended {
        let text = "the Job is suspended by the controller that manages it: see its Workload";
        return (State::Waiting, Problem::new(Reason::WaitingForSlots, text));
    }
    at_work(job)
}

fn suspended() -> Problem {
    Problem::new(Reason::Suspended, "suspended by spec.suspend; finished pieces are kept")
}

fn running(stage: Stage) -> Problem {
    let text = match stage {
        Stage::Whole => "one worker processes the whole image",
        Stage::Split => "a worker copies the source, which has no random access, into pieces that have",
        Stage::Tiles => "workers process the tiles",
        Stage::Assemble => "a worker joins the pieces into one file",
    };
    Problem::new(Reason::Running, text)
}

/// The proof of a stage is what lies in scratch, not what its Job says.
fn is_done<O>(plan: &Plan<O>, seen: &Execution, stage: Stage) -> bool {
    match stage {
        Stage::Split => seen.copied || is_done(plan, seen, Stage::Tiles),
        Stage::Tiles => seen.published.is_some() || seen.shards_done >= plan.shards(stage),
        Stage::Whole | Stage::Assemble => seen.published.is_some(),
    }
}

/// Why an open stage can no longer be done by its Job.
fn failure<O>(plan: &Plan<O>, job: &StageJob) -> Option<Problem> {
    match &job.end {
        JobEnd::Failed(problem) => Some(problem.clone()),
        JobEnd::Succeeded => Some(Problem::new(
            Reason::ShardFailed,
            format!(
                "every worker of stage {} has succeeded, but what they wrote is not in {}: was something deleted there?",
                job.stage.name(),
                plan.scratch
            ),
        )),
        JobEnd::Open | JobEnd::Deleting => None,
    }
}

fn complete<O>(plan: &Plan<O>, seen: &Execution) -> Decision<O> {
    let total = plan.grid.tiles();
    let stages = plan.stages();
    let text = format!("{} is complete", plan.output.uri);
    let summary = Summary {
        stage: stages.last().map(|last| (*last, stages.len(), stages.len())),
        tiles: Some((total, total)),
        progress: 100,
        published: seen.published.clone(),
        retries: seen.jobs.iter().map(|job| job.retries).sum(),
        ..Summary::of(State::Complete, &Problem::new(Reason::Complete, text))
    };
    Decision { actions: Vec::new(), summary: Some(summary), requeue: Some(Duration::ZERO) }
}

/// The figures of an open stage.
fn progress<O>(plan: &Plan<O>, seen: &Execution, stage: Stage) -> Summary {
    let stages = plan.stages();
    let number = stages.iter().position(|other| *other == stage).unwrap_or(0);
    let total = plan.grid.tiles();
    let tiles = if stage == Stage::Assemble { total } else { seen.tiles_done.min(total) };
    let before: f64 = stages[..number].iter().map(|stage| plan.share(*stage)).sum();
    let here = match stage {
        Stage::Split => copied(plan, seen),
        Stage::Whole | Stage::Tiles => tiles as f64 / total as f64,
        Stage::Assemble => 0.0,
    } * plan.share(stage);
    let job = seen.jobs.iter().find(|job| job.stage == stage);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 99")]
    let percent = ((before + here) * 100.0).clamp(0.0, 99.0) as u8;
    Summary {
        stage: Some((stage, number + 1, stages.len())),
        tiles: Some((tiles, total)),
        progress: percent,
        workers: job.map_or(0, |job| job.active),
        retries: seen.jobs.iter().map(|job| job.retries).sum(),
        demand: demand(plan, seen, stage),
        remaining: remaining(plan, seen, 1.0 - before - here),
        ..Summary::of(State::Running, &running(stage))
    }
}

/// How much of the source's copy is there, 0 to 1.
fn copied<O>(plan: &Plan<O>, seen: &Execution) -> f64 {
    plan.copy.map_or(0.0, |copy| f64::from(seen.copied_pieces.min(copy.pieces())) / f64::from(copy.pieces()))
}

/// Predicted seconds of one worker for the share `left` of the work, with the pods that it takes.
fn remaining<O>(plan: &Plan<O>, seen: &Execution, left: f64) -> u32 {
    let pods: u32 = plan.stages().iter().map(|stage| plan.shards(*stage)).sum();
    let started = f64::from(pods.saturating_sub(seen.shards_done)) * cost::POD_START;
    let seconds = plan.work_millis as f64 / 1000.0 * left.clamp(0.0, 1.0) + started;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive; too large ones saturate"
    )]
    let whole = seconds.ceil() as u32;
    whole
}

/// Slots that a stage could use now: its shards that have no manifest. A pod that is still about to end keeps its slot:
/// lowering the parallelism below the active pods kills the youngest, which need not be the one that is done.
fn demand<O>(plan: &Plan<O>, seen: &Execution, stage: Stage) -> u32 {
    let active = seen.jobs.iter().filter(|job| job.stage == stage).map(|job| job.active).sum();
    let runnable = match (stage, plan.mode) {
        (Stage::Tiles, Mode::Tiles { shards }) => shards.saturating_sub(seen.shards_done),
        (Stage::Tiles | Stage::Whole | Stage::Split | Stage::Assemble, _) => 1,
    };
    runnable.max(active)
}
