//! How many long requests go on at once: of all users, and of one.

use crate::identity::User;
use crate::refusal::{Refusal, Result};
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The gates of the kinds of long requests.
pub(crate) struct Gates {
    /// Parts of uploads.
    pub(crate) parts: Gate,
    /// Downloads.
    pub(crate) files: Gate,
    /// Streams of news.
    pub(crate) events: Gate,
    /// Tiles on their way.
    pub(crate) tiles: Gate,
}

impl Default for Gates {
    fn default() -> Gates {
        Gates {
            parts: Gate::new(64, 16),
            files: Gate::new(64, 16),
            events: Gate::new(2000, 50),
            tiles: Gate::new(256, 64),
        }
    }
}

/// Lets so many through at once.
pub(crate) struct Gate {
    all: usize,
    each: usize,
    inside: Arc<Mutex<HashMap<String, usize>>>,
}

/// The right to be inside; given back when dropped.
pub(crate) struct Pass {
    owner: String,
    inside: Arc<Mutex<HashMap<String, usize>>>,
}

impl Gate {
    fn new(all: usize, each: usize) -> Gate {
        Gate { all, each, inside: Arc::default() }
    }

    /// Goes in.
    ///
    /// # Errors
    /// Too many are inside.
    pub(crate) fn enter(&self, user: &User) -> Result<Pass> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let own = inside.get(&user.owner).copied().unwrap_or(0);
        if own >= self.each || inside.values().sum::<usize>() >= self.all {
            let message = "too much goes on at once: wait until something of it has ended, and try again";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "RateLimited", message));
        }
        inside.insert(user.owner.clone(), own + 1);
        Ok(Pass { owner: user.owner.clone(), inside: Arc::clone(&self.inside) })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        match inside.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                inside.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_so_many_in_and_the_next_after_one_has_gone() {
        let (gate, ada, eve) = (Gate::new(3, 2), User::new("ada"), User::new("eve"));
        let first = gate.enter(&ada).ok();
        let _second = gate.enter(&ada).ok();
        assert!(first.is_some() && gate.enter(&ada).is_err());
        let _third = gate.enter(&eve).ok();
        assert!(gate.enter(&eve).is_err(), "three are inside");
        drop(first);
        assert!(gate.enter(&ada).is_ok());
    }
}
