//! The page's server: wires configuration, store, cluster and HTTP together. Holds no logic of its own.

use anyhow::Context as _;
use axum::Router;
use clap::Parser;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tessera_frontend::{App, Cluster, Config, health_router, publish, router};
use tessera_store::{S3Store, StoreConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How long requests may go on after the process was told to end.
const GRACE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).init();
    let store = S3Store::new(&StoreConfig::from_env()?)?;
    let client = client().await.context("cannot reach the Kubernetes API")?;
    let (cluster, watching) = Cluster::new(client, &config.namespace);
    let (listen, health) = (config.listen, config.health_listen);
    let app = Arc::new(App::new(config, Arc::new(store), cluster));
    let page = serve(listen, router(app.clone())?).await?;
    let health = serve(health, health_router(app.clone())).await?;
    tracing::info!(%listen, "the page is served");
    tokio::select! {
        ended = page => ended,
        ended = health => ended,
        () = publish(app, watching) => anyhow::bail!("the watches have ended"),
        () = overdue() => Ok(()),
    }
}

/// A client whose calls end.
async fn client() -> anyhow::Result<kube::Client> {
    let mut config = kube::Config::infer().await?;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Longer than a watch may be silent.
    config.read_timeout = Some(Duration::from_secs(60));
    config.write_timeout = Some(Duration::from_secs(15));
    Ok(kube::Client::try_from(config)?)
}

/// Serves until told to end; then what goes on may end.
async fn serve(
    address: SocketAddr,
    router: Router,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let server = axum::serve(listener, router).with_graceful_shutdown(terminated()).into_future();
    Ok(async move { Ok(server.await?) })
}

async fn terminated() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        _ => std::future::pending().await,
    }
}

/// Streams of news never end by themselves.
async fn overdue() {
    terminated().await;
    tokio::time::sleep(GRACE).await;
}
