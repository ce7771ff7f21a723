//! Objects by address: S3, local files and an in-memory twin behind one small trait.
//! Knows nothing of images, plans or Kubernetes, and reads no environment except in [`StoreConfig::from_env`].

mod config;
pub mod conformance;
mod error;
mod file;
mod folder;
mod location;
mod memory;
mod part_body;
mod s3;
mod store;

pub use config::{Checksums, ConfigError, Credentials, StoreConfig, Timeouts};
pub use error::{Cause, ErrorKind, Result, StoreError};
pub use file::FileStore;
pub use folder::Folder;
pub use location::{Location, Prefix, Scheme, UriError};
pub use memory::{Call, Effect, Fault, MemoryStore, Tally};
pub use part_body::PartBody;
pub use s3::S3Store;
pub use store::{
    CopySource, MAX_PARTS, MIN_PART, Metadata, ObjectInfo, Part, PutOptions, Store, Upload, joined_size,
};
