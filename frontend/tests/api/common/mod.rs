//! A page's server with a store in memory, an API server in memory, and small pictures.

mod api_server;

pub(crate) use api_server::ApiServer;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clap::Parser;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tessera_frontend::{App, Cluster, Config, health_router, publish, router};
use tessera_store::{Location, MemoryStore, PutOptions, Store};
use tower::ServiceExt;

/// Nobody listens there.
const NO_PREVIEW: &str = "http://127.0.0.1:9";

/// Everything that a test needs.
pub(crate) struct Lab {
    pub(crate) page: Router,
    pub(crate) health: Router,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) api: ApiServer,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    /// The code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Fails unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// A demonstration.
pub(crate) async fn demo() -> Lab {
    lab(&[]).await
}

/// Behind a proxy that names users in `X-Forwarded-User`.
pub(crate) async fn proxy() -> Lab {
    lab(&["--sign-in", "proxy"]).await
}

/// With these flags.
pub(crate) async fn lab(flags: &[&str]) -> Lab {
    let api = ApiServer::new();
    api.put("workerpools", pool());
    let fixed = ["frontend", "--browse", "s3://images/", "--preview", NO_PREVIEW];
    // Of a flag that is given twice the last one counts.
    let given = fixed.iter().filter(|_| true).chain(flags);
    let config = Config::try_parse_from(dedup(given.map(|text| (*text).to_owned()).collect())).unwrap();
    let store = Arc::new(MemoryStore::new(&["images", "results"]));
    let (cluster, watching) = Cluster::new(api.client(), "default");
    let app = Arc::new(App::new(config, store.clone(), cluster));
    tokio::spawn(publish(app.clone(), watching));
    let lab = Lab { page: router(app.clone()).unwrap(), health: health_router(app), store, api };
    eventually("the watches deliver", async || {
        lab.health.clone().oneshot(get("/readyz")).await.unwrap().status() == StatusCode::OK
    })
    .await;
    lab
}

/// Keeps the last value of each flag.
fn dedup(words: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = vec![words[0].clone()];
    for pair in words[1..].chunks(2) {
        if let Some(at) = kept.iter().position(|word| *word == pair[0]) {
            kept[at + 1] = pair[1].clone();
        } else {
            kept.extend_from_slice(pair);
        }
    }
    kept
}

/// Waits until something holds, at most 10 s.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

impl Lab {
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.page.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(get(path)).await
    }

    pub(crate) async fn get_as(&self, user: &str, path: &str) -> Answer {
        let request = Request::get(path).header("x-forwarded-user", user).body(Body::empty());
        self.send(request.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", None, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Request::delete(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn call(&self, method: &str, user: Option<&str>, path: &str, body: Value) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(user) = user {
            request = request.header("x-forwarded-user", user);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Puts an object into the store, and returns its identifier.
    pub(crate) async fn put(&self, uri: &str, bytes: impl Into<Bytes>) -> String {
        let at: Location = uri.parse().unwrap();
        self.store.put(&at, bytes.into(), &PutOptions::default()).await.unwrap();
        id(uri)
    }

    /// Waits until the page knows of a job.
    pub(crate) async fn knows(&self, name: &str) {
        let path = format!("/api/v1/jobs/{name}");
        eventually("the page knows the job", async || self.get(&path).await.status == StatusCode::OK).await;
    }
}

/// An identifier of an image.
pub(crate) fn id(uri: &str) -> String {
    URL_SAFE_NO_PAD.encode(uri)
}

/// The owner of a user's name.
pub(crate) fn owner(user: &str) -> String {
    let digest = Sha256::digest(user.as_bytes());
    digest[..20].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A PNG of this size, in RGB.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A pool that allows both buckets.
pub(crate) fn pool() -> Value {
    json!({
        "apiVersion": "tessera.dev/v1alpha1",
        "kind": "WorkerPool",
        "metadata": {"name": "default", "namespace": "default", "uid": "pool"},
        "spec": {
            "replicas": 4,
            "store": {"secretName": "store", "scratch": "s3://results/.tessera/"},
            "allow": {"sources": ["s3://images/", "s3://results/"], "outputs": ["s3://results/", "s3://images/views/"]},
        },
        "status": {"inUse": 1, "waiting": 2, "queueDepth": 7, "conditions": [{
            "type": "Ready", "status": "True", "reason": "Healthy", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]},
    })
}

/// An ImageJob of a user, or of nobody.
pub(crate) fn image_job(name: &str, user: Option<&str>, status: Value) -> Value {
    let labels = user.map_or(json!({}), |user| json!({"tessera.dev/owner": owner(user)}));
    let folder = user.map_or("kubectl".to_owned(), |user| format!("page/{}", owner(user)));
    json!({
        "apiVersion": "tessera.dev/v1alpha1",
        "kind": "ImageJob",
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("uid-of-{name}"), "labels": labels,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "source": {"uri": "s3://images/photo.png"},
            "operations": [{"grayscale": {"standard": "bt601"}}],
            "output": {"uri": format!("s3://results/{folder}/{name}.png")},
        },
        "status": status,
    })
}

/// The status of a job that is complete.
pub(crate) fn complete() -> Value {
    json!({
        "state": "Complete", "reason": "Complete", "progress": 100,
        "image": {"width": 40, "height": 30, "channels": 3, "bitDepth": 8, "format": "png"},
        "tiles": {"total": 1, "done": 1, "running": 0, "failed": 0, "summary": "1/1"},
        "output": {"uri": "s3://results/x.png", "etag": "e", "size": 5, "digest": "d"},
        "conditions": [condition("Finished", ""), condition("Complete", "")],
    })
}

/// The status of a job that has failed.
pub(crate) fn failed(message: &str) -> Value {
    json!({
        "state": "Failed", "reason": "OutOfMemory",
        "conditions": [condition("Finished", ""), condition("Failed", message)],
    })
}

fn condition(kind: &str, message: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": "Complete", "message": message,
        "lastTransitionTime": "2026-01-01T00:01:00Z"})
}
