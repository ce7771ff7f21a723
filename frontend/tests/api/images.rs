//! Images: opened, listed, downloaded in ranges, deleted; and what may not be opened.

use crate::common::{Answer, Lab, complete, demo, eventually, id, image_job, lab, owner, png, proxy};
use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use tessera_store::{Location, Store as _};

async fn ask(lab: &Lab, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    lab.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn an_image_of_the_bucket_is_opened_by_its_address() {
    let lab = demo().await;
    let image = lab.put("s3://images/slides/a b.png", png(20, 10)).await;
    let opened =
        lab.post("/api/v1/images", json!({"uri": "s3://images/slides/a b.png"})).await.expect(200).json();
    assert_eq!((&opened["id"], &opened["readOnly"]), (&image.into(), &true.into()));
    assert_eq!(
        (&opened["width"], &opened["bitDepth"], &opened["name"]),
        (&20.into(), &8.into(), &"a b.png".into())
    );
    assert!(opened["modified"].as_str().unwrap().ends_with('Z'));
    let missing = lab.post("/api/v1/images", json!({"uri": "s3://images/none.png"})).await;
    assert_eq!(missing.expect(404).code(), "NotFound");
    lab.put("s3://images/notes.png", "no picture at all").await;
    let refused = lab.post("/api/v1/images", json!({"uri": "s3://images/notes.png"})).await.expect(415);
    assert!(refused.message().contains("unknown format"), "{}", refused.message());
    let wrong = lab.post("/api/v1/images", json!({"uri": "http://169.254.169.254/"})).await.expect(400);
    assert!(wrong.message().contains("s3://bucket/key"));
    lab.post("/api/v1/images", json!({"uri": "s3://other/a.png"})).await.expect(403);
    lab.post("/api/v1/images", json!({"uri": "file:///etc/passwd"})).await.expect(403);
}

#[tokio::test]
async fn the_bucket_is_shown_without_what_belongs_to_people() {
    let lab = demo().await;
    for name in ["a.png", "b.txt", "slides/c.tif", "uploads/x/d.png", "views/e.tif", ".tessera/f.tif"] {
        lab.put(&format!("s3://images/{name}"), png(2, 2)).await;
    }
    let root = lab.get("/api/v1/bucket").await.expect(200).json();
    assert_eq!(root["prefixes"], json!(["s3://images/slides/"]));
    let names: Vec<&str> =
        root["images"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a.png"]);
    assert_eq!(root["continue"], json!(null));
    let inside = lab.get("/api/v1/bucket?prefix=s3%3A%2F%2Fimages%2Fslides%2F").await.expect(200).json();
    assert_eq!(inside["images"][0]["uri"], "s3://images/slides/c.tif");
    for closed in
        ["s3://images/uploads/", "s3://images/.tessera/", "s3://results/", "s3://images/a/../uploads/"]
    {
        let answer = lab.get(&format!("/api/v1/bucket?prefix={}", closed.replace(':', "%3A"))).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{closed}");
    }
}

#[tokio::test]
async fn people_open_their_own_and_what_is_shared_and_nothing_else() {
    let lab = proxy().await;
    let own = lab.put(&format!("s3://images/uploads/{}/0", owner("ada")), png(4, 4)).await;
    let result = lab.put(&format!("s3://results/page/{}/r.png", owner("ada")), png(4, 4)).await;
    let shared = lab.put("s3://images/shared.png", png(4, 4)).await;
    let view = lab.put("s3://images/views/0.tif", png(4, 4)).await;
    let scratch = lab.put("s3://results/.tessera/uid/x.png", png(4, 4)).await;
    let unrelated = lab.put("s3://results/elsewhere.png", png(4, 4)).await;
    let status = async |user: &str, image: &str| {
        lab.get_as(user, &format!("/api/v1/images/{image}")).await.status.as_u16()
    };
    assert_eq!(
        (status("ada", &own).await, status("ada", &result).await, status("ada", &shared).await),
        (200, 200, 200)
    );
    assert_eq!(
        (status("eve", &own).await, status("eve", &result).await, status("eve", &shared).await),
        (404, 404, 200)
    );
    for closed in [view, scratch, unrelated] {
        assert_eq!(status("ada", &closed).await, 404);
    }
    for strange in [
        "x",
        "%2e%2e%2f",
        "..",
        &id("s3://images/../secret"),
        &id("file:///etc/passwd"),
        &id("s3://images/uploads/"),
    ] {
        let answer = lab.get_as("ada", &format!("/api/v1/images/{strange}/file")).await;
        assert_eq!(answer.status.as_u16(), 404, "{strange}");
    }
    let file = lab.get_as("eve", &format!("/api/v1/images/{own}/file")).await;
    assert_eq!(file.expect(404).code(), "NotFound");
}

#[tokio::test]
async fn the_output_of_a_job_that_everybody_sees_can_be_opened() {
    let lab = proxy().await;
    let output = lab.put("s3://results/kubectl/open.png", png(4, 4)).await;
    let path = format!("/api/v1/images/{output}");
    lab.get_as("ada", &path).await.expect(404);
    lab.api.put("imagejobs", image_job("open", None, complete()));
    eventually("it may be opened", async || lab.get_as("ada", &path).await.status.as_u16() == 200).await;
    let refused = lab.call("DELETE", Some("ada"), &path, json!(null)).await.expect(403);
    assert_eq!(refused.code(), "ReadOnly");
}

#[tokio::test]
async fn the_output_of_one_s_own_job_can_be_opened_wherever_it_lies() {
    let lab = proxy().await;
    let output = lab.put("s3://results/elsewhere.png", png(4, 4)).await;
    let mut job = image_job("labelled", Some("ada"), complete());
    let uri: Location = "s3://results/elsewhere.png".parse().unwrap();
    job["spec"]["output"]["uri"] = json!(uri.to_string());
    job["status"]["output"]["etag"] = json!(lab.store.head(&uri).await.unwrap().etag);
    lab.api.put("imagejobs", job);
    let path = format!("/api/v1/images/{output}");
    eventually("it may be opened", async || lab.get_as("ada", &path).await.status.as_u16() == 200).await;
    lab.get_as("ada", "/api/v1/jobs/labelled/result").await.expect(200);
    lab.get_as("eve", &path).await.expect(404);
    lab.call("DELETE", Some("ada"), "/api/v1/jobs/labelled?result=1", json!(null)).await.expect(204);
    assert!(lab.store.head(&uri).await.is_err(), "the result goes with the job");
}

#[tokio::test]
async fn what_one_s_own_job_did_not_write_is_not_one_s_own() {
    let lab = proxy().await;
    let output = lab.put("s3://results/foreign.png", png(4, 4)).await;
    for (name, status) in [("failed", json!({})), ("replaced", complete())] {
        let mut job = image_job(name, Some("ada"), status);
        job["spec"]["output"]["uri"] = json!("s3://results/foreign.png");
        lab.api.put("imagejobs", job);
        let path = format!("/api/v1/jobs/{name}");
        eventually("it is seen", async || lab.get_as("ada", &path).await.status.as_u16() == 200).await;
        if name == "failed" {
            lab.get_as("ada", &format!("/api/v1/images/{output}")).await.expect(404);
        }
        lab.call("DELETE", Some("ada"), &format!("{path}?result=1"), json!(null)).await.expect(204);
        assert!(lab.store.head(&"s3://results/foreign.png".parse().unwrap()).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let lab = demo().await;
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let image = lab.put("s3://images/blob.tif", bytes.clone()).await;
    let path = format!("/api/v1/images/{image}/file");
    let whole = ask(&lab, &path, &[]).await.expect(200);
    assert_eq!((whole.body.as_ref(), whole.header("content-length")), (bytes.as_slice(), "3000000"));
    let tag = whole.header("etag").to_owned();
    let part = ask(&lab, &path, &[("range", "bytes=1048575-2097153"), ("if-range", &tag)]).await.expect(206);
    assert_eq!(part.body.as_ref(), &bytes[1_048_575..2_097_154]);
    assert_eq!(part.header("content-range"), "bytes 1048575-2097153/3000000");
    let tail = ask(&lab, &path, &[("range", "bytes=-5")]).await.expect(206);
    assert_eq!(tail.body.as_ref(), &bytes[2_999_995..]);
    // Another version than the one that was begun with.
    ask(&lab, &path, &[("range", "bytes=5-"), ("if-range", "\"other\"")]).await.expect(200);
    let beyond = ask(&lab, &path, &[("range", "bytes=3000000-")]).await.expect(416);
    assert_eq!(beyond.header("content-range"), "bytes */3000000");
    ask(&lab, &path, &[("range", "bytes=0-1,4-5")]).await.expect(200);
    ask(&lab, &path, &[("if-none-match", &tag)]).await.expect(304);
    let head = Request::head(&path).body(Body::empty()).unwrap();
    let head = lab.send(head).await.expect(200);
    assert_eq!(
        (head.header("content-length"), head.header("accept-ranges"), head.body.len()),
        ("3000000", "bytes", 0)
    );
}

#[tokio::test]
async fn a_file_of_a_user_is_never_a_page() {
    let lab = demo().await;
    let image = lab.put("s3://images/evil.png", "<html><script>alert(1)</script>").await;
    let file = lab.get(&format!("/api/v1/images/{image}/file")).await.expect(200);
    assert_eq!(file.header("content-type"), "application/octet-stream");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert!(file.header("content-security-policy").contains("sandbox"));
    assert!(file.header("content-disposition").starts_with("attachment;"));
}

#[tokio::test]
async fn an_upload_is_deleted_unless_a_job_reads_it() {
    let lab = demo().await;
    let uri = format!("s3://images/uploads/{}/0", owner("demo"));
    let image = lab.put(&uri, png(4, 4)).await;
    let mut job = image_job("reads", Some("demo"), json!({"state": "Running"}));
    job["spec"]["source"]["uri"] = uri.into();
    lab.api.put("imagejobs", job.clone());
    lab.knows("reads").await;
    let path = format!("/api/v1/images/{image}");
    assert_eq!(lab.delete(&path).await.expect(409).code(), "Conflict");
    job["status"] = complete();
    lab.api.put("imagejobs", job);
    eventually("it is deleted", async || lab.delete(&path).await.status.as_u16() == 204).await;
    lab.get(&path).await.expect(404);
    let shared = lab.put("s3://images/shared.png", png(4, 4)).await;
    lab.delete(&format!("/api/v1/images/{shared}")).await.expect(403);
}

#[tokio::test]
async fn several_folders_are_offered_to_begin_with() {
    let lab = lab(&["--browse", "s3://images/slides/,s3://results/shared/"]).await;
    let root = lab.get("/api/v1/bucket").await.expect(200).json();
    assert_eq!(root["prefixes"], json!(["s3://images/slides/", "s3://results/shared/"]));
    lab.get("/api/v1/bucket?prefix=s3%3A%2F%2Fimages%2F").await.expect(404);
}
