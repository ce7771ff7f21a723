//! Writes what was decided. Every action may be repeated without harm; none decides anything.

use super::build::{job, plan};
use super::observe::Seen;
use super::release;
use crate::context::Ctx;
use crate::objects::{MANAGER, exists_is_fine, gone_is_fine};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use tessera_api::ImageJob;
use tessera_core::decision::{Action, Decision};
use tessera_core::name::{self, label};
use tessera_core::plan::Stage;
use tessera_operations::Operation;

/// A write failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot add the finalizer")]
    Finalizer(#[source] kube::Error),
    #[error("cannot store the plan")]
    CreatePlan(#[source] kube::Error),
    #[error("cannot create the Job of stage {stage}")]
    CreateJob { stage: &'static str, source: kube::Error },
    #[error("cannot change the Job of stage {stage}")]
    AdjustJob { stage: &'static str, source: kube::Error },
    #[error("cannot delete the Job of stage {stage}")]
    DeleteJob { stage: &'static str, source: kube::Error },
    #[error("cannot delete the Jobs")]
    Reopen(#[source] kube::Error),
    #[error("cannot release what the ImageJob holds")]
    Release(#[source] release::Error),
    #[error("cannot delete the ImageJob after its TTL")]
    DeleteImageJob(#[source] kube::Error),
}

/// Applies the actions in their order; the first failure ends it.
pub(crate) async fn apply(
    ctx: &Ctx,
    image_job: &ImageJob,
    seen: &Seen,
    decision: &Decision<Operation>,
) -> Result<(), Error> {
    for action in &decision.actions {
        apply_one(ctx, image_job, seen, action).await?;
    }
    Ok(())
}

async fn apply_one(
    ctx: &Ctx,
    image_job: &ImageJob,
    seen: &Seen,
    action: &Action<Operation>,
) -> Result<(), Error> {
    let namespace = image_job.namespace().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &namespace);
    match action {
        Action::CreatePlan(plan) => {
            // Before anything exists that only the finalizer would remove.
            add_finalizer(ctx, image_job).await.map_err(Error::Finalizer)?;
            let plans: Api<ConfigMap> = Api::namespaced(ctx.client.clone(), &namespace);
            let object = plan::build(image_job, plan, &ctx.config.worker_image);
            exists_is_fine(plans.create(&PostParams::default(), &object).await).map_err(Error::CreatePlan)
        }
        Action::CreateJob { stage, parallelism } => {
            let (Some(pool), Some(stored)) = (&seen.pool, &seen.stored) else { return Ok(()) };
            let inputs =
                job::Inputs { job: image_job, pool, stored, pull_policy: &ctx.config.worker_pull_policy };
            let before = ctx.ledger.asked_for(image_job, *stage);
            let parallelism = ctx.ledger.ask(image_job, *stage, *parallelism);
            if parallelism == 0 {
                return Ok(());
            }
            let object = job::build(&inputs, *stage, parallelism);
            let created = jobs.create(&PostParams::default(), &object).await;
            if created.is_err() {
                ctx.ledger.not_created(image_job, *stage, before);
            }
            exists_is_fine(created).map_err(|source| Error::CreateJob { stage: stage.name(), source })
        }
        Action::AdjustJob { stage, parallelism, suspend } => {
            let parallelism =
                if *suspend { *parallelism } else { ctx.ledger.ask(image_job, *stage, *parallelism) };
            let patch = serde_json::json!({ "spec": { "parallelism": parallelism, "suspend": suspend } });
            let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            let patched = jobs.patch(&job_name(image_job, *stage), &params, &Patch::Merge(patch)).await;
            gone_is_fine(patched).map_err(|source| Error::AdjustJob { stage: stage.name(), source })
        }
        Action::DeleteJob(stage) => {
            let deleted = jobs.delete(&job_name(image_job, *stage), &DeleteParams::background()).await;
            gone_is_fine(deleted).map_err(|source| Error::DeleteJob { stage: stage.name(), source })
        }
        Action::Reopen => {
            add_finalizer(ctx, image_job).await.map_err(Error::Finalizer)?;
            release::delete_jobs(ctx, image_job).await.map_err(Error::Reopen)
        }
        Action::Release => release::finished(ctx, image_job).await.map_err(Error::Release),
        Action::DeleteImageJob => delete(ctx, image_job).await.map_err(Error::DeleteImageJob),
    }
}

fn job_name(image_job: &ImageJob, stage: Stage) -> String {
    name::job(&image_job.name_any(), &image_job.uid().unwrap_or_default(), stage.name())
}

async fn add_finalizer(ctx: &Ctx, image_job: &ImageJob) -> kube::Result<()> {
    let add = |all: &mut Vec<String>| {
        if !all.iter().any(|one| one == label::FINALIZER) {
            all.push(label::FINALIZER.to_owned());
        }
    };
    release::change_finalizers(ctx, image_job, add).await
}

async fn delete(ctx: &Ctx, image_job: &ImageJob) -> kube::Result<()> {
    let api: Api<ImageJob> = Api::namespaced(ctx.client.clone(), &image_job.namespace().unwrap_or_default());
    let same = Preconditions { uid: image_job.meta().uid.clone(), resource_version: None };
    gone_is_fine(api.delete(&image_job.name_any(), &DeleteParams::background().preconditions(same)).await)
}
