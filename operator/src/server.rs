//! Health checks and metrics over HTTP. Touches nothing in the cluster.

use crate::context::Ctx;
use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

/// Serves until the process ends.
pub(crate) async fn serve(ctx: Arc<Ctx>) -> anyhow::Result<()> {
    let address = ctx.config.listen;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/leading", get(leading))
        .route("/metrics", get(metrics))
        .with_state(ctx);
    Ok(axum::serve(listener, router).await?)
}

async fn ready(State(ctx): State<Arc<Ctx>>) -> impl IntoResponse {
    if ctx.health.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the metrics API is not served yet; the log says why")
    }
}

async fn leading(State(ctx): State<Arc<Ctx>>) -> impl IntoResponse {
    if ctx.health.leads() {
        (StatusCode::OK, "leading")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "waiting for the lease")
    }
}

async fn metrics(State(ctx): State<Arc<Ctx>>) -> impl IntoResponse {
    match ctx.metrics.encode(&ctx.figures.at(ctx.now())) {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
                .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
