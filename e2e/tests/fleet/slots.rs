//! How the slots of a pool are shared, taken and given.

use crate::slow::{self, PATIENCE, slow_job};
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use std::collections::BTreeSet;
use tessera_api::conditions::{self, ConditionType};
use tessera_api::{ImageJob, WorkerPool, WorkerPoolStatus};
use tessera_core::name::label;
use tessera_e2e::nodes::phase;
use tessera_e2e::wait::Look;
use tessera_e2e::work::{holds, status};
use tessera_e2e::{Namespace, eventually, kubectl, with_namespace};

async fn scale(ns: &Namespace, replicas: u32) -> Result<()> {
    let arguments = ["scale", "wp/default", &format!("--replicas={replicas}")];
    let scaled = kubectl(&ns.name, &arguments, "").await?;
    ensure!(scaled.ok, "{scaled:?}");
    Ok(())
}

async fn wait_pool(
    ns: &Namespace,
    what: &str,
    seconds: u64,
    holds: impl Fn(&WorkerPoolStatus) -> bool,
) -> Result<WorkerPoolStatus> {
    eventually(&format!("the pool {what}"), seconds, async || {
        let pool = ns.api::<WorkerPool>().get("default").await?;
        let now = pool.status.unwrap_or_default();
        let seen = format!("{now:?}");
        Ok(Look::when(holds(&now), now, || seen))
    })
    .await
}

/// Waits until no pod is left but those of shards that are done, which stay as long as their Job does.
async fn wait_only_done(ns: &Namespace) -> Result<()> {
    eventually("only pods that have succeeded are left", 40, async || {
        let mut pods = ns.api::<Pod>().list(&ListParams::default()).await?.items;
        pods.retain(|pod| phase(pod) != "Succeeded");
        let names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
        Ok(Look::when(names.is_empty(), (), || names.join(", ")))
    })
    .await
}

fn waits(job: &ImageJob) -> bool {
    status(job).reason.as_deref() == Some("WaitingForSlots")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_scaled_up_to_zero_and_back_and_nothing_is_lost() -> Result<()> {
    with_namespace("scaled", async |ns| {
        let (_, expected) = slow_job(ns, "retries: 0").await?;
        scale(ns, 5).await?;
        let up = wait_pool(ns, "uses five slots", 30, |pool| pool.replicas == 5 && pool.in_use == 5).await?;
        let selector = up.selector.context("a pool has a selector for its pods")?;
        let listed = ns.api::<Pod>().list(&ListParams::default().labels(&selector)).await?;
        ensure!(!listed.items.is_empty(), "{selector} selects no pods");
        scale(ns, 0).await?;
        let stopped = ns.wait_for("slow", "waits for slots", 30, waits).await?;
        let kept = status(&stopped).tiles.unwrap_or_default().done;
        wait_pool(ns, "has and uses no slots", 30, |pool| pool.replicas == 0 && pool.in_use == 0).await?;
        wait_only_done(ns).await?;
        scale(ns, 2).await?;
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_complete(&ended, expected).await?;
        let end = status(&ended);
        ensure!(end.retries == Some(0), "scaling is no failure: {end:?}");
        ensure!(
            kept > 0 && end.tiles.is_some_and(|tiles| tiles.done > kept),
            "{kept} tiles were done before"
        );
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_without_a_slot_own_no_job_and_say_their_place() -> Result<()> {
    with_namespace("queue", async |ns| {
        scale(ns, 1).await?;
        let (_, expected) = slow_job(ns, "").await?;
        // The pool's controller writes the place, the job's the words.
        let told = |job: &ImageJob| tessera_e2e::work::message(job, ConditionType::Ready);
        let placed = |job: &ImageJob| status(job).place.is_some() && told(job).contains("in its queue");
        for name in ["second", "third"] {
            slow::create(ns, name, "", slow::SHARDS).await?;
            ns.wait_for(name, "says its place in the queue", 30, |job| waits(job) && placed(job)).await?;
        }
        // Times of creation are of whole seconds: either may be the first.
        let mut places = BTreeSet::new();
        for name in ["second", "third"] {
            places.extend(status(&ns.get_job(name).await?).place);
        }
        ensure!(places == BTreeSet::from([1, 2]), "{places:?}");
        let owners: BTreeSet<String> = ns.stage_jobs().await?.into_iter().map(|(name, _)| name).collect();
        ensure!(owners.iter().all(|name| name.starts_with("slow")), "{owners:?}");
        wait_pool(ns, "tells of those who wait", 10, |pool| pool.waiting == 2 && pool.tiles_outstanding > 0)
            .await?;
        scale(ns, 6).await?;
        for name in ["slow", "second", "third"] {
            let ended = ns.wait_finished(name, PATIENCE).await?;
            ns.expect_complete(&ended, expected).await?;
        }
        ns.wait_nothing_left(30).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_comes_gets_its_share_without_an_end_to_running_work() -> Result<()> {
    with_namespace("settled", async |ns| {
        // The workers are to have worked for seven seconds.
        ns.change_pool("default", json!({ "worker": { "resources": slow::resources("125m") } })).await?;
        let (_, expected) = slow::create(ns, "slow", "", 2).await?;
        let settled = settled_pods(ns).await?;
        slow::create(ns, "second", "", 2).await?;
        let begun = |job: &ImageJob| status(job).workers.is_some_and(|workers| workers > 0);
        let workers = tile_workers(ns, "slow");
        let (second, workers) = futures::join!(ns.wait_for("second", "has a worker", 60, begun), workers);
        second?;
        ensure!(
            workers? == settled,
            "a pod was ended in the middle of its shard, and another took its place"
        );
        for name in ["slow", "second"] {
            let ended = ns.wait_finished(name, PATIENCE).await?;
            ns.expect_complete(&ended, expected).await?;
        }
        ns.wait_nothing_left(30).await
    })
    .await
}

/// The UIDs of pods that have worked for long enough to keep their slots.
async fn settled_pods(ns: &Namespace) -> Result<BTreeSet<String>> {
    eventually("two workers have worked for six seconds", 60, async || {
        let pods = ns.live_pods().await?;
        let now = k8s_openapi::jiff::Timestamp::now().as_second();
        let old = |pod: &&Pod| {
            let started = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
            phase(pod) == "Running" && started.is_some_and(|time| now - time.0.as_second() > 6)
        };
        let settled: BTreeSet<String> = pods.iter().filter(old).filter_map(ResourceExt::uid).collect();
        let seen = format!("{} of {}", settled.len(), pods.len());
        Ok(Look::when(settled.len() == 2, settled, || seen))
    })
    .await
}

/// The UIDs of all pods that work on tiles of the job from now until it is finished. One that is ended when its shard is done
/// has no successor.
async fn tile_workers(ns: &Namespace, job: &str) -> Result<BTreeSet<String>> {
    let prefix = format!("{job}-");
    let mut workers = BTreeSet::new();
    eventually(&format!("{job} is finished"), PATIENCE, async || {
        let pods = ns.api::<Pod>().list(&ListParams::default()).await?.items;
        let names = |pod: &&Pod| pod.name_any().starts_with(&prefix) && pod.name_any().contains("-tiles-");
        workers.extend(pods.iter().filter(names).filter_map(ResourceExt::uid));
        let seen = format!("{workers:?}");
        let finished = holds(&ns.get_job(job).await?, ConditionType::Finished);
        Ok(Look::when(finished, workers.clone(), || seen))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kueue_manages_is_left_to_kueue() -> Result<()> {
    with_namespace("kueue", async |ns| {
        let (mut job, expected) = slow::prepare(ns, "slow", "", slow::SHARDS).await?;
        job.labels_mut().insert(label::KUEUE_QUEUE.to_owned(), "team".to_owned());
        ns.create_job(&job).await?;
        // Kueue suspends what it has not admitted, and admits it with as many pods as it has room for.
        let made = patch_stage_job(ns, json!({ "suspend": true })).await?;
        let queue = made.labels().get(label::KUEUE_QUEUE).map(String::as_str);
        ensure!(queue == Some("team"), "{:?}", made.labels());
        ns.wait_for("slow", "waits for its Workload", 30, waits).await?;
        patch_stage_job(ns, json!({ "suspend": false, "parallelism": 1 })).await?;
        ns.wait_middle("slow", PATIENCE).await?;
        let running = stage_job(ns).await?.and_then(|job| job.spec).unwrap_or_default();
        ensure!(running.parallelism == Some(1), "admitted with one pod, and has {:?}", running.parallelism);
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_complete(&ended, expected).await?;
        ns.wait_nothing_left(30).await
    })
    .await
}

async fn stage_job(ns: &Namespace) -> Result<Option<Job>> {
    Ok(ns.api::<Job>().list(&ListParams::default()).await?.items.pop())
}

async fn patch_stage_job(ns: &Namespace, spec: serde_json::Value) -> Result<Job> {
    let job = eventually("there is a Job", 30, async || {
        Ok(stage_job(ns).await?.map_or_else(|| Look::NotYet("none".to_owned()), Look::Done))
    })
    .await?;
    let patch = Patch::Merge(json!({ "spec": spec }));
    Ok(ns.api::<Job>().patch(&job.name_any(), &PatchParams::default(), &patch).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_may_not_give_its_workers_any_service_account() -> Result<()> {
    with_namespace("account", async |ns| {
        let ready = |status: &WorkerPoolStatus| conditions::is_true(&status.conditions, ConditionType::Ready);
        wait_pool(ns, "is ready", 30, ready).await?;
        ns.change_pool("default", json!({ "worker": { "serviceAccountName": "builder" } })).await?;
        let refused = wait_pool(ns, "is refused", 30, |pool| !ready(pool)).await?;
        let told =
            conditions::get(&refused.conditions, ConditionType::Ready).context("it has the condition")?;
        for word in ["builder", "allowedServiceAccounts"] {
            ensure!(told.message.contains(word), "no {word} in: {}", told.message);
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_a_spot_pool_tolerate_spot_nodes_and_run_on_others() -> Result<()> {
    with_namespace("spot", async |ns| {
        ns.change_pool("default", json!({ "worker": { "spot": true } })).await?;
        let (_, expected) = slow_job(ns, "").await?;
        let pods = ns.live_pods().await?;
        let pod = pods.first().and_then(|pod| pod.spec.clone()).context("workers are at work")?;
        let tolerated: BTreeSet<String> =
            pod.tolerations.unwrap_or_default().into_iter().filter_map(|one| one.key).collect();
        for key in ["kubernetes.azure.com/scalesetpriority", "cloud.google.com/gke-spot"] {
            ensure!(tolerated.contains(key), "{key} is not in {tolerated:?}");
        }
        let ended = ns.wait_finished("slow", PATIENCE).await?;
        ns.expect_complete(&ended, expected).await
    })
    .await
}
