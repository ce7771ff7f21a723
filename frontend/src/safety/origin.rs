//! Only the page itself changes anything here, and only the page reads: requests that another site makes a browser send are
//! refused, by what browsers say of them (Sec-Fetch-Site, Origin). Programs say neither, and are let through.

use crate::refusal::Refusal;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

/// What answers a request that is refused.
type Rejection = fn(ProtectionError) -> Response;

/// Refuses requests of other sites that would change something.
///
/// # Errors
/// A trusted origin is none.
pub(crate) fn layer(trusted: &[String]) -> anyhow::Result<CsrfLayer<Rejection>> {
    let mut layer = CsrfLayer::new();
    for origin in trusted.iter().filter(|origin| !origin.is_empty()) {
        layer = layer.add_trusted_origin(origin)?;
    }
    Ok(layer.with_rejection_response(foreign))
}

fn foreign(_: ProtectionError) -> Response {
    refusal().into_response()
}

fn refusal() -> Refusal {
    let message = "this request comes from another site: open the page itself and try there";
    Refusal::new(StatusCode::FORBIDDEN, "CrossSite", message)
}

/// Refuses what another site embeds: nothing of ours is for that. Links to here are fine.
pub(crate) async fn refuse_foreign_reads(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if reads && is_embedded(request.headers()) {
        return refusal().into_response();
    }
    next.run(request).await
}

fn is_embedded(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let foreign = ["cross-site", "same-site"].contains(&said("sec-fetch-site"));
    foreign && said("sec-fetch-mode") != "navigate"
}
