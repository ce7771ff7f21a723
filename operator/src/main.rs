//! The operator: wires client, lease, controllers and server together. Holds no logic of its own.

mod calls;
mod config;
mod context;
mod external;
mod figures;
mod imagejob;
mod leader;
mod lost;
mod metrics;
mod objects;
mod pace;
mod pool;
mod server;
mod stores;
mod watches;

use anyhow::Context as _;
use clap::Parser;
use context::Ctx;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = config::Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
    let calls = calls::Calls::default();
    let client = config::client(&calls).await.context("cannot reach the Kubernetes API")?;
    let ctx = Arc::new(Ctx::new(client, config, &calls));
    tokio::select! {
        ended = server::serve(ctx.clone()) => ended,
        ended = external::serve(ctx.clone()) => ended,
        () = ctx.figures.run(&ctx) => anyhow::bail!("the watch of the pools has ended"),
        ended = run(ctx.clone()) => ended,
    }
}

/// Waits for the lease, then runs the controllers until the lease is lost or the process is told to end.
async fn run(ctx: Arc<Ctx>) -> anyhow::Result<()> {
    let mut leader = tokio::select! {
        leader = leader::acquire(&ctx.config) => leader?,
        () = terminated() => return Ok(()),
    };
    ctx.health.set_leading();
    tokio::select! {
        () = control(ctx) => anyhow::bail!("the controllers have ended"),
        () = leader.lost() => anyhow::bail!("the lease is lost; another replica leads"),
        () = terminated() => {}
    }
    // The next replica need not wait until the lease runs out.
    leader.release().await;
    Ok(())
}

/// The controllers, and the watches that they listen to.
async fn control(ctx: Arc<Ctx>) {
    let (jobs, pools) = (imagejob::run(ctx.clone()), pool::run(ctx.clone()));
    tokio::join!(jobs, pools, lost::run(ctx.clone()), ctx.watches.run(&ctx));
}

async fn terminated() {
    let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match signal {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}
