//! `tessera validate`: everything that is wrong with a job file. It looks at no image and no store.

use std::path::Path;

use tessera_core::operation::Planned;

use crate::failure::Failure;
use crate::{job, show};

/// Prints one line for a valid job.
///
/// # Errors
/// All problems, with exit code 1.
pub(crate) fn validate(path: &Path) -> Result<(), Failure> {
    let job = job::read(path)?;
    let names: Vec<&str> = job.operations.iter().map(Planned::name).collect();
    let chain = if names.is_empty() { "conversion".to_owned() } else { names.join(" > ") };
    println!("valid: {} -> {chain} -> {} ({})", job.source, job.output.uri, show::format(job.output.format));
    Ok(())
}
