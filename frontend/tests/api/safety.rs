//! Attacks: other sites, forged headers, too much of everything. What must be refused is refused, and says so in JSON.

use crate::common::{Answer, Lab, demo, image_job, lab, png, proxy};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

async fn sent(lab: &Lab, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    lab.send(request.body(Body::from("{\"uri\": \"s3://images/a.png\"}")).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn another_site_changes_nothing() {
    let lab = demo().await;
    lab.put("s3://images/a.png", png(2, 2)).await;
    lab.api.put("imagejobs", image_job("mine", Some("demo"), Value::Null));
    lab.knows("mine").await;
    let foreign: [&[(&str, &str)]; 4] = [
        &[JSON, ("host", "tessera.example"), ("sec-fetch-site", "cross-site")],
        &[
            JSON,
            ("host", "tessera.example"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.tessera.example"),
        ],
        &[JSON, ("host", "tessera.example"), ("origin", "https://evil.example")],
        &[JSON, ("host", "tessera.example"), ("origin", "null")],
    ];
    for headers in foreign {
        assert_eq!(sent(&lab, "POST", "/api/v1/images", headers).await.expect(403).code(), "CrossSite");
        sent(&lab, "DELETE", "/api/v1/jobs/mine", headers).await.expect(403);
        sent(&lab, "POST", "/api/v1/jobs/mine/retry", headers).await.expect(403);
        sent(&lab, "PUT", "/api/v1/uploads/a/1?key=0", headers).await.expect(403);
    }
    let own: [&[(&str, &str)]; 3] = [
        &[
            JSON,
            ("host", "tessera.example"),
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://tessera.example"),
        ],
        &[JSON, ("host", "tessera.example:8080"), ("origin", "http://tessera.example:8080")],
        &[JSON, ("host", "tessera.example")],
    ];
    for headers in own {
        sent(&lab, "POST", "/api/v1/images", headers).await.expect(200);
    }
    assert!(lab.api.object("imagejobs", "mine").is_some());
}

#[tokio::test]
async fn a_form_of_another_site_cannot_speak_json() {
    let lab = demo().await;
    let form = [("content-type", "text/plain"), ("host", "tessera.example")];
    assert_eq!(sent(&lab, "POST", "/api/v1/images", &form).await.expect(415).code(), "NotJson");
}

#[tokio::test]
async fn another_site_embeds_nothing_but_may_link() {
    let lab = demo().await;
    for path in ["/api/v1/jobs", "/api/v1/config", "/api/v1/events", "/"] {
        let embedded = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        sent(&lab, "GET", path, &embedded).await.expect(403);
    }
    let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    sent(&lab, "GET", "/", &link).await.expect(200);
}

#[tokio::test]
async fn a_trusted_origin_is_believed() {
    let lab = lab(&["--trusted-origins", "https://images.example.org"]).await;
    lab.put("s3://images/a.png", png(2, 2)).await;
    let headers = [JSON, ("host", "internal:8080"), ("origin", "https://images.example.org")];
    sent(&lab, "POST", "/api/v1/images", &headers).await.expect(200);
}

#[tokio::test]
async fn nobody_gets_in_behind_a_proxy_without_a_name() {
    let lab = proxy().await;
    for path in [
        "/",
        "/api/v1/config",
        "/api/v1/jobs",
        "/api/v1/events",
        "/tiles/x/0/0_0?etag=e",
        "/api/v1/openapi.json",
    ] {
        assert_eq!(sent(&lab, "GET", path, &[]).await.expect(401).code(), "Unauthorized", "{path}");
    }
    let twice = [("x-forwarded-user", "ada"), ("x-forwarded-user", "eve")];
    sent(&lab, "GET", "/api/v1/config", &twice).await.expect(401);
    for other in ["x-forwarded-email", "x-user", "remote-user", "forwarded"] {
        sent(&lab, "GET", "/api/v1/config", &[(other, "ada")]).await.expect(401);
    }
    let config = lab.get_as("ada", "/api/v1/config").await.expect(200).json();
    assert_eq!((&config["mode"], &config["user"]["name"]), (&"proxy".into(), &"ada".into()));
}

#[tokio::test]
async fn a_demonstration_believes_no_header() {
    let lab = demo().await;
    let config = lab.get_as("admin", "/api/v1/config").await.expect(200).json();
    assert_eq!((&config["mode"], &config["user"]["name"]), (&"demo".into(), &"demo".into()));
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_browser_in() {
    let lab = demo().await;
    for path in ["/", "/api/v1/config", "/api/v1/jobs/none", "/nowhere"] {
        let answer = lab.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    }
    assert_eq!(lab.get("/api/v1/jobs").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let lab = demo().await;
    let body =
        json!({"source": "x", "operations": [], "output": {"format": "png"}, "name": "x".repeat(300 << 10)});
    lab.post("/api/v1/jobs", body.clone()).await.expect(413);
    lab.post("/api/v1/plan", body).await.expect(413);
    lab.post("/api/v1/images", json!({"uri": "x".repeat(300 << 10)})).await.expect(413);
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let lab = demo().await;
    let request = Request::post("/api/v1/jobs")
        .header("content-type", "application/json")
        .body(Body::from("{\"source\":"));
    lab.send(request.unwrap()).await.expect(400);
    let typed = lab.post("/api/v1/jobs", json!({"source": 5})).await.expect(422);
    assert!(typed.message().contains("openapi.json"), "{}", typed.message());
    assert_eq!(
        lab.call("PATCH", None, "/api/v1/jobs", Value::Null).await.expect(405).code(),
        "MethodNotAllowed"
    );
    // Deeper than anything that is meant.
    let deep = "[".repeat(10_000);
    let request =
        Request::post("/api/v1/jobs").header("content-type", "application/json").body(Body::from(deep));
    lab.send(request.unwrap()).await.expect(422);
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let lab = proxy().await;
    let mut last = 200;
    for _ in 0..1000 {
        let answer = lab.get_as("ada", "/api/v1/config").await;
        last = answer.status.as_u16();
        if last == 429 {
            assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("RateLimited", "1"));
            break;
        }
    }
    assert_eq!(last, 429);
    lab.get_as("eve", "/api/v1/config").await.expect(200);
}

#[tokio::test]
async fn names_of_jobs_are_never_paths() {
    let lab = demo().await;
    for name in ["..%2F..%2Fsecrets", "a%2Fb", "%00", "%3Fx", "A".repeat(300).as_str()] {
        for (method, rest) in
            [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/yaml"), ("GET", "/result")]
        {
            let answer = lab.call(method, None, &format!("/api/v1/jobs/{name}{rest}"), Value::Null).await;
            assert_eq!(answer.status.as_u16(), 404, "{method} {name}{rest}");
        }
    }
    assert_eq!(lab.get("/api/v1/nothing").await.expect(404).code(), "NotFound");
}
