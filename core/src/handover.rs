//! From the slots that each job should have to those that it may have now: a slot that is taken from a job is another's
//! only when the job knows, its Job may start no pod for it, and its pod is gone. Pure.

/// What a job has of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Slots that it was granted.
    pub slots: u32,
    /// Its pods, those included that have been told to end and those that its Jobs may start at any moment.
    pub pods: u32,
}

/// The slots for each job, in the order of `target`: never more than its target, nor all together more than `slots` unless
/// they are held already. What is taken from a job is taken at once; what is given is limited by the slots that no job
/// and no pod holds, first job first: what is taken now is given when this is asked again.
pub fn hand_over(slots: u32, held: &[Held], target: &[u32]) -> Vec<u32> {
    let kept: Vec<u32> = held.iter().zip(target).map(|(held, target)| held.slots.min(*target)).collect();
    let taken: u32 = held.iter().map(|held| held.pods.max(held.slots)).sum();
    let mut free = slots.saturating_sub(taken);
    let mut ungranted = slots.saturating_sub(kept.iter().sum());
    let give = |((held, kept), target): ((&Held, &u32), &u32)| {
        // Pods beyond what is kept are counted as taken; they become this job's own again before another one starts.
        let own = held.pods.saturating_sub(*kept).min(target - kept).min(ungranted);
        let more = (target - kept - own).min(free).min(ungranted - own);
        free -= more;
        ungranted -= own + more;
        kept + own + more
    };
    held.iter().zip(&kept).zip(target).map(give).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(slots: u32, held: &[(u32, u32)], target: &[u32]) -> Vec<u32> {
        let held: Vec<Held> = held.iter().map(|&(slots, pods)| Held { slots, pods }).collect();
        hand_over(slots, &held, target)
    }

    #[test]
    fn free_slots_are_given_at_once() {
        assert_eq!(check(4, &[(0, 0), (0, 0)], &[3, 1]), [3, 1]);
    }

    #[test]
    fn a_slot_changes_hands_when_its_pod_is_gone() {
        assert_eq!(check(2, &[(2, 2), (0, 0)], &[1, 1]), [1, 0]);
        assert_eq!(check(2, &[(1, 2), (0, 0)], &[1, 1]), [1, 0]);
        assert_eq!(check(2, &[(1, 1), (0, 0)], &[1, 1]), [1, 1]);
    }

    #[test]
    fn a_slot_whose_pod_is_not_there_yet_is_not_given_away_while_it_is_taken() {
        assert_eq!(check(2, &[(2, 0), (0, 0)], &[1, 1]), [1, 0]);
        assert_eq!(check(2, &[(1, 0), (0, 0)], &[1, 1]), [1, 1]);
    }

    #[test]
    fn granted_slots_count_before_their_pods_are_there() {
        assert_eq!(check(2, &[(1, 0), (0, 0)], &[1, 1]), [1, 1]);
        assert_eq!(check(1, &[(1, 0), (0, 0)], &[1, 1]), [1, 0]);
    }

    #[test]
    fn a_pool_that_shrinks_gives_nothing_until_it_fits() {
        assert_eq!(check(1, &[(2, 2), (2, 2)], &[1, 0]), [1, 0]);
        assert_eq!(check(1, &[(0, 2), (0, 0)], &[0, 1]), [0, 0]);
    }

    #[test]
    fn a_job_whose_pods_still_end_takes_its_own_slots_again() {
        assert_eq!(check(2, &[(0, 2), (0, 0)], &[2, 0]), [2, 0]);
    }
}
