//! The description of the API by OpenAPI. The routes describe themselves where they are handled.

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tessera's page",
        description = "Uploads, images, previews and jobs. Errors are `{\"error\": {\"code\", \"message\"}}`: the message says what to do, the code stays the same."
    ),
    components(schemas(crate::refusal::ErrorBody))
)]
struct Document;

/// What all routes have in common.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The whole description.
pub(crate) async fn serve(document: Arc<utoipa::openapi::OpenApi>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-cache")], Json(document))
}
