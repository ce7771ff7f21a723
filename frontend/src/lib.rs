//! The page of Tessera: its assets, uploads, images, jobs and their news over HTTP.
//! It never decodes a pixel and links no C codec; tiles come from `preview`, and all work is an ImageJob's.

mod access;
mod app;
mod catalog;
mod cluster;
mod config;
mod files;
mod identity;
mod image;
mod jobs;
mod metrics;
mod news;
mod openapi;
mod outputs;
mod page;
mod preview;
mod refusal;
mod safety;
mod system;
mod uploads;
mod view;

pub use app::{App, health_router, router};
pub use cluster::{Cluster, Watching};
pub use config::{Config, SignIn};
pub use news::publish;
