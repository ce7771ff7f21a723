//! Carries out a plan: fetch, decode, operate, encode, put; and the assembly of the pieces into one file.
//! It knows stores and pixels; it has no Kubernetes dependency, reads no environment and writes to stores only.
//!
//! One stage, one function: [`run_shard`] for `tiles`, [`run_assemble`] for `assemble`, [`run_whole`] for `whole`.

mod assemble;
mod check;
mod checksum;
pub mod cleanup;
mod compute;
pub mod context;
mod encode;
mod engine;
pub mod error;
pub mod fetch;
mod frame;
mod levels;
mod places;
pub mod progress;
mod publish;
mod rows;
mod schedule;
mod shard;
mod source;
pub mod stores;
mod units;
mod upload;
mod upper;
mod whole;

pub use assemble::run_assemble;
pub use check::parse_plan;
pub use cleanup::clean_up;
pub use context::Context;
pub use error::WorkError;
pub use progress::{Progress, ScratchProgress, Silent};
pub use shard::run_shard;
pub use stores::Stores;
pub use whole::run_whole;
