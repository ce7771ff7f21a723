//! What a stage works with: stores, threads, and who is told of progress. It knows no plan.

use std::sync::Arc;

use crate::error::WorkError;
use crate::progress::{Progress, Silent};
use crate::stores::Stores;

/// What a stage works with.
#[derive(Clone)]
pub struct Context {
    /// Where objects and files are.
    pub stores: Stores,
    /// The threads that compute.
    pub threads: Arc<rayon::ThreadPool>,
    /// Is told of finished tiles.
    pub progress: Arc<dyn Progress>,
}

impl Context {
    /// With `threads` threads, at least one, and nobody who is told of progress.
    ///
    /// # Errors
    /// The machine gives no threads.
    pub fn new(stores: Stores, threads: usize) -> Result<Context, WorkError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        let pool = pool
            .map_err(|error| WorkError::Limit(format!("no threads can be started: {error}; allow more")))?;
        Ok(Context { stores, threads: Arc::new(pool), progress: Arc::new(Silent) })
    }

    /// The same, telling `progress`.
    #[must_use]
    pub fn with_progress(self, progress: Arc<dyn Progress>) -> Context {
        Context { progress, ..self }
    }
}
