//! Whether a pool is usable: its shape is allowed, and its store takes a write. The write is tried for real, but not at
//! every reconcile.

use crate::context::Ctx;
use crate::stores;
use bytes::Bytes;
use kube::ResourceExt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tessera_api::WorkerPool;
use tessera_core::observed::Problem;
use tessera_core::reason::Reason;
use tessera_store::{ErrorKind, Prefix, PutOptions, Store, StoreError};

/// Time between two tries of a store that works.
const WORKS: Duration = Duration::from_secs(300);

/// Time between two tries of one that does not.
const FAILS: Duration = Duration::from_secs(10);

/// What the last look at a pool has found.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// What is wrong.
    pub(crate) problem: Option<Problem>,
    /// Time until the next look.
    pub(crate) again: Duration,
}

/// The last try of each pool's store.
#[derive(Debug, Default)]
pub(crate) struct Checks(Mutex<HashMap<String, Tried>>);

#[derive(Debug, Clone)]
struct Tried {
    at: Instant,
    store: Arc<dyn Store>,
    scratch: String,
    problem: Option<Problem>,
}

impl Tried {
    fn lasts(&self) -> Duration {
        let whole = if self.problem.is_some() { FAILS } else { WORKS };
        whole.saturating_sub(self.at.elapsed())
    }
}

/// Looks at the pool; a try that is not old is believed.
pub(crate) async fn look(ctx: &Ctx, pool: &WorkerPool) -> kube::Result<Check> {
    if let Some(problem) = super::refused(pool, &ctx.config) {
        return Ok(Check { problem: Some(problem), again: WORKS });
    }
    let store = match stores::of(ctx, pool).await? {
        Ok(store) => store,
        Err(problem) => return Ok(Check { problem: Some(problem), again: FAILS }),
    };
    let uid = pool.uid().unwrap_or_default();
    let known = ctx.checks.0.lock().unwrap_or_else(PoisonError::into_inner).get(&uid).cloned();
    let same =
        known.filter(|known| Arc::ptr_eq(&known.store, &store) && known.scratch == pool.spec.store.scratch);
    let tried = match same {
        Some(tried) if !tried.lasts().is_zero() => tried,
        Some(_) | None => {
            let problem = try_write(pool, store.as_ref()).await;
            let scratch = pool.spec.store.scratch.clone();
            let tried = Tried { at: Instant::now(), store, scratch, problem };
            ctx.checks.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, tried.clone());
            tried
        }
    };
    Ok(Check { again: tried.lasts(), problem: tried.problem })
}

/// Writes a small object into scratch and deletes it again.
async fn try_write(pool: &WorkerPool, store: &dyn Store) -> Option<Problem> {
    let scratch: Prefix = match pool.spec.store.scratch.parse() {
        Ok(scratch) => scratch,
        Err(error) => return Some(stores::unavailable(format!("spec.store.scratch: {error}"))),
    };
    let at = match scratch.object(&format!("write-test-{}", pool.uid().unwrap_or_default())) {
        Ok(at) => at,
        Err(error) => return Some(stores::unavailable(format!("spec.store.scratch: {error}"))),
    };
    let body = Bytes::from_static(b"Tessera tries whether this store takes a write.\n");
    if let Err(error) = store.put(&at, body, &PutOptions::default()).await {
        return Some(not_writable(&error));
    }
    store.delete(&[at]).await.err().map(|error| not_writable(&error))
}

fn not_writable(error: &StoreError) -> Problem {
    let advice = match error.kind() {
        ErrorKind::Denied => {
            "the credentials in the Secret must be allowed to write and delete in spec.store.scratch: "
        }
        ErrorKind::NoSuchBucket => {
            "the bucket of spec.store.scratch does not exist, create it or name another: "
        }
        _ => "",
    };
    Problem::new(Reason::StoreUnavailable, format!("{advice}{error}"))
}
