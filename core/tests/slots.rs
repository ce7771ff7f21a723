//! A pool over time: jobs whose shards take their time, a Job controller that ends the youngest pods when parallelism falls,
//! and slots that come and go. No pod beyond the slots, no work thrown away without need, nobody waits for ever.

use proptest::prelude::*;
use tessera_core::allocate::{Claim, TURN, allocate};

/// Seconds after which a pod counts as settled.
const SETTLED: i64 = 5;

/// Seconds that a pod takes to end when it is told to.
const ENDING: i64 = 3;

#[derive(Debug, Clone)]
struct Job {
    weight: u32,
    /// Shards that have not begun, and how long each takes.
    open: u32,
    seconds: i64,
    /// For each pod: when it began, and when it was told to end.
    pods: Vec<(i64, Option<i64>)>,
    slots: u32,
    since: i64,
}

impl Job {
    fn live(&self) -> u32 {
        count(self.pods.iter().filter(|(_, told)| told.is_none()).count())
    }

    fn claim(&self, now: i64) -> Claim {
        let settled = self.pods.iter().filter(|(began, told)| told.is_none() && now - began >= SETTLED);
        Claim {
            demand: self.open + self.live(),
            weight: self.weight,
            slots: self.slots,
            pods: count(self.pods.len()),
            settled: count(settled.count()),
            since: self.since,
            fixed: false,
        }
    }

    /// What the Job controller does with a new parallelism; the ages of the pods that it ends.
    fn adjust(&mut self, slots: u32, now: i64) -> Vec<i64> {
        if (self.slots == 0) != (slots == 0) {
            self.since = now;
        }
        self.slots = slots;
        let mut ended = Vec::new();
        while self.live() > slots {
            let youngest =
                self.pods.iter_mut().filter(|(_, told)| told.is_none()).max_by_key(|(began, _)| *began);
            let youngest = youngest.expect("there is a live pod");
            youngest.1 = Some(now);
            ended.push(now - youngest.0);
            self.open += 1;
        }
        while self.live() < slots && self.open > 0 {
            self.open -= 1;
            self.pods.push((now, None));
        }
        ended
    }

    fn pass(&mut self, now: i64) {
        let seconds = self.seconds;
        self.pods.retain(|(began, told)| match told {
            Some(told) => now - told < ENDING,
            None => now - began < seconds,
        });
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("few pods")
}

/// The pool until all is done: the seconds that it took, and the longest time that a job waited for its first slot.
fn run(jobs: &mut [Job], slots: impl Fn(i64) -> u32) -> Result<(i64, i64), TestCaseError> {
    let (mut before, mut longest) = (0, 0);
    for now in 0..100_000 {
        jobs.iter_mut().for_each(|job| job.pass(now));
        if jobs.iter().all(|job| job.open == 0 && job.pods.is_empty()) {
            return Ok((now, longest));
        }
        let claims: Vec<Claim> = jobs.iter().map(|job| job.claim(now)).collect();
        let granted = allocate(slots(now), 0, &claims, now);
        for (job, slots_now) in jobs.iter_mut().zip(&granted) {
            if job.slots == 0 && *slots_now > 0 {
                longest = longest.max(now - job.since);
            }
            let ended = job.adjust(*slots_now, now);
            let wasted = ended.iter().any(|age| *age >= SETTLED);
            prop_assert!(!wasted || slots(now) < before, "settled pods were ended: {:?}", ended);
        }
        let live: u32 = jobs.iter().map(Job::live).sum();
        prop_assert!(live <= slots(now), "{live} pods on {} slots", slots(now));
        before = slots(now);
    }
    Err(TestCaseError::fail(format!("it does not end: {jobs:?}")))
}

fn job() -> impl Strategy<Value = Job> {
    (1u32..4, 1u32..12, 1i64..40).prop_map(|(weight, open, seconds)| Job {
        weight,
        open,
        seconds,
        pods: Vec::new(),
        slots: 0,
        since: 0,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_is_done_in_time_and_nobody_waits_for_ever(
        mut jobs in proptest::collection::vec(job(), 1..12), slots in 1u32..8
    ) {
        let (number, most) = (i64::from(count(jobs.len())), jobs.iter().map(|job| job.seconds).max().unwrap_or(0));
        let (_, longest) = run(&mut jobs, |_| slots)?;
        // Each of the others may have a turn, then finish its shard, and its pod takes its time to end.
        let bound = number * (TURN + most + ENDING + SETTLED) / i64::from(slots) + TURN + most;
        prop_assert!(longest <= bound, "waited {longest} s, at most {bound} s are fair");
    }

    // A period is longer than any shard: a pool that never lasts for one shard gets nowhere.
    #[test]
    fn slots_that_come_and_go_lose_nothing(
        mut jobs in proptest::collection::vec(job(), 1..8), high in 1u32..12, low in 0u32..4, period in 45i64..90
    ) {
        run(&mut jobs, |now| if (now / period) % 2 == 0 { high } else { low })?;
    }
}
