//! The in-memory twin of an object store, for tests: counts calls, fails on demand, and is as strict as the strictest
//! server known (AWS on sizes and ranges, versitygw on keys). Not for data: everything is in one map.

mod fault;
mod state;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

pub use fault::{Call, Effect, Fault, Tally};
use state::State;

use crate::{CopySource, Location, ObjectInfo, Part, Prefix, PutOptions, Result, Store, StoreError, Upload};

/// Objects in memory, in buckets fixed at the start.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store with these buckets.
    pub fn new(buckets: &[&str]) -> MemoryStore {
        MemoryStore { state: Mutex::new(State::new(buckets)) }
    }

    /// Makes calls fail; several faults may be pending.
    pub fn fail(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Drops all pending faults.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// How many calls of each kind there were, failed ones included, and how many bytes they moved.
    pub fn tallies(&self) -> BTreeMap<Call, Tally> {
        self.lock().tallies.clone()
    }

    /// How many calls there were of one kind.
    pub fn count(&self, call: Call) -> u64 {
        self.lock().tallies.get(&call).map_or(0, |tally| tally.calls)
    }

    /// How many calls there were of all kinds.
    pub fn total(&self) -> u64 {
        self.lock().tallies.values().map(|tally| tally.calls).sum()
    }

    /// The addresses of all objects, in order; counts as no call.
    pub fn objects(&self) -> Vec<Location> {
        self.lock().objects.keys().cloned().collect()
    }

    /// All open uploads; counts as no call.
    pub fn open_uploads(&self) -> Vec<Upload> {
        self.lock().open_uploads()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and fails it before or after its effect if a fault says so.
    fn run<T>(
        &self,
        call: Call,
        at: &dyn Display,
        effect: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.lock();
        let struck = state.count(call);
        let lost = || StoreError::Unreachable { at: at.to_string(), source: "injected fault".into() };
        if struck == Some(Effect::Before) {
            return Err(lost());
        }
        let result = effect(&mut state)?;
        if struck == Some(Effect::After) { Err(lost()) } else { Ok(result) }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn head(&self, at: &Location) -> Result<ObjectInfo> {
        self.run(Call::Head, at, |state| state.object(at).map(|object| object.info(at)))
    }

    async fn get(&self, at: &Location) -> Result<(ObjectInfo, Bytes)> {
        self.run(Call::Get, at, |state| {
            let (info, bytes) = state.object(at).map(|object| (object.info(at), object.bytes.clone()))?;
            state.moved(Call::Get, info.size);
            Ok((info, bytes))
        })
    }

    async fn get_range(&self, at: &Location, range: Range<u64>, if_match: Option<&str>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.run(Call::GetRange, at, |state| {
            let bytes = state.object(at)?.slice(at, &range, if_match)?;
            state.moved(Call::GetRange, bytes.len() as u64);
            Ok(bytes)
        })
    }

    async fn put_once(&self, at: &Location, body: Bytes, options: &PutOptions) -> Result<String> {
        self.run(Call::Put, at, |state| {
            state.moved(Call::Put, body.len() as u64);
            state.write(at, body, options, None)
        })
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Location>) -> Result<Vec<ObjectInfo>> {
        self.run(Call::List, prefix, |state| state.list(prefix, after))
    }

    async fn delete(&self, all: &[Location]) -> Result<()> {
        let Some(first) = all.first() else { return Ok(()) };
        self.run(Call::Delete, first, |state| state.delete(all))
    }

    async fn create_upload(&self, at: &Location, options: &PutOptions) -> Result<Upload> {
        self.run(Call::CreateUpload, at, |state| state.create_upload(at, options))
    }

    async fn upload_part(&self, to: &Upload, number: u16, body: Bytes) -> Result<Part> {
        self.run(Call::UploadPart, &to.at, |state| {
            state.moved(Call::UploadPart, body.len() as u64);
            state.upload_part(to, number, body)
        })
    }

    async fn list_parts(&self, upload: &Upload) -> Result<Vec<Part>> {
        self.run(Call::ListParts, &upload.at, |state| state.parts(upload))
    }

    async fn copy_part(&self, to: &Upload, number: u16, source: &CopySource) -> Result<Part> {
        self.run(Call::CopyPart, &to.at, |state| {
            let bytes = state.copied(source)?;
            state.moved(Call::CopyPart, bytes.len() as u64);
            state.upload_part(to, number, bytes)
        })
    }

    async fn complete_once(&self, upload: &Upload, parts: &[Part], options: &PutOptions) -> Result<String> {
        self.run(Call::CompleteUpload, &upload.at, |state| state.complete(upload, parts, options))
    }

    async fn abort_upload(&self, upload: &Upload) -> Result<()> {
        self.run(Call::AbortUpload, &upload.at, |state| {
            if state.uploads.get(&upload.id).is_some_and(|open| open.at == upload.at) {
                state.uploads.remove(&upload.id);
            }
            Ok(())
        })
    }

    async fn list_uploads(&self, prefix: &Prefix) -> Result<Vec<Upload>> {
        self.run(Call::ListUploads, prefix, |state| state.list_uploads(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Metadata};

    fn at() -> Location {
        "s3://images/out.tif".parse().unwrap()
    }

    fn options(if_absent: bool) -> PutOptions {
        let metadata = Metadata::from([("job".to_owned(), "uid-1".to_owned())]);
        PutOptions { metadata, if_absent, ..PutOptions::default() }
    }

    async fn uploaded(store: &MemoryStore) -> (Upload, Vec<Part>) {
        let upload = store.create_upload(&at(), &options(false)).await.unwrap();
        let part = store.upload_part(&upload, 1, Bytes::from_static(b"pixels")).await.unwrap();
        (upload, vec![part])
    }

    #[tokio::test]
    async fn a_completion_whose_answer_was_lost_is_found_and_not_repeated() {
        let store = MemoryStore::new(&["images"]);
        let (upload, parts) = uploaded(&store).await;
        store.fail(Fault::nth(1).of(Call::CompleteUpload).after());
        let etag = store.complete_upload(&upload, &parts, &options(true)).await.unwrap();
        assert_eq!(store.head(&at()).await.unwrap().etag, etag);
        assert_eq!(store.count(Call::CompleteUpload), 1);
        // A second process that knows of the upload only.
        assert_eq!(store.complete_upload(&upload, &parts, &options(true)).await.unwrap(), etag);
    }

    #[tokio::test]
    async fn a_completion_that_had_no_effect_is_repeated() {
        let store = MemoryStore::new(&["images"]);
        let (upload, parts) = uploaded(&store).await;
        store.fail(Fault::nth(1).of(Call::CompleteUpload));
        store.complete_upload(&upload, &parts, &options(false)).await.unwrap();
        // What the second says is looked at too.
        assert_eq!((store.count(Call::CompleteUpload), store.count(Call::Head)), (2, 2));
        assert!(store.open_uploads().is_empty());
    }

    #[tokio::test]
    async fn the_object_of_another_writer_is_never_taken_for_ours() {
        let store = MemoryStore::new(&["images"]);
        let (upload, parts) = uploaded(&store).await;
        let other = Metadata::from([("job".to_owned(), "uid-2".to_owned())]);
        let other = PutOptions { metadata: other, ..PutOptions::default() };
        store.put(&at(), Bytes::from_static(b"PIXELS"), &other).await.unwrap();
        let error = store.complete_upload(&upload, &parts, &options(true)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists);
        store.abort_upload(&upload).await.unwrap();
        let error = store.complete_upload(&upload, &parts, &options(false)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchUpload);
    }

    #[tokio::test]
    async fn a_write_that_had_an_effect_without_an_answer_is_ours_when_repeated() {
        let store = MemoryStore::new(&["images"]);
        store.fail(Fault::nth(1).after());
        let body = Bytes::from_static(b"pixels");
        assert!(store.put(&at(), body.clone(), &options(true)).await.unwrap_err().retry());
        store.put(&at(), body.clone(), &options(true)).await.unwrap();
        let nameless = PutOptions { if_absent: true, ..PutOptions::default() };
        assert_eq!(store.put(&at(), body, &nameless).await.unwrap_err().kind(), ErrorKind::Exists);
    }

    #[tokio::test]
    async fn a_fault_can_last_and_can_be_healed() {
        let store = MemoryStore::new(&["images"]);
        store.fail(Fault::nth(2).from_then_on());
        let kind = async || store.head(&at()).await.unwrap_err().kind();
        assert_eq!(kind().await, ErrorKind::NotFound);
        assert_eq!((kind().await, kind().await), (ErrorKind::Unreachable, ErrorKind::Unreachable));
        store.heal();
        assert_eq!(kind().await, ErrorKind::NotFound);
        assert_eq!((store.total(), store.tallies()[&Call::Head].bytes), (4, 0));
    }

    #[tokio::test]
    async fn a_key_is_never_both_an_object_and_a_folder() {
        let store = MemoryStore::new(&["images"]);
        let put = async |text: &str| {
            let at: Location = text.parse().unwrap();
            store.put(&at, Bytes::new(), &PutOptions::default()).await.map_err(|error| error.kind())
        };
        put("s3://images/a/b").await.unwrap();
        put("s3://images/a-b").await.unwrap();
        assert_eq!(put("s3://images/a").await, Err(ErrorKind::Invalid));
        assert_eq!(put("s3://images/a/b/c").await, Err(ErrorKind::Invalid));
        assert_eq!(put("s3://nowhere/a").await, Err(ErrorKind::NoSuchBucket));
    }
}
