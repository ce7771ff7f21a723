//! The objects that an ImageJob owns, one file each. Pure: no client, no clock.

pub(crate) mod job;
pub(crate) mod plan;
mod spot;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use std::collections::BTreeMap;
use tessera_api::ImageJob;
use tessera_core::name::{label, label_value};

/// Name, labels and owner of an object of `job`.
fn metadata(job: &ImageJob, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: job.namespace(),
        labels: Some(labels(job)),
        owner_references: job.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The labels of everything that belongs to `job`.
fn labels(job: &ImageJob) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app.kubernetes.io/part-of".to_owned(), "tessera".to_owned()),
        (label::JOB_UID.to_owned(), job.uid().unwrap_or_default()),
        (label::JOB_NAME.to_owned(), label_value(&job.name_any())),
        (label::POOL.to_owned(), label_value(&job.spec.pool)),
    ])
}
