//! Multipart uploads on files: parts in a hidden folder beside the target, joined when completed; or, where all have one size,
//! written into one file there. Blocking.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::disk::{self, Entry, UPLOAD, check_unchanged, etag, of, of_written, unique, walk};
use crate::store::{check_number, check_range};
use crate::{CopySource, Location, MIN_PART, Part, Prefix, Result, StoreError, Upload};

/// The file in an upload's folder that has the name of the file to be.
const TARGET: &str = "target";

/// The file in an upload's folder that parts of one size are written into. Beside it each has a file of its length that holds
/// nothing: that the part is whole.
const ALL: &str = "all";

/// What precedes the size of parts in an upload's identifier.
const SIZE: &str = "-of-";

/// The size of an upload's parts, where all have one.
fn part_size(upload: &Upload) -> Option<u64> {
    upload.id.rsplit_once(SIZE)?.1.parse().ok()
}

/// An upload's folder, whether or not it exists. `None` for an identifier that we can't have given.
fn folder(upload: &Upload) -> Option<PathBuf> {
    let ours = upload.id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    ours.then(|| PathBuf::from(upload.at.parent().path()).join(format!("{UPLOAD}{}", upload.id)))
}

fn existing(upload: &Upload) -> Result<PathBuf> {
    let open = folder(upload).filter(|folder| folder.join(TARGET).is_file());
    open.ok_or_else(|| StoreError::NoSuchUpload { at: upload.at.to_string() })
}

pub(super) fn create(at: &Location, part_size: Option<u64>) -> Result<Upload> {
    let size = part_size.map(|size| format!("{SIZE}{size}")).unwrap_or_default();
    let upload = Upload { at: at.clone(), id: unique() + &size };
    let folder = folder(&upload).expect("`unique` gives letters, digits and hyphens");
    fs::create_dir_all(&folder).map_err(of_written(at))?;
    fs::write(folder.join(TARGET), at.name()).map_err(of_written(at))?;
    Ok(upload)
}

pub(super) fn upload(to: &Upload, number: u16, body: &[u8]) -> Result<Part> {
    check_length(to, body.len() as u64)?;
    write_part(to, number, |file| io::Write::write_all(file, body).map_err(of(&to.at)))
}

pub(super) fn copy(to: &Upload, number: u16, source: &CopySource) -> Result<Part> {
    let from = &source.from;
    let (mut file, info) = disk::open(from, source.if_match.as_deref())?;
    if info.size != source.size {
        return Err(StoreError::invalid(from, "SizeOfSource"));
    }
    let range = source.range.clone().unwrap_or(0..info.size);
    if !source.is_empty() {
        check_range(from, &range, info.size)?;
    }
    check_length(to, source.len())?;
    write_part(to, number, |part| {
        file.seek(SeekFrom::Start(range.start)).map_err(of(from))?;
        let copied = io::copy(&mut (&file).take(source.len()), part).map_err(of(from))?;
        check_unchanged(from, &file, &info)?;
        if copied == source.len() { Ok(()) } else { Err(StoreError::Changed { at: from.to_string() }) }
    })
}

/// Refuses a part that would reach into the next one's place.
fn check_length(to: &Upload, length: u64) -> Result<()> {
    match part_size(to) {
        Some(size) if length > size => Err(StoreError::invalid(&to.at, "PartTooLarge")),
        Some(_) | None => Ok(()),
    }
}

fn part_name(number: u16) -> String {
    format!("{number:05}")
}

/// Writes a part under another name first, so that a part is always whole.
fn write_part(to: &Upload, number: u16, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<Part> {
    check_number(to, number)?;
    let folder = existing(to)?;
    let temporary = folder.join(unique());
    let mut file = File::create(&temporary).map_err(of(&to.at))?;
    match part_size(to) {
        None => fill(&mut file)?,
        Some(size) => {
            let length = fill_in_place(to, &folder, u64::from(number - 1) * size, fill)?;
            file.set_len(length).map_err(of(&to.at))?;
        }
    }
    let found = file.metadata().map_err(of(&to.at))?;
    fs::rename(&temporary, folder.join(part_name(number))).map_err(of(&to.at))?;
    Ok(Part { number, etag: etag(&found), size: found.len() })
}

/// Fills a part of the file to be, from `start` on, and gives its length.
fn fill_in_place(
    to: &Upload,
    folder: &Path,
    start: u64,
    fill: impl FnOnce(&mut File) -> Result<()>,
) -> Result<u64> {
    let open = File::options().write(true).create(true).truncate(false).open(folder.join(ALL));
    let mut all = open.map_err(of(&to.at))?;
    all.seek(SeekFrom::Start(start)).map_err(of(&to.at))?;
    fill(&mut all)?;
    Ok(all.stream_position().map_err(of(&to.at))? - start)
}

/// The parts that are whole, in order of their numbers, which is that of their names.
pub(super) fn parts(upload: &Upload) -> Result<Vec<Part>> {
    let folder = existing(upload)?;
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).map_err(of(&upload.at))? {
        let entry = entry.map_err(of(&upload.at))?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let Some(number) = name.parse().ok().filter(|number| part_name(*number) == name) else { continue };
        let found = entry.metadata().map_err(of(&upload.at))?;
        all.push(Part { number, etag: etag(&found), size: found.len() });
    }
    all.sort_by_key(|part| part.number);
    Ok(all)
}

pub(super) fn complete(upload: &Upload, parts: &[Part], if_absent: bool) -> Result<String> {
    let folder = existing(upload)?;
    for (index, part) in parts.iter().enumerate() {
        check_part(upload, &folder, part, index + 1 == parts.len())?;
    }
    let joined = if let Some(size) = part_size(upload) {
        check_places(upload, parts, size)?;
        let length = parts.iter().map(|part| part.size).sum();
        trim(&folder.join(ALL), length).map_err(of(&upload.at))?;
        folder.join(ALL)
    } else {
        let joined = folder.join(unique());
        join(&folder, parts, &joined).map_err(of(&upload.at))?;
        joined
    };
    let tag = disk::publish(&upload.at, &joined, if_absent)?;
    abort(upload)?;
    Ok(tag)
}

fn check_part(upload: &Upload, folder: &Path, part: &Part, last: bool) -> Result<()> {
    let found = fs::metadata(folder.join(part_name(part.number)));
    match found.ok().filter(|found| etag(found) == part.etag) {
        None => Err(StoreError::invalid(&upload.at, "InvalidPart")),
        Some(found) if found.len() < MIN_PART && !last => {
            Err(StoreError::TooSmall { at: upload.at.to_string() })
        }
        Some(_) => Ok(()),
    }
}

/// Checks that parts of `size` bytes, the last of fewer, lie where they belong.
fn check_places(upload: &Upload, parts: &[Part], size: u64) -> Result<()> {
    let right = |(index, part): (usize, &Part)| {
        let last = index + 1 == parts.len();
        usize::from(part.number) == index + 1 && (part.size == size || last && part.size < size)
    };
    if parts.iter().enumerate().all(right) {
        return Ok(());
    }
    Err(StoreError::invalid(&upload.at, "InvalidPart"))
}

/// Ends a file after `length` bytes, and writes it to the disk.
fn trim(path: &Path, length: u64) -> io::Result<()> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

/// Writes all parts into one file, and to the disk, before it gets its name.
fn join(folder: &Path, parts: &[Part], joined: &Path) -> io::Result<()> {
    let mut all = File::create(joined)?;
    for part in parts {
        io::copy(&mut File::open(folder.join(part_name(part.number)))?, &mut all)?;
    }
    all.sync_all()
}

pub(super) fn abort(upload: &Upload) -> Result<()> {
    let Some(folder) = folder(upload) else { return Ok(()) };
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::of_file(&upload.at, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn list(prefix: &Prefix) -> Result<Vec<Upload>> {
    let mut all = Vec::new();
    walk(Path::new(prefix.path()), &mut |path, kind| {
        if kind == Entry::Upload {
            all.extend(opened(path));
        }
    })
    .map_err(|error| StoreError::of_file(prefix, error))?;
    all.sort();
    Ok(all)
}

/// The upload of a folder; `None` if it is gone by now.
fn opened(folder: &Path) -> Option<Upload> {
    let id = folder.file_name()?.to_str()?.strip_prefix(UPLOAD)?.to_owned();
    let name = fs::read_to_string(folder.join(TARGET)).ok()?;
    let key = folder.parent()?.join(name);
    Some(Upload { at: Location::listed("", key.to_str()?), id })
}
