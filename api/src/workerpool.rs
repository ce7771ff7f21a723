//! The WorkerPool: how many worker pods may run at once, what they look like, and which store they use.
//! Types and schema only.

use k8s_openapi::api::core::v1::{Affinity, LocalObjectReference, Toleration};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where work runs: a number of slots, the worker pods' shape, and a store.
#[allow(clippy::duplicated_attributes, reason = "columns of one type are no duplicates")]
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "tessera.dev",
    version = "v1alpha1",
    kind = "WorkerPool",
    shortname = "wp",
    category = "tessera",
    namespaced,
    status = "WorkerPoolStatus",
    derive = "PartialEq",
    doc = "Where ImageJobs run: a number of slots (worker pods at once), the pods' shape and an object store. `kubectl scale` and a HorizontalPodAutoscaler change the slots. Pods exist only while there is work."
)]
#[kube(
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "Slots",
        type_ = "integer",
        json_path = ".spec.replicas",
        description = "Worker pods that may run at once"
    ),
    printcolumn(
        name = "In Use",
        type_ = "integer",
        json_path = ".status.inUse",
        description = "Slots that ImageJobs hold"
    ),
    printcolumn(
        name = "Waiting",
        type_ = "integer",
        json_path = ".status.waiting",
        description = "ImageJobs that wait for a slot"
    ),
    printcolumn(
        name = "Queue Depth",
        type_ = "integer",
        json_path = ".status.queueDepth",
        priority = 1,
        description = "Slots that could usefully be filled now"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the pool is usable"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct WorkerPoolSpec {
    /// Slots: how many worker pods may run at once. A HorizontalPodAutoscaler changes it through the scale subresource;
    /// at 0 nothing runs, and an autoscaler stays off until it is raised by hand.
    #[serde(default = "default_replicas")]
    #[schemars(range(max = 10000))]
    pub replicas: u32,
    /// The object store of the sources, the outputs and the scratch.
    pub store: Store,
    /// Which objects ImageJobs may name. What is not listed is refused.
    #[serde(default)]
    pub allow: Allow,
    /// The worker pods.
    #[serde(default)]
    pub worker: Worker,
    /// What the pool accepts.
    #[serde(default)]
    pub limits: Limits,
    /// In how many seconds an autoscaler should let the pool work off what is waiting.
    #[serde(default = "default_drain")]
    #[schemars(range(min = 1, max = 86400))]
    pub target_drain_seconds: u32,
}

fn default_replicas() -> u32 {
    1
}

fn default_drain() -> u32 {
    60
}

/// The object store of the sources, the outputs and the scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    /// URL of the S3 server, such as `http://minio.storage:9000`. Unset: AWS, in `region`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [{
        "rule": "self.matches('^https?://[^/?#@]+/?$')",
        "message": "it must be the URL of the server alone, such as https://s3.example.com:9000",
    }]))]
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    #[serde(default = "default_region")]
    #[schemars(length(min = 1, max = 64))]
    pub region: String,
    /// Whether the bucket stands in the path (`https://server/bucket/key`), not in the host's name.
    #[serde(default = "default_true")]
    pub path_style: bool,
    /// Name of the Secret, of type `tessera.dev/store` and in the same namespace, with the keys `accessKeyId`,
    /// `secretAccessKey` and, if needed, `sessionToken`.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Where unfinished pieces lie, as `s3://bucket/prefix/`. Best in the bucket of the outputs.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [{
        "rule": "self.matches('^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.*[^/]/$')",
        "message": "it must be a folder of its own, ending in a slash, such as s3://results/.tessera/",
    }]))]
    pub scratch: String,
    /// How long the pieces of a failed ImageJob are kept for a retry, such as `1h` or `90m`.
    #[serde(default = "default_retention")]
    #[schemars(length(max = 16), regex(pattern = "^([0-9]{1,6}(h|m|s))+$"))]
    pub scratch_retention: String,
    /// When requests carry checksums: always where S3 supports them, or only where it requires them (for servers that
    /// refuse the others).
    #[serde(default)]
    pub checksums: Checksums,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

fn default_true() -> bool {
    true
}

fn default_retention() -> String {
    "1h".to_owned()
}

impl Store {
    /// `scratchRetention` in seconds; an hour where it is not of the form that the schema asks for.
    pub fn scratch_retention_seconds(&self) -> u64 {
        seconds(&self.scratch_retention).unwrap_or(3600)
    }
}

/// Seconds of a duration such as `1h30m`.
fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit = match rest[end..].chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(rest[..end].parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// When requests carry checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "a description of a variant would be taken for one of the field")]
pub enum Checksums {
    #[default]
    WhenSupported,
    WhenRequired,
}

/// Which objects ImageJobs may name: prefixes of URIs. An empty list allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Allow {
    /// What ImageJobs may read, such as `s3://images/`.
    #[schemars(
        length(max = 64),
        inner(length(max = 1024), regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/"))
    )]
    pub sources: Vec<String>,
    /// What ImageJobs may write, such as `s3://results/`.
    #[schemars(
        length(max = 64),
        inner(length(max = 1024), regex(pattern = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/"))
    )]
    pub outputs: Vec<String>,
}

/// The worker pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Worker {
    /// Processor and memory of a worker. The memory limit decides how large a part of the image is held at once.
    pub resources: WorkerResources,
    /// Labels that a node must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that workers tolerate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
    /// Rules of placement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// PriorityClass of the workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// ServiceAccount of the workers, one that the operator's installation allows. Its token is not mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// Secrets for pulling the worker's container image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Whether the nodes may vanish at any time, as spot nodes do: shards are kept short, the usual taints of spot nodes are
    /// tolerated, and such nodes are preferred unless `affinity` says otherwise.
    pub spot: bool,
}

impl Worker {
    /// Bytes that a worker may use. Without a limit it may use what a node has; plans assume the default.
    pub fn memory_bytes(&self) -> u64 {
        let limit = self.resources.limits.get("memory").and_then(|quantity| bytes(&quantity.0));
        limit.unwrap_or(512 << 20)
    }
}

/// Bytes of a Kubernetes quantity of memory; `None` for a form that memory is not given in.
fn bytes(quantity: &str) -> Option<u64> {
    let split = quantity.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(split);
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1000,
        "M" => 1000 * 1000,
        "G" => 1000 * 1000 * 1000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    let number: f64 = number.parse().ok().filter(|number: &f64| *number >= 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and memory is below 2^53"
    )]
    Some((number * factor as f64) as u64)
}

/// Processor and memory of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkerResources {
    /// What a node must have free.
    #[schemars(extend("maxProperties" = 16))]
    pub requests: BTreeMap<String, Quantity>,
    /// What a worker may use at most.
    #[schemars(extend("maxProperties" = 16))]
    pub limits: BTreeMap<String, Quantity>,
}

impl Default for WorkerResources {
    fn default() -> WorkerResources {
        let quantity = |name: &str, value: &str| (name.to_owned(), Quantity(value.to_owned()));
        let requests = BTreeMap::from([quantity("cpu", "1"), quantity("memory", "512Mi")]);
        WorkerResources { requests, limits: BTreeMap::from([quantity("memory", "512Mi")]) }
    }
}

/// What a pool accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// The largest image, in pixels; for source and result alike.
    #[schemars(range(min = 1, max = 1000000000000000_i64))]
    pub pixels: u64,
    /// The longest chain.
    #[schemars(range(min = 1, max = 32))]
    pub operations: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { pixels: 100_000_000_000, operations: 32 }
    }
}

/// What became of the pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerPoolStatus {
    /// The `metadata.generation` that this status belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Slots, as the controller has taken note of them; for the autoscaler.
    #[serde(default)]
    pub replicas: u32,
    /// The label selector of the pool's worker pods; for the autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Slots that ImageJobs hold.
    #[serde(default)]
    pub in_use: u32,
    /// ImageJobs that wait for a slot.
    #[serde(default)]
    pub waiting: u32,
    /// Slots that could usefully be filled now, whatever `spec.replicas` says: shards that run or could run, those that wait
    /// capped by what `targetDrainSeconds` asks for. The autoscaler's metric.
    #[serde(default)]
    pub queue_depth: u32,
    /// Tiles of all unfinished ImageJobs that are not done yet.
    #[serde(default)]
    pub tiles_outstanding: u64,
    /// Ready and Stalled, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_hours_minutes_and_seconds() {
        assert_eq!(seconds("1h"), Some(3600));
        assert_eq!(seconds("1h30m5s"), Some(5405));
        assert_eq!(seconds(""), None);
        assert_eq!(seconds("1d"), None);
        assert_eq!(seconds("5"), None);
    }

    #[test]
    fn quantities_may_be_numbers() {
        let worker: Worker = serde_norway::from_str("resources: {requests: {cpu: 1, memory: 1Gi}}").unwrap();
        assert_eq!(worker.resources.requests["cpu"], Quantity("1".to_owned()));
    }

    #[test]
    fn quantities_of_memory_are_understood() {
        assert_eq!(bytes("512Mi"), Some(512 << 20));
        assert_eq!(bytes("1.5Gi"), Some(3 << 29));
        assert_eq!(bytes("1000000"), Some(1_000_000));
        assert_eq!(bytes("2G"), Some(2_000_000_000));
        assert_eq!(bytes("lots"), None);
    }
}
