//! `tessera`: the same job file, plan and worker code as in a cluster, on this machine.
//! It may not differ from the cluster in a single byte of output.

mod arguments;
mod bar;
mod digest;
mod failure;
mod job;
mod machine;
mod run;
mod show;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(machine::log_filter()).init();
    let done = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let done = runtime.block_on(command(arguments.command));
            // After a failure or Ctrl-C, a step that is being computed is not waited for.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Failure::new(11, format!("no threads can be started: {error}; allow more"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

async fn command(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(&arguments).await,
        Command::Plan(arguments) => show::plan(&arguments).await,
        Command::Validate { job } => validate::validate(&job),
        Command::Digest { file } => digest::digest(&file).await,
    }
}
