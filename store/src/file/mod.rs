//! The same store on local files, for one machine: an empty bucket, and absolute paths as keys.
//! Keeps neither metadata nor media types; every write appears whole or not at all.

mod disk;
mod multipart;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    CopySource, Location, ObjectInfo, Part, Prefix, PutOptions, Result, Scheme, Store, StoreError, Upload,
};

/// Files of this machine.
///
/// A tag is made of size, time of change and inode. Parts of an upload lie in a hidden folder beside the file to be,
/// named `.tessera-upload-<id>`, or all in one file where they have one size ([`PutOptions::part_size`]). Folders are made as needed; [`Store::delete_all`] removes those that it empties.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileStore;

/// Runs file calls where they may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => Err(StoreError::Io { at: "this machine".to_owned(), source: stopped.into() }),
    }
}

fn served(scheme: Scheme, shown: impl ToString) -> Result<()> {
    match scheme {
        Scheme::File => Ok(()),
        Scheme::S3 => Err(StoreError::invalid(shown, "NotAFile")),
    }
}

#[async_trait]
impl Store for FileStore {
    async fn head(&self, at: &Location) -> Result<ObjectInfo> {
        served(at.scheme(), at)?;
        let at = at.clone();
        blocking(move || disk::head(&at)).await
    }

    async fn get(&self, at: &Location) -> Result<(ObjectInfo, Bytes)> {
        served(at.scheme(), at)?;
        let at = at.clone();
        blocking(move || disk::get(&at)).await
    }

    async fn get_range(&self, at: &Location, range: Range<u64>, if_match: Option<&str>) -> Result<Bytes> {
        served(at.scheme(), at)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let (at, if_match) = (at.clone(), if_match.map(str::to_owned));
        blocking(move || disk::get_range(&at, &range, if_match.as_deref())).await
    }

    async fn put_once(&self, at: &Location, body: Bytes, options: &PutOptions) -> Result<String> {
        served(at.scheme(), at)?;
        let (at, if_absent) = (at.clone(), options.if_absent);
        blocking(move || disk::put(&at, &body, if_absent)).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Location>) -> Result<Vec<ObjectInfo>> {
        served(prefix.scheme(), prefix)?;
        let (prefix, after) = (prefix.clone(), after.cloned());
        blocking(move || disk::list(&prefix, after.as_ref())).await
    }

    async fn delete(&self, all: &[Location]) -> Result<()> {
        all.iter().try_for_each(|at| served(at.scheme(), at))?;
        let all = all.to_vec();
        blocking(move || all.iter().try_for_each(disk::delete)).await
    }

    async fn create_upload(&self, at: &Location, options: &PutOptions) -> Result<Upload> {
        served(at.scheme(), at)?;
        let (at, part_size) = (at.clone(), options.part_size);
        blocking(move || multipart::create(&at, part_size)).await
    }

    async fn upload_part(&self, to: &Upload, number: u16, body: Bytes) -> Result<Part> {
        let to = to.clone();
        blocking(move || multipart::upload(&to, number, &body)).await
    }

    async fn list_parts(&self, upload: &Upload) -> Result<Vec<Part>> {
        let upload = upload.clone();
        blocking(move || multipart::parts(&upload)).await
    }

    async fn copy_part(&self, to: &Upload, number: u16, source: &CopySource) -> Result<Part> {
        served(source.from.scheme(), &source.from)?;
        let (to, source) = (to.clone(), source.clone());
        blocking(move || multipart::copy(&to, number, &source)).await
    }

    async fn complete_once(&self, upload: &Upload, parts: &[Part], options: &PutOptions) -> Result<String> {
        let (upload, parts, if_absent) = (upload.clone(), parts.to_vec(), options.if_absent);
        blocking(move || multipart::complete(&upload, &parts, if_absent)).await
    }

    async fn abort_upload(&self, upload: &Upload) -> Result<()> {
        let upload = upload.clone();
        blocking(move || multipart::abort(&upload)).await
    }

    async fn list_uploads(&self, prefix: &Prefix) -> Result<Vec<Upload>> {
        served(prefix.scheme(), prefix)?;
        let prefix = prefix.clone();
        blocking(move || multipart::list(&prefix)).await
    }

    async fn delete_all(&self, prefix: &Prefix) -> Result<u64> {
        crate::store::refuse_root(prefix)?;
        let all: Vec<Location> = self.list(prefix, None).await?.into_iter().map(|info| info.at).collect();
        self.delete(&all).await?;
        let prefix = prefix.clone();
        blocking(move || disk::prune(&prefix)).await?;
        Ok(all.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Prefix) {
        let folder = tempfile::tempdir().unwrap();
        let prefix = Prefix::new("", format!("{}/", folder.path().display())).unwrap();
        (folder, prefix)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn nothing_is_left_beside_the_files_that_were_written() {
        let (folder, prefix) = folder();
        let at = prefix.object("out.tif").unwrap();
        let absent = PutOptions { if_absent: true, ..PutOptions::default() };
        FileStore.put(&at, Bytes::from_static(b"one"), &absent).await.unwrap();
        assert!(FileStore.put(&at, Bytes::from_static(b"two"), &absent).await.is_err());
        let upload = FileStore.create_upload(&at, &PutOptions::default()).await.unwrap();
        let part = FileStore.upload_part(&upload, 1, Bytes::from_static(b"three")).await.unwrap();
        FileStore.complete_upload(&upload, &[part], &PutOptions::default()).await.unwrap();
        assert_eq!(names(&folder), ["out.tif"]);
        assert_eq!(std::fs::read(folder.path().join("out.tif")).unwrap(), b"three");
    }

    #[tokio::test]
    async fn parts_of_one_size_are_written_where_they_belong() {
        let (folder, prefix) = folder();
        let at = prefix.object("out.tif").unwrap();
        let size = crate::MIN_PART as usize;
        let options = PutOptions { part_size: Some(size as u64), ..PutOptions::default() };
        let upload = FileStore.create_upload(&at, &options).await.unwrap();
        let mut parts = Vec::new();
        // The last part was longer at first.
        for (number, byte, length) in [(2, b'b', size), (3, b'x', 9), (1, b'a', size), (3, b'c', 7)] {
            let body = Bytes::from(vec![byte; length]);
            parts.push(FileStore.upload_part(&upload, number, body).await.unwrap());
        }
        parts.remove(1);
        parts.sort_by_key(|part| part.number);
        assert_eq!(FileStore.list_parts(&upload).await.unwrap(), parts);
        let long = Bytes::from(vec![0; size + 1]);
        assert!(FileStore.upload_part(&upload, 2, long).await.is_err());
        assert!(
            FileStore.complete_upload(&upload, &parts[1..], &options).await.is_err(),
            "part 1 is missing"
        );
        FileStore.complete_upload(&upload, &parts, &options).await.unwrap();
        let wanted: Vec<u8> = [vec![b'a'; size], vec![b'b'; size], vec![b'c'; 7]].concat();
        assert!(std::fs::read(folder.path().join("out.tif")).unwrap() == wanted);
        assert_eq!(names(&folder), ["out.tif"]);
    }

    #[tokio::test]
    async fn deleting_a_prefix_removes_its_empty_folders_and_lost_temporary_files() {
        let (folder, prefix) = folder();
        let scratch = prefix.folder("scratch").unwrap();
        let at = scratch.object("tiles/0/1.data").unwrap();
        FileStore.put(&at, Bytes::new(), &PutOptions::default()).await.unwrap();
        std::fs::write(folder.path().join("scratch/tiles/.tessera-put-lost"), b"x").unwrap();
        assert_eq!(FileStore.delete_all(&scratch).await.unwrap(), 1);
        assert!(names(&folder).is_empty());
        assert!(FileStore.delete_all(&"file:///".parse().unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_not_an_object_that_is_missing() {
        let (folder, prefix) = folder();
        std::fs::write(folder.path().join("file"), b"x").unwrap();
        let at = prefix.object("file/out.tif").unwrap();
        let put = FileStore.put(&at, Bytes::new(), &PutOptions::default()).await.unwrap_err();
        let upload = FileStore.create_upload(&at, &PutOptions::default()).await.unwrap_err();
        for error in [put, upload] {
            assert!(error.to_string().contains("check the disk and its permissions"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_upload_id_that_is_no_id_reaches_no_file() {
        let (folder, prefix) = folder();
        std::fs::write(folder.path().join("keep"), b"x").unwrap();
        let upload = Upload { at: prefix.object("out.tif").unwrap(), id: "x/../..".to_owned() };
        FileStore.abort_upload(&upload).await.unwrap();
        assert!(FileStore.upload_part(&upload, 1, Bytes::new()).await.is_err());
        assert_eq!(names(&folder), ["keep"]);
    }
}
