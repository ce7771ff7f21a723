//! As much of a Kubernetes API server as the page speaks with: lists, watches, creates, deletes. In memory, and it says what
//! it was asked.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, body::Bytes};
use kube::Client;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tower::ServiceExt;

/// Objects by plural and name, and all that happened to them.
#[derive(Default)]
struct World {
    objects: BTreeMap<(String, String), Value>,
    events: Vec<(String, Value)>,
    created: u64,
    queries: Vec<String>,
}

/// The server.
#[derive(Clone)]
pub(crate) struct ApiServer {
    world: Arc<Mutex<World>>,
    changed: watch::Sender<usize>,
}

impl ApiServer {
    pub(crate) fn new() -> ApiServer {
        ApiServer { world: Arc::default(), changed: watch::channel(0).0 }
    }

    /// A client that speaks with it.
    pub(crate) fn client(&self) -> Client {
        let router = self.router();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let router = router.clone();
            async move { router.oneshot(request.map(Body::new)).await }
        });
        Client::new(service, "default")
    }

    fn router(&self) -> Router {
        let all = get(list).post(create);
        let one = get(show).delete(delete).patch(annotate);
        Router::new()
            .route("/apis/{group}/{version}/namespaces/{namespace}/{plural}", all.clone())
            .route("/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}", one.clone())
            .route("/api/{version}/namespaces/{namespace}/{plural}", get(list))
            .route("/api/{version}/namespaces/{namespace}/{plural}/{name}", get(show))
            .with_state(self.clone())
    }

    /// Puts an object in its place, or in that of an older one.
    pub(crate) fn put(&self, plural: &str, mut object: Value) {
        let name = object["metadata"]["name"].as_str().expect("an object has a name").to_owned();
        let mut world = self.world.lock().unwrap();
        let key = (plural.to_owned(), name);
        let kind = if world.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        object["metadata"]["resourceVersion"] = (world.events.len() + 1).to_string().into();
        world.objects.insert(key, object.clone());
        world.events.push((plural.to_owned(), json!({"type": kind, "object": object})));
        self.changed.send_replace(world.events.len());
    }

    /// An object as it is now.
    pub(crate) fn object(&self, plural: &str, name: &str) -> Option<Value> {
        self.world.lock().unwrap().objects.get(&(plural.to_owned(), name.to_owned())).cloned()
    }

    /// The names of all objects.
    pub(crate) fn names(&self, plural: &str) -> Vec<String> {
        let world = self.world.lock().unwrap();
        world.objects.keys().filter(|(of, _)| of == plural).map(|(_, name)| name.clone()).collect()
    }

    /// The queries with which objects were created.
    pub(crate) fn queries(&self) -> Vec<String> {
        self.world.lock().unwrap().queries.clone()
    }
}

type Asked = Path<HashMap<String, String>>;

fn status(code: StatusCode, reason: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
        "message": format!("{reason}, says the server"), "code": code.as_u16()});
    (code, Json(body)).into_response()
}

async fn list(
    State(server): State<ApiServer>,
    Path(path): Asked,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let plural = path["plural"].clone();
    if path.get("group").is_some_and(|group| group == "metrics.k8s.io") {
        return status(StatusCode::NOT_FOUND, "NotFound");
    }
    if query.get("watch").is_some_and(|value| value == "true") {
        let since = query.get("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0);
        return watched(server, plural, since);
    }
    let world = server.world.lock().unwrap();
    let items: Vec<Value> =
        world.objects.iter().filter(|((of, _), _)| *of == plural).map(|(_, object)| object.clone()).collect();
    let version = world.events.len().to_string();
    Json(
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}),
    )
    .into_response()
}

/// All events after `since`, as they come.
fn watched(server: ApiServer, plural: String, since: usize) -> Response {
    let listener = server.changed.subscribe();
    let events = futures::stream::unfold((server, plural, since, listener), |state| async move {
        let (server, plural, mut at, mut listener) = state;
        loop {
            let next = {
                let world = server.world.lock().unwrap();
                let rest = world.events.iter().enumerate().skip(at);
                let mut ours = rest.filter(|(_, (of, _))| *of == plural);
                ours.next().map(|(index, (_, event))| (index + 1, format!("{event}\n")))
            };
            if let Some((index, line)) = next {
                at = index;
                return Some((Ok::<_, std::io::Error>(line), (server, plural, at, listener)));
            }
            listener.changed().await.ok()?;
        }
    });
    Body::from_stream(events).into_response()
}

async fn show(State(server): State<ApiServer>, Path(path): Asked) -> Response {
    match server.object(&path["plural"], &path["name"]) {
        Some(object) => Json(object).into_response(),
        None => status(StatusCode::NOT_FOUND, "NotFound"),
    }
}

async fn create(
    State(server): State<ApiServer>,
    Path(path): Asked,
    query: axum::extract::RawQuery,
    body: Bytes,
) -> Response {
    let mut object: Value = serde_json::from_slice(&body).unwrap();
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if server.object(&path["plural"], &name).is_some() {
        return status(StatusCode::CONFLICT, "AlreadyExists");
    }
    let created = {
        let mut world = server.world.lock().unwrap();
        world.queries.push(query.0.unwrap_or_default());
        world.created += 1;
        world.created
    };
    object["metadata"]["uid"] = format!("uid-{created}").into();
    object["metadata"]["creationTimestamp"] = format!("2026-01-01T00:00:{:02}Z", created % 60).into();
    server.put(&path["plural"], object);
    (StatusCode::CREATED, Json(server.object(&path["plural"], &name))).into_response()
}

/// A merge patch of annotations.
async fn annotate(State(server): State<ApiServer>, Path(path): Asked, body: Bytes) -> Response {
    let Some(mut object) = server.object(&path["plural"], &path["name"]) else {
        return status(StatusCode::NOT_FOUND, "NotFound");
    };
    let patch: Value = serde_json::from_slice(&body).unwrap();
    for (key, value) in patch["metadata"]["annotations"].as_object().unwrap() {
        object["metadata"]["annotations"][key] = value.clone();
    }
    server.put(&path["plural"], object.clone());
    Json(object).into_response()
}

async fn delete(State(server): State<ApiServer>, Path(path): Asked) -> Response {
    let (plural, name) = (path["plural"].clone(), path["name"].clone());
    let mut world = server.world.lock().unwrap();
    let Some(object) = world.objects.remove(&(plural.clone(), name)) else {
        return status(StatusCode::NOT_FOUND, "NotFound");
    };
    world.events.push((plural, json!({"type": "DELETED", "object": object})));
    server.changed.send_replace(world.events.len());
    Json(object).into_response()
}
