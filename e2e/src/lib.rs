//! What the tests on a real cluster share: a namespace for each test, waiting, pictures, the bytes that one machine
//! makes of a job, and what is printed when a test fails. It needs a cluster with Tessera installed (`make install`)
//! and its variables (`eval "$(make -s env)"`); it may change nothing outside the namespaces that it makes, and puts back
//! what it does to nodes.

pub mod expect;
pub mod fairness;
pub mod kubectl;
pub mod local;
pub mod mixed;
pub mod namespace;
pub mod nodes;
pub mod picture;
pub mod report;
pub mod scratch;
pub mod svg;
pub mod timeline;
pub mod wait;
pub mod work;

pub use anyhow::Result;
pub use kubectl::kubectl;
pub use namespace::{Namespace, with_empty_namespace, with_namespace, with_namespace_alone};
pub use nodes::with_nodes;
pub use wait::eventually;
