//! The page's API, route by route, against a store and an API server in memory.

mod common;
mod events;
mod images;
mod jobs;
mod page;
mod safety;
mod uploads;
mod view;
