//! Jobs: planned, made, listed, shown, repeated, deleted; and whose they are.

use crate::common::{Lab, complete, demo, eventually, failed, image_job, lab, owner, png, proxy};
use serde_json::{Value, json};

async fn request(lab: &Lab) -> Value {
    let image = lab.put("s3://images/photo.png", png(400, 300)).await;
    json!({
        "source": image,
        "operations": [{"gaussianBlur": {"sigma": 2}}, {"sobel": {}}],
        "output": {"format": "jpeg", "options": {"quality": 80}},
        "name": "Edges",
    })
}

#[tokio::test]
async fn a_job_is_planned_before_it_is_made() {
    let lab = demo().await;
    let plan = lab.post("/api/v1/plan", request(&lab).await).await.expect(200).json();
    assert_eq!(
        (&plan["width"], &plan["height"], &plan["stages"]),
        (&400.into(), &300.into(), &json!(["whole"]))
    );
    assert!(plan["seconds"].as_f64().unwrap() >= 2.0 && plan["bytes"].as_u64().unwrap() > 1000);
    let yaml = plan["yaml"].as_str().unwrap();
    assert!(yaml.contains("kind: ImageJob") && yaml.contains("sigma: 2"), "{yaml}");
    assert!(plan["kubectl"].as_str().unwrap().starts_with("kubectl --namespace default"));
    assert!(lab.api.names("imagejobs").is_empty());
}

#[tokio::test]
async fn a_job_is_made_strictly_and_belongs_to_its_user() {
    let lab = demo().await;
    let job = lab.post("/api/v1/jobs", request(&lab).await).await.expect(201).json();
    assert_eq!(
        (&job["title"], &job["state"], &job["readOnly"]),
        (&"Edges".into(), &"Pending".into(), &false.into())
    );
    assert!(lab.api.queries()[0].contains("fieldValidation=Strict"), "{:?}", lab.api.queries());
    let made = lab.api.object("imagejobs", job["name"].as_str().unwrap()).unwrap();
    let labels = &made["metadata"]["labels"];
    assert_eq!(labels["tessera.dev/owner"], owner("demo"));
    assert_eq!(labels["app.kubernetes.io/managed-by"], "tessera-frontend");
    assert_eq!(made["spec"]["ttlSecondsAfterFinished"], 2_592_000);
    assert_eq!(made["spec"]["output"]["jpeg"], json!({"quality": 80}));
    let uri = made["spec"]["output"]["uri"].as_str().unwrap();
    assert!(uri.starts_with(&format!("s3://results/page/{}/", owner("demo"))) && uri.ends_with(".jpg"));
    lab.knows(job["name"].as_str().unwrap()).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said_before_there_is_a_job() {
    let lab = demo().await;
    let good = request(&lab).await;
    let refused = async |key: &str, value: Value| {
        let mut request = good.clone();
        request[key] = value;
        let planned = lab.post("/api/v1/plan", request.clone()).await;
        let made = lab.post("/api/v1/jobs", request).await;
        assert_eq!((planned.status, &planned.body), (made.status, &made.body));
        (made.status.as_u16(), made.message())
    };
    let (status, message) = refused("operations", json!([{"gausianBlur": {}}])).await;
    assert!(status == 422 && message.contains("gaussianBlur"), "{message}");
    let (status, message) =
        refused("operations", json!([{"crop": {"x": 0, "y": 0, "width": 9999, "height": 1}}])).await;
    assert!(status == 422 && message.contains("operations[0].crop"), "{message}");
    let (status, message) = refused("operations", json!([{"depth": {"bits": 16}}])).await;
    assert!(status == 422 && message.contains("JPEG"), "{message}");
    let (status, _) = refused("operations", json!(vec![json!({"invert": {}}); 33])).await;
    assert_eq!(status, 422);
    let (status, _) = refused("output", json!({"format": "jpeg", "options": {"qualty": 3}})).await;
    assert_eq!(status, 422);
    let (status, _) = refused("source", json!("bm90IGEgdXJp")).await;
    assert_eq!(status, 404);
    assert!(lab.api.names("imagejobs").is_empty());
}

#[tokio::test]
async fn a_pool_that_does_not_allow_the_source_is_named() {
    let lab = demo().await;
    let mut pool = crate::common::pool();
    pool["spec"]["allow"]["sources"] = json!(["s3://elsewhere/"]);
    let request = request(&lab).await;
    lab.api.put("workerpools", pool);
    eventually("it is refused", async || {
        let answer = lab.post("/api/v1/plan", request.clone()).await;
        answer.status.as_u16() == 422 && answer.message().contains("spec.allow.sources")
    })
    .await;
}

#[tokio::test]
async fn people_see_their_own_jobs_and_those_of_kubectl() {
    let lab = proxy().await;
    for (name, user) in [("of-ada", Some("ada")), ("of-eve", Some("eve")), ("of-kubectl", None)] {
        lab.api.put("imagejobs", image_job(name, user, complete()));
    }
    eventually("all are known", async || {
        let seen = |user: &'static str| async {
            lab.get_as(user, "/api/v1/jobs").await.json()["jobs"].as_array().unwrap().len()
        };
        (seen("ada").await, seen("eve").await) == (2, 2)
    })
    .await;
    let jobs = lab.get_as("ada", "/api/v1/jobs").await.json();
    let names: Vec<&str> =
        jobs["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["of-kubectl", "of-ada"]);
    for (path, method) in
        [("", "GET"), ("", "DELETE"), ("/retry", "POST"), ("/yaml", "GET"), ("/result", "GET")]
    {
        let answer = lab.call(method, Some("ada"), &format!("/api/v1/jobs/of-eve{path}"), Value::Null).await;
        assert_eq!(answer.status.as_u16(), 404, "{method} {path}");
    }
    let foreign = lab.call("DELETE", Some("ada"), "/api/v1/jobs/of-kubectl", Value::Null).await.expect(403);
    assert!(foreign.message().contains("kubectl"));
    lab.call("POST", Some("ada"), "/api/v1/jobs/of-kubectl/retry", Value::Null).await.expect(403);
    lab.call("DELETE", Some("ada"), "/api/v1/jobs/of-ada", Value::Null).await.expect(204);
    assert_eq!(lab.api.names("imagejobs"), ["of-eve", "of-kubectl"]);
}

#[tokio::test]
async fn a_complete_job_has_a_result_with_its_name() {
    let lab = demo().await;
    let mut job = image_job("done", Some("demo"), complete());
    job["spec"]["ttlSecondsAfterFinished"] = 60.into();
    job["metadata"]["annotations"] = json!({"tessera.dev/source-name": "Ä photo.jpeg"});
    let uri = job["spec"]["output"]["uri"].as_str().unwrap().to_owned();
    let image = lab.put(&uri, png(40, 30)).await;
    lab.api.put("imagejobs", job);
    lab.knows("done").await;
    let shown = lab.get("/api/v1/jobs/done").await.expect(200).json();
    assert_eq!((&shown["state"], &shown["progress"]), (&"Complete".into(), &100.into()));
    assert_eq!((&shown["output"]["image"], &shown["output"]["format"]), (&image.into(), &"png".into()));
    assert_eq!((&shown["output"]["width"], &shown["output"]["height"]), (&40.into(), &30.into()));
    assert_eq!(shown["output"]["name"], "Ä photo-grayscale.png");
    assert_eq!(
        (&shown["completed"], &shown["expires"]),
        (&"2026-01-01T00:01:00Z".into(), &"2026-01-01T00:02:00Z".into())
    );
    let file = lab.get("/api/v1/jobs/done/result").await.expect(200);
    assert_eq!(file.body, png(40, 30));
    assert!(file.header("content-disposition").contains("filename*=UTF-8''%C3%84%20photo-grayscale.png"));
    let yaml = lab.get("/api/v1/jobs/done/yaml").await.expect(200);
    let text = String::from_utf8_lossy(&yaml.body).into_owned();
    assert!(
        yaml.header("content-type").starts_with("text/yaml")
            && text.contains("name: done")
            && !text.contains("status")
    );
    lab.delete("/api/v1/jobs/done?result=1").await.expect(204);
    assert!(lab.store.objects().is_empty());
}

#[tokio::test]
async fn a_failed_job_says_why_and_is_tried_again_by_number() {
    let lab = demo().await;
    lab.api.put(
        "imagejobs",
        image_job("bad", Some("demo"), failed("a worker needed more memory: give the pool more")),
    );
    lab.knows("bad").await;
    let shown = lab.get("/api/v1/jobs/bad").await.json();
    assert_eq!((&shown["state"], &shown["reason"]), (&"Failed".into(), &"OutOfMemory".into()));
    assert_eq!(shown["message"], "a worker needed more memory: give the pool more");
    assert_eq!(lab.get("/api/v1/jobs/bad/result").await.expect(409).code(), "Conflict");
    for number in ["1", "2"] {
        lab.post("/api/v1/jobs/bad/retry", Value::Null).await.expect(200);
        let job = lab.api.object("imagejobs", "bad").unwrap();
        assert_eq!(job["metadata"]["annotations"]["tessera.dev/retry"], number);
        eventually("the page knows the number", async || {
            let yaml = lab.get("/api/v1/jobs/bad/yaml").await;
            String::from_utf8_lossy(&yaml.body).contains(&format!("'{number}'"))
        })
        .await;
    }
    lab.api.put("imagejobs", image_job("good", Some("demo"), complete()));
    lab.knows("good").await;
    assert!(
        lab.post("/api/v1/jobs/good/retry", Value::Null).await.expect(409).message().contains("complete")
    );
}

#[tokio::test]
async fn the_list_is_filtered_and_comes_in_pages() {
    let lab = demo().await;
    for number in 0..7 {
        let status = if number % 2 == 0 { complete() } else { json!({"state": "Running"}) };
        let mut job = image_job(&format!("job-{number}"), Some("demo"), status);
        job["metadata"]["creationTimestamp"] = format!("2026-01-01T00:00:0{number}Z").into();
        job["metadata"]["annotations"] = json!({"tessera.dev/title": format!("Tïtle {number}")});
        lab.api.put("imagejobs", job);
    }
    let names = async |query: &str| {
        let page = lab.get(&format!("/api/v1/jobs{query}")).await.expect(200).json();
        let names =
            page["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()[4..].to_owned());
        (names.collect::<String>(), page["continue"].as_str().map(str::to_owned))
    };
    eventually("all are known", async || names("").await.0 == "6543210").await;
    assert_eq!(names("?state=Running").await.0, "531");
    assert_eq!(names("?state=running,Complete&search=t%C3%8FTLE%203").await.0, "3");
    let (first, next) = names("?limit=3").await;
    assert_eq!(first, "654");
    let (second, next) = names(&format!("?limit=3&continue={}", next.unwrap())).await;
    assert_eq!(second, "321");
    let (third, next) = names(&format!("?limit=3&continue={}", next.unwrap())).await;
    assert_eq!((third.as_str(), next), ("0", None));
    lab.get("/api/v1/jobs?limit=x").await.expect(400);
}

#[tokio::test]
async fn a_running_job_shows_which_part_is_ready() {
    let lab = demo().await;
    let request = request(&lab).await;
    let name =
        lab.post("/api/v1/jobs", request).await.expect(201).json()["name"].as_str().unwrap().to_owned();
    lab.knows(&name).await;
    let mut job = lab.api.object("imagejobs", &name).unwrap();
    job["status"] = json!({"state": "Running", "stage": {"name": "tiles", "number": 1, "of": 2}});
    let uid = job["metadata"]["uid"].as_str().unwrap().to_owned();
    let plan = plan_of_four_shards();
    lab.api.put("configmaps", json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": tessera_core::name::plan(&name, &uid), "namespace": "default"}, "data": {"plan.json": plan}}));
    lab.api.put(
        "jobs",
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {
        "name": tessera_core::name::job(&name, &uid, "tiles"), "namespace": "default",
        "labels": {"tessera.dev/imagejob-uid": uid}}, "status": {"completedIndexes": "0,2"}}),
    );
    lab.api.put("imagejobs", job);
    let path = format!("/api/v1/jobs/{name}");
    let wanted = json!([[0, 0, 512, 1024]]);
    eventually("two of four blocks are ready", async || lab.get(&path).await.json()["ready"] == wanted).await;
}

/// Of 1024 x 1024 pixels in tiles of 256 and blocks of 2 x 2: 4 shards of a block.
fn plan_of_four_shards() -> String {
    let extent =
        json!({"size": {"width": 1024, "height": 1024}, "pixel": {"channels": "rgb", "depth": "u8"}});
    json!({
        "version": 1, "job": "u", "operations": [], "scratch": "s3://results/.tessera/u/", "column": 512, "halo": 0,
        "memory": 1, "workMillis": 1, "mode": {"tiles": {"shards": 4}},
        "source": {"uri": "s3://images/photo.png", "etag": "e", "bytes": 1, "extent": extent, "access": "whole"},
        "output": {"uri": "s3://results/a.tif", "extent": extent, "ifExists": "Fail",
            "format": {"tiff": {"tile": 256, "compression": "deflate"}}},
        "grid": {"image": {"width": 1024, "height": 1024}, "tile": {"width": 256, "height": 256}, "block": 2},
    })
    .to_string()
}

#[tokio::test]
async fn one_user_cannot_fill_the_queue() {
    let lab = lab(&["--owner-jobs", "2"]).await;
    let request = request(&lab).await;
    for _ in 0..2 {
        let job = lab.post("/api/v1/jobs", request.clone()).await.expect(201).json();
        lab.knows(job["name"].as_str().unwrap()).await;
    }
    assert_eq!(lab.post("/api/v1/jobs", request).await.expect(429).code(), "TooManyJobs");
}

#[tokio::test]
async fn an_object_that_is_no_imagejob_hides_no_other() {
    let lab = demo().await;
    lab.api.put(
        "imagejobs",
        json!({"apiVersion": "tessera.dev/v1alpha1", "kind": "ImageJob",
        "metadata": {"name": "broken", "namespace": "default"}, "spec": {"source": 5}}),
    );
    lab.api.put("imagejobs", image_job("good", Some("demo"), complete()));
    lab.knows("good").await;
    assert_eq!(lab.get("/api/v1/jobs").await.json()["jobs"].as_array().unwrap().len(), 1);
    lab.get("/api/v1/jobs/broken").await.expect(404);
}

#[tokio::test]
async fn the_system_says_what_the_pool_does() {
    let lab = demo().await;
    for (number, node) in [(1, "n1"), (2, "n2"), (3, "n2")] {
        lab.api.put(
            "pods",
            json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p{number}"), "namespace": "default",
                "labels": {"tessera.dev/pool": "default", "tessera.dev/imagejob-uid": "u"}},
            "spec": {"nodeName": node, "containers": []}, "status": {"phase": "Running"}}),
        );
    }
    lab.api.put("imagejobs", image_job("fast", None, json!({"state": "Running", "throughput": "412 MP/s"})));
    eventually("everything is counted", async || {
        let system = lab.get("/api/v1/system").await.expect(200).json();
        (&system["workers"], &system["nodes"], &system["throughput"]) == (&3.into(), &2.into(), &json!(412.0))
    })
    .await;
    let system = lab.get("/api/v1/system").await.json();
    assert_eq!((&system["slots"], &system["used"], &system["waiting"]), (&4.into(), &1.into(), &2.into()));
    assert_eq!((&system["ready"], &system["cpu"]), (&true.into(), &Value::Null));
}
