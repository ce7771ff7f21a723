//! What the in-memory store holds, and the rules that it enforces. Synchronous and without faults.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use super::{Call, Effect, Fault, Tally};
use crate::store::{check_number, check_range};
use crate::{
    CopySource, Location, MIN_PART, Metadata, ObjectInfo, Part, Prefix, PutOptions, Result, StoreError,
    Upload,
};

#[derive(Debug)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    etag: String,
    metadata: Metadata,
    modified: SystemTime,
}

#[derive(Debug)]
pub(super) struct OpenUpload {
    pub(super) at: Location,
    metadata: Metadata,
    parts: BTreeMap<u16, Bytes>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    buckets: BTreeSet<String>,
    pub(super) objects: BTreeMap<Location, Object>,
    pub(super) uploads: BTreeMap<String, OpenUpload>,
    created: u64,
    pub(super) tallies: BTreeMap<Call, Tally>,
    pub(super) faults: Vec<Fault>,
}

impl Object {
    pub(super) fn info(&self, at: &Location) -> ObjectInfo {
        ObjectInfo {
            at: at.clone(),
            size: self.bytes.len() as u64,
            etag: self.etag.clone(),
            metadata: self.metadata.clone(),
            modified: Some(self.modified),
        }
    }

    pub(super) fn slice(&self, at: &Location, range: &Range<u64>, if_match: Option<&str>) -> Result<Bytes> {
        self.check_tag(at, if_match)?;
        check_range(at, range, self.bytes.len() as u64)?;
        let index = |offset: u64| usize::try_from(offset).expect("the range lies in a slice of memory");
        Ok(self.bytes.slice(index(range.start)..index(range.end)))
    }

    fn check_tag(&self, at: &Location, if_match: Option<&str>) -> Result<()> {
        match if_match {
            Some(tag) if tag != self.etag => Err(StoreError::Changed { at: at.to_string() }),
            Some(_) | None => Ok(()),
        }
    }
}

impl State {
    pub(super) fn new(buckets: &[&str]) -> State {
        State { buckets: buckets.iter().map(|name| (*name).to_owned()).collect(), ..State::default() }
    }

    /// Counts a call and says how it fails.
    pub(super) fn count(&mut self, call: Call) -> Option<Effect> {
        self.tallies.entry(call).or_default().calls += 1;
        let strikes: Vec<Effect> = self.faults.iter_mut().filter_map(|fault| fault.strike(call)).collect();
        strikes.first().copied()
    }

    pub(super) fn moved(&mut self, call: Call, bytes: u64) {
        self.tallies.entry(call).or_default().bytes += bytes;
    }

    fn check_bucket(&self, bucket: &str, shown: &dyn ToString) -> Result<()> {
        let known = self.buckets.contains(bucket);
        if known { Ok(()) } else { Err(StoreError::NoSuchBucket { at: shown.to_string() }) }
    }

    pub(super) fn object(&self, at: &Location) -> Result<&Object> {
        self.check_bucket(at.bucket(), at)?;
        self.objects.get(at).ok_or_else(|| StoreError::not_found(at))
    }

    /// Stores an object; of `parts` parts if it comes from a multipart upload.
    pub(super) fn write(
        &mut self,
        at: &Location,
        bytes: Bytes,
        options: &PutOptions,
        parts: Option<usize>,
    ) -> Result<String> {
        self.check_bucket(at.bucket(), at)?;
        self.check_folder(at)?;
        if options.if_absent && self.objects.contains_key(at) {
            return Err(StoreError::Exists { at: at.to_string() });
        }
        let etag = tag(&bytes, parts);
        let (metadata, modified) = (options.metadata.clone(), SystemTime::now());
        let object = Object { bytes, etag: etag.clone(), metadata, modified };
        self.objects.insert(at.clone(), object);
        Ok(etag)
    }

    /// Servers on a file system can't have an object with the name of a folder.
    fn check_folder(&self, at: &Location) -> Result<()> {
        let above =
            at.key().match_indices('/').map(|(end, _)| Location::listed(at.bucket(), &at.key()[..end]));
        let below = format!("{}/", at.key());
        let first = Location::listed(at.bucket(), below.as_str());
        let next = self.objects.range(first..).next();
        let folder =
            next.is_some_and(|(other, _)| other.bucket() == at.bucket() && other.key().starts_with(&below));
        if folder || above.into_iter().any(|folder| self.objects.contains_key(&folder)) {
            return Err(StoreError::invalid(at, "ObjectAndFolder"));
        }
        Ok(())
    }

    pub(super) fn list(&self, prefix: &Prefix, after: Option<&Location>) -> Result<Vec<ObjectInfo>> {
        self.check_bucket(prefix.bucket(), prefix)?;
        let inside = self.objects.iter().filter(|(at, _)| prefix.contains(at));
        let wanted = inside.filter(|(at, _)| after.is_none_or(|after| *at > after));
        Ok(wanted.map(|(at, object)| ObjectInfo { metadata: Metadata::new(), ..object.info(at) }).collect())
    }

    pub(super) fn delete(&mut self, all: &[Location]) -> Result<()> {
        for at in all {
            self.check_bucket(at.bucket(), at)?;
            self.objects.remove(at);
        }
        Ok(())
    }

    pub(super) fn create_upload(&mut self, at: &Location, options: &PutOptions) -> Result<Upload> {
        self.check_bucket(at.bucket(), at)?;
        self.created += 1;
        let id = format!("upload-{}", self.created);
        let open = OpenUpload { at: at.clone(), metadata: options.metadata.clone(), parts: BTreeMap::new() };
        self.uploads.insert(id.clone(), open);
        Ok(Upload { at: at.clone(), id })
    }

    fn upload(&mut self, upload: &Upload) -> Result<&mut OpenUpload> {
        let open = self.uploads.get_mut(&upload.id).filter(|open| open.at == upload.at);
        open.ok_or_else(|| StoreError::NoSuchUpload { at: upload.at.to_string() })
    }

    pub(super) fn upload_part(&mut self, to: &Upload, number: u16, bytes: Bytes) -> Result<Part> {
        check_number(to, number)?;
        let part = Part { number, etag: tag(&bytes, None), size: bytes.len() as u64 };
        self.upload(to)?.parts.insert(number, bytes);
        Ok(part)
    }

    /// The parts of an upload, in order.
    pub(super) fn parts(&mut self, upload: &Upload) -> Result<Vec<Part>> {
        let part = |(number, bytes): (&u16, &Bytes)| Part {
            number: *number,
            etag: tag(bytes, None),
            size: bytes.len() as u64,
        };
        Ok(self.upload(upload)?.parts.iter().map(part).collect())
    }

    /// The bytes that a copy takes, under AWS's rules.
    pub(super) fn copied(&self, source: &CopySource) -> Result<Bytes> {
        let from = &source.from;
        let object = self.object(from)?;
        object.check_tag(from, source.if_match.as_deref())?;
        let size = object.bytes.len() as u64;
        if size != source.size {
            return Err(StoreError::invalid(from, "SizeOfSource"));
        }
        match source.partial() {
            None => Ok(object.bytes.clone()),
            Some(_) if size <= MIN_PART => Err(StoreError::invalid(from, "InvalidRequest")),
            Some(range) => object.slice(from, range, None),
        }
    }

    pub(super) fn complete(
        &mut self,
        upload: &Upload,
        parts: &[Part],
        options: &PutOptions,
    ) -> Result<String> {
        let open = self.upload(upload)?;
        let mut joined = BytesMut::new();
        for (index, part) in parts.iter().enumerate() {
            let bytes = open.parts.get(&part.number).filter(|bytes| tag(bytes, None) == part.etag);
            let bytes = bytes.ok_or_else(|| StoreError::invalid(&upload.at, "InvalidPart"))?;
            if index + 1 < parts.len() && (bytes.len() as u64) < MIN_PART {
                return Err(StoreError::TooSmall { at: upload.at.to_string() });
            }
            joined.extend_from_slice(bytes);
        }
        let options = PutOptions { metadata: open.metadata.clone(), ..options.clone() };
        let etag = self.write(&upload.at, joined.freeze(), &options, Some(parts.len()))?;
        self.uploads.remove(&upload.id);
        Ok(etag)
    }

    pub(super) fn open_uploads(&self) -> Vec<Upload> {
        let mut all: Vec<Upload> =
            self.uploads.iter().map(|(id, open)| Upload { at: open.at.clone(), id: id.clone() }).collect();
        all.sort();
        all
    }

    pub(super) fn list_uploads(&self, prefix: &Prefix) -> Result<Vec<Upload>> {
        self.check_bucket(prefix.bucket(), prefix)?;
        Ok(self.open_uploads().into_iter().filter(|upload| prefix.contains(&upload.at)).collect())
    }
}

/// The same bytes have the same tag, as with S3's MD5; no digest for anybody else.
fn tag(bytes: &[u8], parts: Option<usize>) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    match parts {
        None => format!("{:016x}", hasher.finish()),
        Some(parts) => format!("{:016x}-{parts}", hasher.finish()),
    }
}
