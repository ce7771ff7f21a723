//! Nodes that are lost, drained and joined in the middle of a job: it completes with the same bytes and without a retry.

use crate::slow::{self, CHAIN, PATIENCE, SHARDS, create, slow_job};
use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, WatchEvent, WatchParams};
use serde_json::json;
use std::time::{Duration, Instant};
use tessera_api::ImageJob;
use tessera_core::output::OutputFormat;
use tessera_e2e::local::{self, Reference};
use tessera_e2e::nodes::{CHOSEN, Nodes, node_of, phase, with_nodes};
use tessera_e2e::picture::{self, GRAY};
use tessera_e2e::wait::Look;
use tessera_e2e::work::status;
use tessera_e2e::{Namespace, eventually, kubectl};

/// Seconds from a node's being declared lost to the end of the job.
const RECOVERY: u64 = 60;

/// Three slots on three nodes, if there is a choice, and workers so slow that they can be caught at work.
async fn spread_workers(ns: &Namespace) -> Result<()> {
    let workers =
        json!({ "matchExpressions": [{ "key": "tessera.dev/imagejob-uid", "operator": "Exists" }] });
    let term = json!({ "topologyKey": "kubernetes.io/hostname", "labelSelector": workers });
    let apart = json!({ "preferredDuringSchedulingIgnoredDuringExecution": [{ "weight": 100, "podAffinityTerm": term }] });
    ns.change_pool(
        "default",
        json!({ "replicas": 3, "worker": { "affinity": { "podAntiAffinity": apart }, "resources": slow::resources("300m") } }),
    )
    .await
}

/// Workers run on chosen nodes only, with this limit of the processor, so that a stage takes long enough to lose its node.
async fn pin_workers(ns: &Namespace, cpu: &str) -> Result<()> {
    ns.change_pool(
        "default",
        json!({ "worker": { "nodeSelector": { CHOSEN: "yes" }, "resources": slow::resources(cpu) } }),
    )
    .await
}

/// A node that has lost its power, and the workers that were on it.
struct Lost {
    node: String,
    workers: Vec<String>,
    cut: Instant,
}

/// Cuts the power of a node that a worker is on.
async fn lose_a_node(ns: &Namespace, nodes: &Nodes) -> Result<Lost> {
    let (node, workers) = nodes.with_worker(ns).await?;
    let cut = Instant::now();
    nodes.kill(&node).await?;
    Ok(Lost { node, workers, cut })
}

/// The job ends within a minute of the node's being declared lost, as if nothing had happened, and nothing of it is left.
async fn check_recovery(ns: &Namespace, nodes: &Nodes, lost: &Lost, expected: &Reference) -> Result<()> {
    let declared = nodes.wait_lost(&lost.node).await?;
    let seen = declared.duration_since(lost.cut).as_secs_f64();
    ns.wait_pods_gone(&lost.workers, 30).await?;
    let freed = declared.elapsed().as_secs_f64();
    let left = RECOVERY.saturating_sub(declared.elapsed().as_secs());
    let ended = ns.wait_finished("slow", left).await?;
    let whole = declared.elapsed().as_secs_f64();
    eprintln!(
        "{} was declared lost {seen:.1} s after the power cut; its pods were freed {freed:.1} s, the job finished {whole:.1} s \
         after that",
        lost.node
    );
    check_undisturbed(ns, &ended, expected).await?;
    for worker in &lost.workers {
        expect_event(ns, &lost.node, worker).await?;
    }
    Ok(())
}

/// The job has ended as if nothing had happened, and nothing of it is left.
async fn check_undisturbed(ns: &Namespace, ended: &ImageJob, expected: &Reference) -> Result<()> {
    ns.expect_complete(ended, expected).await?;
    let retries = status(ended).retries;
    ensure!(retries == Some(0), "a node costs no retry, but: {retries:?}");
    ns.wait_no_pods(30).await?;
    ns.wait_nothing_left(30).await
}

/// An event about the job tells that this worker was given up with its node.
async fn expect_event(ns: &Namespace, node: &str, worker: &str) -> Result<()> {
    let events = ns.api::<Event>().list(&ListParams::default()).await?.items;
    let notes: Vec<String> = events
        .into_iter()
        .filter(|event| event.reason.as_deref() == Some("NodeLost"))
        .filter_map(|event| event.note)
        .collect();
    let words = [node, worker, "shard", "stage"];
    ensure!(notes.iter().any(|note| words.iter().all(|word| note.contains(word))), "{words:?} in {notes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_lost_in_the_middle_costs_a_minute_and_no_retry() -> Result<()> {
    with_nodes("lost", async |ns, nodes| {
        spread_workers(ns).await?;
        let (_, expected) = slow_job(ns, "retries: 0").await?;
        let lost = lose_a_node(ns, nodes).await?;
        check_recovery(ns, nodes, &lost, expected).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_lost_while_the_pieces_are_joined_costs_a_minute_and_no_retry() -> Result<()> {
    with_nodes("assembly", async |ns, nodes| {
        let (victim, other) = two_nodes(nodes).await?;
        nodes.choose(&victim).await?;
        let (_, expected) = slow_job(ns, "retries: 0").await?;
        pin_workers(ns, "20m").await?;
        let of_assembly =
            |pod: &Pod| pod.labels().get("tessera.dev/stage").is_some_and(|stage| stage == "assemble");
        let worker = wait_running(ns, &victim, of_assembly).await?;
        let cut = Instant::now();
        nodes.kill(&victim).await?;
        nodes.choose(&other).await?;
        let now = status(&ns.get_job("slow").await?);
        ensure!(now.stage.is_some_and(|stage| stage.name == "assemble") && now.output.is_none(), "too late");
        check_recovery(ns, nodes, &Lost { node: victim, workers: vec![worker], cut }, expected).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_lost_with_the_only_pod_of_a_small_job_costs_a_minute_and_no_retry() -> Result<()> {
    with_nodes("whole", async |ns, nodes| {
        let (victim, other) = two_nodes(nodes).await?;
        nodes.choose(&victim).await?;
        pin_workers(ns, "300m").await?;
        let source = picture::file(4900, 4900, GRAY, OutputFormat::Png)?;
        ns.put_source("small.png", &source).await?;
        let job = ns.job("slow", "small.png", "slow.tif", &format!("{CHAIN}\nretries: 0"))?;
        let expected = local::run(&job, &source).await?;
        ns.create_job(&job).await?;
        let worker = wait_running(ns, &victim, |_| true).await?;
        let cut = Instant::now();
        nodes.kill(&victim).await?;
        nodes.choose(&other).await?;
        check_recovery(ns, nodes, &Lost { node: victim, workers: vec![worker], cut }, &expected).await
    })
    .await
}

/// A node that may be lost, and another one.
async fn two_nodes(nodes: &Nodes) -> Result<(String, String)> {
    let mut dispensable = nodes.dispensable().await?.into_iter();
    let two = dispensable.next().zip(dispensable.next());
    two.context("there are two nodes without the operator")
}

/// Waits until such a worker runs on the node.
async fn wait_running(ns: &Namespace, node: &str, which: impl Fn(&Pod) -> bool) -> Result<String> {
    eventually(&format!("the worker runs on {node}"), PATIENCE, async || {
        let pods = ns.live_pods().await?;
        let found =
            pods.iter().find(|pod| which(pod) && phase(pod) == "Running" && node_of(pod) == Some(node));
        let seen: Vec<(String, &str)> = pods.iter().map(|pod| (pod.name_any(), phase(pod))).collect();
        Ok(found.map_or_else(|| Look::NotYet(format!("{seen:?}")), |pod| Look::Done(pod.name_any())))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_for_good_costs_half_a_minute_and_no_retry() -> Result<()> {
    with_nodes("gone", async |ns, nodes| {
        spread_workers(ns).await?;
        let (_, expected) = slow_job(ns, "retries: 0").await?;
        let (node, workers) = nodes.with_worker(ns).await?;
        nodes.remove(&node).await?;
        let removed = Instant::now();
        ns.wait_pods_gone(&workers, 30).await?;
        eprintln!("the pods of {node} were freed {:.1} s after its removal", removed.elapsed().as_secs_f64());
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        check_undisturbed(ns, &ended, expected).await?;
        expect_event(ns, &node, &workers[0]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_deleted_with_workers_on_a_lost_node_is_gone_soon() -> Result<()> {
    with_nodes("deleted", async |ns, nodes| {
        spread_workers(ns).await?;
        let (job, _) = slow_job(ns, "").await?;
        let lost = lose_a_node(ns, nodes).await?;
        let deleted = Instant::now();
        ns.api::<ImageJob>().delete("slow", &DeleteParams::background()).await?;
        ns.wait_gone("slow", 45).await?;
        eprintln!(
            "gone {:.1} s after it was deleted, {:.1} s after the power cut of {}",
            deleted.elapsed().as_secs_f64(),
            lost.cut.elapsed().as_secs_f64(),
            lost.node
        );
        let left = ns.stored_leftovers().await?;
        ensure!(left.is_empty(), "left when the finalizer was gone: {left:?}");
        ns.wait_no_pods(30).await?;
        ns.expect_no_output(&job).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_costs_no_retry() -> Result<()> {
    with_nodes("drained", async |ns, nodes| {
        spread_workers(ns).await?;
        let (_, expected) = slow_job(ns, "retries: 0").await?;
        let (node, workers) = nodes.with_worker(ns).await?;
        let drain = ["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"];
        let started = Instant::now();
        let drained = kubectl(&ns.name, &drain, "").await?;
        ensure!(drained.ok, "{drained:?}");
        eprintln!("{node} was drained in {:.1} s", started.elapsed().as_secs_f64());
        ns.wait_pods_gone(&workers, 30).await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        check_undisturbed(ns, &ended, expected).await?;
        let lost = ns.event_reasons("ImageJob", Some("slow")).await?;
        ensure!(!lost.iter().any(|reason| reason == "NodeLost"), "a drained node is not lost: {lost:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_does_so_in_time() -> Result<()> {
    with_nodes("sigterm", async |ns, _| {
        // A worker that is done within a second may never be seen running.
        ns.change_pool("default", json!({ "worker": { "resources": slow::resources("125m") } })).await?;
        let (_, expected) = slow_job(ns, "").await?;
        let name = ns.running_pod().await?;
        let only = WatchParams::default().fields(&format!("metadata.name={name}"));
        let since = ns.api::<Pod>().get(&name).await?.resource_version().unwrap_or_default();
        let mut changes = ns.api::<Pod>().watch(&only, &since).await?.boxed();
        let deleted = Instant::now();
        ns.api::<Pod>().delete(&name, &DeleteParams::default()).await?;
        let mut code = None;
        let gone = async {
            while let Some(change) = changes.try_next().await? {
                match change {
                    WatchEvent::Added(pod) | WatchEvent::Modified(pod) => code = exit_code(&pod).or(code),
                    WatchEvent::Deleted(pod) => return Ok(code.take().or(exit_code(&pod))),
                    WatchEvent::Bookmark(_) => {}
                    WatchEvent::Error(error) => anyhow::bail!("{error:?}"),
                }
            }
            anyhow::bail!("the watch has ended")
        };
        let code =
            tokio::time::timeout(Duration::from_secs(20), gone).await.context("its time is over")??;
        eprintln!(
            "{name} was gone {:.1} s after it was deleted, exit code {code:?}",
            deleted.elapsed().as_secs_f64()
        );
        ensure!(matches!(code, Some(0 | 143)), "{code:?}");
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_complete(&ended, expected).await?;
        ns.wait_nothing_left(30).await
    })
    .await
}

fn exit_code(pod: &Pod) -> Option<i32> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    Some(containers.first()?.state.as_ref()?.terminated.as_ref()?.exit_code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_in_the_middle_takes_shards() -> Result<()> {
    with_nodes("joined", async |ns, nodes| {
        // One worker fills a node. A node takes its seconds to join, in which the others must not do all the work: it is in
        // so many shards, and so slow, that starting their workers alone takes longer.
        let memory = format!("{}Mi", nodes.mebibytes().await? * 6 / 10);
        let requests = json!({ "cpu": "10m", "memory": memory });
        let limits = json!({ "cpu": "100m", "memory": memory });
        let worker = json!({ "resources": { "requests": requests, "limits": limits } });
        ns.change_pool("default", json!({ "replicas": 5, "worker": worker })).await?;
        let (_, expected) = create(ns, "slow", "", 4 * SHARDS).await?;
        ns.wait_middle("slow", PATIENCE).await?;
        wait_pending(ns).await?;
        let tells = |job: &ImageJob| messages(job).contains("no node has room");
        let told = ns.wait_for("slow", "tells that workers wait for nodes", 20, tells).await?;
        eprintln!("the status says: {}", messages(&told));
        let started = Instant::now();
        let joined = nodes.join().await?;
        let ready = Instant::now();
        wait_running(ns, &joined, |_| true).await?;
        eprintln!(
            "{joined} was Ready {:.1} s after its start and had a worker {:.1} s later",
            ready.duration_since(started).as_secs_f64(),
            ready.elapsed().as_secs_f64()
        );
        ensure!(ready.elapsed() < Duration::from_secs(30), "that took too long");
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        check_undisturbed(ns, &ended, expected).await
    })
    .await
}

/// Waits until some workers run and another one finds no room.
async fn wait_pending(ns: &Namespace) -> Result<()> {
    eventually("a worker finds no room beside others", 60, async || {
        let pods = ns.live_pods().await?;
        let (waiting, others): (Vec<&Pod>, Vec<&Pod>) = pods.iter().partition(|pod| node_of(pod).is_none());
        let seen = format!("{} wait, {} do not", waiting.len(), others.len());
        Ok(Look::when(!waiting.is_empty() && !others.is_empty(), (), || seen))
    })
    .await
}

/// What the conditions of the job say.
fn messages(job: &ImageJob) -> String {
    let mut all: Vec<String> = status(job).conditions.iter().map(|one| one.message.clone()).collect();
    all.dedup();
    all.join(" | ")
}
