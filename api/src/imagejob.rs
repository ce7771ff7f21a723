//! The ImageJob: what a user asks for. What became of it is in `status`.
//! Types and schema only: defaults and bounds are stated here, meaning is checked in `validate`.

pub use crate::status::{ImageJobStatus, ImageStatus, OutputStatus, StageStatus, State, TilesStatus};
use crate::uri::MAX_URI;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_operations::Operation;

/// The most operations of one ImageJob.
pub const MAX_OPERATIONS: usize = 32;

/// What to compute: a source image, operations on it, and where the result goes. Only `suspend`, `weight`,
/// `ttlSecondsAfterFinished` and `activeDeadlineSeconds` may change later.
#[allow(clippy::duplicated_attributes, reason = "columns of one type are no duplicates")]
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "tessera.dev",
    version = "v1alpha1",
    kind = "ImageJob",
    shortname = "ij",
    category = "tessera",
    namespaced,
    status = "ImageJobStatus",
    derive = "PartialEq",
    doc = "Computes one image: reads a source, applies operations tile by tile on the nodes of the cluster, and leaves one finished file."
)]
#[kube(
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.state",
        description = "Pending, Waiting, Running, Suspended, Complete or Failed"
    ),
    printcolumn(
        name = "Progress",
        type_ = "string",
        json_path = ".status.percent",
        description = "How much of the predicted work is done"
    ),
    printcolumn(
        name = "Tiles",
        type_ = "string",
        json_path = ".status.tiles.summary",
        description = "Tiles done, of all"
    ),
    printcolumn(name = "Pool", type_ = "string", json_path = ".spec.pool", description = "The WorkerPool"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Stage",
        type_ = "string",
        json_path = ".status.stage.name",
        priority = 1,
        description = "The step that runs now"
    ),
    printcolumn(
        name = "Workers",
        type_ = "integer",
        json_path = ".status.workers",
        priority = 1,
        description = "Worker pods that run now"
    ),
    printcolumn(
        name = "Retries",
        type_ = "integer",
        json_path = ".status.retries",
        priority = 1,
        description = "Shards that were started again"
    ),
    printcolumn(
        name = "Throughput",
        type_ = "string",
        json_path = ".status.throughput",
        priority = 1,
        description = "Pixels of the result per second"
    ),
    printcolumn(
        name = "ETA",
        type_ = "string",
        json_path = ".status.estimatedCompletionTime",
        priority = 1,
        description = "When it will probably be complete"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        priority = 1,
        description = "Why it is in this state"
    ),
    printcolumn(
        name = "Output",
        type_ = "string",
        json_path = ".spec.output.uri",
        priority = 1,
        description = "Where the result goes"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    fixed("source"), fixed("operations"), fixed("output"), fixed("pool"), fixed("retries"),
    {
        "rule": "self.source.uri != self.output.uri",
        "fieldPath": ".output.uri",
        "message": "the output must not be the source: choose another bucket or key",
    },
]))]
pub struct ImageJobSpec {
    /// Name of the WorkerPool, in the same namespace, whose slots and store are used.
    #[serde(default = "default_pool")]
    #[schemars(length(min = 1, max = 63))]
    pub pool: String,
    /// The image to read.
    pub source: Source,
    /// What to do with the image, in this order. Each item is one key with its parameters, such as
    /// `gaussianBlur: {sigma: 1.5}`. An empty list is a plain conversion.
    #[serde(default)]
    #[schemars(length(max = MAX_OPERATIONS))]
    pub operations: Vec<Operation>,
    /// Where the result goes, and in which format.
    pub output: Output,
    /// How often each shard (the part of the image that one worker pod computes) may be started again after a failure.
    /// Evictions and lost nodes do not count.
    #[serde(default = "default_retries")]
    #[schemars(range(max = 10))]
    pub retries: u32,
    /// The job's share of the pool's slots, against the weights of the other jobs.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 1, max = 100))]
    pub weight: u32,
    /// Whether to stop the work for now. What is finished is kept, and the job goes on from there.
    #[serde(default)]
    pub suspend: bool,
    /// Seconds after the end until the ImageJob is deleted; its output stays. Unset: kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 2147483647))]
    pub ttl_seconds_after_finished: Option<u32>,
    /// Seconds from the start until the job fails if it is not complete. Unset: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2147483647))]
    pub active_deadline_seconds: Option<u32>,
}

/// The rule that a field of the spec never changes, not even by way of being left out. A rule on the field itself would
/// not see that.
fn fixed(field: &str) -> serde_json::Value {
    let same = format!("!has(self.{field}) || self.{field} == oldSelf.{field}");
    serde_json::json!({
        "rule": format!("has(self.{field}) == has(oldSelf.{field}) && ({same})"),
        "fieldPath": format!(".{field}"),
        "message": "cannot be changed; only suspend, weight, ttlSecondsAfterFinished and activeDeadlineSeconds can. \
                    Delete the ImageJob and apply it again, or give the new one another name",
    })
}

fn default_pool() -> String {
    "default".to_owned()
}

fn default_retries() -> u32 {
    3
}

fn default_weight() -> u32 {
    1
}

/// The image to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The object, as `s3://bucket/key`. The pool's `allow.sources` must cover it.
    #[schemars(length(max = MAX_URI), extend("x-kubernetes-validations" = [object_rule()]))]
    pub uri: String,
    /// Which image of a TIFF of several pages, counted from 0.
    #[serde(default)]
    #[schemars(range(max = MAX_PAGE))]
    pub page: u32,
}

/// The largest number of a page.
pub(crate) const MAX_PAGE: u32 = 65_535;

/// Where the result goes. At most one of `png`, `jpeg`, `webp`, `tiff` and `cog`; with none, the ending of `uri` says the format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "[has(self.png), has(self.jpeg), has(self.webp), has(self.tiff), has(self.cog)].filter(given, given).size() <= 1",
        "message": "one output has one format: keep one of png, jpeg, webp, tiff and cog",
    },
    {
        "rule": "has(self.png) || has(self.jpeg) || has(self.webp) || has(self.tiff) || has(self.cog) || self.uri.matches('[.]([tT][iI][fF][fF]?|[pP][nN][gG]|[jJ][pP][eE]?[gG]|[wW][eE][bB][pP])$')",
        "fieldPath": ".uri",
        "message": "the name does not say the format: let it end in .tif, .tiff, .png, .jpg, .jpeg or .webp, or name the format beside uri, such as \"png: {}\"",
    },
]))]
pub struct Output {
    /// The object to write, as `s3://bucket/key`. The pool's `allow.outputs` must cover it.
    #[schemars(length(max = MAX_URI), extend("x-kubernetes-validations" = [object_rule()]))]
    pub uri: String,
    /// A PNG file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub png: Option<Png>,
    /// A baseline JPEG file, 4:2:0. At most 65,500 pixels wide and high, 8 bits, no alpha.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jpeg: Option<Jpeg>,
    /// A WebP file. At most 16,383 pixels wide and high, 8 bits; written by one pod, so the image has to fit in its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webp: Option<WebP>,
    /// A tiled TIFF file; BigTIFF where it may pass 4 GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiff: Option<Tiff>,
    /// A Cloud Optimized GeoTIFF: a tiled TIFF with overviews, which viewers open at once, however large it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cog: Option<Tiff>,
    /// What to do if the object exists already: refuse the job, or replace the object at the end.
    #[serde(default)]
    pub if_exists: IfExists,
}

/// The rule of an object's URI; `validate` says the same with more words.
fn object_rule() -> serde_json::Value {
    serde_json::json!({
        "rule": "self.matches('^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(.*[^/])$')",
        "message": "it must name one object as s3://bucket/key, such as s3://images/photo.tif",
    })
}

/// Options of a PNG file: none yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Png {}

/// Options of a JPEG file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Jpeg {
    /// Quality, as libjpeg counts it.
    #[schemars(range(min = 1, max = 100))]
    pub quality: u8,
}

impl Default for Jpeg {
    fn default() -> Jpeg {
        Jpeg { quality: DEFAULT_QUALITY }
    }
}

/// Options of a WebP file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WebP {
    /// Whether every sample is kept as it is.
    pub lossless: bool,
    /// Quality where it is not lossless, as libwebp counts it; 90 if left out.
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
}

/// Quality of a JPEG or a WebP where none is given.
pub(crate) const DEFAULT_QUALITY: u8 = 90;

/// Options of a TIFF file or a COG.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Tiff {
    /// Width and height of a tile in pixels.
    #[schemars(extend("enum" = [256, 512, 1024]))]
    pub tile: u32,
    /// How the tiles are compressed. All but jpeg are lossless.
    pub compression: Compression,
    /// Quality with `compression: jpeg`, as libjpeg counts it; 90 if left out.
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
}

impl Default for Tiff {
    fn default() -> Tiff {
        Tiff { tile: 512, compression: Compression::default(), quality: None }
    }
}

/// Compression of a TIFF's tiles: none; deflate, zstd (faster) or lzw (known to the oldest readers), each with the horizontal
/// predictor; or jpeg, for 8-bit images without alpha.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Compression {
    #[allow(missing_docs, reason = "a description of a variant would be taken for one of the field")]
    None,
    #[default]
    #[allow(missing_docs, reason = "as above")]
    Deflate,
    #[allow(missing_docs, reason = "as above")]
    Zstd,
    #[allow(missing_docs, reason = "as above")]
    Lzw,
    #[allow(missing_docs, reason = "as above")]
    Jpeg,
}

/// What to do with an output that exists: refuse the job, or replace the object at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IfExists {
    #[default]
    #[allow(missing_docs, reason = "a description of a variant would be taken for one of the field")]
    Fail,
    #[allow(missing_docs, reason = "as above")]
    Replace,
}
