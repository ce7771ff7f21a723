//! From a job file to a plan: read, validate, probe, plan. It runs nothing.

use std::io::Read;
use std::path::Path;

use tessera_api::uri::{Locations, Scheme, Uri};
use tessera_api::{ValidJob, imagejob};
use tessera_core::plan::{IfExists, Limits, Plan, Request, Spread, plan};
use tessera_operations::Operation;
use tessera_probe::Probed;
use tessera_store::Location;
use tessera_worker::Stores;

use crate::failure::Failure;
use crate::machine;

/// The limits of a pool, which hold here as well.
const PIXELS: u64 = 100_000_000_000;
const OPERATIONS: u32 = 32;

/// A checked job with addresses and stores.
pub(crate) struct Job {
    pub(crate) valid: ValidJob,
    pub(crate) source: Location,
    pub(crate) output: Location,
    pub(crate) stores: Stores,
}

/// How a job is to be planned.
pub(crate) struct Wish {
    pub(crate) spread: Spread,
    /// Memory of a worker in bytes.
    pub(crate) memory: u64,
    /// Whether the output may be replaced, whatever the job says.
    pub(crate) force: bool,
    /// Names this run; files of scratch lie in a folder of this name.
    pub(crate) id: String,
}

/// Reads and checks a job file.
pub(crate) fn read(path: &Path) -> Result<ValidJob, Failure> {
    let text =
        text(path).map_err(|error| Failure::new(1, format!("{} can't be read: {error}", path.display())))?;
    let job = tessera_api::parse_job(&text)?;
    Ok(tessera_api::validate(&job.spec, Locations::Local)?)
}

fn text(path: &Path) -> std::io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

impl Job {
    /// The job of a file.
    pub(crate) fn open(path: &Path) -> Result<Job, Failure> {
        let valid = read(path)?;
        let (source, output) = (location(&valid.source)?, location(&valid.output.uri)?);
        if source == output {
            return Err(Failure::new(
                1,
                "spec.output.uri: the output must not be the source: choose another name",
            ));
        }
        let stores = machine::stores(&[&source, &output])?;
        Ok(Job { valid, source, output, stores })
    }

    /// Reads the source's header and plans.
    pub(crate) async fn plan(&self, wish: Wish) -> Result<(Plan<Operation>, Probed), Failure> {
        let store = self.stores.of(&self.source)?;
        let probed = tessera_probe::probe_page(&*store, &self.source, self.valid.page).await?;
        let replace = wish.force || self.valid.output.if_exists == imagejob::IfExists::Replace;
        let plan = plan(Request {
            source_uri: self.source.to_string(),
            page: self.valid.page,
            source_etag: probed.info.etag.clone(),
            image: probed.image,
            operations: self.valid.operations.clone(),
            output_uri: self.output.to_string(),
            format: self.valid.output.format,
            if_exists: if replace { IfExists::Replace } else { IfExists::Fail },
            scratch: self.scratch(&wish.id),
            limits: Limits { pixels: PIXELS, operations: OPERATIONS, memory: wish.memory },
            spread: wish.spread,
            job: wish.id,
        })?;
        Ok((plan, probed))
    }

    /// A folder of this run: beside an output file, or in `.tessera/` of an output's bucket.
    fn scratch(&self, id: &str) -> String {
        match self.output.scheme() {
            tessera_store::Scheme::File => format!("{}{id}/", self.output.parent()),
            tessera_store::Scheme::S3 => format!("s3://{}/.tessera/{id}/", self.output.bucket()),
        }
    }
}

/// The address of what the user wrote.
pub(crate) fn location(uri: &Uri) -> Result<Location, Failure> {
    match uri.scheme {
        Scheme::S3 => Ok(Location::new(uri.bucket.clone(), uri.key.clone())?),
        Scheme::File => machine::file(&uri.key),
    }
}
