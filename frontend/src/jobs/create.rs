//! Makes ImageJobs: from a request, again from one that has failed, and for view copies. What the operator would refuse is
//! refused here, before there is a job.

use super::request::{JobRequest, Prepared, Source, checked, prepare};
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

/// Makes a job that has ended anew, under another name and with another output; it says which one it repeats.
///
/// # Errors
/// It has not ended, or cannot be made.
pub(crate) async fn retry(app: &Shared, user: &User, old: &ImageJob) -> Result<ImageJob> {
    if !show::has_ended(old) {
        return Err(Refusal::conflict("this job has not ended: wait, or cancel it"));
    }
    check_number(app, user)?;
    let spec = serde_json::to_value(&old.spec).map_err(|error| Refusal::internal(&error))?;
    let mut manifest = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ImageJob",
        "metadata": {
            "name": names::job_name(&show::operation_names(old)),
            "namespace": app.config.namespace,
            "labels": { names::OWNER: user.owner, names::MANAGED_BY: names::MANAGER },
            "annotations": { names::RETRY_OF: old.name_any() },
        },
        "spec": spec,
    });
    for key in [names::TITLE, names::SOURCE_NAME] {
        if let Some(text) = old.annotations().get(key) {
            manifest["metadata"]["annotations"][key] = text.as_str().into();
        }
    }
    let ending = old.spec.output.uri.rsplit_once('.').map_or("tif", |(_, ending)| ending);
    let result = access::results(&app.config, user).object(&format!("{}.{ending}", names::random()));
    manifest["spec"]["output"]["uri"] = result.map_err(|error| Refusal::internal(&error))?.to_string().into();
    let (_, valid) = checked(&manifest)?;
    estimate::planned(app, &valid, &app.cluster.pool(&app.config.pool)?).await?;
    app.cluster.create(&manifest).await
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
