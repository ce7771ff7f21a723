//! Divides a pool's slots among its jobs: weighted max-min fair, oldest first where slots do not suffice. Pure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What one job asks of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Slots that the job could use now.
    pub demand: u32,
    /// Its share relative to the others, at least 1.
    pub weight: u32,
}

/// The slots for each claim, in the order of `claims` (oldest first): no claim gets more than its demand, all together
/// get no more than `slots`, and no claim could get more without a poorer one (by slots for its weight) getting less.
pub fn divide(slots: u32, claims: &[Claim]) -> Vec<u32> {
    let mut granted = vec![0u32; claims.len()];
    let mut queue: BinaryHeap<Reverse<(Share, usize)>> = (0..claims.len())
        .filter(|at| claims[*at].demand > 0)
        .map(|at| Reverse((Share::of(0, claims[at]), at)))
        .collect();
    for _ in 0..slots {
        let Some(Reverse((_, at))) = queue.pop() else { break };
        granted[at] += 1;
        if granted[at] < claims[at].demand {
            queue.push(Reverse((Share::of(granted[at], claims[at]), at)));
        }
    }
    granted
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

    fn claims(list: &[(u32, u32)]) -> Vec<Claim> {
        list.iter().map(|&(demand, weight)| Claim { demand, weight }).collect()
    }

    #[test]
    fn a_small_job_beside_a_huge_one_gets_all_it_asks() {
        assert_eq!(divide(10, &claims(&[(1000, 1), (2, 1)])), [8, 2]);
    }

    #[test]
    fn weights_count() {
        assert_eq!(divide(8, &claims(&[(100, 1), (100, 3)])), [2, 6]);
    }

    #[test]
    fn with_more_jobs_than_slots_the_oldest_run() {
        assert_eq!(divide(2, &claims(&[(5, 1), (5, 1), (5, 1)])), [1, 1, 0]);
    }

    proptest! {
        #[test]
        fn slots_add_up_and_nobody_could_have_more(
            slots in 0u32..60, list in proptest::collection::vec((0u32..30, 1u32..5), 0..12)
        ) {
            let claims = claims(&list);
            let granted = divide(slots, &claims);
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
