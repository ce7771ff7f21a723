//! `tessera run`: the stages of the plan one after the other on this machine, and what came out.
//! It leaves the output or nothing: scratch and open uploads are removed in every case, Ctrl-C included.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tessera_core::plan::{Plan, Spread, Stage};
use tessera_core::record::Published;
use tessera_operations::Operation;
use tessera_store::{Location, Scheme};
use tessera_worker::{Context, clean_up, run_assemble, run_shard, run_split, run_whole};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Run;
use crate::bar::Bar;
use crate::failure::Failure;
use crate::job::{Job, Wish};
use crate::machine;

/// Runs a job.
///
/// # Errors
/// The job is invalid, or the work failed; the output is then as it was before.
pub(crate) async fn run(arguments: &Run) -> Result<(), Failure> {
    let job = Job::open(&arguments.job)?;
    let spread = arguments.shards.map_or(Spread::Whole, Spread::Shards);
    let memory = arguments.memory.map_or_else(machine::memory, |mebibytes| mebibytes << 20);
    let wish = Wish { spread, memory, force: arguments.force, id: id(&job.output) };
    let (mut plan, _) = job.plan(wish).await?;
    if let Some(column) = arguments.tile {
        plan.column = column;
    }
    let threads = arguments.threads.map_or_else(machine::processors, |threads| threads as usize);
    let context = Context::new(job.stores.clone(), threads)?;
    let started = Instant::now();
    let done = tokio::select! {
        done = stages(&context, &plan) => done,
        code = stopped() => Err(Failure::new(code, "stopped; nothing was written")),
    };
    let cleaned = clean_up(&context, &plan).await;
    let published = done?;
    cleaned?;
    report(&job, &plan, &published, started.elapsed());
    Ok(())
}

/// Names this run. Scratch beside a file is hidden by its first dot.
fn id(output: &Location) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos();
    let hidden = if output.scheme() == Scheme::File { "." } else { "" };
    format!("{hidden}tessera-run-{now:x}-{:x}", std::process::id())
}

/// Waits for Ctrl-C or SIGTERM, and gives the exit code that a shell expects.
async fn stopped() -> u8 {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}

async fn stages(context: &Context, plan: &Plan<Operation>) -> Result<Published, Failure> {
    let digest = plan.digest();
    let mut published = None;
    for (number, stage) in plan.stages().iter().enumerate() {
        let prefix = format!("[{}/{}] {:8}", number + 1, plan.stages().len(), stage.name());
        let bar = Arc::new(Bar::new(prefix, plan.grid.tiles(), plan.grid.image.pixels()));
        let context = context.clone().with_progress(bar.clone());
        match stage {
            Stage::Whole => published = Some(run_whole(&context, plan, &digest).await?),
            Stage::Assemble => published = Some(run_assemble(&context, plan, &digest).await?),
            Stage::Split => run_split(&context, plan, &digest).await?,
            Stage::Tiles => {
                for shard in 0..plan.shards(Stage::Tiles) {
                    run_shard(&context, plan, &digest, shard).await?;
                }
            }
        }
        bar.clear();
    }
    Ok(published.expect("the last stage of every plan publishes"))
}

fn report(job: &Job, plan: &Plan<Operation>, published: &Published, time: Duration) {
    let extent = plan.output.extent;
    let shown = match job.output.scheme() {
        Scheme::File => job.output.key().to_owned(),
        Scheme::S3 => job.output.to_string(),
    };
    println!("output  {shown}");
    println!("image   {} pixels, {}", extent.size, extent.pixel);
    println!("size    {:.1} MB", published.size as f64 / 1e6);
    let rate = extent.size.pixels() as f64 / 1e6 / time.as_secs_f64().max(1e-6);
    println!("time    {:.1} s, {rate:.0} MP/s", time.as_secs_f64());
    if let Some(peak) = machine::peak_memory() {
        println!("memory  {:.0} MB at most ({:.0} MB planned)", peak as f64 / 1e6, plan.memory as f64 / 1e6);
    }
    println!("digest  {}", published.digest);
}
