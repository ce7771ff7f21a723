//! The page's own files: what Vite has built, as it is, compressed beforehand; or a page that says how to build it.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use std::path::Path;
use tower_http::services::{ServeDir, ServeFile};

/// What stands in the place of a page that is not there.
const UNBUILT: &str = include_str!("unbuilt.html");

/// Answers to everything that is no route of the API.
pub(crate) fn service(ui: Option<&Path>) -> Router {
    let Some(folder) = ui.filter(|folder| folder.join("index.html").is_file()) else {
        return Router::new().fallback(unbuilt);
    };
    // Addresses of views inside the page lead to the page; its script knows what to show.
    let index = ServeFile::new(folder.join("index.html")).precompressed_br().precompressed_gzip();
    let files = ServeDir::new(folder).precompressed_br().precompressed_gzip().fallback(index);
    Router::new().fallback_service(files).layer(from_fn(cached))
}

async fn unbuilt(method: Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    ([(header::CACHE_CONTROL, "no-cache")], Html(UNBUILT)).into_response()
}

/// What has a digest in its name never changes; all else is asked for again each time. A file that is not there is not
/// replaced by the page.
async fn cached(request: Request, next: Next) -> Response {
    let hashed = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if hashed && is_page {
        return StatusCode::NOT_FOUND.into_response();
    }
    let forever = hashed && response.status().is_success();
    let value = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}
