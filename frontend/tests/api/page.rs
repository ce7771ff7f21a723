//! The page's files, its configuration, and the description of the API.

use crate::common::{demo, lab};
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use std::fs;

#[tokio::test]
async fn without_a_built_page_there_is_one_that_says_how_to_build_it() {
    let lab = demo().await;
    let page = lab.get("/").await.expect(200);
    assert!(String::from_utf8_lossy(&page.body).contains("npm run build"));
    assert_eq!(page.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_built_page_is_served_compressed_and_what_has_a_digest_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("index.html", "<!doctype html><title>Tessera</title>");
    write("assets/main-abc123.js", "let a = 1;");
    write("assets/main-abc123.js.br", "compressed");
    let lab = lab(&["--ui", folder.path().to_str().unwrap()]).await;
    for path in ["/", "/index.html", "/jobs/some-job"] {
        let index = lab.get(path).await.expect(200);
        assert!(String::from_utf8_lossy(&index.body).contains("<title>Tessera</title>"), "{path}");
        assert_eq!((index.header("cache-control"), index.header("content-type")), ("no-cache", "text/html"));
    }
    let script =
        Request::get("/assets/main-abc123.js").header("accept-encoding", "gzip, br").body(Body::empty());
    let script = lab.send(script.unwrap()).await.expect(200);
    assert_eq!((script.header("content-encoding"), script.body.as_ref()), ("br", b"compressed".as_slice()));
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(script.header("content-type"), "text/javascript");
    lab.get("/assets/gone.js").await.expect(404);
    for outside in
        ["/../Cargo.toml", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd", "/assets/%00"]
    {
        let answer = lab.get(outside).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("root:") && !text.contains("[package]"), "{outside}");
    }
}

#[tokio::test]
async fn the_configuration_says_what_is_allowed() {
    let lab = lab(&["--help-address", "https://help.example.org", "--contact", "mail@example.org"]).await;
    let config = lab.get("/api/v1/config").await.expect(200).json();
    assert_eq!(
        (&config["help"], &config["contact"]),
        (&"https://help.example.org".into(), &"mail@example.org".into())
    );
    assert_eq!((&config["limits"]["operations"], &config["resultDays"]), (&32.into(), &30.into()));
    assert!(config["outputs"].as_array().unwrap().iter().any(|kind| kind["name"] == "cog"));
}

#[tokio::test]
async fn the_operations_are_all_there() {
    let lab = demo().await;
    let request =
        Request::get("/api/v1/operations").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let zipped = lab.send(request).await.expect(200);
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let operations = lab.get("/api/v1/operations").await.expect(200).json();
    let all = operations["operations"].as_array().unwrap();
    assert_eq!(all.len(), tessera_operations::Operation::NAMES.len());
    let groups = |group: &str| all.iter().filter(|one| one["group"] == group).count();
    assert!(groups("Basic") >= 8 && groups("Basic") + groups("Advanced") == all.len());
}

#[tokio::test]
async fn every_route_is_described() {
    let lab = demo().await;
    let document = lab.get("/api/v1/openapi.json").await.expect(200).json();
    let mut routes: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let methods: Vec<&str> = methods.as_object().unwrap().keys().map(String::as_str).collect();
        routes.push(format!("{} {path}", methods.join(",")));
    }
    routes.sort();
    let expected = [
        "delete,get /api/v1/images/{image}",
        "delete,get /api/v1/jobs/{name}",
        "delete,get /api/v1/s3/multipart/{upload}",
        "get /api/v1/bucket",
        "get /api/v1/config",
        "get /api/v1/events",
        "get /api/v1/images/{image}/file",
        "get /api/v1/jobs/{name}/result",
        "get /api/v1/jobs/{name}/yaml",
        "get /api/v1/operations",
        "get /api/v1/s3/multipart/{upload}/{number}",
        "get /api/v1/system",
        "get /tiles/{image}/{level}/{tile}",
        "get,post /api/v1/images",
        "get,post /api/v1/images/{image}/view",
        "get,post /api/v1/jobs",
        "post /api/v1/jobs/{name}/retry",
        "post /api/v1/plan",
        "post /api/v1/s3/multipart",
        "post /api/v1/s3/multipart/{upload}/complete",
        "put /api/v1/uploads/{upload}/{number}",
    ];
    assert_eq!(routes, expected);
    assert!(references(&document).iter().all(|name| document.pointer(&name[1..]).is_some()));
}

/// All that a document refers to in itself.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(name)) => vec![name.clone()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn health_and_figures_have_an_address_of_their_own() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let lab = demo().await;
    lab.get("/api/v1/config").await.expect(200);
    let ask = async |path: &str| {
        let answer =
            lab.health.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            String::from_utf8_lossy(&answer.into_body().collect().await.unwrap().to_bytes()).into_owned(),
        )
    };
    assert_eq!(ask("/healthz").await, (200, "ok".to_owned()));
    let (status, figures) = ask("/metrics").await;
    let line = "tessera_frontend_requests_total{route=\"/api/v1/config\",method=\"GET\",class=\"2xx\"} 1";
    assert!(status == 200 && figures.contains(line), "{figures}");
    // Not on the page's address.
    assert!(!String::from_utf8_lossy(&lab.get("/metrics").await.body).contains("tessera_frontend_requests"));
}
