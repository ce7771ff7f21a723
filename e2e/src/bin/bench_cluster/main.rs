//! `make bench-cluster`: what more slots bring, what a job costs beside its pixels, and how that compares with one
//! process and with dask. It works in a namespace of its own and against an S3 server of its own, whose access log tells
//! what happens inside pods; it writes a page with its figures and pictures.

mod access;
mod calls;
mod chart;
mod figures;
mod lab;
mod machine;
mod moments;
mod overhead;
mod page;
mod peers;
mod scaling;
mod steps;
mod watch;

use clap::Parser;
use lab::Lab;
use serde::Serialize;
use std::path::PathBuf;
use tessera_e2e::{Result, with_empty_namespace};

/// Measures Tessera on the running cluster. Called by dev/bench-cluster.sh, which prepares everything.
#[derive(Debug, Clone, Parser)]
struct Arguments {
    /// Folder with the pictures `large.tif`, `wide.tif`, `tiny.tif`, `small.jpg`; files are written there too
    #[arg(long)]
    folder: PathBuf,
    /// The access log of the S3 server that AWS_ENDPOINT_URL names
    #[arg(long)]
    access_log: PathBuf,
    /// The command `tessera`
    #[arg(long)]
    tessera: PathBuf,
    /// Python with dask; none: without that comparison
    #[arg(long)]
    python: Option<PathBuf>,
    /// Folder with the peers' programs
    #[arg(long)]
    peers: PathBuf,
    /// Folder of the page
    #[arg(long)]
    pages: PathBuf,
    /// What the page says of the versions: `name version` for each
    #[arg(long)]
    version_of: Vec<String>,
    /// Fewer and smaller runs: a trial, whose page is written beside the figures and not into the repository
    #[arg(long)]
    quick: bool,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    machine: machine::Machine,
    quick: bool,
    scaling: scaling::Scaling,
    overhead: overhead::Overhead,
    small: overhead::Small,
    peers: peers::Peers,
    calls: Vec<calls::Calls>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut report = None;
    with_empty_namespace("bench", async |ns| {
        let lab = Lab::open(ns, &arguments).await?;
        report = Some(measure(&lab, &arguments).await?);
        Ok(())
    })
    .await?;
    let Some(report) = report else { return Ok(()) };
    page::write(&report, &arguments.pages)
}

async fn measure(lab: &Lab<'_>, arguments: &Arguments) -> Result<Report> {
    let machine = machine::look(lab, &arguments.version_of).await?;
    let small = overhead::small(lab, if arguments.quick { 3 } else { 10 }).await?;
    let overhead = overhead::fixed(lab, if arguments.quick { 2 } else { 5 }).await?;
    let peers = peers::compare(lab, arguments.python.as_deref(), if arguments.quick { 1 } else { 3 }).await?;
    let scaling = scaling::measure(lab, arguments.quick).await?;
    let calls = vec![small.calls.clone(), overhead.calls.clone(), scaling.calls.clone()];
    Ok(Report { machine, quick: arguments.quick, scaling, overhead, small, peers, calls })
}
