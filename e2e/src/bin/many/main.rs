//! Measures Tessera with many jobs on a real cluster: real images, jobs without pixels, one job of a million tiles.
//! `make bench-many` starts it. What it measured it writes as JSON, and from that the page; it changes nothing but
//! namespaces and simulated nodes of its own.

mod measure;
mod nodes;
mod page;
mod picture;
mod process;
mod real;
mod record;
mod scrape;
mod simulate;
mod standin;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Real images, all jobs at once; every output is compared with the bytes of one machine.
    Real(Load),
    /// Jobs without pixels on simulated nodes.
    Jobs(Load),
    /// One job of very many tiles without pixels on simulated nodes.
    Tiles(Load),
    /// Writes the page from what was measured.
    Page {
        /// Folder of the measurements; the page is written beside it, with `.md` at its end.
        folder: PathBuf,
    },
}

/// How much of it.
#[derive(Args, Clone)]
pub(crate) struct Load {
    /// Jobs in all.
    #[arg(long, default_value_t = 1)]
    pub(crate) jobs: usize,
    /// Namespaces that they are spread over, each with a pool.
    #[arg(long, default_value_t = 1)]
    pub(crate) namespaces: usize,
    /// Slots of each pool.
    #[arg(long, default_value_t = 2)]
    pub(crate) slots: u32,
    /// Shards of the one job of many tiles.
    #[arg(long, default_value_t = 2000)]
    pub(crate) shards: u32,
    /// Pixels of its side.
    #[arg(long, default_value_t = 512_000)]
    pub(crate) side: u32,
    /// Seconds that it may take.
    #[arg(long, default_value_t = 1800)]
    pub(crate) patience: u64,
    /// Seconds between two samples.
    #[arg(long, default_value_t = 2)]
    pub(crate) every: u64,
    /// Which state of the code it measures, for the page.
    #[arg(long, default_value = "")]
    pub(crate) of: String,
    /// The file that the measurement is written to.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().part {
        Part::Real(load) => real::run(&load).await,
        Part::Jobs(load) => simulate::jobs(&load).await,
        Part::Tiles(load) => simulate::tiles(&load).await,
        Part::Page { folder } => page::write(&folder),
    }
}
