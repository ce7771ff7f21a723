//! How work tells how far it is: a callback for this machine, a small object in scratch for a pod.
//! It is for people; nothing is decided by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tessera_core::plan::{Plan, Stage};
use tokio::task::JoinHandle;

use crate::error::WorkError;
use crate::places::ScratchPlace;
use crate::stores::Stores;

/// Time between two writes of the progress object.
const INTERVAL: Duration = Duration::from_secs(2);

/// Is told of finished tiles.
pub trait Progress: Send + Sync {
    /// `n` more tiles are done.
    fn tiles(&self, n: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn tiles(&self, _: u64) {}
}

/// What the progress object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TilesDone {
    /// Tiles that are done.
    pub tiles: u64,
}

/// Counts tiles, and writes their number to scratch every two seconds while it lives.
#[derive(Debug)]
pub struct ScratchProgress {
    done: Arc<AtomicU64>,
    writer: JoinHandle<()>,
}

impl ScratchProgress {
    /// Starts writing the progress object of `stage`; must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The plan's scratch has no store here.
    pub fn start<O>(plan: &Plan<O>, stores: &Stores, stage: Stage) -> Result<ScratchProgress, WorkError> {
        let scratch = ScratchPlace::of(plan, stores)?;
        let done = Arc::new(AtomicU64::new(0));
        let writer = tokio::spawn(write(scratch, stage, done.clone()));
        Ok(ScratchProgress { done, writer })
    }
}

impl Progress for ScratchProgress {
    fn tiles(&self, n: u64) {
        self.done.fetch_add(n, Ordering::Relaxed);
    }
}

impl Drop for ScratchProgress {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write(scratch: ScratchPlace, stage: Stage, done: Arc<AtomicU64>) {
    let mut written = 0;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let tiles = done.load(Ordering::Relaxed);
        if tiles == written {
            continue;
        }
        match scratch.put_json(scratch.keys.progress(stage.name()), &TilesDone { tiles }).await {
            Ok(()) => written = tiles,
            Err(error) => tracing::debug!(%error, "the progress was not written"),
        }
    }
}
