//! The nodes of the local cluster, for tests that kill, drain, join and remove them. Whatever a test does to them is
//! undone when it ends, also when it fails. It needs the cluster of `make cluster`, on this machine.

use crate::namespace::{Namespace, with_namespace_alone};
use crate::report::{OPERATOR_LABELS, OPERATOR_NAMESPACE};
use crate::wait::{Look, eventually};
use anyhow::{Context as _, Result, bail, ensure};
use futures::FutureExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The label by which a test sends workers to a node.
pub const CHOSEN: &str = "e2e.tessera.dev/chosen";

/// The nodes that there were when the test began.
pub struct Nodes {
    client: Client,
    api: Api<Node>,
    before: BTreeSet<String>,
}

/// Runs a test that may do to nodes what it likes, in a namespace with a pool `default` of two slots, while no other test
/// of this program runs.
///
/// # Errors
/// The test failed, or the nodes are not as they were.
pub async fn with_nodes(title: &str, test: impl AsyncFnOnce(&Namespace, &Nodes) -> Result<()>) -> Result<()> {
    let nodes = Nodes::now().await?;
    let run = with_namespace_alone(title, async |ns| test(ns, &nodes).await);
    let ended = AssertUnwindSafe(run).catch_unwind().await;
    let restored = nodes.restore().await;
    match ended {
        Ok(result) => result.and(restored),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

impl Nodes {
    async fn now() -> Result<Nodes> {
        let client = Client::try_default().await.context("is there a cluster? eval \"$(make -s env)\"")?;
        let api: Api<Node> = Api::all(client.clone());
        let all = api.list(&ListParams::default()).await?.items;
        let down: Vec<String> =
            all.iter().filter(|node| ready(node) != "True").map(ResourceExt::name_any).collect();
        ensure!(
            down.is_empty() && all.len() > 2,
            "{} nodes, and not Ready: {down:?}; make cluster",
            all.len()
        );
        Ok(Nodes { client, api, before: all.iter().map(ResourceExt::name_any).collect() })
    }

    /// The nodes that there were are up again and as they were, and no other one is left. One that cannot be put back does
    /// not keep the others from it.
    async fn restore(&self) -> Result<()> {
        let mut restored = Ok(());
        for name in &self.before {
            restored = restored.and(self.put_back(name).await);
        }
        for node in self.api.list(&ListParams::default()).await?.items {
            if !self.before.contains(&node.name_any()) {
                restored = restored.and(self.remove(&node.name_any()).await);
            }
        }
        restored
    }

    async fn put_back(&self, name: &str) -> Result<()> {
        make("cluster-node-start", name).await?;
        let clean = json!({ "metadata": { "labels": { CHOSEN: null } }, "spec": { "unschedulable": null } });
        self.api.patch(name, &PatchParams::default(), &Patch::Merge(clean)).await?;
        Ok(())
    }

    /// A power cut.
    ///
    /// # Errors
    /// The node does not run.
    pub async fn kill(&self, name: &str) -> Result<()> {
        make("cluster-node-kill", name).await
    }

    /// Takes a node out of the cluster for good.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn remove(&self, name: &str) -> Result<()> {
        make("cluster-node-remove", name).await
    }

    /// Joins a node that there was not, and returns its name when it is Ready.
    ///
    /// # Errors
    /// It does not become Ready.
    pub async fn join(&self) -> Result<String> {
        let free = (1..).map(|number| format!("n{number}")).find(|name| !self.before.contains(name));
        let name = free.context("there is always another number")?;
        make("cluster-node-start", &name).await?;
        Ok(name)
    }

    /// Waits until the cluster says that the node does not answer.
    ///
    /// # Errors
    /// It does not say so in time.
    pub async fn wait_lost(&self, name: &str) -> Result<Instant> {
        eventually(&format!("{name} is declared lost"), 45, async || {
            let seen = ready(&self.api.get(name).await?);
            Ok(Look::when(seen == "Unknown", Instant::now(), || format!("Ready={seen}")))
        })
        .await
    }

    /// Sends workers here that are to run on a chosen node.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn choose(&self, name: &str) -> Result<()> {
        let patch = Patch::Merge(json!({ "metadata": { "labels": { CHOSEN: "yes" } } }));
        self.api.patch(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// The nodes without the operator: losing one of them leaves it alone. The last ones come first.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn dispensable(&self) -> Result<Vec<String>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        let operators = pods.list(&ListParams::default().labels(OPERATOR_LABELS)).await?.items;
        ensure!(!operators.is_empty(), "no operator runs in namespace {OPERATOR_NAMESPACE}: make install");
        let taken: BTreeSet<&str> = operators.iter().filter_map(node_of).collect();
        Ok(self.before.iter().rev().filter(|name| !taken.contains(name.as_str())).cloned().collect())
    }

    /// A dispensable node with a worker that runs, and the names of the workers on it.
    ///
    /// # Errors
    /// There is none soon.
    pub async fn with_worker(&self, ns: &Namespace) -> Result<(String, Vec<String>)> {
        let dispensable = self.dispensable().await?;
        eventually("a worker runs on a node without the operator", 60, async || {
            let pods = ns.live_pods().await?;
            let of = |name: &String| -> Vec<String> {
                let here = pods.iter().filter(|pod| node_of(pod) == Some(name) && phase(pod) == "Running");
                here.map(ResourceExt::name_any).collect()
            };
            let mut found = dispensable.iter().map(|name| (name.clone(), of(name)));
            Ok(match found.find(|(_, workers)| !workers.is_empty()) {
                Some(found) => Look::Done(found),
                None => Look::NotYet(format!("{} pods, none there", pods.len())),
            })
        })
        .await
    }

    /// MiB of memory that every node offers at least.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn mebibytes(&self) -> Result<u64> {
        let nodes = self.api.list(&ListParams::default()).await?.items;
        let offered = nodes.iter().map(|node| {
            let all = node.status.as_ref()?.allocatable.as_ref()?.get("memory")?.0.as_str();
            Some(all.strip_suffix("Ki")?.parse::<u64>().ok()? / 1024)
        });
        offered.min().flatten().context("every node says what it offers")
    }
}

/// The status of the node's condition Ready.
fn ready(node: &Node) -> String {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready");
    ready.map(|condition| condition.status.clone()).unwrap_or_default()
}

/// The node of a pod.
pub fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// The phase of a pod.
pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// A verb of this repository's Makefile, on a node.
async fn make(verb: &str, node: &str) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate is in the workspace")?;
    let node = format!("NODE={node}");
    let arguments = ["--silent", "--no-print-directory", verb, &node];
    let run = Command::new("make").args(arguments).current_dir(root).output();
    let done = tokio::time::timeout(Duration::from_secs(120), run).await.context("make takes too long")??;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("make {verb} {node}: {said}{}", String::from_utf8_lossy(&done.stdout));
    }
    Ok(())
}
