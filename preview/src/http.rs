//! The routes, for the page's server in the same pod. A client that goes away drops its handler, and with it what it asked for. It
//! trusts who asks with the addresses, and nobody with anything else.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::FutureExt;
use serde::Deserialize;
use serde_json::json;
use tessera_store::{Location, Prefix, UriError};

use crate::chain::ValidChain;
use crate::engine::{Engine, TileRequest};
use crate::error::PreviewError;

/// The most bytes of a body.
const BODY: usize = 16 << 10;

/// What the routes share.
#[derive(Clone)]
struct Shared {
    engine: Engine,
    views: Option<Prefix>,
}

/// The routes; view copies go below `views`.
pub fn router(engine: Engine, views: Option<Prefix>) -> Router {
    Router::new()
        .route("/view", get(view))
        .route("/tile", get(tile))
        .route("/image", get(image))
        .route("/copy", post(copy))
        .route("/healthz", get(async || "ok\n"))
        .fallback(async || answer(StatusCode::NOT_FOUND, "NotFound", "there is no such route"))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(guarded))
        .with_state(Shared { engine, views })
}

/// A mistake of ours ends one request.
async fn guarded(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| PreviewError::Panicked("a panic".to_owned()).into_response())
}

#[derive(Deserialize)]
struct Looked {
    uri: String,
    #[serde(default)]
    chain: String,
}

#[derive(Deserialize)]
struct Asked {
    uri: String,
    etag: String,
    #[serde(default)]
    chain: String,
    level: u32,
    x: u32,
    y: u32,
    #[serde(default)]
    exact: String,
}

#[derive(Deserialize)]
struct CopyRequest {
    uri: String,
    etag: String,
    to: String,
}

type Asking<T> = Result<Query<T>, QueryRejection>;

async fn view(State(shared): State<Shared>, query: Asking<Looked>) -> Result<Response, PreviewError> {
    let Query(Looked { uri, chain }) = query?;
    let view = shared.engine.view(&address(&uri)?, &ValidChain::parse(&chain)?).await?;
    Ok(Json(view).into_response())
}

async fn image(State(shared): State<Shared>, query: Asking<Looked>) -> Result<Response, PreviewError> {
    let Query(Looked { uri, .. }) = query?;
    Ok(Json(shared.engine.image(&address(&uri)?).await?).into_response())
}

async fn tile(State(shared): State<Shared>, query: Asking<Asked>) -> Result<Response, Shown> {
    let Query(Asked { uri, etag, chain, level, x, y, exact }) = query.map_err(PreviewError::from)?;
    let (at, chain) = (address(&uri)?, ValidChain::parse(&chain)?);
    let exact = matches!(exact.as_str(), "1" | "true");
    let request = TileRequest { at, etag, chain, level, x, y, exact };
    let (quality, picture) = shared.engine.tile(request).await?;
    let headers = [
        (header::CONTENT_TYPE.as_str(), picture.media),
        (header::CACHE_CONTROL.as_str(), "private, max-age=31536000, immutable"),
        ("tessera-quality", quality.name()),
    ];
    Ok((headers, picture.bytes).into_response())
}

async fn copy(
    State(shared): State<Shared>,
    body: Result<Json<CopyRequest>, JsonRejection>,
) -> Result<Response, PreviewError> {
    let Json(copy) = body.map_err(|rejection| PreviewError::Request(rejection.body_text()))?;
    let none = || PreviewError::Request("view copies are not set up: set TESSERA_VIEWS".to_owned());
    let views = shared.views.as_ref().ok_or_else(none)?;
    let copied = shared.engine.copy(&address(&copy.uri)?, &copy.etag, &address(&copy.to)?, views).await?;
    Ok(Json(copied).into_response())
}

fn address(uri: &str) -> Result<Location, PreviewError> {
    uri.parse().map_err(|error: UriError| PreviewError::Request(error.to_string()))
}

fn answer(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error": {"code": code, "message": message}}))).into_response()
}

impl From<QueryRejection> for PreviewError {
    fn from(rejection: QueryRejection) -> PreviewError {
        PreviewError::Request(rejection.body_text())
    }
}

/// An error that several requests may share.
struct Shown(Arc<PreviewError>);

impl From<Arc<PreviewError>> for Shown {
    fn from(error: Arc<PreviewError>) -> Shown {
        Shown(error)
    }
}

impl From<PreviewError> for Shown {
    fn from(error: PreviewError) -> Shown {
        Shown(Arc::new(error))
    }
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        let (status, code) = self.0.answer();
        let message = self.0.message();
        if status >= 500 {
            tracing::warn!(code, message, "a request failed");
        }
        answer(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), code, &message)
    }
}

impl IntoResponse for PreviewError {
    fn into_response(self) -> Response {
        Shown(Arc::new(self)).into_response()
    }
}
