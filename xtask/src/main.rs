//! The repository's own chores: `cargo xtask gen` writes what is generated, `cargo xtask tidy` checks the house rules.
//! Nothing here is shipped.

mod arrows;
mod generate;
mod operations;
mod tidy;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};

/// Chores of the Tessera repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Writes crds/ and docs/operations.md; checks manifests/samples.
    Gen {
        /// Writes nothing, and fails if a file is not as it would be written.
        #[arg(long)]
        check: bool,
    },
    /// Checks the house rules: module docs, sizes, crate arrows, words.
    Tidy,
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Gen { check } => generate::run(&root(), check),
        Chore::Tidy => report(&tidy::check(&root())?),
    }
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .expect("xtask is a folder of the repository")
}

fn report(findings: &[String]) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} against the house rules:\n  {}", findings.len(), findings.join("\n  "))
}
