//! The environment of the container, parsed and checked once. Nothing else in this crate reads it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tessera_preview::Memory;
use tessera_store::{FileStore, Prefix, S3Store, StoreConfig};
use tessera_worker::Stores;
use tracing_subscriber::EnvFilter;

/// Only who shares the pod's network can ask.
const ADDRESS: &str = "127.0.0.1:8081";

/// The memory of the container, unless it is said.
const MEMORY_MIB: u64 = 1024;

/// What this process is to do.
pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    pub(crate) stores: Stores,
    pub(crate) memory: Memory,
    pub(crate) threads: usize,
    pub(crate) version: String,
    pub(crate) views: Option<Prefix>,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_environment() -> anyhow::Result<Settings> {
        let views =
            variable("TESSERA_VIEWS").map(|views| views.parse().context("TESSERA_VIEWS")).transpose()?;
        let memory: u64 = number("TESSERA_MEMORY_MIB")?.unwrap_or(MEMORY_MIB);
        Ok(Settings {
            address: address()?,
            stores: stores()?,
            memory: Memory::of(memory << 20),
            threads: number("TESSERA_THREADS")?.unwrap_or_else(processors),
            version: variable("TESSERA_VERSION").unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
            views,
        })
    }
}

/// Where it listens.
pub(crate) fn address() -> anyhow::Result<SocketAddr> {
    let address = variable("TESSERA_PREVIEW_LISTEN").unwrap_or_else(|| ADDRESS.to_owned());
    address.parse().with_context(|| format!("TESSERA_PREVIEW_LISTEN is {address}: write {ADDRESS}"))
}

/// The object store; files of this machine in its place where TESSERA_FILES is `yes`, for trying things.
fn stores() -> anyhow::Result<Stores> {
    if variable("TESSERA_FILES").as_deref() == Some("yes") {
        return Ok(Stores::none().with_files(Arc::new(FileStore)));
    }
    Ok(Stores::none().with_objects(Arc::new(S3Store::new(&StoreConfig::from_env()?)?)))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number<T: std::str::FromStr>(name: &str) -> anyhow::Result<Option<T>> {
    let wrong = |value: &String| anyhow!("{name} is {value}: write a whole number");
    variable(name).map(|value| value.parse().map_err(|_| wrong(&value))).transpose()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// `TESSERA_LOG`, or what happens without detail.
pub(crate) fn log_filter() -> EnvFilter {
    let quiet = || EnvFilter::new("info,aws_config=warn,aws_smithy_runtime=warn");
    variable("TESSERA_LOG").and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(quiet)
}
