//! Stands in for the workers on simulated nodes: reads the plan as a kubelet would for its pod, writes into scratch what
//! a worker would have written, and ends the pod. It decodes, computes and encodes nothing.

use crate::nodes;
use anyhow::{Context as _, Result};
use futures::{StreamExt, future};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tessera_core::name::label;
use tessera_core::plan::{Plan, Stage};
use tessera_core::record::sha256;
use tessera_e2e::scratch::Pretended;
use tessera_operations::Operation;
use tessera_store::S3Store;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Seconds that a worker seems to work.
const WORK: Duration = Duration::from_secs(1);

/// Pods that end at once: what follows the work of each is short.
const AT_ONCE: usize = 64;

/// The workers of all simulated nodes.
pub(crate) struct StandIn {
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

struct Inner {
    client: Client,
    store: S3Store,
    room: Semaphore,
    taken: Mutex<HashSet<String>>,
    ended: AtomicUsize,
}

impl StandIn {
    /// Begins to end pods.
    pub(crate) fn start(client: &Client, store: S3Store) -> StandIn {
        let inner = Arc::new(Inner {
            client: client.clone(),
            store,
            room: Semaphore::new(AT_ONCE),
            taken: Mutex::default(),
            ended: AtomicUsize::new(0),
        });
        let config = watcher::Config::default().labels(label::JOB_UID);
        let pods = watcher(Api::<Pod>::all(client.clone()), config).default_backoff().applied_objects();
        let workers = inner.clone();
        let task = tokio::spawn(pods.for_each(move |pod| {
            if let Ok(pod) = pod
                && workers.takes(&pod)
            {
                tokio::spawn(work(workers.clone(), pod));
            }
            future::ready(())
        }));
        StandIn { inner, task }
    }

    /// Ends, and says how many pods have ended.
    pub(crate) fn stop(self) -> usize {
        self.task.abort();
        self.inner.ended.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// Whether the pod has just begun to run on a simulated node.
    fn takes(&self, pod: &Pod) -> bool {
        let simulated = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.node_name.as_ref())
            .is_some_and(|node| node.starts_with(nodes::NAME));
        let runs = pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"));
        let new = || {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.insert(pod.uid().unwrap_or_default())
        };
        simulated && runs && pod.metadata.deletion_timestamp.is_none() && new()
    }

    async fn work(&self, pod: &Pod) -> Result<()> {
        tokio::time::sleep(WORK).await;
        let _room = self.room.acquire().await?;
        let plan = self.plan(pod).await?;
        let stage = pod.labels().get(label::STAGE).and_then(|name| Stage::from_name(name));
        let shard = pod.annotations().get("batch.kubernetes.io/job-completion-index");
        let shard = shard.and_then(|text| text.parse().ok()).context("a pod without an index")?;
        let digest = sha256(plan.to_json().as_bytes());
        let place = Pretended::of(&self.store, &plan, &digest)?;
        place.done(stage.context("a pod without a stage")?, shard).await?;
        self.end(pod).await?;
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn plan(&self, pod: &Pod) -> Result<Plan<Operation>> {
        let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.clone()).unwrap_or_default();
        let name = volumes.into_iter().find_map(|volume| volume.config_map).map(|map| map.name);
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        let map = maps.get(&name.context("a pod without a plan")?).await?;
        let text = map.data.as_ref().and_then(|data| data.get("plan.json")).context("an empty plan")?;
        Ok(serde_json::from_str(text)?)
    }

    /// Ends the pod as a kubelet does when its container has ended with 0.
    async fn end(&self, pod: &Pod) -> Result<()> {
        let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.clone());
        let mut containers = serde_json::to_value(statuses.unwrap_or_default())?;
        for container in containers.as_array_mut().into_iter().flatten() {
            container["ready"] = json!(false);
            container["state"] = json!({ "terminated": { "exitCode": 0, "reason": "Completed" } });
        }
        let status = json!({ "status": { "phase": "Succeeded", "containerStatuses": containers } });
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }
}

async fn work(inner: Arc<Inner>, pod: Pod) {
    if let Err(error) = inner.work(&pod).await {
        // The pod may have been deleted meanwhile, as its Job was.
        eprintln!("pod {}: {error:#}", pod.name_any());
    }
}
