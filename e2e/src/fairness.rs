//! How fairly the slots of a pool came to its jobs, from when each was created and when it started. Pure.

/// When a job came and when its first worker was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its place in the pool's queue: seconds of its creation, then its UID.
    pub queue: (i64, String),
    /// Milliseconds at which it was seen to be created, and to be running.
    pub created: u64,
    /// Milliseconds at which it was first seen to be running.
    pub started: u64,
}

/// How fair it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Fairness {
    /// The most jobs from behind that started before one of the queue.
    pub most_overtaken: usize,
    /// Their mean.
    pub mean_overtaken: f64,
    /// The longest wait for a first slot, in milliseconds.
    pub longest_wait: u64,
    /// The median of the waits.
    pub median_wait: u64,
}

/// The fairness among the jobs of one pool.
pub fn fairness(starts: &[Start]) -> Fairness {
    let mut queue: Vec<&Start> = starts.iter().collect();
    queue.sort_by(|a, b| a.queue.cmp(&b.queue));
    let overtaken: Vec<usize> = queue
        .iter()
        .enumerate()
        .map(|(place, job)| queue[place..].iter().filter(|behind| behind.started < job.started).count())
        .collect();
    let mut waits: Vec<u64> = queue.iter().map(|job| job.started.saturating_sub(job.created)).collect();
    waits.sort_unstable();
    Fairness {
        most_overtaken: overtaken.iter().copied().max().unwrap_or(0),
        mean_overtaken: overtaken.iter().sum::<usize>() as f64 / overtaken.len().max(1) as f64,
        longest_wait: waits.last().copied().unwrap_or(0),
        median_wait: waits.get(waits.len() / 2).copied().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(started: &[u64]) -> (usize, u64) {
        let starts: Vec<Start> = (0i64..)
            .zip(started)
            .map(|(place, started)| Start {
                queue: (place, String::new()),
                created: place.unsigned_abs(),
                started: *started,
            })
            .collect();
        let fairness = fairness(&starts);
        (fairness.most_overtaken, fairness.longest_wait)
    }

    #[test]
    fn first_come_first_served_overtakes_nobody() {
        assert_eq!(check(&[10, 20, 20, 30]), (0, 27));
    }

    #[test]
    fn a_job_that_starts_last_was_overtaken_by_all_behind_it() {
        assert_eq!(check(&[50, 10, 20, 30]), (3, 50));
    }
}
