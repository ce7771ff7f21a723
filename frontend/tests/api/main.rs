//! The page's API, route by route, against a store and an API server in memory.

#![allow(clippy::unwrap_used, reason = "what is not as it should be fails the test")]

mod common;
mod events;
mod images;
mod jobs;
mod page;
mod safety;
mod uploads;
mod view;
