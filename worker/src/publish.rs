//! The output's place: whether something foreign is there, opening and completing the upload, and clearing away what an
//! earlier attempt of the same job left open. Never touches an upload that is not the job's.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tessera_core::name::label::PUBLISHED_BY;
use tessera_core::output::OutputFormat;
use tessera_core::plan::{IfExists, Plan};
use tessera_store::{ErrorKind, Location, ObjectInfo, Part, PutOptions, Scheme, Store, Upload};

use crate::error::WorkError;
use crate::places::ScratchPlace;
use crate::stores::Stores;

/// The output's object, and the scratch that remembers its upload.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) at: Location,
    scratch: ScratchPlace,
    job: String,
    if_exists: IfExists,
    options: PutOptions,
}

/// What scratch remembers of the upload. Written once before it is opened and once after, so that an attempt that died in
/// between can be told from other writers of the same key.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// Uploads of the key that were open before ours.
    before: Vec<String>,
    /// Ours, once its identifier is known.
    id: Option<String>,
}

impl Target {
    /// The output of `plan`.
    pub(crate) fn of<O>(plan: &Plan<O>, stores: &Stores, scratch: ScratchPlace) -> Result<Target, WorkError> {
        let at: Location = plan.output.uri.parse()?;
        let content_type = match plan.output.format {
            OutputFormat::Tiff { .. } | OutputFormat::Cog { .. } => "image/tiff",
            OutputFormat::Png => "image/png",
            OutputFormat::Jpeg { .. } => "image/jpeg",
            OutputFormat::WebP { .. } => "image/webp",
        };
        let options = PutOptions {
            metadata: [(PUBLISHED_BY.to_owned(), plan.job.clone())].into(),
            content_type: Some(content_type.to_owned()),
            if_absent: plan.output.if_exists == IfExists::Fail,
            part_size: None,
        };
        let (job, if_exists) = (plan.job.clone(), plan.output.if_exists);
        Ok(Target { store: stores.of(&at)?, at, scratch, job, if_exists, options })
    }

    /// The object that an earlier attempt of this job published.
    ///
    /// # Errors
    /// There is a foreign object, and it may not be replaced.
    pub(crate) async fn published(&self) -> Result<Option<ObjectInfo>, WorkError> {
        match self.store.head(&self.at).await {
            Ok(info) if info.metadata.get(PUBLISHED_BY) == Some(&self.job) => Ok(Some(info)),
            Ok(_) if self.if_exists == IfExists::Fail => {
                Err(WorkError::OutputExists { uri: self.at.to_string() })
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a small file at once.
    pub(crate) async fn put(&self, body: Bytes) -> Result<String, WorkError> {
        self.published().await?;
        self.clear().await?;
        self.store.put(&self.at, body, &self.options).await.map_err(|error| self.error(error))
    }

    /// Opens the upload, after aborting what an earlier attempt left open. Its parts all have `part_size` bytes but the last, if
    /// that is known.
    pub(crate) async fn open(&self, part_size: Option<u64>) -> Result<Upload, WorkError> {
        let before = self.clear().await?;
        self.scratch.put_json(self.note(), &Note { before: before.clone(), id: None }).await?;
        let upload =
            self.store.create_upload(&self.at, &PutOptions { part_size, ..self.options.clone() }).await?;
        self.scratch.put_json(self.note(), &Note { before, id: Some(upload.id.clone()) }).await?;
        Ok(upload)
    }

    /// Makes the object of the parts, unless a foreign one has come meanwhile that may not be replaced.
    pub(crate) async fn complete(&self, upload: &Upload, parts: &[Part]) -> Result<String, WorkError> {
        let earlier = self.published().await?;
        let done =
            self.store.complete_upload(upload, parts, &self.options).await.map_err(|error| self.error(error));
        if earlier.is_some() && done.is_ok() {
            // The object of our earlier attempt may have been taken for this one; then this upload is still open.
            self.store.abort_upload(upload).await?;
        }
        done
    }

    /// Drops the upload after a failure. If that fails as well, the next attempt does it.
    pub(crate) async fn abort(&self, upload: &Upload) {
        if let Err(error) = self.store.abort_upload(upload).await {
            tracing::warn!(%error, output = %self.at, "the upload stays open until the next attempt");
        }
    }

    /// Aborts what earlier attempts of this job left open, and returns the open uploads of others for the same key.
    pub(crate) async fn clear(&self) -> Result<Vec<String>, WorkError> {
        let note: Option<Note> = self.scratch.get_json(self.note()).await?;
        let open = self.open_uploads().await?;
        let (ours, others): (Vec<String>, Vec<String>) = match note {
            None => (Vec::new(), open),
            Some(Note { id: Some(id), .. }) => {
                (vec![id.clone()], open.into_iter().filter(|other| *other != id).collect())
            }
            Some(Note { id: None, before }) => open.into_iter().partition(|id| !before.contains(id)),
        };
        for id in ours {
            self.store.abort_upload(&Upload { at: self.at.clone(), id }).await?;
        }
        Ok(others)
    }

    /// Open uploads of this key. Those of files are not looked for: a folder may hold the user's whole disk.
    async fn open_uploads(&self) -> Result<Vec<String>, WorkError> {
        if self.at.scheme() == Scheme::File {
            return Ok(Vec::new());
        }
        let open = self.store.list_uploads(&self.at.parent()).await?;
        Ok(open.into_iter().filter(|upload| upload.at == self.at).map(|upload| upload.id).collect())
    }

    fn note(&self) -> String {
        format!("{}upload.json", self.scratch.keys.prefix())
    }

    fn error(&self, error: tessera_store::StoreError) -> WorkError {
        if error.kind() == ErrorKind::Exists {
            return WorkError::OutputExists { uri: self.at.to_string() };
        }
        error.into()
    }
}
