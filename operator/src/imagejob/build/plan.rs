//! The ConfigMap that holds the plan. Immutable: a plan is made once.

use super::metadata;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use std::collections::BTreeMap;
use tessera_api::ImageJob;
use tessera_core::name;
use tessera_core::plan::Plan;
use tessera_operations::Operation;

/// The key of the plan's JSON, and the name of its file in a worker.
pub(crate) const PLAN: &str = "plan.json";

/// The key of the worker's image that runs the plan.
const WORKER_IMAGE: &str = "workerImage";

/// The ConfigMap for `plan`, run by `worker_image`.
pub(crate) fn build(job: &ImageJob, plan: &Plan<Operation>, worker_image: &str) -> ConfigMap {
    let data = BTreeMap::from([
        (PLAN.to_owned(), plan.to_json()),
        (WORKER_IMAGE.to_owned(), worker_image.to_owned()),
    ]);
    ConfigMap {
        metadata: metadata(job, name::plan(&job.name_any(), &job.uid().unwrap_or_default())),
        data: Some(data),
        immutable: Some(true),
        ..ConfigMap::default()
    }
}

/// A plan as it was stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredPlan {
    pub(crate) plan: Plan<Operation>,
    /// SHA-256 of its JSON.
    pub(crate) digest: String,
    /// The worker's image that was current when the plan was made.
    pub(crate) worker_image: String,
}

/// Reads the plan back; `None` if this version cannot.
pub(crate) fn read(stored: &ConfigMap) -> Option<StoredPlan> {
    let data = stored.data.as_ref()?;
    let json = data.get(PLAN)?;
    Some(StoredPlan {
        plan: serde_json::from_str(json).ok()?,
        digest: tessera_core::record::sha256(json.as_bytes()),
        worker_image: data.get(WORKER_IMAGE)?.clone(),
    })
}
