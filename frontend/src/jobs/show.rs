//! A job as the page shows it: its ImageJob, in the page's words. Pure; which part of the picture is ready is handed in.

use super::names;
use crate::access::id_of;
use crate::catalog;
use crate::image::second;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::Value;
use tessera_api::conditions::{ConditionType, get, is_true};
use tessera_api::imagejob::{ImageStatus, State, TilesStatus};
use tessera_api::uri::{Locations, Uri};
use tessera_api::{ImageJob, validate};
use tessera_core::geometry::Size;
use tessera_core::operation::{Chain, Extent, Planned};
use tessera_core::output::OutputFormat;
use tessera_core::pixel::{Channels, Depth, PixelType};
use utoipa::ToSchema;

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    pub(crate) name: String,
    title: String,
    /// Pending, Waiting, Running, Suspended, Complete or Failed.
    pub(crate) state: String,
    reason: Option<String>,
    /// In plain words, with what to do.
    message: Option<String>,
    /// Of 100.
    progress: u32,
    tiles: Option<JobTiles>,
    stage: Option<JobStage>,
    workers: u32,
    retries: u32,
    throughput: Option<String>,
    /// In the queue of the pool, from 1.
    place: Option<u32>,
    pub(crate) created: String,
    started: Option<String>,
    completed: Option<String>,
    eta: Option<String>,
    expires: Option<String>,
    /// It was made with kubectl.
    read_only: bool,
    source: JobSource,
    operations: Vec<Value>,
    output: JobOutput,
    /// Finished rectangles of the output: left, top, width, height.
    #[schema(value_type = Vec<Vec<u32>>)]
    ready: Vec<[u32; 4]>,
}

/// Tiles of the output.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct JobTiles {
    total: u64,
    done: u64,
    running: u64,
    failed: u64,
}

/// The step that runs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct JobStage {
    name: String,
    number: u32,
    of: u32,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct JobSource {
    id: String,
    uri: String,
    name: String,
    width: Option<u32>,
    height: Option<u32>,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct JobOutput {
    uri: String,
    format: String,
    size: Option<u64>,
    etag: Option<String>,
    /// Its identifier, when it is complete.
    image: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    /// Of the file, when it is downloaded.
    name: String,
}

/// Whether it has ended, well or not.
pub(crate) fn has_ended(job: &ImageJob) -> bool {
    holds(job, ConditionType::Finished)
}

/// Whether its output is in its place.
pub(crate) fn is_complete(job: &ImageJob) -> bool {
    holds(job, ConditionType::Complete)
}

fn holds(job: &ImageJob, kind: ConditionType) -> bool {
    job.status.as_ref().is_some_and(|status| is_true(&status.conditions, kind))
}

/// The names of its operations, in order.
pub(crate) fn operation_names(job: &ImageJob) -> Vec<String> {
    job.spec.operations.iter().map(|operation| operation.name().to_owned()).collect()
}

/// The job, and the finished rectangles of its output.
pub(crate) fn job(job: &ImageJob, ready: Vec<[u32; 4]>) -> Job {
    let status = job.status.clone().unwrap_or_default();
    let time = |time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        time.as_ref().map(|time| second(time.0))
    };
    Job {
        name: job.name_any(),
        title: title(job),
        state: format!("{:?}", status.state.unwrap_or(State::Pending)),
        reason: status.reason.clone(),
        message: message(job),
        progress: status.progress.unwrap_or(0),
        tiles: status.tiles.as_ref().map(tiles),
        stage: status.stage.clone().map(|stage| JobStage {
            name: stage.name,
            number: stage.number,
            of: stage.of,
        }),
        workers: status.workers.unwrap_or(0),
        retries: status.retries.unwrap_or(0),
        throughput: status.throughput.clone(),
        place: status.place,
        created: time(&job.meta().creation_timestamp).unwrap_or_default(),
        started: time(&status.start_time),
        completed: ended_at(job).map(second),
        eta: time(&status.estimated_completion_time),
        expires: expires(job),
        read_only: names::owner(job).is_none(),
        source: source(job),
        operations: job.spec.operations.iter().filter_map(|one| serde_json::to_value(one).ok()).collect(),
        output: output(job),
        ready,
    }
}

impl Job {
    /// Whether `text`, in lower case, is part of what people know it by.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        [&self.title, &self.name, &self.source.name].iter().any(|said| said.to_lowercase().contains(text))
    }
}

fn tiles(tiles: &TilesStatus) -> JobTiles {
    JobTiles { total: tiles.total, done: tiles.done, running: tiles.running, failed: tiles.failed }
}

/// What the condition says that makes the state what it is.
pub(crate) fn message(job: &ImageJob) -> Option<String> {
    let status = job.status.as_ref()?;
    let by = match status.state? {
        State::Failed => [ConditionType::Failed, ConditionType::Accepted],
        State::Complete => return None,
        State::Pending | State::Waiting => [ConditionType::Progressing, ConditionType::Accepted],
        State::Running | State::Suspended => [ConditionType::Progressing, ConditionType::Progressing],
    };
    let said = by.into_iter().find_map(|kind| get(&status.conditions, kind));
    said.map(|condition| condition.message.clone()).filter(|text| !text.is_empty())
}

fn ended_at(job: &ImageJob) -> Option<jiff::Timestamp> {
    let finished = get(&job.status.as_ref()?.conditions, ConditionType::Finished)?;
    (finished.status == "True").then_some(finished.last_transition_time.0)
}

/// When Kubernetes deletes it.
fn expires(job: &ImageJob) -> Option<String> {
    let seconds = i64::from(job.spec.ttl_seconds_after_finished?);
    ended_at(job)?.checked_add(jiff::SignedDuration::from_secs(seconds)).ok().map(second)
}

/// What the user called it, else what it does.
fn title(job: &ImageJob) -> String {
    if let Some(title) = job.annotations().get(names::TITLE) {
        return title.clone();
    }
    let names = operation_names(job);
    let labels: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let label = catalog::label(name);
            if index == 0 { label } else { label.to_lowercase() }
        })
        .collect();
    let what = if labels.is_empty() { "Convert".to_owned() } else { labels.join(", ") };
    format!("{what} \u{2013} {}", source_name(job))
}

fn source_name(job: &ImageJob) -> String {
    let given = job.annotations().get(names::SOURCE_NAME).cloned();
    given.unwrap_or_else(|| job.spec.source.uri.rsplit('/').next().unwrap_or_default().to_owned())
}

fn source(job: &ImageJob) -> JobSource {
    let image = job.status.as_ref().and_then(|status| status.image.as_ref());
    JobSource {
        id: id_of(&job.spec.source.uri),
        uri: job.spec.source.uri.clone(),
        name: source_name(job),
        width: image.map(|image| image.width),
        height: image.map(|image| image.height),
    }
}

fn output(job: &ImageJob) -> JobOutput {
    let uri = job.spec.output.uri.clone();
    let written = job.status.as_ref().and_then(|status| status.output.as_ref());
    let size = output_size(job);
    JobOutput {
        format: format_name(job).to_owned(),
        size: written.map(|written| written.size),
        etag: written.map(|written| written.etag.clone()),
        image: is_complete(job).then(|| id_of(&uri)),
        width: size.map(|size| size.width),
        height: size.map(|size| size.height),
        name: file_name(job),
        uri,
    }
}

/// The format as a request calls it.
fn format_name(job: &ImageJob) -> &'static str {
    match validate(&job.spec, Locations::Cluster).map(|valid| valid.output.format) {
        Ok(OutputFormat::Png) => "png",
        Ok(OutputFormat::Jpeg { .. }) => "jpeg",
        Ok(OutputFormat::WebP { .. }) => "webp",
        Ok(OutputFormat::Cog { .. }) => "cog",
        Ok(OutputFormat::Tiff { .. }) | Err(_) => "tiff",
    }
}

/// The name that a downloaded result has: the title, or the source's name with what was done.
pub(crate) fn file_name(job: &ImageJob) -> String {
    let uri = Uri::parse(&job.spec.output.uri, Locations::Cluster).ok();
    let ending = uri.and_then(|uri| uri.extension()).unwrap_or_else(|| "tif".to_owned());
    if names::owner(job).is_none() {
        return job.spec.output.uri.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(title) = job.annotations().get(names::TITLE) {
        return format!("{title}.{ending}");
    }
    let name = source_name(job);
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let done: Vec<String> = operation_names(job).iter().map(|name| names::kebab(name)).collect();
    match done.as_slice() {
        [] => format!("{stem}.{ending}"),
        [one] => format!("{stem}-{one}.{ending}"),
        [.., last] => format!("{stem}-{last}.{ending}"),
    }
}

/// Width and height of the output, from the source's header and the chain.
fn output_size(job: &ImageJob) -> Option<Size> {
    let extent = extent(job.status.as_ref()?.image.as_ref()?)?;
    let steps = job.spec.operations.iter().map(|step| step as &dyn Planned).collect();
    Some(Chain::new(steps, extent).ok()?.output().size)
}

fn extent(image: &ImageStatus) -> Option<Extent> {
    let channels = match image.channels {
        1 => Channels::Gray,
        2 => Channels::GrayAlpha,
        3 => Channels::Rgb,
        4 => Channels::Rgba,
        _ => return None,
    };
    let depth = if image.bit_depth == 16 { Depth::U16 } else { Depth::U8 };
    Some(Extent { size: Size::new(image.width, image.height), pixel: PixelType::new(channels, depth) })
}
