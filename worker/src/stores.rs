//! The store for an address: the object store or this machine's files, by the address' scheme.
//! It opens no connection and reads no environment.

use std::sync::Arc;

use tessera_store::{Location, Scheme, Store};

use crate::error::WorkError;

/// The stores that a process may use.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    objects: Option<Arc<dyn Store>>,
    files: Option<Arc<dyn Store>>,
}

impl Stores {
    /// No stores at all.
    pub fn none() -> Stores {
        Stores::default()
    }

    /// With a store for `s3://`.
    #[must_use]
    pub fn with_objects(self, store: Arc<dyn Store>) -> Stores {
        Stores { objects: Some(store), ..self }
    }

    /// With a store for `file://`.
    #[must_use]
    pub fn with_files(self, store: Arc<dyn Store>) -> Stores {
        Stores { files: Some(store), ..self }
    }

    /// The store that has `at`.
    ///
    /// # Errors
    /// There is none for this scheme here.
    pub fn of(&self, at: &Location) -> Result<Arc<dyn Store>, WorkError> {
        let (store, what) = match at.scheme() {
            Scheme::S3 => (&self.objects, "no object store is set up"),
            Scheme::File => (&self.files, "files are not read or written here"),
        };
        store.clone().ok_or_else(|| WorkError::Plan(format!("{at}: {what}")))
    }
}
