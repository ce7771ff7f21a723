//! What every store must do, as a suite for tests: run against the twins here, and against real servers elsewhere.
//! Writes only below the prefix it is given, and leaves nothing there.

mod multipart;
mod objects;

use std::fmt::Debug;

use bytes::Bytes;
use thiserror::Error;

use crate::{ErrorKind, Location, Prefix, Result as StoreResult, Store, StoreError, UriError};

/// A promise that a store broke.
#[derive(Debug, Error)]
pub enum Failure {
    /// A case did not go as it should.
    #[error("{case}: {what}")]
    Case {
        /// The name of the case.
        case: &'static str,
        /// What was seen.
        what: Broken,
    },
    /// Objects or uploads were left below the prefix.
    #[error("{0} objects or uploads are left below the prefix")]
    Left(usize),
    /// The prefix could not be cleared.
    #[error("the prefix can't be cleared")]
    Clear(#[source] StoreError),
}

/// What was seen instead of what was promised.
#[derive(Debug, Error)]
pub enum Broken {
    /// Another value.
    #[error("{what}: got {got}, wanted {wanted}")]
    Value {
        /// Which value.
        what: &'static str,
        /// As it is.
        got: String,
        /// As it should be.
        wanted: String,
    },
    /// A call that should have worked.
    #[error("a call failed: {0}")]
    Call(#[from] StoreError),
    /// An address that should have been one.
    #[error("an address was refused: {0}")]
    Address(#[from] UriError),
}

/// What a case returns.
type Checked = Result<(), Broken>;

/// Where a case may write, and in what.
struct Bench<'a> {
    store: &'a dyn Store,
    prefix: Prefix,
}

impl Bench<'_> {
    fn at(&self, name: &str) -> Result<Location, Broken> {
        Ok(self.prefix.object(name)?)
    }
}

macro_rules! cases {
    ($bench:expr, $done:expr, $($module:ident :: $case:ident),+ $(,)?) => {
        $(
            let case = stringify!($case);
            $module::$case($bench).await.map_err(|what| Failure::Case { case, what })?;
            $done.push(case);
        )+
    };
}

/// Runs all cases below a prefix of its own, which should be empty, and returns their names.
/// A few MiB and some hundred calls.
pub async fn check(store: &dyn Store, prefix: &Prefix) -> Result<Vec<&'static str>, Failure> {
    let bench = &Bench { store, prefix: prefix.clone() };
    clear(bench).await.map_err(Failure::Clear)?;
    let mut done = Vec::new();
    cases!(
        bench,
        done,
        objects::an_object_comes_back_as_it_was_put,
        objects::an_empty_object_is_an_object,
        objects::a_range_is_exactly_the_bytes_asked_for,
        objects::a_changed_object_is_noticed,
        objects::what_is_missing_is_said_to_be_missing,
        objects::an_existing_object_is_not_replaced_if_so_asked,
        objects::a_listing_is_in_order_and_of_the_prefix_alone,
        objects::a_folder_is_shown_page_by_page,
        objects::keys_with_unusual_characters_are_kept,
        objects::deleting_twice_is_deleting_once,
        multipart::parts_and_copies_are_joined,
        multipart::parts_that_are_streamed_are_listed_and_joined,
        multipart::a_part_that_breaks_off_is_no_part,
        multipart::a_part_can_be_replaced,
        multipart::a_small_part_in_the_middle_is_refused,
        multipart::a_wrong_part_is_refused,
        multipart::a_copy_of_another_object_than_expected_is_refused,
        multipart::completing_twice_is_completing_once,
        multipart::an_upload_does_not_replace_an_object_if_so_asked,
        multipart::an_aborted_upload_is_gone,
    );
    clear(bench).await.map_err(Failure::Clear)?;
    let left = store.list(prefix, None).await.map_err(Failure::Clear)?.len()
        + store.list_uploads(prefix).await.map_err(Failure::Clear)?.len();
    if left == 0 { Ok(done) } else { Err(Failure::Left(left)) }
}

/// Runs the cases with more than a page (1,000) of objects and of uploads. Thousands of calls.
pub async fn check_pages(store: &dyn Store, prefix: &Prefix) -> Result<Vec<&'static str>, Failure> {
    let bench = &Bench { store, prefix: prefix.clone() };
    let mut done = Vec::new();
    cases!(bench, done, objects::all_pages_are_listed, multipart::all_pages_of_uploads_are_listed);
    clear(bench).await.map_err(Failure::Clear)?;
    Ok(done)
}

async fn clear(bench: &Bench<'_>) -> StoreResult<()> {
    bench.store.abort_all(&bench.prefix).await?;
    bench.store.delete_all(&bench.prefix).await?;
    Ok(())
}

/// Bytes without repetition at the sizes used here, another sequence for each seed.
fn noise(size: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..size).map(step).collect()
}

/// Fails unless two values are equal.
fn same<T: PartialEq + Debug>(what: &'static str, got: T, wanted: T) -> Checked {
    if got == wanted {
        return Ok(());
    }
    Err(Broken::Value { what, got: shown(&got), wanted: shown(&wanted) })
}

/// Fails unless a call failed in this way.
fn fails<T: Debug>(what: &'static str, result: StoreResult<T>, wanted: ErrorKind) -> Checked {
    match result {
        Err(error) if error.kind() == wanted => Ok(()),
        other => Err(Broken::Value { what, got: shown(&other), wanted: wanted.as_str().to_owned() }),
    }
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}").chars().take(400).collect()
}
