//! Makes ImageJobs, from a request and for view copies, and has failed ones tried again. What the operator would refuse is
//! refused here, before there is a job.

use super::request::{JobRequest, Prepared, Source, prepare};
use super::{estimate, names, show};
use crate::access;
use crate::app::Shared;
use crate::identity::User;
use crate::image::name_of;
use crate::refusal::{Refusal, Result};
use axum::http::StatusCode;
use kube::ResourceExt;
use serde_json::{Value, json};
use tessera_api::{GROUP, ImageJob, VERSION, WorkerPool};
use tessera_core::name::label;
use tessera_core::plan::Plan;
use tessera_operations::Operation;
use tessera_store::{Location, ObjectInfo};

/// A request that has been checked against its image and its pool.
pub(crate) struct Ready {
    pub(crate) prepared: Prepared,
    pub(crate) plan: Plan<Operation>,
    pub(crate) pool: WorkerPool,
}

/// Checks a request in every way.
///
/// # Errors
/// Whatever is in its way, for the user.
pub(crate) async fn ready(app: &Shared, user: &User, request: &JobRequest) -> Result<Ready> {
    let (at, _) = access::open(&app.config, &app.cluster, user, &request.source)?;
    let pool = app.cluster.pool(&app.config.pool)?;
    let name = source_name(app, &at).await?;
    let prepared = prepare(&app.config, user, request, &Source { at: &at, name: &name })?;
    let plan = estimate::planned(app, &prepared.valid, &pool).await?;
    Ok(Ready { prepared, plan, pool })
}

/// What the file of a source is called: an upload by its name, a result by that of its job.
async fn source_name(app: &Shared, at: &Location) -> Result<String> {
    match app.cluster.job_of_output(at) {
        Some(job) => Ok(show::file_name(&job)),
        None => Ok(name_of(&app.store.head(at).await?)),
    }
}

/// Makes the job of a request.
///
/// # Errors
/// Whatever is in its way, for the user.
pub(crate) async fn create(app: &Shared, user: &User, request: &JobRequest) -> Result<ImageJob> {
    check_number(app, user)?;
    let ready = ready(app, user, request).await?;
    app.cluster.create(&ready.prepared.manifest).await
}

fn check_number(app: &Shared, user: &User) -> Result<()> {
    let open = |job: &&ImageJob| names::owner(job) == Some(&user.owner) && !show::has_ended(job);
    let unfinished = app.cluster.jobs().iter().filter(open).count();
    if unfinished < app.config.owner_jobs as usize {
        return Ok(());
    }
    let text = format!(
        "{unfinished} of your jobs are unfinished, which is the most here: wait until some have ended"
    );
    Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TooManyJobs", text))
}

/// Has a failed job tried again: the operator takes up the next number, and computes only what is missing.
///
/// # Errors
/// It has not failed.
pub(crate) async fn retry(app: &Shared, old: &ImageJob) -> Result<ImageJob> {
    if !show::has_ended(old) {
        return Err(Refusal::conflict("this job has not ended: wait, or cancel it"));
    }
    if show::is_complete(old) {
        return Err(Refusal::conflict(
            "this job is complete: convert the image again to have another result",
        ));
    }
    let asked = old.annotations().get(label::RETRY).and_then(|number| number.parse().ok()).unwrap_or(0u32);
    let taken = old.status.as_ref().and_then(|status| status.retried).unwrap_or(0);
    let next = asked.max(taken).saturating_add(1);
    app.cluster.annotate(&old.name_any(), label::RETRY, &next.to_string()).await
}

/// The ImageJob that makes the view copy of an image.
#[expect(clippy::too_many_arguments, reason = "what the manifest is made of")]
pub(crate) fn view_job(
    app: &Shared,
    user: &User,
    name: &str,
    image: &ObjectInfo,
    to: &Location,
    kept: u32,
) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ImageJob",
        "metadata": {
            "name": name,
            "namespace": app.config.namespace,
            "labels": {
                names::OWNER: user.owner,
                names::MANAGED_BY: names::MANAGER,
                names::VIEW: "true",
            },
        },
        "spec": {
            "pool": app.config.pool,
            "source": { "uri": image.at.to_string() },
            "operations": [],
            "output": { "uri": to.to_string(), "cog": {}, "ifExists": "Replace" },
            "ttlSecondsAfterFinished": kept,
        },
    })
}
