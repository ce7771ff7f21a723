//! Whether a plan is one that this worker can carry out. Pure; it repairs nothing.

use tessera_core::grid::Grid;
use tessera_core::operation::Planned;
use tessera_core::plan::{Plan, VERSION};
use tessera_core::record::sha256;
use tessera_operations::{Apply, Operation, plan_chain};

use crate::error::WorkError;

/// Reads a plan from its JSON, which must have the SHA-256 `digest`.
///
/// # Errors
/// The text is another one, or no plan of this worker's version.
pub fn parse_plan(text: &str, digest: &str) -> Result<Plan<Operation>, WorkError> {
    if sha256(text.as_bytes()) != digest {
        return Err(WorkError::Plan(
            "it is not the one that the Job was made for (its digest differs)".into(),
        ));
    }
    let version =
        serde_json::from_str::<serde_json::Value>(text).ok().and_then(|plan| plan["version"].as_u64());
    if version != Some(u64::from(VERSION)) {
        let version = version.map_or("without a version".into(), |version| format!("of version {version}"));
        return Err(WorkError::Plan(format!("it is {version}, and this worker knows version {VERSION}")));
    }
    serde_json::from_str(text).map_err(|error| WorkError::Plan(error.to_string()))
}

/// Checks that what a plan states follows from it.
pub(crate) fn plan(plan: &Plan<Operation>) -> Result<(), WorkError> {
    if plan.version != VERSION {
        return Err(WorkError::Plan(format!(
            "it is of version {}, and this worker knows version {VERSION}",
            plan.version
        )));
    }
    for operation in &plan.operations {
        let refuse = |error| WorkError::Plan(format!("{}: {error}", operation.name()));
        operation.check_bounds().map_err(refuse)?;
    }
    let output = plan_chain(&plan.operations, plan.source.extent)?.output();
    if output != plan.output.extent || plan.grid != Grid::new(output, plan.output.format) {
        return Err(WorkError::Plan("its output does not follow from its source and operations".into()));
    }
    Ok(())
}
