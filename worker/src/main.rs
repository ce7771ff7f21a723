//! The pod's process: reads plan, stage and store from its environment, runs the stage, and says by its exit code whose
//! fault a failure was. It writes to stores, to stderr and to the termination log; never to a disk.

mod environment;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tessera_core::plan::Stage;
use tessera_worker::{Context, ScratchProgress, WorkError, run_assemble, run_shard, run_split, run_whole};
use tokio::signal::unix::{SignalKind, signal};

use crate::environment::Work;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--version") {
        println!("tessera-worker {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(environment::log_filter())
        .init();
    let done = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let done = runtime.block_on(run());
            // A step that is being computed is not waited for: the process ends now.
            runtime.shutdown_timeout(Duration::ZERO);
            done
        }
        Err(error) => Err(WorkError::Limit(format!("the worker can't start: {error}; allow more threads"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(&error),
    }
}

/// Leaves the message where Kubernetes finds it.
fn end(error: &WorkError) -> ExitCode {
    let message = error.message();
    tracing::error!(exit_code = error.exit_code(), "{message}");
    // Only a hint for people: where the file cannot be written, the log has it too.
    drop(std::fs::write(environment::termination_log(), &message));
    ExitCode::from(error.exit_code())
}

async fn run() -> Result<(), WorkError> {
    let failed = |error| WorkError::Limit(format!("signals can't be received: {error}; run it on Linux"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        done = stage(Work::from_environment()?) => done,
        _ = terminate.recv() => Err(WorkError::Terminated),
    }
}

async fn stage(work: Work) -> Result<(), WorkError> {
    let Work { plan, digest, stage, shard, stores, threads } = work;
    tracing::info!(
        job = plan.job,
        stage = stage.name(),
        shard,
        threads,
        version = env!("CARGO_PKG_VERSION"),
        "start"
    );
    let context = Context::new(stores, threads)?;
    match stage {
        Stage::Split => run_split(&context, &plan, &digest).await,
        Stage::Tiles => run_shard(&context, &plan, &digest, shard).await.map(|_| ()),
        Stage::Assemble => run_assemble(&told(context, &plan, stage)?, &plan, &digest).await.map(|_| ()),
        Stage::Whole => run_whole(&told(context, &plan, stage)?, &plan, &digest).await.map(|_| ()),
    }
}

/// The same context, with progress written to scratch.
fn told(context: Context, plan: &environment::Plan, stage: Stage) -> Result<Context, WorkError> {
    let progress = ScratchProgress::start(plan, &context.stores, stage)?;
    Ok(context.with_progress(Arc::new(progress)))
}
