//! From a checked job to its plan: looks at the source's header and at the output's place. Reads only, no pixel, starts nothing.

use crate::context::Ctx;
use kube::{Resource, ResourceExt};
use std::sync::Arc;
use tessera_api::uri::Uri;
use tessera_api::{ImageJob, ValidJob, WorkerPool};
use tessera_core::name::{Scratch, label};
use tessera_core::observed::Problem;
use tessera_core::plan::{IfExists, Limits, Plan, PlanRefusal, Request, Spread, plan};
use tessera_core::reason::Reason;
use tessera_operations::Operation;
use tessera_probe::{ProbeError, ProbeKind, Probed, probe_page};
use tessera_store::{ErrorKind, Location, Prefix, Store, StoreError};

/// What was found, for the plan and for the status.
pub(crate) struct Planned {
    pub(crate) plan: Plan<Operation>,
    /// Name of the source's format.
    pub(crate) format: &'static str,
}

/// Makes the plan of `job`.
///
/// # Errors
/// Whatever is in the way, as something to tell the user.
pub(crate) async fn make_plan(
    ctx: &Ctx,
    job: &ImageJob,
    valid: &ValidJob,
    pool: &WorkerPool,
    store: &Arc<dyn Store>,
) -> Result<Planned, Problem> {
    check_allowed(valid, pool)?;
    check_rivals(ctx, job)?;
    let source = location(&valid.source)?;
    let probed =
        probe_page(store.as_ref(), &source, valid.page).await.map_err(|error| source_problem(&error))?;
    check_output(job, valid, store.as_ref()).await?;
    let format = probed.header.format();
    let request = request(job, valid, pool, probed)?;
    let plan = plan(request).map_err(|refusal| match refusal {
        PlanRefusal::TooLarge(text) => Problem::new(Reason::ImageTooLarge, text),
        PlanRefusal::Chain(text) => Problem::new(Reason::UnsupportedChain, text),
    })?;
    Ok(Planned { plan, format })
}

fn request(
    job: &ImageJob,
    valid: &ValidJob,
    pool: &WorkerPool,
    probed: Probed,
) -> Result<Request<Operation>, Problem> {
    let uid = job.uid().unwrap_or_default();
    let scratch: Prefix = pool.spec.store.scratch.parse().map_err(|error| store_problem(&error))?;
    let place = Scratch::new(scratch.path(), &uid);
    Ok(Request {
        source_uri: valid.source.to_string(),
        page: valid.page,
        source_etag: probed.info.etag,
        image: probed.image,
        operations: valid.operations.clone(),
        output_uri: valid.output.uri.to_string(),
        format: valid.output.format,
        if_exists: match valid.output.if_exists {
            tessera_api::imagejob::IfExists::Fail => IfExists::Fail,
            tessera_api::imagejob::IfExists::Replace => IfExists::Replace,
        },
        scratch: format!("s3://{}/{}", scratch.bucket(), place.prefix()),
        limits: limits(pool),
        spread: spread(job, pool),
        job: uid,
    })
}

fn limits(pool: &WorkerPool) -> Limits {
    Limits {
        pixels: pool.spec.limits.pixels,
        operations: pool.spec.limits.operations,
        memory: pool.spec.worker.memory_bytes(),
    }
}

/// The annotation asks for a number of shards; whatever it is, the file is the same.
fn spread(job: &ImageJob, pool: &WorkerPool) -> Spread {
    let asked = job.annotations().get(label::SHARDS).and_then(|text| text.parse().ok());
    let by_cost = if pool.spec.worker.spot { Spread::Brief } else { Spread::Auto };
    asked.map_or(by_cost, Spread::Shards)
}

/// The pool's owner decides what its credentials are used for, not whoever may create an ImageJob.
fn check_allowed(valid: &ValidJob, pool: &WorkerPool) -> Result<(), Problem> {
    let allowed =
        |prefixes: &[String], uri: &str| prefixes.iter().any(|prefix| uri.starts_with(prefix.as_str()));
    let text = |uri: &str, list: &str| {
        format!(
            "WorkerPool {} does not allow {uri}: add its prefix to spec.allow.{list} of the pool",
            pool.name_any()
        )
    };
    let (source, output) = (valid.source.to_string(), valid.output.uri.to_string());
    if !allowed(&pool.spec.allow.sources, &source) {
        return Err(Problem::new(Reason::SourceDenied, text(&source, "sources")));
    }
    if !allowed(&pool.spec.allow.outputs, &output) {
        return Err(Problem::new(Reason::OutputDenied, text(&output, "outputs")));
    }
    Ok(())
}

/// Of two live jobs that write one object, the one goes on that was accepted first: by this time the younger one of the
/// same second (UIDs have no order of time) may run already. Of two that were not, the older.
fn check_rivals(ctx: &Ctx, job: &ImageJob) -> Result<(), Problem> {
    let age = |job: &ImageJob| (job.meta().creation_timestamp.clone().map(|time| time.0), job.uid());
    let goes_first = |other: &ImageJob| {
        other.spec.output.uri == job.spec.output.uri
            && other.namespace() == job.namespace()
            && other.uid() != job.uid()
            && (super::status::is_accepted(other) || age(other) < age(job))
            && !super::status::has_ended(other)
    };
    match ctx
        .watches
        .image_jobs
        .cache()
        .state()
        .iter()
        .filter_map(|other| other.0.as_ref().ok())
        .find(|other| goes_first(other))
    {
        None => Ok(()),
        Some(rival) => Err(Problem::new(
            Reason::OutputConflict,
            format!(
                "ImageJob {} writes {} already: choose another output, or wait until it has finished",
                rival.name_any(),
                job.spec.output.uri
            ),
        )),
    }
}

/// The output's place must be free, or may be replaced; what this job itself has published there does not count.
async fn check_output(job: &ImageJob, valid: &ValidJob, store: &dyn Store) -> Result<(), Problem> {
    let at = location(&valid.output.uri)?;
    match store.head(&at).await {
        Ok(info) => {
            let own = info.metadata.get(label::PUBLISHED_BY) == job.uid().as_ref();
            if own || valid.output.if_exists == tessera_api::imagejob::IfExists::Replace {
                return Ok(());
            }
            let text =
                format!("{at} exists already: set spec.output.ifExists to Replace, or choose another output");
            Err(Problem::new(Reason::OutputConflict, text))
        }
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(()),
            ErrorKind::Denied | ErrorKind::NoSuchBucket => {
                Err(Problem::new(Reason::OutputDenied, error.to_string()))
            }
            _ => Err(unreachable_store(&error)),
        },
    }
}

fn source_problem(error: &ProbeError) -> Problem {
    let reason = match error.kind() {
        ProbeKind::NotFound | ProbeKind::NoSuchBucket => Reason::SourceNotFound,
        ProbeKind::Denied => Reason::SourceDenied,
        ProbeKind::Unsupported => Reason::UnsupportedImage,
        ProbeKind::Malformed => Reason::BadInput,
        ProbeKind::Changed | ProbeKind::Unreachable => Reason::StoreUnavailable,
    };
    Problem::new(reason, error.to_string())
}

/// The store does not answer: something to wait for.
pub(crate) fn unreachable_store(error: &StoreError) -> Problem {
    Problem::new(Reason::StoreUnavailable, error.to_string())
}

fn store_problem(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Reason::StoreUnavailable, format!("spec.store.scratch of the WorkerPool: {error}"))
}

fn location(uri: &Uri) -> Result<Location, Problem> {
    Location::new(&uri.bucket, &uri.key).map_err(|error| Problem::new(Reason::InvalidSpec, error.to_string()))
}
