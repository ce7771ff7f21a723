//! An autoscaler moves the slots of a pool by its queue depth, which the operator serves to it as an external metric.

use crate::slow::{self, PATIENCE};
use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;
use tessera_api::WorkerPool;
use tessera_e2e::nodes::{node_of, phase};
use tessera_e2e::report::{OPERATOR_LABELS, OPERATOR_NAMESPACE};
use tessera_e2e::wait::Look;
use tessera_e2e::work::status;
use tessera_e2e::{Namespace, eventually, kubectl, with_namespace, with_namespace_alone};

/// Slots at most.
const MOST: i32 = 6;

/// Jobs that come at once.
const BURST: [&str; 3] = ["first", "second", "third"];

/// The chart's autoscaler on this test's pool, between one slot and [`MOST`]. It waits less before it takes slots back.
async fn autoscale(ns: &Namespace) -> Result<()> {
    let charts: Api<HorizontalPodAutoscaler> = Api::namespaced(ns.client.clone(), "default");
    let shipped = charts.get("default").await.context("the chart is installed with its autoscaler")?;
    let mut spec = shipped.spec.context("it has a spec")?;
    (spec.min_replicas, spec.max_replicas) = (Some(1), MOST);
    let down = spec.behavior.as_mut().and_then(|behavior| behavior.scale_down.as_mut());
    down.context("it has a behaviour")?.stabilization_window_seconds = Some(15);
    let mut ours: HorizontalPodAutoscaler = serde_json::from_value(json!({"metadata": {"name": "default"}}))?;
    ours.spec = Some(spec);
    ns.api().create(&PostParams::default(), &ours).await?;
    Ok(())
}

/// One slot, workers that are slow on every machine, and a pool in a hurry: it has use for more slots.
async fn slow_pool(ns: &Namespace) -> Result<()> {
    // They request as much as they may take: the scheduler does not spread workers that request next to nothing.
    let worker = json!({ "resources": { "limits": { "cpu": "250m" } } });
    ns.change_pool("default", json!({ "replicas": 1, "targetDrainSeconds": 1, "worker": worker })).await
}

async fn slots(ns: &Namespace) -> Result<u32> {
    Ok(ns.api::<WorkerPool>().get("default").await?.spec.replicas)
}

async fn wait_slots(ns: &Namespace, what: &str, seconds: u64, holds: impl Fn(u32) -> bool) -> Result<u32> {
    eventually(&format!("the pool has {what}"), seconds, async || {
        let now = slots(ns).await?;
        Ok(Look::when(holds(now), now, || now.to_string()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_jobs_gets_slots_on_all_nodes_and_gives_them_back() -> Result<()> {
    with_namespace("burst", async |ns| {
        slow_pool(ns).await?;
        autoscale(ns).await?;
        let began = Instant::now();
        let mut expected = None;
        for name in BURST {
            expected = Some(slow::create(ns, name, "retries: 0", slow::SHARDS).await?.1);
        }
        wait_slots(ns, "all the slots that it may have", 60, |slots| slots == 6).await?;
        eprintln!("from 1 to {MOST} slots {:.1} s after the burst", began.elapsed().as_secs_f64());
        let nodes = eventually("workers run on three nodes", 60, async || {
            let pods = ns.live_pods().await?;
            let running = pods.iter().filter(|pod| phase(pod) == "Running");
            let nodes: BTreeSet<String> = running.filter_map(|pod| node_of(pod).map(str::to_owned)).collect();
            let seen = format!("{nodes:?}");
            Ok(Look::when(nodes.len() >= 3, nodes, || seen))
        })
        .await?;
        eprintln!("workers on {nodes:?} after {:.1} s", began.elapsed().as_secs_f64());
        for name in BURST {
            let ended = ns.wait_finished(name, PATIENCE).await?;
            ns.expect_complete(&ended, expected.context("the burst has jobs")?).await?;
            let end = status(&ended);
            ensure!(end.retries == Some(0), "scaling is no failure: {end:?}");
        }
        let drained = Instant::now();
        wait_slots(ns, "one slot again", 90, |slots| slots == 1).await?;
        eprintln!("back at 1 slot {:.1} s after the last job", drained.elapsed().as_secs_f64());
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_metric_a_pool_keeps_its_slots() -> Result<()> {
    with_namespace_alone("silent", async |ns| {
        slow_pool(ns).await?;
        let (_, expected) = slow::create(ns, "slow", "", slow::SHARDS).await?;
        autoscale(ns).await?;
        wait_slots(ns, "several slots", 60, |slots| slots > 1).await?;
        scale_the_operator(0).await?;
        let silent = check_silence(ns).await;
        scale_the_operator(1).await?;
        silent?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_complete(&ended, expected).await?;
        wait_slots(ns, "one slot again", 90, |slots| slots == 1).await.map(|_| ())
    })
    .await
}

/// No operator answers: who asks is told so, and the autoscaler leaves the pool alone.
async fn check_silence(ns: &Namespace) -> Result<()> {
    eventually("the metric is not served", 30, async || {
        let answer = metric(ns, "pool=default", &[]).await?;
        Ok(Look::when(!answer.ok, (), || answer.out))
    })
    .await?;
    let before = slots(ns).await?;
    eventually("the autoscaler says that it has no metric", 60, async || {
        let scaler = ns.api::<HorizontalPodAutoscaler>().get("default").await?;
        let conditions = scaler.status.and_then(|status| status.conditions).unwrap_or_default();
        let active = conditions.iter().find(|one| one.type_ == "ScalingActive");
        let inactive = active.is_some_and(|one| one.status == "False");
        Ok(Look::when(inactive, (), || format!("{active:?}")))
    })
    .await?;
    ensure!(slots(ns).await? == before, "{before} slots became {}", slots(ns).await?);
    Ok(())
}

async fn scale_the_operator(replicas: u32) -> Result<()> {
    let selector = format!("--selector={OPERATOR_LABELS}");
    let count = format!("--replicas={replicas}");
    let scaled = kubectl(OPERATOR_NAMESPACE, &["scale", "deployment", &selector, &count], "").await?;
    ensure!(scaled.ok, "{scaled:?}");
    if replicas > 0 {
        let wait = ["wait", "deployment", &selector, "--for=condition=Available", "--timeout=60s"];
        let waited = kubectl(OPERATOR_NAMESPACE, &wait, "").await?;
        ensure!(waited.ok, "{waited:?}");
    }
    Ok(())
}

/// What the API server answers to who asks for the queue depth of the namespace's pools.
async fn metric(ns: &Namespace, selector: &str, as_whom: &[&str]) -> Result<tessera_e2e::kubectl::Answer> {
    let path = format!(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/{}/tessera_queue_depth?labelSelector={selector}",
        ns.name
    );
    kubectl(&ns.name, &[&["get", "--raw", &path], as_whom].concat(), "").await
}

/// The values in an answer, which must be one.
fn values(answer: &tessera_e2e::kubectl::Answer) -> Result<Vec<String>> {
    ensure!(answer.ok, "{answer:?}");
    let list: Value = serde_json::from_str(&answer.out)?;
    let items = list["items"].as_array().with_context(|| answer.out.clone())?;
    Ok(items.iter().map(|item| item["value"].as_str().unwrap_or_default().to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metric_is_for_those_who_may_read_it() -> Result<()> {
    with_namespace("metric", async |ns| {
        eventually("the metric of the pool is served", 30, async || {
            let answer = metric(ns, "pool=default", &[]).await?;
            let served = answer.ok && values(&answer)? == ["0"];
            Ok(Look::when(served, (), || format!("{answer:?}")))
        })
        .await?;
        let unknown = values(&metric(ns, "pool=other", &[]).await?)?;
        ensure!(unknown.is_empty(), "a pool that is not there has {unknown:?}");
        let stranger = metric(ns, "pool=default", &["--as", "someone"]).await?;
        ensure!(!stranger.ok && stranger.said.contains("Forbidden"), "{stranger:?}");
        check_forged(&ns.client, &ns.name).await
    })
    .await
}

/// Who does not come through the API server is not believed to be who he says.
async fn check_forged(client: &Client, namespace: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let operators = pods.list(&ListParams::default().labels(OPERATOR_LABELS)).await?.items;
    let operator = operators.first().context("an operator runs")?;
    let ip = operator.status.as_ref().and_then(|status| status.pod_ip.clone());
    let ip = ip.with_context(|| format!("{} has an address", operator.name_any()))?;
    let mut config = Config::new(format!("https://{ip}:6443").parse()?);
    config.accept_invalid_certs = true;
    let direct = Client::try_from(config)?;
    let path = format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/tessera_queue_depth");
    let request = http::Request::get(path)
        .header("X-Remote-User", "system:kube-controller-manager")
        .header("X-Remote-Group", "system:masters")
        .body(Vec::new())?;
    match direct.request_text(request).await {
        Err(kube::Error::Api(status)) if status.code == 401 => Ok(()),
        other => bail!("a forged user was answered: {other:?}"),
    }
}
