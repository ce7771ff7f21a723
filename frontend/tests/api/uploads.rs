//! Uploads: from the first request to an image, resumed, cancelled, refused; and attacks on them.

use crate::common::{Answer, Lab, demo, eventually, lab, owner, png, proxy};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};
use tessera_store::{Call, Store};

const FIVE: usize = 5 << 20;

struct Upload {
    id: String,
    key: String,
}

async fn begin(lab: &Lab, user: Option<&str>, size: usize) -> Upload {
    let body = json!({"filename": "Müller/../photo.png", "type": "image/png", "metadata": {"size": size.to_string()}});
    let created = lab.call("POST", user, "/api/v1/s3/multipart", body).await.expect(200).json();
    let text = |key: &str| created[key].as_str().unwrap().to_owned();
    Upload { id: text("uploadId"), key: text("key") }
}

async fn send(
    lab: &Lab,
    user: Option<&str>,
    upload: &Upload,
    number: u32,
    bytes: impl Into<Bytes>,
) -> Answer {
    let path = format!("/api/v1/s3/multipart/{}/{number}?key={}", upload.id, upload.key);
    let mut asked = Request::get(path);
    let mut put = Request::put("/");
    if let Some(user) = user {
        asked = asked.header("x-forwarded-user", user);
        put = put.header("x-forwarded-user", user);
    }
    let address = lab.send(asked.body(Body::empty()).unwrap()).await.expect(200).json();
    assert_eq!(address["method"], "PUT");
    let bytes: Bytes = bytes.into();
    let put = put.uri(address["url"].as_str().unwrap()).header("content-length", bytes.len());
    lab.send(put.body(Body::from(bytes)).unwrap()).await
}

fn path(upload: &Upload, rest: &str) -> String {
    format!("/api/v1/s3/multipart/{}{rest}?key={}", upload.id, upload.key)
}

async fn complete(lab: &Lab, upload: &Upload, parts: &[(u32, String)]) -> Answer {
    let parts: Vec<Value> =
        parts.iter().map(|(number, etag)| json!({"PartNumber": number, "ETag": etag})).collect();
    lab.post(&path(upload, "/complete"), json!({ "parts": parts })).await
}

/// A picture with so much behind its end that it takes two parts.
fn two_parts() -> (Vec<u8>, Vec<u8>) {
    let mut all = png(40, 30);
    all.resize(FIVE + 1000, 0);
    let rest = all.split_off(FIVE);
    (all, rest)
}

#[tokio::test]
async fn an_upload_becomes_an_image_that_can_be_downloaded_again() {
    let lab = demo().await;
    let (one, two) = two_parts();
    let upload = begin(&lab, None, one.len() + two.len()).await;
    let second = send(&lab, None, &upload, 2, two.clone()).await.expect(200);
    let first = send(&lab, None, &upload, 1, one.clone()).await.expect(200);
    let parts = [(1, first.header("etag").to_owned()), (2, second.header("etag").to_owned())];
    let done = complete(&lab, &upload, &parts).await.expect(200).json();
    let image = done["image"].as_str().unwrap();
    let shown = lab.get(&format!("/api/v1/images/{image}")).await.expect(200).json();
    assert_eq!((&shown["width"], &shown["height"], &shown["channels"]), (&40.into(), &30.into(), &3.into()));
    assert_eq!(
        (&shown["name"], &shown["readOnly"], &shown["format"]),
        (&"Müller/../photo.png".into(), &false.into(), &"png".into())
    );
    let uri = shown["uri"].as_str().unwrap();
    assert!(
        uri.starts_with(&format!("s3://images/uploads/{}/", owner("demo"))) && !uri.contains("photo"),
        "{uri}"
    );
    let file = lab.get(done["location"].as_str().unwrap()).await.expect(200);
    assert_eq!(file.body, [one, two].concat());
    assert_eq!(file.header("content-type"), "image/png");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"photo.png\""));
    let list = lab.get("/api/v1/images").await.expect(200).json();
    assert_eq!((list["images"].as_array().unwrap().len(), &list["images"][0]["id"]), (1, &image.into()));
    // The answer was lost, and the page asks again.
    assert_eq!(complete(&lab, &upload, &parts).await.expect(200).json(), done);
}

#[tokio::test]
async fn an_upload_goes_on_with_the_parts_that_are_missing() {
    let lab = demo().await;
    let (one, two) = two_parts();
    let upload = begin(&lab, None, one.len() + two.len()).await;
    let first = send(&lab, None, &upload, 1, one).await.expect(200);
    let have = lab.get(&path(&upload, "")).await.expect(200).json();
    assert_eq!(have, json!([{"PartNumber": 1, "Size": FIVE, "ETag": first.header("etag")}]));
    let missing =
        complete(&lab, &upload, &[(1, first.header("etag").into()), (2, "x".into())]).await.expect(400);
    assert!(missing.message().contains("send the others"));
    send(&lab, None, &upload, 2, two).await.expect(200);
    let have = lab.get(&path(&upload, "")).await.json();
    let parts: Vec<(u32, String)> = have
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["PartNumber"].as_u64().unwrap() as u32, part["ETag"].as_str().unwrap().into()))
        .collect();
    complete(&lab, &upload, &parts).await.expect(200);
}

#[tokio::test]
async fn a_file_that_the_store_is_still_joining_is_waited_for() {
    let lab = demo().await;
    let upload = begin(&lab, None, 100).await;
    let part = send(&lab, None, &upload, 1, png(40, 30)).await.expect(200);
    // An earlier request has taken the upload away, and its object is not there yet.
    let open = lab.store.open_uploads().remove(0);
    lab.store.abort_upload(&open).await.unwrap();
    let parts = [(1, part.header("etag").to_owned())];
    let heads = lab.store.count(Call::Head);
    let joined = async {
        eventually("the object is looked for", async || lab.store.count(Call::Head) > heads + 1).await;
        lab.put(&open.at.to_string(), png(40, 30)).await
    };
    let (done, image) = tokio::join!(complete(&lab, &upload, &parts), joined);
    assert_eq!(done.expect(200).json()["image"], image);
}

#[tokio::test]
async fn what_is_no_image_is_refused_with_its_first_bytes_whatever_it_is_called() {
    let lab = demo().await;
    let upload = begin(&lab, None, 100).await;
    let refused = send(&lab, None, &upload, 1, b"%PDF-1.7 and so on, for a while".to_vec()).await.expect(415);
    assert_eq!(refused.code(), "UnsupportedImage");
    assert!(refused.message().contains("a PDF"), "{}", refused.message());
    assert!(lab.store.open_uploads().is_empty(), "nothing is left");
}

#[tokio::test]
async fn what_turns_out_to_be_no_image_in_the_end_is_deleted() {
    let lab = demo().await;
    let upload = begin(&lab, None, FIVE).await;
    // A TIFF whose directory lies behind the end of the file.
    let mut bytes = b"II*\0\xff\xff\xff\x7f".to_vec();
    bytes.resize(FIVE, 0);
    let part = send(&lab, None, &upload, 1, bytes).await.expect(200);
    let refused = complete(&lab, &upload, &[(1, part.header("etag").into())]).await.expect(415);
    assert!(refused.message().contains("cut short"), "{}", refused.message());
    assert!(lab.store.objects().is_empty());
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing() {
    let lab = demo().await;
    let upload = begin(&lab, None, 100).await;
    send(&lab, None, &upload, 1, png(4, 4)).await.expect(200);
    lab.delete(&path(&upload, "")).await.expect(204);
    assert!(lab.store.open_uploads().is_empty() && lab.store.objects().is_empty());
    assert_eq!(lab.get(&path(&upload, "")).await.expect(404).code(), "NoSuchUpload");
    lab.delete(&path(&upload, "")).await.expect(204);
}

#[tokio::test]
async fn nobody_reaches_the_upload_of_somebody_else() {
    let lab = proxy().await;
    let upload = begin(&lab, Some("ada"), 100).await;
    send(&lab, Some("ada"), &upload, 1, png(4, 4)).await.expect(200);
    send(&lab, Some("eve"), &upload, 1, png(8, 8)).await.expect(404);
    lab.get_as("eve", &path(&upload, "")).await.expect(404);
    // It says done, as of one that is not there; but it still is.
    lab.call("DELETE", Some("eve"), &path(&upload, ""), Value::Null).await.expect(204);
    let parts = lab.get_as("ada", &path(&upload, "")).await.expect(200).json();
    assert_eq!(parts.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_never_a_path() {
    let lab = demo().await;
    let upload = begin(&lab, None, 100).await;
    for key in [
        "..%2F..%2Fresults",
        "a",
        "%00",
        "0123456789abcdef0123456789abcdeg",
        "ABCDEF0123456789ABCDEF0123456789",
    ] {
        let path = format!("/api/v1/uploads/{}/1?key={key}", upload.id);
        let request = Request::put(path).header("content-length", 4).body(Body::from("abcd")).unwrap();
        lab.send(request).await.expect(400);
    }
    for number in ["0", "10001", "-1", "x", "99999999999"] {
        let path = format!("/api/v1/uploads/{}/{number}?key={}", upload.id, upload.key);
        let request = Request::put(path).header("content-length", 4).body(Body::from("abcd")).unwrap();
        lab.send(request).await.expect(400);
    }
}

#[tokio::test]
async fn a_part_needs_a_length_and_has_a_limit() {
    let lab = demo().await;
    let upload = begin(&lab, None, 100).await;
    let address = format!("/api/v1/uploads/{}/1?key={}", upload.id, upload.key);
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"abc"))]);
    let chunked = Request::put(&address).body(Body::from_stream(chunks)).unwrap();
    assert_eq!(lab.send(chunked).await.expect(411).code(), "LengthRequired");
    let huge = Request::put(&address).header("content-length", 1u64 << 40).body(Body::empty()).unwrap();
    assert_eq!(lab.send(huge).await.expect(413).code(), "TooLarge");
    // Fewer bytes come than were said: nothing of it stays.
    let short = Request::put(&address).header("content-length", 5000).body(Body::from(png(4, 4))).unwrap();
    assert!(!lab.send(short).await.status.is_success());
    assert_eq!(lab.get(&path(&upload, "")).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_a_byte_is_sent() {
    let lab = lab(&["--upload-bytes", "6000000", "--owner-bytes", "10000000"]).await;
    let asked = async |size: u64| {
        let body = json!({"filename": "a.tif", "metadata": {"size": size}});
        lab.post("/api/v1/s3/multipart", body).await
    };
    let refused = asked(6_000_001).await.expect(413);
    assert!(refused.code() == "TooLarge" && refused.message().contains("5 MiB"));
    lab.put(&format!("s3://images/uploads/{}/00", owner("demo")), vec![0; 5_000_000]).await;
    assert_eq!(asked(5_000_001).await.expect(413).code(), "QuotaExceeded");
    asked(4_000_000).await.expect(200);
    for _ in 0..63 {
        asked(1).await;
    }
    assert_eq!(asked(1).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn more_parts_than_were_said_make_no_file() {
    let lab = lab(&["--upload-bytes", "6000000"]).await;
    let upload = begin(&lab, None, 100).await;
    let mut parts = Vec::new();
    let mut start = png(4, 4);
    start.resize(FIVE, 0);
    for (number, bytes) in [(1, start), (2, vec![0; FIVE])] {
        let part = send(&lab, None, &upload, number, bytes).await.expect(200);
        parts.push((number, part.header("etag").to_owned()));
    }
    assert_eq!(complete(&lab, &upload, &parts).await.expect(413).code(), "TooLarge");
    assert!(lab.store.objects().is_empty() && lab.store.open_uploads().is_empty());
}
