//! Spot nodes of the large clouds: cheap, and gone at short notice. What a worker tolerates and prefers where its pool says
//! `spot: true`. Pure.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, PreferredSchedulingTerm, Toleration,
};

/// Label of spot nodes with its value; on AKS and GKE the taint of such nodes has the same key and value. The last is
/// Karpenter's, whose nodes have no taint of their own.
const LABELS: [(&str, &str); 4] = [
    ("kubernetes.azure.com/scalesetpriority", "spot"),
    ("cloud.google.com/gke-spot", "true"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("karpenter.sh/capacity-type", "spot"),
];

/// Tolerates the taints of spot nodes.
pub(super) fn tolerations() -> Vec<Toleration> {
    let tolerated = |(key, value): &(&str, &str)| Toleration {
        key: Some((*key).to_owned()),
        operator: Some("Equal".to_owned()),
        value: Some((*value).to_owned()),
        effect: Some("NoSchedule".to_owned()),
        toleration_seconds: None,
    };
    LABELS.iter().map(tolerated).collect()
}

/// Prefers spot nodes, and takes others where there are none.
pub(super) fn affinity() -> Affinity {
    let preferred = |(key, value): &(&str, &str)| PreferredSchedulingTerm {
        weight: 100,
        preference: NodeSelectorTerm {
            match_expressions: Some(vec![NodeSelectorRequirement {
                key: (*key).to_owned(),
                operator: "In".to_owned(),
                values: Some(vec![(*value).to_owned()]),
            }]),
            match_fields: None,
        },
    };
    let nodes = NodeAffinity {
        preferred_during_scheduling_ignored_during_execution: Some(LABELS.iter().map(preferred).collect()),
        required_during_scheduling_ignored_during_execution: None,
    };
    Affinity { node_affinity: Some(nodes), pod_affinity: None, pod_anti_affinity: None }
}
