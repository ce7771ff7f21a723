//! The status of an ImageJob: of constant size, with counts and never a list of tiles. Types and schema only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of the request. The conditions carry the truth; the rest is for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageJobStatus {
    /// The `metadata.generation` that this status belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The state in a word: Pending, Waiting, Running, Suspended, Complete or Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Reason of the condition that makes the state what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The source, as its header says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageStatus>,
    /// The chain as it is carried out, such as `grayscale > gaussianBlur`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<String>,
    /// The step that runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageStatus>,
    /// Tiles of the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<TilesStatus>,
    /// How much of the predicted work of all stages is done, 0 to 100. It never falls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub progress: Option<u32>,
    /// The progress as kubectl shows it, such as `39%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// Worker pods that run now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Shards that were started again after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Number of the last request to try again (annotation `tessera.dev/retry`) that was taken up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<u32>,
    /// Pixels of the result per second, such as `412 MP/s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<String>,
    /// Slots that the pool has granted. Written by the pool's controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// Since when the job has slots, or has none. Written by the pool's controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots_since: Option<Time>,
    /// Place in the pool's queue while the job waits for its first slot or its next: 1 is next. Rounded up beyond 5.
    /// Written by the pool's controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u32>,
    /// Slots that the job could use now: shards that run or could run. The pool's controller divides its slots by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<u32>,
    /// Predicted seconds that one worker would need for what is left. The pool's queue depth is capped by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_seconds: Option<u32>,
    /// When the work began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the output was in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// When the output will probably be in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_completion_time: Option<Time>,
    /// The finished file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputStatus>,
    /// Accepted, Progressing, Complete, Failed, Finished, Ready and Stalled, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The state in a word: Pending, Waiting, Running, Suspended, Complete or Failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "a description of a variant would be taken for one of the field")]
pub enum State {
    Pending,
    Waiting,
    Running,
    Suspended,
    Complete,
    Failed,
}

/// The source, as its header says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageStatus {
    /// Pixels in a row.
    pub width: u32,
    /// Pixels in a column.
    pub height: u32,
    /// Samples of a pixel.
    pub channels: u32,
    /// Bits of a sample.
    pub bit_depth: u32,
    /// Format of the file.
    pub format: String,
}

/// The step that runs now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageStatus {
    /// Its name: whole, or split, measure, tiles, assemble.
    pub name: String,
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// Tiles of the output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TilesStatus {
    /// All tiles of the output.
    pub total: u64,
    /// Tiles that are finished.
    pub done: u64,
    /// Tiles of shards that run now.
    pub running: u64,
    /// Tiles of shards that have failed for good.
    pub failed: u64,
    /// Done and all, as kubectl shows them: `11240/28800`.
    pub summary: String,
}

/// The finished file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputStatus {
    /// Where it is.
    pub uri: String,
    /// Its ETag in the store.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its tree digest: SHA-256 over the header and the SHA-256 of each tile in file order.
    pub digest: String,
}
