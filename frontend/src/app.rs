//! What the handlers share, and which route leads to which of them. Holds no logic of its own.

use crate::cluster::Cluster;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::news::News;
use crate::preview::Preview;
use crate::refusal::Refusal;
use crate::safety::{Gates, Rates, headers, origin};
use crate::view::Views;
use crate::{files, identity, image, jobs, metrics, news, openapi, outputs, page, system, uploads, view};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tessera_store::Store;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The largest body of a request that is no part of an upload.
const BODY: usize = 256 << 10;

/// How long an ordinary request may take.
const TIME: Duration = Duration::from_secs(45);

/// Everything that handlers need.
pub struct App {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) cluster: Cluster,
    pub(crate) preview: Preview,
    pub(crate) news: News,
    pub(crate) metrics: Metrics,
    pub(crate) gates: Gates,
    pub(crate) rates: Rates,
    pub(crate) views: Views,
}

/// The same for every request.
pub(crate) type Shared = Arc<App>;

impl App {
    /// With a store and a namespace of a cluster.
    pub fn new(config: Config, store: Arc<dyn Store>, cluster: Cluster) -> App {
        App {
            preview: Preview::new(&config.preview),
            news: News::default(),
            metrics: Metrics::new(),
            gates: Gates::default(),
            rates: Rates::default(),
            views: Views::default(),
            config,
            store,
            cluster,
        }
    }
}

/// The page and its API.
///
/// # Errors
/// A trusted origin of the configuration is none.
pub fn router(app: Arc<App>) -> anyhow::Result<Router> {
    let (api, document) = OpenApiRouter::with_openapi(openapi::document())
        .nest("/api/v1", quick().merge(slow()))
        .routes(routes!(view::tile))
        .split_for_parts();
    let document = Arc::new(document);
    let csrf = origin::layer(&app.config.trusted_origins)?;
    Ok(api
        .route("/api/v1/openapi.json", get(move || openapi::serve(document)))
        .route("/api/{*rest}", axum::routing::any(|| async { Refusal::not_found("route") }))
        .fallback_service(page::service(app.config.ui.as_deref()))
        .layer(from_fn(crate::refusal::worded))
        .layer(from_fn_with_state(app.clone(), crate::safety::limit_rate))
        .layer(from_fn(origin::refuse_foreign_reads))
        .layer(csrf)
        .layer(from_fn_with_state(app.clone(), identity::sign_in))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(app.clone(), metrics::count))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app))
}

/// Routes that are answered at once.
fn quick() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(outputs::config))
        .routes(routes!(outputs::operations))
        .routes(routes!(image::list, image::open))
        .routes(routes!(image::browse))
        .routes(routes!(image::show, image::delete))
        .routes(routes!(view::show, view::make))
        .routes(routes!(jobs::routes::plan))
        .routes(routes!(jobs::routes::list, jobs::routes::create))
        .routes(routes!(jobs::routes::show, jobs::routes::delete))
        .routes(routes!(jobs::routes::retry))
        .routes(routes!(jobs::routes::yaml))
        .routes(routes!(system::show))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::list_parts, uploads::abort))
        .routes(routes!(uploads::part_address))
        .layer(CompressionLayer::new().gzip(true))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIME))
        .layer(DefaultBodyLimit::max(BODY))
}

/// Routes whose bodies go on: parts, files, news; and the joining of parts, which takes a store its time.
fn slow() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(uploads::put_part))
        .routes(routes!(uploads::complete))
        .routes(routes!(files::image_file))
        .routes(routes!(files::job_result))
        .routes(routes!(news::events))
        .layer(DefaultBodyLimit::max(4 << 20))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    Refusal::internal(&"a handler panicked; the log above says where").into_response()
}

/// Health and figures, for the cluster alone.
pub fn health_router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .with_state(app)
}

async fn ready(State(app): State<Shared>) -> impl IntoResponse {
    if app.cluster.is_seen() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the watches have not delivered yet; the log says why")
    }
}

async fn figures(State(app): State<Shared>) -> impl IntoResponse {
    match app.metrics.encode() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
                .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
