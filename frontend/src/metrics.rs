//! The figures of the page's server for Prometheus. Labels are bounded: routes and classes of answers, never a user.

use crate::app::Shared;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::time::Instant;

/// A kind of request, and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: String,
    method: String,
    class: &'static str,
}

/// The figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answer, Counter>,
    seconds: Histogram,
    /// Bytes of parts that went to the store.
    pub(crate) uploaded: Counter,
    /// Bytes of files that went to users.
    pub(crate) downloaded: Counter,
    /// Streams of news that are open.
    pub(crate) listeners: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("tessera_frontend");
        let metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.002, 2.0, 12)),
            uploaded: Counter::default(),
            downloaded: Counter::default(),
            listeners: Gauge::default(),
        };
        registry.register(
            "requests",
            "Requests by route, method and class of answer",
            metrics.requests.clone(),
        );
        registry.register("request_seconds", "Time until an answer begins", metrics.seconds.clone());
        registry.register("uploaded_bytes", "Bytes of uploads", metrics.uploaded.clone());
        registry.register("downloaded_bytes", "Bytes of downloads", metrics.downloaded.clone());
        registry.register("listeners", "Open streams of news", metrics.listeners.clone());
        Metrics { registry, ..metrics }
    }

    /// The text form of OpenMetrics.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Counts and times a request.
pub(crate) async fn count(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let method = known(request.method().as_str());
    let started = Instant::now();
    let response = next.run(request).await;
    app.metrics.seconds.observe(started.elapsed().as_secs_f64());
    let class = match response.status().as_u16() {
        100..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    app.metrics.requests.get_or_create(&Answer { route, method, class }).inc();
    response
}

/// A method may be any word; a label may not.
fn known(method: &str) -> String {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    if known.contains(&method) { method.to_owned() } else { "other".to_owned() }
}
