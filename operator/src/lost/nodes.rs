//! What is known of nodes. Reads only.

use super::{CONCURRENCY, Error, bounded, tell};
use crate::context::Ctx;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1 as cluster;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use std::collections::{BTreeMap, BTreeSet};
use tessera_core::lost::Node;

/// The taint of a node whose kubelet has not been heard.
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// These nodes as they are now. One that could not be read is left out.
pub(super) async fn read<'a>(ctx: &Ctx, names: BTreeSet<&'a str>) -> BTreeMap<&'a str, Node> {
    let api: Api<cluster::Node> = Api::all(ctx.client.clone());
    stream::iter(names)
        .map(|name| {
            let api = &api;
            async move { (name, read_one(api, name).await) }
        })
        .buffer_unordered(CONCURRENCY)
        .filter_map(|(name, node)| async move {
            node.map_err(|error| tell(ctx, name, &error)).ok().map(|node| (name, node))
        })
        .collect()
        .await
}

async fn read_one(api: &Api<cluster::Node>, name: &str) -> Result<Node, Error> {
    match bounded(api.get_opt(name)).await? {
        Ok(Some(node)) => Ok(state(&node)),
        Ok(None) => Ok(Node::Gone),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(Node::Hidden),
        Err(error) => Err(Error::Nodes(error)),
    }
}

/// Those of `names` that a quick look does not find; it may be out of date, and finds nothing missing where nodes may not
/// be read.
pub(super) async fn missing<'a>(ctx: &Ctx, mut names: BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    if names.is_empty() {
        return names;
    }
    let api: Api<cluster::Node> = Api::all(ctx.client.clone());
    let from_cache = ListParams::default().match_any();
    let listed = match bounded(api.list_metadata(&from_cache)).await {
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => return BTreeSet::new(),
        Ok(listed) => listed.map_err(Error::Nodes),
        Err(error) => Err(error),
    };
    match listed {
        Ok(list) => {
            let there: BTreeSet<String> = list.items.iter().map(ResourceExt::name_any).collect();
            names.retain(|name| !there.contains(*name));
            names
        }
        Err(error) => {
            tell(ctx, "all nodes", &error);
            BTreeSet::new()
        }
    }
}

/// Whether its kubelet is heard. The taint follows the condition after a moment, both when a node is lost and when it
/// comes back, so it counts only where there is no condition.
fn state(node: &cluster::Node) -> Node {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready");
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    let silent = match ready {
        Some(ready) => ready.status == "Unknown",
        None => taints.into_iter().flatten().any(|taint| taint.key == UNREACHABLE),
    };
    if silent { Node::Silent } else { Node::Answers }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ready: Option<&str>, taints: &[&str], expected: Node) {
        let condition = |status: &str| serde_json::json!([{ "type": "Ready", "status": status }]);
        let taints: Vec<_> =
            taints.iter().map(|key| serde_json::json!({ "key": key, "effect": "NoExecute" })).collect();
        let node = serde_json::json!({
            "metadata": { "name": "n3" },
            "spec": { "taints": taints },
            "status": { "conditions": ready.map(condition) },
        });
        let node = serde_json::from_value(node).expect("this is a node");
        assert_eq!(state(&node), expected, "Ready {ready:?}, {taints:?}");
    }

    #[test]
    fn a_node_is_lost_when_its_kubelet_is_not_heard_and_not_when_it_is_not_ready() {
        check(Some("True"), &[], Node::Answers);
        check(Some("False"), &["node.kubernetes.io/not-ready"], Node::Answers);
        check(Some("Unknown"), &[UNREACHABLE], Node::Silent);
        check(Some("Unknown"), &[], Node::Silent);
    }

    #[test]
    fn a_taint_that_is_still_there_when_the_node_is_back_does_not_count() {
        check(Some("True"), &[UNREACHABLE], Node::Answers);
        check(None, &[UNREACHABLE], Node::Silent);
        check(None, &["other"], Node::Answers);
    }
}
