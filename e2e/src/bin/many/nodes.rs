//! Nodes that KWOK plays, and pools that use no others. The nodes are removed at the end.

use anyhow::Result;
use k8s_openapi::api::core::v1::Node;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tessera_api::WorkerPool;
use tessera_e2e::wait::Look;
use tessera_e2e::{Namespace, eventually};

/// What all simulated nodes are called, before their number.
pub(crate) const NAME: &str = "simulated-";

/// Label and taint of the simulated nodes: real pods stay away.
const SIMULATED: &str = "tessera.dev/simulated";

/// Pods of a node: no more than a kubelet takes.
const PODS: u32 = 110;

/// Makes as many nodes as `pods` pods need, and waits until they are Ready.
pub(crate) async fn create(client: &Client, pods: u32) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let wanted = pods.div_ceil(PODS) + 1;
    for number in 0..wanted {
        let room = json!({ "cpu": "64", "memory": "256Gi", "pods": PODS.to_string() });
        let node = json!({
            "metadata": {
                "name": format!("{NAME}{number}"),
                "labels": { SIMULATED: "yes", "kubernetes.io/os": "linux" },
            },
            "spec": { "taints": [{ "key": SIMULATED, "effect": "NoSchedule" }] },
            "status": { "capacity": room, "allocatable": room },
        });
        nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    }
    eventually("the simulated nodes are Ready (does kwok run?)", 60, async || {
        let ready = list(&nodes).await?.iter().filter(|node| is_ready(node)).count();
        Ok(Look::when(ready >= wanted as usize, (), || format!("{ready} of {wanted}")))
    })
    .await
}

/// Removes them.
pub(crate) async fn delete(client: &Client) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    for node in list(&nodes).await? {
        nodes.delete(&node.name_any(), &DeleteParams::default()).await?;
    }
    Ok(())
}

async fn list(nodes: &Api<Node>) -> Result<Vec<Node>> {
    Ok(nodes.list(&ListParams::default().labels(SIMULATED)).await?.items)
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True")
}

/// Sends the workers of the pool `default` to the simulated nodes.
pub(crate) async fn use_for(ns: &Namespace) -> Result<()> {
    let worker = json!({
        "nodeSelector": { SIMULATED: "yes" },
        "tolerations": [{ "key": SIMULATED, "operator": "Exists", "effect": "NoSchedule" }],
    });
    let patch = Patch::Merge(json!({ "spec": { "worker": worker } }));
    ns.api::<WorkerPool>().patch("default", &PatchParams::default(), &patch).await?;
    Ok(())
}
