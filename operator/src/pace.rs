//! How often running ImageJobs are looked at in all. Each wants its progress read every second or so; hundreds of them would
//! keep the API server busy, and those that have real news would wait behind them. What happens to a Job wakes its ImageJob
//! at once, whatever is said here.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two looks, whichever ImageJobs they are at.
const APART: Duration = Duration::from_millis(50);

/// The longest time that a look is put off.
const LONGEST: Duration = Duration::from_secs(30);

/// Gives out the times of looks.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// The time until a look that is wanted after `wanted`: that, unless as many looks have been given out already.
    pub(crate) fn look(&self, wanted: Duration, now: Instant) -> Duration {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = last.map_or(now, |last| last + APART).clamp(now, now + LONGEST);
        *last = Some(next);
        wanted.max(next - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn few_are_looked_at_as_often_as_they_want() {
        let (pace, start) = (Pace::default(), Instant::now());
        for second in 0..100 {
            for _ in 0..10 {
                assert_eq!(pace.look(SECOND, start + second * SECOND), SECOND);
            }
        }
    }

    #[test]
    fn many_share_the_looks_and_nobody_waits_for_ever() {
        let (pace, start) = (Pace::default(), Instant::now());
        let waits: Vec<Duration> = (0..200).map(|_| pace.look(SECOND, start)).collect();
        assert_eq!((waits[0], waits[199]), (SECOND, 199 * APART));
        let flood = (0..10_000).map(|_| pace.look(SECOND, start)).max();
        assert_eq!(flood, Some(LONGEST));
        assert_eq!(pace.look(SECOND, start + 2 * LONGEST), SECOND);
    }
}
