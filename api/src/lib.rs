//! The Kubernetes API of Tessera: the types of its resources, their schemas, conditions and the checks of what a user wrote.
//! It decides nothing, reads no clock and does no IO.

pub mod check;
pub mod conditions;
pub mod document;
pub mod imagejob;
pub mod nearest;
pub mod problem;
pub mod schema;
pub mod status;
pub mod uri;
pub mod validate;
pub mod workerpool;

pub use document::{parse_job, parse_pool};
pub use imagejob::{ImageJob, ImageJobSpec};
pub use problem::Problem;
pub use schema::crds;
pub use status::ImageJobStatus;
pub use validate::{ValidJob, validate};
pub use workerpool::{WorkerPool, WorkerPoolSpec, WorkerPoolStatus};

/// The API group.
pub const GROUP: &str = "tessera.dev";

/// The version of the API.
pub const VERSION: &str = "v1alpha1";

/// The type of the Secrets that hold a store's credentials, and the only type that the operator uses.
pub const STORE_SECRET_TYPE: &str = "tessera.dev/store";
