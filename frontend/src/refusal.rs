//! What goes wrong with a request, as the page and programs get it: a status, a code that stays, and a sentence that says what
//! to do. Nothing of a server behind this one reaches it but what is written for users.

use axum::Json;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use tessera_probe::{ProbeError, ProbeKind};
use tessera_store::{ErrorKind, StoreError};
use utoipa::ToSchema;

/// What every handler returns.
pub(crate) type Result<T> = std::result::Result<T, Refusal>;

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

/// The body of every answer with a status of 400 or more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorText,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorText {
    /// Stays the same between versions, for programs.
    code: String,
    /// A sentence that says what to do, for people.
    message: String,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Refusal {
        Refusal { status, code: code.into(), message: message.into() }
    }

    pub(crate) fn not_found(what: &str) -> Refusal {
        let message =
            format!("there is no such {what}, or it is not yours: check the address, or go back to the list");
        Refusal::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(crate) fn bad(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn chain(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "InvalidChain", message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::CONFLICT, "Conflict", message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", message)
    }

    /// A mistake of ours, whose cause is in the log.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Refusal {
        tracing::error!(%cause, "a request failed by our own mistake");
        let message = "something went wrong here: try again, and tell whoever runs this page if it stays";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = ErrorText { code: self.code.into_owned(), message: self.message };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}

/// Puts what the framework refuses (a body that is no JSON, a number that is none) into the form of all errors.
pub(crate) async fn worded(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ours = path.starts_with("/api/") || path.starts_with("/tiles/");
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !ours || !is_error || kind.is_some_and(|kind| kind.starts_with(b"application/json")) {
        return response;
    }
    let status = response.status();
    let text = axum::body::to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    Refusal::new(status, code_of(status), told(status, &String::from_utf8_lossy(&text))).into_response()
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::PAYLOAD_TOO_LARGE => "TooLarge",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "NotJson",
        StatusCode::GATEWAY_TIMEOUT => "Timeout",
        _ if status.is_server_error() => "Internal",
        _ => "BadRequest",
    }
}

fn told(status: StatusCode, text: &str) -> String {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "the request is too large: use fewer or shorter operations".to_owned()
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            "this address takes no such request: see /api/v1/openapi.json".to_owned()
        }
        StatusCode::GATEWAY_TIMEOUT => "this took too long: try again in a minute".to_owned(),
        _ if text.is_empty() => "the request is not understood: see /api/v1/openapi.json".to_owned(),
        _ => format!("{text}: see /api/v1/openapi.json for the right form"),
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        let (status, code) = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NoSuchBucket => (StatusCode::NOT_FOUND, "NotFound"),
            ErrorKind::NoSuchUpload => (StatusCode::NOT_FOUND, "NoSuchUpload"),
            ErrorKind::Changed => (StatusCode::PRECONDITION_FAILED, "Changed"),
            ErrorKind::Exists => (StatusCode::CONFLICT, "Conflict"),
            ErrorKind::TooSmall | ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "BadRequest"),
            ErrorKind::Denied | ErrorKind::Elsewhere | ErrorKind::Io => {
                tracing::warn!(%error, "the store refuses what the page needs");
                (StatusCode::BAD_GATEWAY, "StoreRefused")
            }
            ErrorKind::WrongBytes | ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Unavailable => {
                tracing::warn!(%error, "the store does not answer as it should");
                (StatusCode::SERVICE_UNAVAILABLE, "StoreUnavailable")
            }
        };
        Refusal::new(status, code, error.to_string())
    }
}

impl From<ProbeError> for Refusal {
    fn from(error: ProbeError) -> Refusal {
        let (status, code) = match (&error, error.kind()) {
            (_, ProbeKind::Unsupported) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedImage"),
            (_, ProbeKind::Malformed) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "BadImage"),
            (_, ProbeKind::NotFound | ProbeKind::NoSuchBucket) => (StatusCode::NOT_FOUND, "NotFound"),
            (_, ProbeKind::Changed) => (StatusCode::PRECONDITION_FAILED, "Changed"),
            (_, ProbeKind::Denied) => (StatusCode::BAD_GATEWAY, "StoreRefused"),
            (_, ProbeKind::Unreachable) => (StatusCode::SERVICE_UNAVAILABLE, "StoreUnavailable"),
        };
        Refusal::new(status, code, error.to_string())
    }
}

impl From<kube::Error> for Refusal {
    /// What the API server says of an object is written for users; all else is not.
    fn from(error: kube::Error) -> Refusal {
        match error {
            kube::Error::Api(status) => match status.code {
                400 | 422 => Refusal::chain(status.message),
                404 => Refusal::not_found("job"),
                409 => Refusal::conflict("there is a job of this name already: try again"),
                403 => {
                    tracing::error!(said = status.message, "the API server denies what the page needs");
                    let message =
                        "the page may not do this in the cluster: whoever runs it should check its Role";
                    Refusal::new(StatusCode::BAD_GATEWAY, "ClusterDenied", message)
                }
                429 => Refusal::unavailable("the cluster is busy: try again in a minute"),
                _ => unreachable_cluster(&status.message),
            },
            other => unreachable_cluster(&other),
        }
    }
}

fn unreachable_cluster(cause: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(%cause, "the Kubernetes API does not answer as it should");
    Refusal::unavailable("the cluster does not answer: try again in a minute")
}
