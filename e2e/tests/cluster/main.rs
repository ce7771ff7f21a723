//! The tests on a real cluster, in one program: `cargo test --release --workspace --test cluster` runs all of them,
//! and the name of a file, such as `faults::`, those of that file.

mod api;
mod faults;
mod formats;
mod jobs;
mod refusals;
mod store;
