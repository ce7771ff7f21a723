//! Speaks with `preview`, which decodes: a process of its own beside this one. Its answers go on as they are, but for the
//! headers that are ours to give. Dropping a request cancels it there.

use crate::refusal::{Refusal, Result};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// The longest time that a tile or a description may take.
const ANSWER: Duration = Duration::from_secs(60);

/// The longest time that a copy may take.
const COPY: Duration = Duration::from_secs(600);

/// The largest answer that is no picture.
const TEXT: usize = 4 << 20;

/// By which the preview says how good a tile is.
pub(crate) const QUALITY: HeaderName = HeaderName::from_static("tessera-quality");

/// The other process.
pub(crate) struct Preview {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

/// What it says of an image.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    /// It cannot be shown as it is.
    pub(crate) needs_copy: bool,
}

/// A query, whose values are encoded.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let encoded =
        pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    encoded.collect::<Vec<_>>().join("&")
}

impl Preview {
    pub(crate) fn new(base: &str) -> Preview {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Preview { client, base: base.trim_end_matches('/').to_owned() }
    }

    /// Whether an image needs a copy to be shown.
    pub(crate) async fn image(&self, uri: &str) -> Result<Shown> {
        let answer =
            self.send("GET", &format!("/image?{}", query(&[("uri", uri)])), Bytes::new(), ANSWER).await?;
        serde_json::from_value(text(answer).await?).map_err(|error| Refusal::internal(&error))
    }

    /// What can be shown of an image with a chain: the answer as it is.
    pub(crate) async fn view(&self, uri: &str, chain: &str) -> Result<Value> {
        let path = format!("/view?{}", query(&[("uri", uri), ("chain", chain)]));
        text(self.send("GET", &path, Bytes::new(), ANSWER).await?).await
    }

    /// A tile: picture, or what is wrong.
    pub(crate) async fn tile(&self, query: &str) -> Result<Response<Body>> {
        let answer = self.send("GET", &format!("/tile?{query}"), Bytes::new(), ANSWER).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        Ok(picture(answer))
    }

    /// Makes a copy that can be shown.
    pub(crate) async fn copy(&self, uri: &str, etag: &str, to: &str) -> Result<()> {
        let body = serde_json::json!({ "uri": uri, "etag": etag, "to": to }).to_string();
        text(self.send("POST", "/copy", body.into(), COPY).await?).await.map(|_| ())
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Bytes,
        time: Duration,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Full::new(body));
        let request = request.map_err(|error| Refusal::internal(&error))?;
        match timeout(time, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the preview does not answer");
                Err(Refusal::unavailable("the preview is starting again: try again in a few seconds"))
            }
            Err(_) => {
                let text = "the preview took too long: zoom in, or use fewer operations";
                Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "PreviewSlow", text))
            }
        }
    }
}

/// A picture with its type and quality; no other header comes from there.
fn picture(answer: Response<Incoming>) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    let mut response = Response::new(Body::new(body));
    let known = ["image/png", "image/jpeg", "image/webp"];
    let given = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = known.into_iter().find(|kind| Some(*kind) == given).unwrap_or("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for name in [QUALITY, header::CONTENT_LENGTH] {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// An answer in JSON, or the refusal that it is.
async fn text(answer: Response<Incoming>) -> Result<Value> {
    if !answer.status().is_success() {
        return Err(refused(answer).await);
    }
    let body = body(answer).await?;
    if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&body).map_err(|error| Refusal::internal(&error))
    }
}

async fn body(answer: Response<Incoming>) -> Result<Bytes> {
    let body = Limited::new(answer.into_body(), TEXT).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| Refusal::internal(&error))
}

/// What the preview refuses, by its code and in its words, which are for users.
async fn refused(answer: Response<Incoming>) -> Refusal {
    let status = answer.status();
    let said: Value =
        body(answer).await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
    let text = |name: &str| said["error"][name].as_str().map(str::to_owned);
    let code =
        text("code").filter(|code| !code.is_empty() && code.bytes().all(|c| c.is_ascii_alphanumeric()));
    let message = text("message")
        .unwrap_or_else(|| "the preview could not show this: try again, or zoom in".to_owned());
    Refusal::new(status, code.unwrap_or_else(|| "PreviewFailed".to_owned()), message)
}
