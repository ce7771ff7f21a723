//! The preview container: reads its environment once, and serves the routes to its pod until it is told to end. `preview check`
//! asks whether it does, for the kubelet, which cannot reach the pod's own loopback.

mod check;
mod environment;

use std::net::SocketAddr;

use anyhow::Context;
use tessera_preview::{Engine, http};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use environment::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => serve().await,
        Some("check") => check::check(environment::address()?),
        Some(other) => anyhow::bail!("{other} is no command: write `preview`, or `preview check`"),
    }
}

async fn serve() -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    tracing_subscriber::fmt().with_env_filter(environment::log_filter()).json().init();
    let engine = Engine::new(settings.stores, settings.memory, settings.threads, settings.version)?;
    let at: SocketAddr = settings.address;
    let listener =
        TcpListener::bind(at).await.with_context(|| format!("can't listen at {at}: is the port in use?"))?;
    tracing::info!(%at, threads = settings.threads, memory = ?settings.memory, "previews are served");
    let mut term = signal(SignalKind::terminate())?;
    let served = axum::serve(listener, http::router(engine, settings.views));
    tokio::select! {
        result = async { served.await } => Ok(result?),
        // Tiles can be asked for again; nothing is lost.
        _ = term.recv() => Ok(()),
    }
}
