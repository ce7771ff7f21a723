//! What one machine makes of a job: the same plan and the worker's own library, in one process, in memory, in one piece.
//! The cluster's bytes are compared with it. It sees no cluster and no object store.

use anyhow::{Context as _, Result, anyhow};
use std::sync::Arc;
use tessera_api::ImageJob;
use tessera_api::uri::Locations;
use tessera_core::plan::{IfExists, Limits, Request, Spread, plan};
use tessera_core::record::Published;
use tessera_store::{Location, MemoryStore, PutOptions, Store};
use tessera_worker::{Context, Stores, run_whole};

/// Threads of the local run: another number than a worker has, since the bytes may not depend on it.
const THREADS: usize = 2;

/// A file as one machine makes it.
pub struct Reference {
    /// The file.
    pub bytes: Vec<u8>,
    /// What is recorded of it.
    pub published: Published,
}

/// Runs `job` on `source`.
///
/// # Errors
/// The job or the source are such that it fails.
pub async fn run(job: &ImageJob, source: &[u8]) -> Result<Reference> {
    let valid = tessera_api::validate(&job.spec, Locations::Cluster)
        .map_err(|problems| anyhow!("the test's job is invalid: {problems:?}"))?;
    let from = Location::new(&valid.source.bucket, &valid.source.key)?;
    let to = Location::new(&valid.output.uri.bucket, &valid.output.uri.key)?;
    let store = Arc::new(MemoryStore::new(&["images", "results"]));
    store.put(&from, source.to_vec().into(), &PutOptions::default()).await?;
    let probed = tessera_probe::probe(store.as_ref(), &from).await?;
    let plan = plan(Request {
        job: "local".into(),
        source_uri: from.to_string(),
        page: 0,
        source_etag: probed.info.etag,
        image: probed.image,
        operations: valid.operations,
        output_uri: to.to_string(),
        format: valid.output.format,
        if_exists: IfExists::Replace,
        scratch: "s3://results/.scratch/local/".into(),
        limits: Limits { pixels: 1 << 40, operations: 32, memory: 8 << 30 },
        spread: Spread::Whole,
    })?;
    let context = Context::new(Stores::none().with_objects(store.clone()), THREADS)?;
    let published = run_whole(&context, &plan, &plan.digest()).await.context("the run on one machine")?;
    let bytes = store.get(&to).await?.1.to_vec();
    Ok(Reference { bytes, published })
}
