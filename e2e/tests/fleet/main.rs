//! The tests that need a cluster for themselves: they scale pools by an autoscaler, kill nodes and join them.
//! `cargo test --release --workspace --test fleet -- --test-threads 1` runs them one after the other.

mod autoscaling;
mod many;
mod nodes;
mod slots;
mod slow;
