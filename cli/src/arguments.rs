//! What can be written on the command line. It checks numbers, and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Processes very large images. `tessera run JOB.yaml` does on this machine what `kubectl apply -f JOB.yaml` does on a
/// cluster, and writes the same bytes.
#[derive(Debug, Parser)]
#[command(name = "tessera", version, arg_required_else_help = true)]
#[command(
    after_help = "For s3:// addresses set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a store other than AWS, \
                        AWS_ENDPOINT_URL.\nExit codes: 1 invalid job, 2 usage, 10 bad input, 11 refused, 12 a mistake of \
                        tessera, 13 store or disk, 14 source changed."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a job on this machine, without a cluster
    Run(Run),
    /// Show the plan of a job and what it costs, without running it
    Plan(Plan),
    /// Check a job file and tell everything that is wrong with it
    Validate {
        /// The file with the ImageJob; `-` reads standard input
        job: PathBuf,
    },
    /// Print the SHA-256 and the tree digest of a file
    Digest {
        /// A path, file:// or s3://
        file: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The file with the ImageJob; `-` reads standard input
    pub(crate) job: PathBuf,
    /// Compute in this many shards and assemble them, as a cluster does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) shards: Option<u32>,
    /// Columns that are computed at once: changes memory and speed, never the file
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tile: Option<u32>,
    /// Threads that compute [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    /// Memory to plan with [default: three quarters of the machine's]
    #[arg(long, value_name = "MiB", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) memory: Option<u64>,
    /// Replace the output if it exists, whatever the job says
    #[arg(long, short)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The file with the ImageJob; `-` reads standard input
    pub(crate) job: PathBuf,
    /// Plan this many shards instead of what the costs suggest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) shards: Option<u32>,
    /// Memory of a worker
    #[arg(long, value_name = "MiB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) memory: u64,
    /// How to print it
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    pub(crate) output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// The plan as workers read it
    Json,
}
