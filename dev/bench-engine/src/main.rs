//! `make bench`: Tessera's kernels, codecs and whole files beside their peers, in one run on the same pixels.
//! It may not write outside its folder and the page's.

mod cases;
mod kernels;
mod own;
mod pictures;
mod python;
mod report;
#[cfg(feature = "crates")]
mod rust_peers;
#[cfg(not(feature = "crates"))]
#[path = "no_rust_peers.rs"]
mod rust_peers;
// The pictures of the other benchmarks.
#[allow(dead_code, reason = "not all of its marks and colours are used here")]
#[path = "../../../e2e/src/svg.rs"]
mod svg;

use anyhow::{Context, Result};
use cases::CASES;
use clap::Parser;
use kernels::{Bench, load};
use pictures::Pictures;
use report::{Report, ordered};
use std::path::PathBuf;
use tessera_core::geometry::Size;

#[derive(Parser)]
struct Arguments {
    /// Where pictures and results lie.
    #[arg(long)]
    folder: PathBuf,
    /// The interpreter that has the peers.
    #[arg(long)]
    python: PathBuf,
    /// The folder of the peers' programs.
    #[arg(long)]
    peers: PathBuf,
    /// A side of the picture in pixels.
    #[arg(long, default_value_t = 10_000)]
    side: u32,
    /// Counted rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Numbers of threads.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// Parts of names of cases: only these are measured, and the others stay as they were measured before.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the page goes; nothing is written without it.
    #[arg(long)]
    pages: Option<PathBuf>,
    /// What the page says of the machine and of versions.
    #[arg(long)]
    about: Vec<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let size = Size::new(arguments.side, arguments.side);
    let pictures = Pictures::read(size, &arguments.folder)?;
    let results_path = arguments.folder.join("kernels.json");
    let mut results = load(&results_path);
    let bench = Bench {
        pictures: &pictures,
        folder: arguments.folder.clone(),
        python: (arguments.python, arguments.peers.join("engine_peers.py")),
        rounds: arguments.rounds,
        only: arguments.only,
    };
    for threads in arguments.threads {
        bench.measure(threads, &mut results)?;
        std::fs::write(&results_path, serde_json::to_vec_pretty(&results)?).context("writing the results")?;
    }
    if let Some(pages) = arguments.pages {
        let mut about = arguments.about;
        about.push(format!("{} x {} pixels; {} rounds", arguments.side, arguments.side, arguments.rounds));
        let cases = ordered(CASES.iter().map(|case| case.name), &results);
        Report { cases, about }.write(&pages)?;
    }
    Ok(())
}
