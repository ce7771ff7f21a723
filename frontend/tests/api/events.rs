//! News: the whole picture first, then what changes, each to whom it concerns.

use crate::common::{Lab, complete, image_job, proxy};
use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn new(lab: &Lab, user: &str) -> Listener {
        let request = Request::get("/api/v1/events").header("x-forwarded-user", user).body(Body::empty());
        let answer = lab.page.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Listener { body: answer.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event's name and data.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found = field("event:").map(|name| {
                    (name.to_owned(), serde_json::from_str(field("data:").unwrap_or("null")).unwrap())
                });
                self.text = rest.to_owned();
                if let Some(found) = found {
                    return found;
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            let chunk = chunk.expect("news come").expect("the stream goes on").unwrap();
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// The next event of this name.
    async fn find(&mut self, name: &str) -> Value {
        loop {
            let (event, data) = self.next().await;
            if event == name {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn a_viewer_gets_the_whole_picture_and_then_what_changes() {
    let lab = proxy().await;
    lab.api.put("imagejobs", image_job("old", Some("ada"), complete()));
    crate::common::eventually("it is known", async || {
        lab.get_as("ada", "/api/v1/jobs/old").await.status == 200
    })
    .await;
    let mut ada = Listener::new(&lab, "ada").await;
    let (event, first) = ada.next().await;
    assert_eq!((event.as_str(), &first["name"], &first["state"]), ("job", &"old".into(), &"Complete".into()));
    assert_eq!(ada.find("system").await["slots"], 4);
    lab.api.put("imagejobs", image_job("new", Some("ada"), json!({"state": "Running", "progress": 7})));
    let new = ada.find("job").await;
    assert_eq!((&new["name"], &new["progress"]), (&"new".into(), &7.into()));
    lab.call("DELETE", Some("ada"), "/api/v1/jobs/new", Value::Null).await.expect(204);
    assert_eq!(ada.find("gone").await, json!({"name": "new"}));
}

#[tokio::test]
async fn nobody_hears_of_the_jobs_of_others() {
    let lab = proxy().await;
    let (mut ada, mut eve) = (Listener::new(&lab, "ada").await, Listener::new(&lab, "eve").await);
    lab.api.put("imagejobs", image_job("of-eve", Some("eve"), json!({"state": "Running"})));
    assert_eq!(eve.find("job").await["name"], "of-eve");
    lab.api.put("imagejobs", image_job("of-all", None, json!({"state": "Running"})));
    let first = ada.find("job").await;
    assert_eq!((&first["name"], &first["readOnly"]), (&"of-all".into(), &true.into()));
    assert_eq!(eve.find("job").await["name"], "of-all");
}

#[tokio::test]
async fn what_changes_nothing_that_shows_is_not_told() {
    let lab = proxy().await;
    let mut ada = Listener::new(&lab, "ada").await;
    let mut job = image_job("one", Some("ada"), json!({"state": "Running"}));
    lab.api.put("imagejobs", job.clone());
    assert_eq!(ada.find("job").await["name"], "one");
    job["metadata"]["annotations"] = json!({"somebody": "else"});
    lab.api.put("imagejobs", job.clone());
    job["status"]["progress"] = 50.into();
    lab.api.put("imagejobs", job);
    assert_eq!(ada.find("job").await["progress"], 50);
}
