//! Where a plan's source, output and scratch are: addresses with their stores, and small JSON objects in scratch.
//! It knows no pixels.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tessera_core::name::Scratch;
use tessera_core::plan::Plan;
use tessera_core::record::sha256;
use tessera_store::{ErrorKind, Location, ObjectInfo, Prefix, PutOptions, Scheme, Store};

use crate::error::WorkError;
use crate::stores::Stores;

/// The scratch of one job.
#[derive(Debug, Clone)]
pub(crate) struct ScratchPlace {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Scratch,
    bucket: String,
}

impl ScratchPlace {
    /// The scratch that `plan` names: the folder of the job's UID, whether or not `plan.scratch` ends with it.
    pub(crate) fn of<O>(plan: &Plan<O>, stores: &Stores) -> Result<ScratchPlace, WorkError> {
        let prefix: Prefix = plan.scratch.parse()?;
        let above = prefix.path().strip_suffix(&format!("{}/", plan.job)).unwrap_or(prefix.path());
        let keys = Scratch::new(above, &plan.job);
        let any = Location::new(prefix.bucket(), format!("{}any", keys.prefix()))?;
        Ok(ScratchPlace { store: stores.of(&any)?, keys, bucket: prefix.bucket().to_owned() })
    }

    /// The object of a key of this scratch.
    pub(crate) fn at(&self, key: String) -> Result<Location, WorkError> {
        Ok(Location::new(self.bucket.clone(), key)?)
    }

    /// Object store or files.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.bucket.is_empty() { Scheme::File } else { Scheme::S3 }
    }

    /// All objects below a key prefix that ends in `/`.
    pub(crate) async fn list(&self, prefix: String) -> Result<Vec<ObjectInfo>, WorkError> {
        Ok(self.store.list(&Prefix::new(self.bucket.clone(), prefix)?, None).await?)
    }

    /// Writes an object and returns its tag.
    pub(crate) async fn put(&self, key: String, body: Bytes) -> Result<String, WorkError> {
        // A put that had an effect without an answer is repeated by the store; the metadata says that it was ours.
        let metadata = [("tessera-sha256".to_owned(), sha256(&body))].into();
        let options = PutOptions { metadata, ..PutOptions::default() };
        Ok(self.store.put(&self.at(key)?, body, &options).await?)
    }

    /// Writes a value as JSON.
    pub(crate) async fn put_json<T: Serialize>(&self, key: String, value: &T) -> Result<(), WorkError> {
        let text = serde_json::to_vec(value).expect("records have string keys and finite numbers");
        self.put(key, text.into()).await.map(|_| ())
    }

    /// Reads a value; `None` where there is no such object, or it holds something else.
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, key: String) -> Result<Option<T>, WorkError> {
        match self.store.get(&self.at(key)?).await {
            Ok((_, bytes)) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
