//! Leaves nothing behind: drops the upload of a job and removes its scratch.
//! For one machine; on a cluster the operator does this.

use tessera_core::plan::Plan;
use tessera_operations::Operation;
use tessera_store::Prefix;

use crate::context::Context;
use crate::error::WorkError;
use crate::places::ScratchPlace;
use crate::publish::Target;

/// Aborts the upload that the job left open, if any, and deletes everything in its scratch.
///
/// # Errors
/// The store of output or scratch does not answer.
pub async fn clean_up(context: &Context, plan: &Plan<Operation>) -> Result<(), WorkError> {
    let scratch = ScratchPlace::of(plan, &context.stores)?;
    Target::of(plan, &context.stores, scratch.clone())?.clear().await?;
    let any = scratch.at(format!("{}any", scratch.keys.prefix()))?;
    scratch.store.delete_all(&Prefix::new(any.bucket(), scratch.keys.prefix())?).await?;
    Ok(())
}
