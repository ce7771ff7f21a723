//! Divides a pool's slots among its jobs: weighted max-min fair, without taking a slot from work that is under way, and
//! with turns where there are more jobs than slots. Pure: the time is a parameter.

use crate::handover::{Held, hand_over};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Seconds that a job keeps its last slot although others wait. After that it gives it up when a shard ends.
pub const TURN: i64 = 60;

/// What one job asks and has of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claim {
    /// Slots that the job could use now.
    pub demand: u32,
    /// Its share relative to the others, at least 1.
    pub weight: u32,
    /// Slots that it was granted.
    pub slots: u32,
    /// Its pods, those included that have been told to end and those that its Jobs may start at any moment.
    pub pods: u32,
    /// Those of its pods that have worked for a while and are not to end: taking their slot would throw work away.
    pub settled: u32,
    /// Unix seconds since when it has slots, or has none.
    pub since: i64,
    /// Whether another controller decides how many pods it has: what it holds is left alone.
    pub fixed: bool,
}

/// The slots for each claim now, in the order of `claims` (oldest job first).
///
/// Pods never outnumber `slots` for longer than a pod takes to end: what is given is limited by the slots that no pod
/// holds, `foreign` ones (of jobs that are gone) included. A settled pod loses its slot only if the pool shrinks.
pub fn allocate(slots: u32, foreign: u32, claims: &[Claim], now: i64) -> Vec<u32> {
    let ranks = ranks(claims, now);
    let target = spare(slots, claims, &divide(slots, claims, &ranks));
    let order = {
        let mut order: Vec<usize> = (0..claims.len()).collect();
        order.sort_by_key(|at| ranks[*at]);
        order
    };
    let held: Vec<Held> =
        order.iter().map(|at| Held { slots: claims[*at].slots, pods: claims[*at].pods }).collect();
    let wanted: Vec<u32> = order.iter().map(|at| target[*at]).collect();
    let mut granted = vec![0; claims.len()];
    for (at, given) in order.iter().zip(hand_over(slots.saturating_sub(foreign), &held, &wanted)) {
        granted[*at] = given;
    }
    granted
}

/// The place of each claim that waits for its first slot, from 1; 0 for the others.
pub fn places(claims: &[Claim], granted: &[u32], now: i64) -> Vec<u32> {
    let ranks = ranks(claims, now);
    let mut waiting: Vec<usize> =
        (0..claims.len()).filter(|at| claims[*at].demand > 0 && granted[*at] == 0).collect();
    waiting.sort_by_key(|at| ranks[*at]);
    let mut places = vec![0; claims.len()];
    for (place, at) in (1..).zip(waiting) {
        places[at] = place;
    }
    places
}

/// How many slots the pool could usefully fill: those that are in use, and of those that are wanted as many as would work
/// off `work` seconds (of one worker) in `drain` seconds.
pub fn queue_depth(claims: &[Claim], work: u64, drain: u32) -> u32 {
    let wanted = claims.iter().fold(0u32, |sum, claim| sum.saturating_add(claim.demand));
    let used: u32 = claims.iter().map(|claim| claim.slots.min(claim.demand)).sum();
    let useful = u32::try_from(work.div_ceil(u64::from(drain.max(1)))).unwrap_or(u32::MAX);
    wanted.min(useful.max(used).max(1))
}

/// Who comes first where there are more jobs than slots: jobs whose turn it is, then those that wait, longest first, then
/// those whose turn is over. Each claim's position in that order.
fn ranks(claims: &[Claim], now: i64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..claims.len()).collect();
    order.sort_by_key(|at| {
        let claim = &claims[*at];
        match (claim.slots > 0, now - claim.since < TURN) {
            (true, true) => (0, claim.since, *at),
            (false, _) => (1, claim.since, *at),
            (true, false) => (2, -claim.since, *at),
        }
    });
    let mut ranks = vec![0; claims.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    ranks
}

/// The fair division: no claim gets more than its demand, all together get no more than `slots`, and no claim could get
/// more without a poorer one (by slots for its weight) getting less. The first slots go by rank, further ones by age.
fn divide(slots: u32, claims: &[Claim], ranks: &[usize]) -> Vec<u32> {
    let is_fixed = |claim: &Claim| claim.fixed && claim.slots > 0 && claim.demand > 0;
    let mut granted: Vec<u32> =
        claims.iter().map(|claim| if is_fixed(claim) { claim.slots } else { 0 }).collect();
    let free = slots.saturating_sub(granted.iter().sum());
    let mut queue: BinaryHeap<Reverse<(Share, usize, usize)>> = (0..claims.len())
        .filter(|at| claims[*at].demand > 0 && !is_fixed(&claims[*at]))
        .map(|at| Reverse((Share::of(0, claims[at]), ranks[at], at)))
        .collect();
    for _ in 0..free {
        let Some(Reverse((_, _, at))) = queue.pop() else { break };
        granted[at] += 1;
        if granted[at] < claims[at].demand {
            queue.push(Reverse((Share::of(granted[at], claims[at]), at, at)));
        }
    }
    granted
}

/// Leaves settled pods their slots, as far as the pool has that many: beyond its target a job is reduced as its pods end.
fn spare(slots: u32, claims: &[Claim], target: &[u32]) -> Vec<u32> {
    let kept = |claim: &Claim, target: u32| target.max(claim.slots.min(claim.settled).min(claim.demand));
    let mut spared: Vec<u32> =
        claims.iter().zip(target).map(|(claim, target)| kept(claim, *target)).collect();
    // What is only hoped for does not count: a target above what a job holds is given when there is room.
    let held = |spared: &[u32]| -> u32 {
        claims.iter().zip(spared).map(|(claim, spared)| claim.slots.min(*spared)).sum()
    };
    while held(&spared) > slots {
        let most = (0..claims.len())
            .max_by_key(|at| (spared[*at].min(claims[*at].slots).saturating_sub(target[*at]), *at));
        match most {
            Some(at) if spared[at] > target[at] => spared[at] -= 1,
            _ => break,
        }
    }
    spared
}

/// Granted slots for each unit of weight, compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    granted: u64,
    weight: u64,
}

impl Share {
    fn of(granted: u32, claim: Claim) -> Share {
        Share { granted: u64::from(granted), weight: u64::from(claim.weight.max(1)) }
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Share) -> std::cmp::Ordering {
        (self.granted * other.weight).cmp(&(other.granted * self.weight))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Share) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Demand and weight of jobs that hold nothing.
    fn new(list: &[(u32, u32)]) -> Vec<Claim> {
        list.iter().map(|&(demand, weight)| Claim { demand, weight, ..Claim::default() }).collect()
    }

    /// Demand and slots of jobs of weight 1 whose pods all are settled, with slots (or without) for `age` seconds.
    fn running(list: &[(u32, u32, i64)]) -> Vec<Claim> {
        let claim = |&(demand, slots, age): &(u32, u32, i64)| Claim {
            demand,
            weight: 1,
            slots,
            pods: slots,
            settled: slots,
            since: NOW - age,
            fixed: false,
        };
        list.iter().map(claim).collect()
    }

    const NOW: i64 = 1000;

    fn check(slots: u32, claims: &[Claim], expected: &[u32]) {
        assert_eq!(allocate(slots, 0, claims, NOW), expected);
    }

    #[test]
    fn a_small_job_beside_a_huge_one_gets_all_it_asks() {
        check(10, &new(&[(1000, 1), (2, 1)]), &[8, 2]);
    }

    #[test]
    fn weights_count() {
        check(8, &new(&[(100, 1), (100, 3)]), &[2, 6]);
    }

    #[test]
    fn with_more_jobs_than_slots_the_oldest_run_first() {
        check(2, &new(&[(5, 1), (5, 1), (5, 1)]), &[1, 1, 0]);
    }

    #[test]
    fn a_settled_pod_keeps_its_slot_and_a_new_one_gives_it_up() {
        let mut claims = running(&[(9, 4, 5), (9, 0, 0)]);
        check(4, &claims, &[4, 0]);
        // One of its shards has ended, and the next pod has just begun.
        claims[0].settled = 3;
        check(4, &claims, &[3, 0]);
        claims[0] = Claim { slots: 3, pods: 3, settled: 3, ..claims[0] };
        check(4, &claims, &[3, 1]);
    }

    #[test]
    fn the_last_slot_changes_hands_after_its_turn_when_a_shard_ends() {
        let mut claims = running(&[(9, 1, TURN - 1), (1, 0, 500)]);
        claims[0].settled = 0;
        check(1, &claims, &[1, 0]);
        claims[0].since = NOW - TURN;
        check(1, &claims, &[0, 0]);
        claims[0].settled = 1;
        check(1, &claims, &[1, 0]);
    }

    #[test]
    fn the_longest_waiting_comes_first() {
        let claims = running(&[(1, 0, 10), (1, 0, 90), (1, 0, 50)]);
        assert_eq!(allocate(1, 0, &claims, NOW), [0, 1, 0]);
        assert_eq!(places(&claims, &[0, 1, 0], NOW), [2, 0, 1]);
    }

    #[test]
    fn a_pool_that_shrinks_takes_from_those_who_have_most() {
        check(3, &running(&[(9, 4, 5), (9, 2, 5)]), &[2, 1]);
        check(0, &running(&[(9, 4, 5), (9, 2, 5)]), &[0, 0]);
    }

    #[test]
    fn pods_of_jobs_that_are_gone_hold_their_slots() {
        assert_eq!(allocate(4, 3, &new(&[(9, 1)]), NOW), [1]);
    }

    #[test]
    fn what_another_controller_decides_is_left_alone_and_counted() {
        let mut claims = running(&[(9, 3, 500), (9, 0, 0)]);
        claims[0] = Claim { fixed: true, settled: 0, ..claims[0] };
        check(4, &claims, &[3, 1]);
    }

    #[test]
    fn the_queue_depth_is_capped_by_work_but_never_below_what_is_used() {
        assert_eq!(queue_depth(&new(&[(100, 1), (100, 1)]), 600, 60), 10);
        assert_eq!(queue_depth(&new(&[(3, 1)]), 100_000, 60), 3);
        assert_eq!(queue_depth(&running(&[(9, 4, 5)]), 1, 60), 4);
        assert_eq!(queue_depth(&new(&[(2, 1)]), 0, 60), 1);
        assert_eq!(queue_depth(&new(&[(0, 1)]), 100, 60), 0);
        assert_eq!(queue_depth(&new(&[(u32::MAX, 1), (u32::MAX, 1)]), u64::MAX, 1), u32::MAX);
    }

    proptest! {
        #[test]
        fn slots_add_up_and_nobody_could_have_more(
            slots in 0u32..60, list in proptest::collection::vec((0u32..30, 1u32..5), 0..12)
        ) {
            let claims = new(&list);
            let granted = allocate(slots, 0, &claims, NOW);
            let demand: u32 = claims.iter().map(|claim| claim.demand).sum();
            prop_assert_eq!(granted.iter().sum::<u32>(), slots.min(demand));
            for (a, claim) in claims.iter().enumerate() {
                prop_assert!(granted[a] <= claim.demand);
                for (b, other) in claims.iter().enumerate() {
                    // Taking one slot from b for the unsatisfied a must not leave b poorer than a is now.
                    if granted[a] < claim.demand && granted[b] > 0 {
                        prop_assert!(
                            u64::from(granted[b] - 1) * u64::from(claim.weight)
                                <= u64::from(granted[a]) * u64::from(other.weight)
                        );
                    }
                }
            }
        }
    }
}
