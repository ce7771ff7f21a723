//! Which tiles of the source each step fetches, and which are kept for later steps: known beforehand, so that bytes are
//! fetched while the step before is computed. Pure; it holds no pixels.

use std::collections::{BTreeSet, VecDeque};

/// How many steps ahead the next use of a tile is looked for.
const LOOK_AHEAD: usize = 64;

/// What a step needs of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// Tiles to fetch and decode before it, ascending.
    pub(crate) fetch: Vec<u64>,
    /// Tiles to drop after it.
    pub(crate) release: Vec<u64>,
}

/// The loads of the steps in order. At most `budget` tiles are held at once, unless a single step needs more.
pub(crate) struct Schedule<I> {
    needs: I,
    ahead: VecDeque<Vec<u64>>,
    held: BTreeSet<u64>,
    budget: usize,
}

impl<I: Iterator<Item = Vec<u64>>> Schedule<I> {
    /// The schedule of steps that need the tiles `needs`.
    pub(crate) fn new(needs: I, budget: usize) -> Schedule<I> {
        Schedule { needs, ahead: VecDeque::new(), held: BTreeSet::new(), budget }
    }

    fn look_ahead(&mut self) {
        let missing = (LOOK_AHEAD + 1).saturating_sub(self.ahead.len());
        self.ahead.extend(self.needs.by_ref().take(missing));
    }

    /// What of the held tiles is kept after a step: what the next one needs, then by next use while there is room.
    fn kept(&self) -> BTreeSet<u64> {
        let mut kept = BTreeSet::new();
        let Some(next) = self.ahead.front() else { return kept };
        kept.extend(next.iter().filter(|tile| self.held.contains(tile)));
        let room = kept.len() + self.budget.saturating_sub(next.len());
        let later = self.ahead.iter().skip(1).flatten().filter(|tile| self.held.contains(tile));
        for tile in later {
            if kept.len() >= room {
                break;
            }
            kept.insert(*tile);
        }
        kept
    }
}

impl<I: Iterator<Item = Vec<u64>>> Iterator for Schedule<I> {
    type Item = Load;

    fn next(&mut self) -> Option<Load> {
        self.look_ahead();
        let needed = self.ahead.pop_front()?;
        let fetch = needed.into_iter().filter(|tile| self.held.insert(*tile)).collect();
        let kept = self.kept();
        let release = self.held.difference(&kept).copied().collect();
        self.held = kept;
        Some(Load { fetch, release })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tile_that_two_steps_share_is_fetched_once() {
        let needs = vec![vec![0, 1, 2], vec![2, 3], vec![0, 3]];
        let loads: Vec<Load> = Schedule::new(needs.into_iter(), 9).collect();
        assert_eq!(loads[1], Load { fetch: vec![3], release: vec![2] });
        assert_eq!(loads[2], Load { fetch: vec![], release: vec![0, 3] });
    }

    #[test]
    fn without_room_only_what_the_next_step_needs_is_kept() {
        let needs = vec![vec![0, 1, 2], vec![2, 3], vec![0, 3]];
        let loads: Vec<Load> = Schedule::new(needs.into_iter(), 2).collect();
        assert_eq!(loads[0].release, vec![0, 1]);
        assert_eq!(loads[2].fetch, vec![0]);
    }

    proptest! {
        #[test]
        fn every_step_finds_its_tiles_and_memory_is_bounded(
            needs in proptest::collection::vec(proptest::collection::btree_set(0u64..40, 0..8), 0..90), budget in 0usize..30
        ) {
            let needs: Vec<Vec<u64>> = needs.into_iter().map(|set| set.into_iter().collect()).collect();
            let mut held = BTreeSet::new();
            for (load, needed) in Schedule::new(needs.clone().into_iter(), budget).zip(&needs) {
                prop_assert!(load.fetch.iter().all(|tile| held.insert(*tile)));
                prop_assert!(needed.iter().all(|tile| held.contains(tile)));
                prop_assert!(held.len() <= budget.max(needed.len()), "{} of {budget}", held.len());
                prop_assert!(load.release.iter().all(|tile| held.remove(tile)));
            }
            prop_assert!(held.is_empty());
        }
    }
}
