//! The deciding half of Tessera: geometry, plan, records, slots, and the reconcile decision, as pure values.
//! Nothing here reads a clock, an environment, a file or a network, and nothing here knows Kubernetes or pixels.

pub mod allocate;
pub mod assembly;
pub mod copied;
pub mod cost;
pub mod decide;
pub mod decision;
pub mod geometry;
pub mod grid;
pub mod handover;
pub mod lanes;
pub mod limit;
pub mod lost;
pub mod name;
pub mod observed;
pub mod operation;
pub mod output;
pub mod piece;
pub mod pixel;
pub mod placement;
pub mod plan;
pub mod pyramid;
pub mod reason;
pub mod record;
pub mod streamed;

mod fit;
mod route;
