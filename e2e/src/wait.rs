//! Waiting for a condition with a deadline, by short polls. Nothing here waits for a fixed time.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Time between two looks.
const POLL: Duration = Duration::from_millis(250);

/// What a look has shown.
pub enum Look<T> {
    /// The condition holds.
    Done(T),
    /// Not yet; what was seen instead, for the message when the time is over.
    NotYet(String),
}

/// Looks until the condition holds.
///
/// # Errors
/// A look failed, or the condition did not hold within `seconds`; the message then tells what was seen last.
pub async fn eventually<T>(
    what: &str,
    seconds: u64,
    mut look: impl AsyncFnMut() -> Result<Look<T>>,
) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let seen = match look().await? {
            Look::Done(value) => return Ok(value),
            Look::NotYet(seen) => seen,
        };
        if Instant::now() >= deadline {
            bail!("not within {seconds} s: {what}; last seen: {seen}");
        }
        tokio::time::sleep(POLL).await;
    }
}

impl<T> Look<T> {
    /// Done if `holds`, with `value`; else what was seen.
    pub fn when(holds: bool, value: T, seen: impl FnOnce() -> String) -> Look<T> {
        if holds { Look::Done(value) } else { Look::NotYet(seen()) }
    }
}
