//! The routes: what they answer, and that a client who goes away takes its request along.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use common::{DEFLATE, EDGES, RGB, World, file, picture};
use serde_json::Value;
use tessera_imaging::decode_file;
use tessera_preview::http::router;
use tower::ServiceExt;

async fn get(world: &World, uri: &str) -> Response {
    let views = Some("s3://images/views/".parse().unwrap());
    router(world.engine.clone(), views).oneshot(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

/// Percent-encodes what a chain has and a query may not.
fn encoded(chain: &str) -> String {
    chain.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_asks_for_the_view_and_then_for_tiles() {
    let world = World::new(&file(&picture(900, 700, RGB), DEFLATE)).await;
    let chain = encoded(EDGES);
    let view = json(get(&world, &format!("/view?uri=s3://images/source&chain={chain}")).await).await;
    assert_eq!((&view["width"], &view["tileSize"], &view["channels"]), (&900.into(), &512.into(), &1.into()));
    assert_eq!((&view["levels"][1]["level"], &view["levels"][1]["quality"]), (&1.into(), &"exact".into()));
    let etag = view["etag"].as_str().unwrap();
    let tile = format!("/tile?uri=s3://images/source&etag={etag}&chain={chain}&level=0&x=1&y=0&exact=1");
    let response = get(&world, &tile).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["tessera-quality"], "exact");
    assert_eq!(response.headers()["content-type"], "image/png");
    assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    let (_, pixels) = decode_file(&bytes).unwrap();
    assert!(pixels.samples == common::part(&world.run(EDGES).await, 0, 1, 0).samples);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_has_a_code_and_a_sentence() {
    let world = World::new(b"this is no picture").await;
    let refused = async |uri: &str| {
        let response = get(&world, uri).await;
        let status = response.status().as_u16();
        let error = json(response).await["error"].clone();
        assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
        (status, error["code"].as_str().unwrap().to_owned())
    };
    let answer = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(refused("/view?uri=s3://images/source").await, answer(415, "UnsupportedImage"));
    assert_eq!(refused("/image?uri=s3://images/none").await, answer(404, "NotFound"));
    assert_eq!(refused("/view?uri=s3://images/source&chain=7").await, answer(422, "InvalidChain"));
    assert_eq!(refused("/view?uri=picture.tif").await, answer(400, "InvalidRequest"));
    assert_eq!(refused("/view").await, answer(400, "InvalidRequest"));
    assert_eq!(refused("/view?uri=file:///tmp/picture.tif").await, answer(400, "InvalidRequest"));
    assert_eq!(
        refused("/tile?uri=s3://images/source&etag=e&level=x&x=0&y=0").await,
        answer(400, "InvalidRequest")
    );
    assert_eq!(refused("/other").await, answer(404, "NotFound"));
    assert_eq!(get(&world, "/healthz").await.status(), StatusCode::OK);
}
