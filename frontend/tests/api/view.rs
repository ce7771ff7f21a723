//! How images are shown: as they are, by copies, and by tiles of the preview, which is a small server of the test's own.

use crate::common::{Lab, eventually, failed, lab, png};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What the preview was asked, and whether images need copies.
#[derive(Clone, Default)]
struct Fake {
    asked: Arc<Mutex<Vec<String>>>,
    needs_copy: bool,
}

type Asked = Query<HashMap<String, String>>;

async fn tile(State(fake): State<Fake>, Query(asked): Asked) -> Response {
    let text =
        format!("{} {} {} {} {}", asked["uri"], asked["level"], asked["x"], asked["y"], asked["chain"]);
    fake.asked.lock().unwrap().push(text);
    if asked["etag"] == "stale" {
        let body = json!({"error": {"code": "Changed", "message": "it has changed"}});
        return (StatusCode::PRECONDITION_FAILED, Json(body)).into_response();
    }
    if asked["etag"] == "damaged" {
        let body = json!({"error": {"code": "DamagedImage", "message": "the picture ends too soon"}});
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::SET_COOKIE, "a=b"),
        (header::HeaderName::from_static("tessera-quality"), "exact"),
    ];
    (headers, "pixels").into_response()
}

async fn start(fake: Fake) -> Lab {
    let needs_copy = fake.needs_copy;
    let router = Router::new()
        .route("/image", get(move || async move { Json(json!({"needsCopy": needs_copy})) }))
        .route(
            "/view",
            get(|Query(asked): Asked| async move {
                Json(json!({"shown": asked["uri"], "chain": asked["chain"]}))
            }),
        )
        .route("/tile", get(tile))
        .route(
            "/copy",
            post(|State(fake): State<Fake>, Json(body): Json<Value>| async move {
                fake.asked.lock().unwrap().push(format!("copy to {}", body["to"].as_str().unwrap()));
            }),
        )
        .with_state(fake);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    lab(&["--preview", &address]).await
}

#[tokio::test]
async fn an_image_that_can_be_shown_is_shown_tile_by_tile() {
    let fake = Fake::default();
    let lab = start(fake.clone()).await;
    let image = lab.put("s3://images/photo.png", png(4, 4)).await;
    let shown = lab.get(&format!("/api/v1/images/{image}")).await.expect(200).json();
    assert_eq!(shown["view"], json!({"state": "ready"}));
    let chain = "%5B%7B%22invert%22%3A%7B%7D%7D%5D";
    let view = lab.get(&format!("/api/v1/images/{image}/view?chain={chain}")).await.expect(200).json();
    assert_eq!(view, json!({"shown": "s3://images/photo.png", "chain": "[{\"invert\":{}}]"}));
    let tile = lab.get(&format!("/tiles/{image}/3/1_2?chain={chain}&etag=e&v=1")).await.expect(200);
    assert_eq!((tile.body.as_ref(), tile.header("tessera-quality")), (b"pixels".as_slice(), "exact"));
    assert!(tile.header("cache-control").contains("immutable") && tile.header("content-type") == "image/png");
    assert_eq!(tile.header("set-cookie"), "", "no other header comes through");
    assert_eq!(fake.asked.lock().unwrap().as_slice(), ["s3://images/photo.png 3 1 2 [{\"invert\":{}}]"]);
    let stale = lab.get(&format!("/tiles/{image}/0/0_0?etag=stale")).await.expect(412);
    assert_eq!(
        (stale.code().as_str(), stale.header("cache-control").contains("immutable")),
        ("Changed", false)
    );
}

#[tokio::test]
async fn what_the_preview_refuses_keeps_its_code_and_words() {
    let lab = start(Fake::default()).await;
    let image = lab.put("s3://images/photo.png", png(4, 4)).await;
    let damaged = lab.get(&format!("/tiles/{image}/0/0_0?etag=damaged")).await.expect(422);
    assert_eq!(
        (damaged.code().as_str(), damaged.message().as_str()),
        ("DamagedImage", "the picture ends too soon")
    );
}

#[tokio::test]
async fn addresses_of_tiles_are_numbers_and_chains_are_lists() {
    let lab = start(Fake::default()).await;
    let image = lab.put("s3://images/photo.png", png(4, 4)).await;
    for path in ["0/1", "0/1_", "0/-1_2", "0/a_b", "x/0_0", "0/0_0_0", "0/99999999999_0"] {
        lab.get(&format!("/tiles/{image}/{path}?etag=e")).await.expect(400);
    }
    lab.get(&format!("/tiles/{image}/0/0_0")).await.expect(400);
    for chain in ["x", "%7B%7D", "%5B"] {
        lab.get(&format!("/tiles/{image}/0/0_0?etag=e&chain={chain}")).await.expect(400);
        lab.get(&format!("/api/v1/images/{image}/view?chain={chain}")).await.expect(400);
    }
    let long = format!("[{}]", "0,".repeat(20_000));
    lab.get(&format!("/tiles/{image}/0/0_0?etag=e&chain={}", long.replace('[', "%5B").replace(']', "%5D")))
        .await
        .expect(414);
    let foreign = crate::common::id("s3://images/uploads/0/0");
    lab.get(&format!("/tiles/{foreign}/0/0_0?etag=e")).await.expect(404);
}

#[tokio::test]
async fn a_small_image_gets_its_copy_from_the_preview() {
    let fake = Fake { needs_copy: true, ..Fake::default() };
    let lab = start(fake.clone()).await;
    let image = lab.put("s3://images/photo.png", png(4, 4)).await;
    let path = format!("/api/v1/images/{image}/view");
    assert_eq!(lab.get(&path).await.expect(409).code(), "ViewNotReady");
    let waiting = lab.post(&path, Value::Null).await.expect(200).json();
    assert_eq!(waiting, json!({"state": "preparing", "progress": 0, "job": null}));
    eventually("the preview is asked for it", async || !fake.asked.lock().unwrap().is_empty()).await;
    let said = fake.asked.lock().unwrap()[0].clone();
    let copy = said.strip_prefix("copy to ").unwrap();
    assert!(copy.starts_with("s3://images/views/"), "{copy}");
    lab.put(copy, "a copy").await;
    assert_eq!(lab.post(&path, Value::Null).await.json(), json!({"state": "ready"}));
    assert_eq!(lab.get(&path).await.expect(200).json()["shown"], copy);
    lab.get(&format!("/tiles/{image}/0/0_0?etag=e")).await.expect(200);
    assert!(fake.asked.lock().unwrap().last().unwrap().starts_with(copy));
}

#[tokio::test]
async fn a_large_image_gets_its_copy_from_a_job() {
    let lab = start(Fake { needs_copy: true, ..Fake::default() }).await;
    let image = lab.put("s3://images/large.png", large_png()).await;
    let path = format!("/api/v1/images/{image}/view");
    let waiting = lab.post(&path, Value::Null).await.expect(200).json();
    let name = waiting["job"].as_str().unwrap().to_owned();
    let mut job = lab.api.object("imagejobs", &name).unwrap();
    assert_eq!((&job["spec"]["operations"], &job["spec"]["output"]["cog"]), (&json!([]), &json!({})));
    assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 3600);
    job["status"] = json!({"state": "Running", "progress": 40});
    lab.api.put("imagejobs", job.clone());
    let wanted = json!({"state": "preparing", "progress": 40, "job": name});
    eventually("its progress is told", async || lab.post(&path, Value::Null).await.json() == wanted).await;
    assert_eq!(lab.api.names("imagejobs"), std::slice::from_ref(&name), "one job is enough");
    assert_eq!(lab.get("/api/v1/jobs").await.json()["jobs"], json!([]), "it stands in no list");
    job["status"] = failed("the pool does not allow it");
    lab.api.put("imagejobs", job);
    let shown = format!("/api/v1/images/{image}");
    let wanted = json!({"state": "failed", "message": "the pool does not allow it"});
    eventually("its failure is told", async || lab.get(&shown).await.json()["view"] == wanted).await;
    let again = lab.post(&path, Value::Null).await.expect(200).json();
    assert_eq!(again["state"], "preparing");
}

/// The header of a PNG of 20,000 x 20,000 pixels.
fn large_png() -> Vec<u8> {
    let mut bytes = png(4, 4);
    bytes[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[tokio::test]
async fn without_a_preview_it_is_said_so() {
    let lab = crate::common::demo().await;
    let image = lab.put("s3://images/photo.png", png(4, 4)).await;
    lab.get(&format!("/api/v1/images/{image}/view")).await.expect(409);
    let shown = lab.get(&format!("/api/v1/images/{image}")).await.expect(200).json();
    assert_eq!(shown["view"]["state"], "preparing");
}
