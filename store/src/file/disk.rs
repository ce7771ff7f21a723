//! Files as objects: read, written through a temporary file, listed, deleted. Blocking.

use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::store::check_range;
use crate::{Location, ObjectInfo, Prefix, Result, StoreError};

/// How the names of files begin that are not finished.
const TEMPORARY: &str = ".tessera-put-";
/// How the names of folders begin that hold the parts of an upload.
pub(super) const UPLOAD: &str = ".tessera-upload-";

/// A function that names the object in a system error.
pub(super) fn of(at: &Location) -> impl Fn(io::Error) -> StoreError + '_ {
    move |error| StoreError::of_file(at, error)
}

/// The same where it is written: what is not there is its folder.
pub(super) fn of_written(at: &Location) -> impl Fn(io::Error) -> StoreError + '_ {
    move |source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            StoreError::Io { at: at.to_string(), source }
        }
        _ => StoreError::of_file(at, source),
    }
}

pub(super) fn path(at: &Location) -> PathBuf {
    PathBuf::from(at.key())
}

pub(super) fn etag(file: &Metadata) -> String {
    let changed = file.mtime().wrapping_mul(1_000_000_000).wrapping_add(file.mtime_nsec());
    format!("{:x}-{:x}-{:x}", file.len(), changed, file.ino())
}

fn info(at: &Location, file: &Metadata) -> ObjectInfo {
    ObjectInfo {
        at: at.clone(),
        size: file.len(),
        etag: etag(file),
        metadata: crate::Metadata::new(),
        modified: file.modified().ok(),
    }
}

/// An open file and its tag, unless it is none or has another tag.
pub(super) fn open(at: &Location, if_match: Option<&str>) -> Result<(File, ObjectInfo)> {
    let file = File::open(path(at)).map_err(of(at))?;
    let info = stat(at, &file)?;
    if if_match.is_some_and(|tag| tag != info.etag) {
        return Err(StoreError::Changed { at: at.to_string() });
    }
    Ok((file, info))
}

fn stat(at: &Location, file: &File) -> Result<ObjectInfo> {
    let found = file.metadata().map_err(of(at))?;
    if found.is_file() { Ok(info(at, &found)) } else { Err(StoreError::not_found(at)) }
}

/// Fails if a file was written to while it was read.
pub(super) fn check_unchanged(at: &Location, file: &File, before: &ObjectInfo) -> Result<()> {
    if stat(at, file)?.etag == before.etag { Ok(()) } else { Err(StoreError::Changed { at: at.to_string() }) }
}

pub(super) fn head(at: &Location) -> Result<ObjectInfo> {
    let found = fs::metadata(path(at)).map_err(of(at))?;
    if found.is_file() { Ok(info(at, &found)) } else { Err(StoreError::not_found(at)) }
}

pub(super) fn get(at: &Location) -> Result<(ObjectInfo, Bytes)> {
    let (file, info) = open(at, None)?;
    let bytes = read(at, &file, 0..info.size)?;
    check_unchanged(at, &file, &info)?;
    Ok((info, bytes))
}

pub(super) fn get_range(at: &Location, range: &Range<u64>, if_match: Option<&str>) -> Result<Bytes> {
    let (file, info) = open(at, if_match)?;
    check_range(at, range, info.size)?;
    let bytes = read(at, &file, range.clone())?;
    check_unchanged(at, &file, &info)?;
    Ok(bytes)
}

fn read(at: &Location, file: &File, range: Range<u64>) -> Result<Bytes> {
    let size = usize::try_from(range.end - range.start).map_err(|_| StoreError::invalid(at, "TooLarge"))?;
    let mut bytes = vec![0; size];
    match file.read_exact_at(&mut bytes, range.start) {
        Ok(()) => Ok(bytes.into()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(StoreError::Changed { at: at.to_string() })
        }
        Err(error) => Err(StoreError::of_file(at, error)),
    }
}

pub(super) fn put(at: &Location, body: &[u8], if_absent: bool) -> Result<String> {
    let target = path(at);
    let folder = target.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(of_written(at))?;
    let temporary = folder.join(format!("{TEMPORARY}{}", unique()));
    let written =
        fs::write(&temporary, body).map_err(of_written(at)).and_then(|()| publish(at, &temporary, if_absent));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Gives a finished temporary file of the same folder (or file system) its name, and returns its tag.
pub(super) fn publish(at: &Location, temporary: &Path, if_absent: bool) -> Result<String> {
    let target = path(at);
    let tag = etag(&fs::metadata(temporary).map_err(of(at))?);
    if if_absent {
        match fs::hard_link(temporary, &target) {
            Ok(()) => return fs::remove_file(temporary).map_err(of(at)).map(|()| tag),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists { at: at.to_string() });
            }
            // Not every file system has links; there, the check below is as good as it gets.
            Err(_) if fs::symlink_metadata(&target).is_ok() => {
                return Err(StoreError::Exists { at: at.to_string() });
            }
            Err(_) => {}
        }
    }
    fs::rename(temporary, &target).map_err(of(at)).map(|()| tag)
}

/// A text that no other call of this machine gets: letters, digits and hyphens.
pub(super) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{now:x}-{:x}-{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn list(prefix: &Prefix, after: Option<&Location>) -> Result<Vec<ObjectInfo>> {
    let mut all = Vec::new();
    walk(Path::new(prefix.path()), &mut |path, kind| {
        if let Some(name) = path.to_str().filter(|_| kind == Entry::File) {
            let at = Location::listed("", name);
            // What was deleted since the folder was read is no longer listed.
            all.extend(head(&at).ok());
        }
    })
    .map_err(|error| StoreError::of_file(prefix, error))?;
    all.retain(|info| after.is_none_or(|after| info.at > *after));
    all.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(all)
}

/// What a walk meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file, or a link.
    File,
    /// A file that was never finished.
    Temporary,
    /// A folder with the parts of an upload, which is not entered.
    Upload,
    /// Another folder, after what is in it.
    Folder,
}

/// Visits everything below a folder, which need not exist. Links to folders are not followed.
pub(super) fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, Entry)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let begins = |start: &str| name.to_str().is_some_and(|name| name.starts_with(start));
        let kind = match entry.file_type()?.is_dir() {
            true if begins(UPLOAD) => Entry::Upload,
            true => {
                walk(&entry.path(), visit)?;
                Entry::Folder
            }
            false if begins(TEMPORARY) => Entry::Temporary,
            false => Entry::File,
        };
        visit(&entry.path(), kind);
    }
    Ok(())
}

pub(super) fn delete(at: &Location) -> Result<()> {
    match fs::remove_file(path(at)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::of_file(at, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes unfinished files and empty folders, from the innermost to the prefix itself.
pub(super) fn prune(prefix: &Prefix) -> Result<()> {
    let folder = Path::new(prefix.path());
    let visited = walk(folder, &mut |path, kind| {
        // A folder that is not empty stays, and so does what another process has just removed.
        let _ = match kind {
            Entry::Temporary => fs::remove_file(path),
            Entry::Folder => fs::remove_dir(path),
            Entry::File | Entry::Upload => Ok(()),
        };
    });
    visited.map_err(|error| StoreError::of_file(prefix, error))?;
    let _ = fs::remove_dir(folder);
    Ok(())
}
