//! The environment of a pod, parsed and checked once. Nothing else in this crate reads it.

use std::sync::Arc;

use tessera_core::plan::Stage;
use tessera_operations::Operation;
use tessera_store::{S3Store, StoreConfig};
use tessera_worker::{Stores, WorkError, parse_plan};
use tracing_subscriber::EnvFilter;

/// The plan as the worker carries it out.
pub(crate) type Plan = tessera_core::plan::Plan<Operation>;

/// What this process is to do.
pub(crate) struct Work {
    pub(crate) plan: Plan,
    pub(crate) digest: String,
    pub(crate) stage: Stage,
    pub(crate) shard: u32,
    pub(crate) stores: Stores,
    pub(crate) threads: usize,
}

/// The store's variables as the operator sets them, and the names by which [`StoreConfig`] knows them.
const STORE: &[(&str, &str)] = &[
    ("AWS_ENDPOINT_URL", "TESSERA_STORE_ENDPOINT"),
    ("AWS_REGION", "TESSERA_STORE_REGION"),
    ("TESSERA_S3_PATH_STYLE", "TESSERA_STORE_PATH_STYLE"),
    ("AWS_REQUEST_CHECKSUM_CALCULATION", "TESSERA_STORE_CHECKSUMS"),
];

impl Work {
    /// Reads the environment and the plan's file.
    pub(crate) fn from_environment() -> Result<Work, WorkError> {
        let path = variable("TESSERA_PLAN").unwrap_or_else(|| "/etc/tessera/plan.json".into());
        let digest = required("TESSERA_PLAN_DIGEST")?;
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|error| WorkError::Plan(format!("{path} can't be read: {error}")))?;
        let name = required("TESSERA_STAGE")?;
        let unknown = || WorkError::Plan(format!("there is no stage {name}"));
        Ok(Work {
            plan: parse_plan(&text, &digest)?,
            stage: Stage::from_name(&name).ok_or_else(unknown)?,
            shard: number("JOB_COMPLETION_INDEX")?.unwrap_or(0),
            stores: stores()?,
            threads: number("TESSERA_THREADS")?.unwrap_or_else(processors),
            digest,
        })
    }
}

fn stores() -> Result<Stores, WorkError> {
    let config = StoreConfig::from_variables(|name| {
        let ours = STORE.iter().find(|(theirs, _)| *theirs == name);
        ours.and_then(|(_, ours)| variable(ours)).map(checksums).or_else(|| variable(name))
    });
    let config = config.map_err(|error| WorkError::Plan(error.to_string()))?;
    let store = S3Store::new(&config).map_err(|error| WorkError::Plan(error.to_string()))?;
    Ok(Stores::none().with_objects(Arc::new(store)))
}

/// The API's name of a checksum mode as the S3 variables have it; any other value as it is.
fn checksums(value: String) -> String {
    match value.as_str() {
        "WhenSupported" => "when_supported".into(),
        "WhenRequired" => "when_required".into(),
        _ => value,
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &str) -> Result<String, WorkError> {
    variable(name).ok_or_else(|| WorkError::Plan(format!("{name} is not set")))
}

fn number<T: std::str::FromStr>(name: &str) -> Result<Option<T>, WorkError> {
    let wrong = |value: &String| WorkError::Plan(format!("{name} is {value}, which is no number that fits"));
    variable(name).map(|value| value.parse().map_err(|_| wrong(&value))).transpose()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// `TESSERA_LOG`, or what happens without detail.
pub(crate) fn log_filter() -> EnvFilter {
    let quiet = || EnvFilter::new("info,aws_config=warn,aws_smithy_runtime=warn");
    variable("TESSERA_LOG").and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(quiet)
}

/// Where the termination message goes.
pub(crate) fn termination_log() -> String {
    variable("TESSERA_TERMINATION_LOG").unwrap_or_else(|| "/dev/termination-log".into())
}
