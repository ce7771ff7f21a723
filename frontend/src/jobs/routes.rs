//! The routes of jobs. What a job is, and how it is made, is elsewhere.

use super::request::JobRequest;
use super::{create, estimate, names, ready, show};
use crate::access;
use crate::app::Shared;
use crate::identity::User;
use crate::refusal::{Refusal, Result};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use kube::{Resource, ResourceExt};
use serde::{Deserialize, Serialize};
use tessera_api::ImageJob;
use tessera_store::Location;
use utoipa::{IntoParams, ToSchema};

/// Jobs on a page of the list.
const PAGE: usize = 50;
const MOST: usize = 500;

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct ListAsked {
    /// States, separated by commas; without: all.
    state: Option<String>,
    /// A part of the title, the name or the source's name.
    search: Option<String>,
    /// Jobs on a page, at most 500.
    limit: Option<usize>,
    /// What the page before ended with.
    #[serde(rename = "continue")]
    from: Option<String>,
}

/// A page of jobs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jobs {
    jobs: Vec<show::Job>,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// What to delete beside the job.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct DeleteAsked {
    /// `1`: its result too.
    result: Option<String>,
}

/// A job as it is shown.
async fn shown(app: &Shared, job: &ImageJob) -> show::Job {
    show::job(job, ready::rectangles(app, job).await)
}

/// What a job would take, and its YAML. Makes nothing.
#[utoipa::path(post, path = "/plan", tag = "jobs", request_body = JobRequest,
    responses((status = 200, body = estimate::Estimate), (status = 422, description = "It cannot be done; the message says why")))]
pub(crate) async fn plan(
    State(app): State<Shared>,
    user: User,
    Json(request): Json<JobRequest>,
) -> Result<Json<estimate::Estimate>> {
    let ready = create::ready(&app, &user, &request).await?;
    Ok(Json(estimate::estimate(&ready.prepared, &ready.plan, &ready.pool)?))
}

/// Makes a job.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body = JobRequest,
    responses((status = 201, body = show::Job), (status = 422, description = "It cannot be done; the message says why")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    user: User,
    Json(request): Json<JobRequest>,
) -> Result<(StatusCode, Json<show::Job>)> {
    let job = create::create(&app, &user, &request).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &job).await)))
}

/// One's own jobs, and those that were made with kubectl, the newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(ListAsked), responses((status = 200, body = Jobs)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    user: User,
    Query(asked): Query<ListAsked>,
) -> Result<Json<Jobs>> {
    let mut found = app.cluster.jobs();
    found.retain(|job| names::is_visible(job, &user) && matches(job, &asked));
    found.sort_by_key(token);
    found.reverse();
    if let Some(from) = asked.from.as_deref() {
        found.retain(|job| token(job).as_str() < from);
    }
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(token);
    let mut jobs = Vec::new();
    for job in &found {
        jobs.push(shown(&app, job).await);
    }
    Ok(Json(Jobs { jobs, next }))
}

/// Where a job stands in the list: it grows with its creation.
fn token(job: &ImageJob) -> String {
    let created = job.meta().creation_timestamp.as_ref().map_or(0, |time| time.0.as_second());
    format!("{created:012}.{}", job.name_any())
}

fn matches(job: &ImageJob, asked: &ListAsked) -> bool {
    let shown = show::job(job, Vec::new());
    let states = asked.state.as_deref().filter(|states| !states.is_empty());
    let right_state =
        states.is_none_or(|states| states.split(',').any(|state| state.eq_ignore_ascii_case(&shown.state)));
    let search =
        asked.search.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_lowercase);
    right_state && search.is_none_or(|text| shown.mentions(&text))
}

/// A job.
#[utoipa::path(get, path = "/jobs/{name}", tag = "jobs", params(("name" = String, Path)),
    responses((status = 200, body = show::Job), (status = 404)))]
pub(crate) async fn show(
    State(app): State<Shared>,
    user: User,
    Path(name): Path<String>,
) -> Result<Json<show::Job>> {
    let job = app.cluster.visible(&user, &name)?;
    Ok(Json(shown(&app, &job).await))
}

/// Cancels a job that runs, or removes one that has ended. A result stays, unless it is to be deleted too.
#[utoipa::path(delete, path = "/jobs/{name}", tag = "jobs", params(("name" = String, Path), DeleteAsked),
    responses((status = 204), (status = 403, description = "It was made with kubectl"), (status = 404)))]
pub(crate) async fn delete(
    State(app): State<Shared>,
    user: User,
    Path(name): Path<String>,
    Query(asked): Query<DeleteAsked>,
) -> Result<StatusCode> {
    let job = app.cluster.own(&user, &name)?;
    app.cluster.delete(&name).await?;
    if asked.result.as_deref() == Some("1")
        && let Ok(at) = job.spec.output.uri.parse::<Location>()
        && (access::results(&app.config, &user).contains(&at) || is_as_written(&app, &job, &at).await)
    {
        app.store.delete(&[at]).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the object is still what the job has written: anywhere else than among one's own results, others may have replaced
/// it.
async fn is_as_written(app: &Shared, job: &ImageJob, at: &Location) -> bool {
    let written = job.status.as_ref().and_then(|status| status.output.as_ref());
    let Some(written) = written.filter(|_| show::is_complete(job)) else { return false };
    app.store.head(at).await.is_ok_and(|info| info.etag == written.etag)
}

/// Has a failed job tried again; what is finished is not computed again.
#[utoipa::path(post, path = "/jobs/{name}/retry", tag = "jobs", params(("name" = String, Path)),
    responses((status = 200, body = show::Job), (status = 409, description = "It has not failed")))]
pub(crate) async fn retry(
    State(app): State<Shared>,
    user: User,
    Path(name): Path<String>,
) -> Result<Json<show::Job>> {
    let old = app.cluster.own(&user, &name)?;
    let job = create::retry(&app, &old).await?;
    Ok(Json(shown(&app, &job).await))
}

/// The ImageJob, as one would write it.
#[utoipa::path(get, path = "/jobs/{name}/yaml", tag = "jobs", params(("name" = String, Path)),
    responses((status = 200, content_type = "text/yaml", body = String), (status = 404)))]
pub(crate) async fn yaml(
    State(app): State<Shared>,
    user: User,
    Path(name): Path<String>,
) -> Result<impl IntoResponse> {
    let mut job = app.cluster.visible(&user, &name)?;
    let meta = std::mem::take(&mut job.metadata);
    job.status = None;
    job.metadata.name = meta.name;
    job.metadata.namespace = meta.namespace;
    job.metadata.labels = meta.labels;
    job.metadata.annotations = meta.annotations.map(|mut annotations| {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        annotations
    });
    let text = serde_norway::to_string(&job).map_err(|error| Refusal::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/yaml; charset=utf-8")], text))
}
