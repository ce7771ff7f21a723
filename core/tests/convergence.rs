//! Eventually stable: from any crash after any action, with workers that fail and Jobs that vanish, a job ends exactly
//! once, and then nothing more is decided. The world is a model of what the API server, workers and scratch do.

use proptest::prelude::*;
use tessera_core::decide::{GRACE, decide};
use tessera_core::decision::*;
use tessera_core::geometry::Size;
use tessera_core::observed::*;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::*;
use tessera_core::reason::Reason;
use tessera_core::record::Published;

/// An operation that this test does not need: its plans are conversions.
#[derive(Debug, Clone, PartialEq)]
enum Nothing {}

impl Planned for Nothing {
    fn name(&self) -> &'static str {
        match *self {}
    }
    fn output(&self, _: Extent) -> Result<Extent, Refusal> {
        match *self {}
    }
    fn reads(&self, _: tessera_core::geometry::Rect, _: Size) -> tessera_core::geometry::Rect {
        match *self {}
    }
    fn cost(&self, _: Extent) -> f64 {
        match *self {}
    }
}

/// A plan of so many shards (0: of one process), with a copy of the source before them if it has no random access.
fn plan_of(shards: u32, access: Access) -> Plan<Nothing> {
    let pixel = PixelType::new(Channels::Rgb, Depth::U8);
    let extent = Extent { size: Size::new(30_000, 20_000), pixel };
    let streaming = Streaming::Rows { stored: extent.size, memory: 1 << 20, in_order: true };
    let spread = if shards == 0 { Spread::Whole } else { Spread::Shards(shards) };
    plan(Request {
        job: "uid".into(),
        source_uri: "s3://images/a.tif".into(),
        page: 0,
        source_etag: "e".into(),
        image: SourceImage { extent, access, decode_cost: 16.0, decode_memory: 0, bytes: 1 << 30, streaming },
        operations: Vec::new(),
        output_uri: "s3://results/a.tif".into(),
        format: OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate },
        if_exists: IfExists::Fail,
        scratch: "s3://results/.tessera/uid/".into(),
        limits: Limits { pixels: 1 << 40, operations: 32, memory: 1 << 30 },
        spread,
    })
    .expect("the request is within all limits")
}

const TILES: Access = Access::Tiles { tile: Size::new(512, 512) };

fn published() -> Published {
    Published {
        plan: "p".into(),
        uri: "s3://results/a.tif".into(),
        etag: "e".into(),
        size: 1,
        digest: "d".into(),
        crc64: "c".into(),
        tiles: 1,
    }
}

#[derive(Debug, Clone)]
struct Job {
    stage: Stage,
    parallelism: u32,
    suspended: bool,
    failed: bool,
    open: Vec<u32>,
}

/// The cluster, the store and the status, as far as the decision can see or change them.
#[derive(Debug)]
struct World {
    plan: Plan<Nothing>,
    stored: bool,
    finalizer: bool,
    jobs: Vec<Job>,
    copied: bool,
    manifests: Vec<u32>,
    published: bool,
    slots: u32,
    granted: u32,
    ended: Option<(bool, i64)>,
    retried: u32,
    created: u32,
}

impl World {
    fn new(shards: u32, slots: u32, access: Access) -> World {
        World {
            plan: plan_of(shards, access),
            stored: false,
            finalizer: false,
            jobs: Vec::new(),
            copied: false,
            manifests: Vec::new(),
            published: false,
            slots,
            granted: 0,
            ended: None,
            retried: 0,
            created: 0,
        }
    }

    fn observe(&self) -> Observed<Nothing> {
        let plan = Box::new(self.plan.clone());
        let planning = if self.stored {
            let execution = Execution {
                problem: None,
                slots: self.granted,
                pool_slots: self.slots,
                place: 0,
                copied_pieces: 0,
                copied: self.copied,
                shards_done: u32::try_from(self.manifests.len()).expect("few shards"),
                tiles_done: 0,
                published: self.published.then(published),
                jobs: self.jobs.iter().map(stage_job).collect(),
            };
            Planning::Stored(plan, Box::new(execution))
        } else {
            Planning::Made(plan)
        };
        let ended = self.ended.map(|(complete, at)| Ended {
            complete,
            at,
            holds_scratch: self.finalizer,
            retention: 0,
            retried: self.retried,
        });
        Observed { started: 0, ended, planning }
    }

    fn apply(&mut self, action: &Action<Nothing>) {
        match action {
            Action::CreatePlan(_) => {
                self.finalizer = true;
                self.stored = true;
            }
            Action::CreateJob { stage, parallelism } => {
                assert!(*parallelism > 0, "a Job is created only with a slot");
                if !self.jobs.iter().any(|job| job.stage == *stage) {
                    let open = (0..self.plan.shards(*stage)).collect();
                    self.jobs.push(Job {
                        stage: *stage,
                        parallelism: *parallelism,
                        suspended: false,
                        failed: false,
                        open,
                    });
                    self.created += 1;
                }
            }
            Action::AdjustJob { stage, parallelism, suspend } => {
                for job in self.jobs.iter_mut().filter(|job| job.stage == *stage) {
                    job.parallelism = *parallelism;
                    job.suspended = *suspend;
                }
            }
            Action::DeleteJob(stage) => self.jobs.retain(|job| job.stage != *stage),
            Action::Reopen => {
                self.finalizer = true;
                self.jobs.clear();
            }
            Action::Release => {
                self.jobs.clear();
                self.manifests.clear();
                self.copied = false;
                self.finalizer = false;
            }
            Action::DeleteImageJob => {}
        }
    }

    fn tell(&mut self, summary: &Summary, now: i64) {
        if let Some(request) = summary.again {
            assert!(matches!(self.ended, Some((false, _))), "only a failed job is tried again");
            (self.ended, self.retried) = (None, request);
        }
        self.granted = summary.demand.min(self.slots);
        match summary.state {
            State::Complete => self.end(true, now),
            State::Failed => self.end(false, now),
            State::Pending | State::Waiting | State::Running | State::Suspended => {}
        }
    }

    fn end(&mut self, complete: bool, now: i64) {
        assert!(self.ended.is_none(), "a job ends once");
        assert!(!complete || self.published, "complete means published");
        self.ended = Some((complete, now));
    }

    /// Workers go on: each running pod may finish; what one leaves is seen in scratch.
    fn work(&mut self, luck: &[u8]) {
        let mut luck = luck.iter().copied().cycle();
        for job in self.jobs.iter_mut().filter(|job| !job.suspended && !job.failed) {
            let running = job.open.len().min(job.parallelism as usize);
            for at in (0..running).rev() {
                match luck.next().unwrap_or(0) % 8 {
                    0 => {}
                    1 => job.failed = luck.next().unwrap_or(0) > 250,
                    _ => {
                        let index = job.open.remove(at);
                        match job.stage {
                            Stage::Split => self.copied = true,
                            Stage::Tiles if !self.plan.copy.is_none_or(|_| self.copied) => {
                                panic!("tiles without the copy")
                            }
                            Stage::Tiles if !self.manifests.contains(&index) => self.manifests.push(index),
                            Stage::Tiles => {}
                            Stage::Whole | Stage::Assemble => self.published = true,
                        }
                    }
                }
            }
        }
    }
}

fn stage_job(job: &Job) -> StageJob {
    let running = u32::try_from(job.open.len()).expect("few shards").min(job.parallelism);
    StageJob {
        stage: job.stage,
        parallelism: job.parallelism,
        suspended: job.suspended,
        active: running,
        retries: 0,
        end: match (job.failed, job.open.is_empty()) {
            (true, _) => JobEnd::Failed(Problem::new(Reason::ShardFailed, "a shard failed")),
            (false, true) => JobEnd::Succeeded,
            (false, false) => JobEnd::Open,
        },
        blocked: None,
    }
}

/// One reconcile that is cut off after `reach` steps: the actions in order, then the status.
fn reconcile(world: &mut World, wanted: Wanted, now: i64, reach: usize) -> Decision<Nothing> {
    let decision = decide(wanted, &world.observe(), now);
    for action in decision.actions.iter().take(reach) {
        world.apply(action);
    }
    if reach > decision.actions.len()
        && let Some(summary) = &decision.summary
    {
        world.tell(summary, now);
    }
    decision
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_job_ends_once_and_then_stays_still(
        shards in 0u32..12,
        random_access: bool,
        slots in 1u32..6,
        reaches in proptest::collection::vec(0usize..4, 60),
        luck in proptest::collection::vec(any::<u8>(), 64),
        vanish in 0usize..60,
        suspended in (0usize..30, 0usize..10),
        retried in 0usize..90,
    ) {
        let access = if random_access { TILES } else { Access::Whole };
        let mut world = World::new(shards, slots, access);
        for (round, reach) in reaches.iter().enumerate() {
            let suspend = (suspended.0..suspended.0 + suspended.1).contains(&round);
            let retry = u32::from(round >= retried);
            reconcile(&mut world, Wanted { suspend, retry, ..Wanted::default() }, 1, *reach);
            if round == vanish {
                world.jobs.clear();
            }
            world.work(&luck[round % 32..]);
        }
        let wanted = Wanted { retry: u32::from(retried < reaches.len()), ..Wanted::default() };
        for _ in 0..200 {
            reconcile(&mut world, wanted, 1, usize::MAX);
            world.work(&[2]);
        }
        let (complete, _) = world.ended.expect("it has ended");
        prop_assert!(!complete || world.published);
        prop_assert!(world.jobs.is_empty() && !world.finalizer, "nothing is left");
        let still = decide(wanted, &world.observe(), 1);
        prop_assert_eq!(still.actions, vec![]);
        prop_assert!(still.summary.is_none());
    }
}

/// Decides for a stored plan of 4 shards.
fn decided(wanted: Wanted, execution: Execution) -> Decision<Nothing> {
    let planning = Planning::Stored(Box::new(plan_of(4, TILES)), Box::new(execution));
    decide(wanted, &Observed { started: 0, ended: None, planning }, 100)
}

#[test]
fn no_job_without_a_slot() {
    let decision = decided(Wanted::default(), Execution::default());
    assert_eq!(decision.actions, vec![]);
    let summary = decision.summary.unwrap();
    assert_eq!((summary.reason, summary.demand), (Reason::WaitingForSlots, 4));
}

#[test]
fn manifests_beat_a_failed_job() {
    let failed = Job { stage: Stage::Tiles, parallelism: 2, suspended: false, failed: true, open: vec![1] };
    let execution =
        Execution { slots: 1, shards_done: 4, jobs: vec![stage_job(&failed)], ..Execution::default() };
    let decision = decided(Wanted::default(), execution);
    let expected =
        vec![Action::DeleteJob(Stage::Tiles), Action::CreateJob { stage: Stage::Assemble, parallelism: 1 }];
    assert_eq!(decision.actions, expected);
}

#[test]
fn a_pod_that_is_about_to_end_keeps_its_slot() {
    let job = Job { stage: Stage::Tiles, parallelism: 2, suspended: false, failed: false, open: vec![2, 3] };
    let execution =
        Execution { slots: 2, shards_done: 3, jobs: vec![stage_job(&job)], ..Execution::default() };
    assert_eq!(decided(Wanted::default(), execution).actions, vec![]);
}

#[test]
fn a_missing_source_fails_after_the_grace_and_a_missing_pool_waits() {
    let told = |reason, since| {
        let problem = Problem::new(reason, "text");
        let planning: Planning<Nothing> = Planning::Impossible { problem, since };
        decide(Wanted::default(), &Observed { started: 0, ended: None, planning }, 1000)
            .summary
            .unwrap()
            .state
    };
    assert_eq!(told(Reason::SourceNotFound, None), State::Waiting);
    assert_eq!(told(Reason::SourceNotFound, Some(1000 - GRACE)), State::Failed);
    assert_eq!(told(Reason::PoolNotFound, Some(0)), State::Waiting);
    assert_eq!(told(Reason::UnsupportedImage, None), State::Failed);
}

#[test]
fn the_deadline_ends_the_job_and_its_pods() {
    let job = Job { stage: Stage::Tiles, parallelism: 2, suspended: false, failed: false, open: vec![2, 3] };
    let execution = Execution { slots: 2, jobs: vec![stage_job(&job)], ..Execution::default() };
    let decision = decided(Wanted { deadline: Some(100), ..Wanted::default() }, execution);
    assert_eq!(decision.actions, vec![Action::DeleteJob(Stage::Tiles)]);
    assert_eq!(decision.summary.unwrap().reason, Reason::DeadlineExceeded);
}

#[test]
fn a_failed_job_is_tried_again_once_for_each_request() {
    let decide_for = |complete, retry, retried| {
        let ended = Some(Ended { complete, at: 90, holds_scratch: true, retention: 3600, retried });
        let planning: Planning<Nothing> =
            Planning::Impossible { problem: Problem::new(Reason::Probing, ""), since: None };
        decide(Wanted { retry, ..Wanted::default() }, &Observed { started: 0, ended, planning }, 100)
    };
    let again = decide_for(false, 2, 1);
    assert_eq!(again.actions, vec![Action::Reopen]);
    let told = again.summary.unwrap();
    assert_eq!((told.state, told.reason, told.again), (State::Pending, Reason::Retrying, Some(2)));
    assert_eq!(decide_for(false, 2, 2).actions, vec![]);
    assert!(decide_for(true, 2, 1).summary.is_none(), "what is complete is not computed again");
}

#[test]
fn the_ttl_deletes_the_job_only_when_it_is_over() {
    let observed = |at| {
        let ended = Some(Ended { complete: true, at, holds_scratch: false, retention: 0, retried: 0 });
        let planning: Planning<Nothing> =
            Planning::Impossible { problem: Problem::new(Reason::Probing, ""), since: None };
        decide(Wanted { ttl: Some(60), ..Wanted::default() }, &Observed { started: 0, ended, planning }, 1000)
    };
    assert_eq!(observed(940).actions, vec![Action::DeleteImageJob]);
    assert_eq!(observed(950).requeue, Some(std::time::Duration::from_secs(10)));
}

#[test]
fn without_the_store_nothing_is_started_and_nothing_judged() {
    let done = Job { stage: Stage::Tiles, parallelism: 2, suspended: false, failed: false, open: vec![] };
    for jobs in [vec![], vec![stage_job(&done)]] {
        let problem = Some(Problem::new(Reason::StoreUnavailable, "no Secret"));
        let decision =
            decided(Wanted::default(), Execution { slots: 2, problem, jobs, ..Execution::default() });
        assert_eq!(decision.actions, vec![]);
        assert_eq!(
            decision.summary.map(|summary| (summary.state, summary.demand)),
            Some((State::Waiting, 2))
        );
    }
}

#[test]
fn a_job_that_waits_tells_its_place_and_does_not_poll() {
    let told = |pool_slots, place| {
        let decision = decided(Wanted::default(), Execution { pool_slots, place, ..Execution::default() });
        assert!(decision.requeue.is_some_and(|time| time.as_secs() >= 60), "{:?}", decision.requeue);
        decision.summary.unwrap().message
    };
    assert!(told(4, 1).ends_with("next in its queue"));
    assert!(told(4, 3).ends_with("place 3 in its queue"));
    assert!(told(0, 1).starts_with("the pool has no slots"));
    assert_eq!(told(4, 20), told(4, 50), "far places change all the time");
}

#[test]
fn pods_without_a_node_are_told_also_when_others_run() {
    let job =
        Job { stage: Stage::Tiles, parallelism: 3, suspended: false, failed: false, open: vec![1, 2, 3] };
    let told = |pods| {
        let problem = Problem::new(Reason::WaitingForNodes, "no node has room for a worker");
        let job = StageJob { blocked: Some(Blocked { problem, pods }), ..stage_job(&job) };
        let summary =
            decided(Wanted::default(), Execution { slots: 3, jobs: vec![job], ..Execution::default() })
                .summary
                .unwrap();
        (summary.state, summary.reason, summary.message)
    };
    let (state, reason, message) = told(2);
    assert_eq!((state, reason), (State::Running, Reason::Running));
    assert_eq!(message, "workers process the tiles; 2 more wait: no node has room for a worker");
    let (state, reason, _) = told(3);
    assert_eq!((state, reason), (State::Waiting, Reason::WaitingForNodes));
}

#[test]
fn a_job_that_another_controller_manages_is_left_alone() {
    let wanted = Wanted { managed: true, suspend: true, ..Wanted::default() };
    for suspended in [true, false] {
        let job = Job { stage: Stage::Tiles, parallelism: 3, suspended, failed: false, open: vec![1, 2, 3] };
        let execution = Execution { slots: 1, jobs: vec![stage_job(&job)], ..Execution::default() };
        assert_eq!(decided(wanted, execution).actions, vec![]);
    }
}

#[test]
fn the_next_look_at_scratch_is_soon_when_the_end_is_near() {
    let job = Job { stage: Stage::Tiles, parallelism: 4, suspended: false, failed: false, open: vec![3] };
    let after = |shards_done, tiles_done| {
        let jobs = vec![stage_job(&job)];
        let execution = Execution { slots: 4, shards_done, tiles_done, jobs, ..Execution::default() };
        decided(Wanted::default(), execution).requeue.unwrap()
    };
    assert!(after(3, 2300) < after(0, 0));
}
