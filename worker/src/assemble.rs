//! The stage `assemble`: one file out of the pieces, copied inside the store where their size allows it. Publishes only
//! if the manifests account for every tile of the grid exactly once and in order.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use tessera_core::assembly::{self, Content, MAX_PARTS, Segment};
use tessera_core::name::Scratch;
use tessera_core::plan::{Plan, Stage};
use tessera_core::pyramid::Layer;
use tessera_core::record::{Manifest, PieceRecord, Published};
use tessera_operations::Operation;
use tessera_store::{CopySource, ErrorKind, Part, Upload};

use crate::checksum::Crc64;
use crate::context::Context;
use crate::engine::Tile;
use crate::error::WorkError;
use crate::frame::Frame;
use crate::places::ScratchPlace;
use crate::publish::Target;
use crate::upper::Upper;

/// Manifests that are read at once.
const MANIFESTS_AT_ONCE: usize = 16;

/// Parts that are copied or joined at once.
const PARTS_AT_ONCE: usize = 4;

/// Joins the pieces of all shards and publishes the file.
///
/// # Errors
/// See [`WorkError`]. Nothing is published unless every tile is accounted for.
pub async fn run_assemble(
    context: &Context,
    plan: &Plan<Operation>,
    digest: &str,
) -> Result<Published, WorkError> {
    crate::check::plan(plan)?;
    let scratch = ScratchPlace::of(plan, &context.stores)?;
    let target = Target::of(plan, &context.stores, scratch.clone())?;
    let earlier = target.published().await?;
    let Pieces { file: pieces, crown } = all_pieces(plan, digest, &scratch).await?;
    let upper = overviews(context, plan, &scratch, crown).await?;
    let frame = Frame::new(context, plan).await?;
    let tiles = || upper.iter().map(|tile| &tile.record).chain(pieces.iter().flat_map(|piece| &piece.tiles));
    let mut head = frame.head(tiles())?;
    upper.iter().for_each(|tile| head.extend(&tile.bytes));
    let file = File { head, tail: frame.tail(tiles())?, pieces: &pieces };
    let published = Published {
        plan: digest.to_owned(),
        uri: plan.output.uri.clone(),
        etag: String::new(),
        size: file.size(),
        digest: frame.digest(tiles())?,
        crc64: file.crc()?.hex(),
        tiles: plan.grid.tiles(),
    };
    let etag = match earlier {
        // An earlier attempt completed the upload and ended before it could say so.
        Some(info) if info.size == published.size => info.etag,
        Some(_) | None => Assembly { context, scratch: &scratch, target: &target, file }.publish().await?,
    };
    let published = Published { etag, ..published };
    target.clear().await?;
    scratch.put_json(scratch.keys.manifest(Stage::Assemble.name(), 0), &published).await?;
    Ok(published)
}

/// The records of all pieces.
struct Pieces {
    /// Of the file, in its order: the smallest level that shards compute first.
    file: Vec<PieceRecord>,
    /// Of what they hand over for smaller levels.
    crown: Vec<PieceRecord>,
}

/// Reads the manifests of all shards.
async fn all_pieces(
    plan: &Plan<Operation>,
    digest: &str,
    scratch: &ScratchPlace,
) -> Result<Pieces, WorkError> {
    let read = futures::stream::iter(0..plan.shards(Stage::Tiles)).map(|shard| async move {
        let key = scratch.keys.manifest(Stage::Tiles.name(), shard);
        let manifest: Option<Manifest> = scratch.get_json(key).await?;
        let manifest =
            manifest.ok_or_else(|| WorkError::Incomplete(format!("shard {shard} has left no manifest")))?;
        check_manifest(plan, digest, shard, manifest)
    });
    let shards: Vec<Vec<(Layer, PieceRecord)>> = read.buffered(MANIFESTS_AT_ONCE).try_collect().await?;
    let pieces: Vec<(Layer, PieceRecord)> = shards.into_iter().flatten().collect();
    let pyramid = plan.pyramid();
    let mut all = Pieces { file: Vec::new(), crown: Vec::new() };
    for layer in pyramid.layers().into_iter().rev() {
        let here = pieces.iter().filter(|(of, _)| *of == layer).map(|(_, piece)| piece.clone());
        let here: Vec<PieceRecord> = here.collect();
        let (found, wanted) = (here.iter().map(tiles).sum::<u64>(), pyramid.grid(layer).tiles());
        if found != wanted {
            return Err(WorkError::Incomplete(format!("there are {found} of {wanted}")));
        }
        match layer {
            Layer::Level(_) => all.file.extend(here),
            Layer::Crown => all.crown.extend(here),
        }
    }
    Ok(all)
}

/// The tiles of the levels that shards cannot make, in file order.
async fn overviews(
    context: &Context,
    plan: &Plan<Operation>,
    scratch: &ScratchPlace,
    crown: Vec<PieceRecord>,
) -> Result<Vec<Tile>, WorkError> {
    let Some(mut upper) = Upper::new(plan) else { return Ok(Vec::new()) };
    let read = futures::stream::iter(crown).map(|piece| async move {
        let data = read(scratch, &piece, 0..piece.size).await?;
        Ok::<_, WorkError>((piece, data))
    });
    let mut read = std::pin::pin!(read.buffered(2));
    while let Some((piece, data)) = read.try_next().await? {
        let mut end = 0;
        let packed = piece.tiles.into_iter().map(move |tile| {
            let start = end;
            end += tile.size as usize;
            data.slice(start..end)
        });
        upper = upper.take(context, packed).await?;
    }
    Ok(upper.finish())
}

/// Checks that a manifest is of this plan and has exactly the pieces and tiles that the plan gives its shard; gives the
/// pieces with what they belong to.
fn check_manifest(
    plan: &Plan<Operation>,
    digest: &str,
    shard: u32,
    manifest: Manifest,
) -> Result<Vec<(Layer, PieceRecord)>, WorkError> {
    let wrong = |what: &str| Err(WorkError::Incomplete(format!("the manifest of shard {shard} {what}")));
    if manifest.plan != digest || manifest.shard != shard {
        return wrong("is of another plan or shard");
    }
    let (pyramid, expected) = (plan.pyramid(), plan.pieces(shard));
    if expected.len() != manifest.pieces.len() {
        return wrong("has not all pieces");
    }
    for (piece, record) in expected.iter().zip(&manifest.pieces) {
        let bytes: u64 = record.tiles.iter().map(|tile| tile.size).sum();
        let tiles = piece.tile_count(pyramid.grid(piece.layer)) == record.tiles.len() as u64;
        let same = record.plan == digest && record.shard == shard && record.piece == piece.number;
        if !tiles || !same || bytes != record.size {
            return wrong(&format!("does not account for its piece {}", piece.number));
        }
    }
    Ok(expected.iter().map(|piece| piece.layer).zip(manifest.pieces).collect())
}

/// The file to be.
struct File<'a> {
    head: Vec<u8>,
    tail: Vec<u8>,
    pieces: &'a [PieceRecord],
}

impl File<'_> {
    fn size(&self) -> u64 {
        self.head.len() as u64
            + self.pieces.iter().map(|piece| piece.size).sum::<u64>()
            + self.tail.len() as u64
    }

    fn crc(&self) -> Result<Crc64, WorkError> {
        let pieces = self.pieces.iter().try_fold(Crc64::of(&self.head), |crc, piece| {
            let wrong = || WorkError::Incomplete(format!("piece {} has no checksum", piece.piece));
            Ok::<_, WorkError>(crc.then(Crc64::parse(&piece.crc64, piece.size).ok_or_else(wrong)?))
        })?;
        Ok(pieces.then(Crc64::of(&self.tail)))
    }

    fn parts(&self) -> Result<Vec<assembly::Part>, WorkError> {
        let sizes: Vec<u64> = self.pieces.iter().map(|piece| piece.size).collect();
        let parts = assembly::parts(self.head.len() as u64, &sizes, self.tail.len() as u64);
        if parts.len() > MAX_PARTS {
            let text = format!(
                "the file has {} parts, and a store takes {MAX_PARTS}: use larger tiles",
                parts.len()
            );
            return Err(WorkError::Limit(text));
        }
        Ok(parts)
    }
}

struct Assembly<'a> {
    context: &'a Context,
    scratch: &'a ScratchPlace,
    target: &'a Target,
    file: File<'a>,
}

impl Assembly<'_> {
    /// Writes the object and returns its tag.
    async fn publish(&self) -> Result<String, WorkError> {
        let parts = self.file.parts()?;
        if let [assembly::Part::Upload(segments)] = &parts[..] {
            let etag = self.target.put(self.join(segments).await?).await?;
            self.told(self.file.pieces.iter().map(tiles).sum());
            return Ok(etag);
        }
        let upload = self.target.open(None).await?;
        let done = self.upload(&upload, parts).await;
        if done.is_err() {
            self.target.abort(&upload).await;
        }
        done
    }

    async fn upload(&self, upload: &Upload, parts: Vec<assembly::Part>) -> Result<String, WorkError> {
        let numbered = (1u16..).zip(parts);
        let sent = futures::stream::iter(numbered).map(|(number, part)| self.part(upload, number, part));
        let parts: Vec<Part> = sent.buffered(PARTS_AT_ONCE).try_collect().await?;
        self.target.complete(upload, &parts).await
    }

    async fn part(&self, upload: &Upload, number: u16, part: assembly::Part) -> Result<Part, WorkError> {
        match part {
            assembly::Part::Upload(segments) => {
                let body = self.join(&segments).await?;
                Ok(self.target.store.upload_part(upload, number, body).await?)
            }
            assembly::Part::Copy { piece, bytes, .. } => {
                let part =
                    self.copy(upload, number, &Segment { content: Content::Piece(piece), bytes }).await?;
                self.told(tiles(&self.file.pieces[piece]));
                Ok(part)
            }
        }
    }

    /// A part out of a piece, copied inside the store if it can do that.
    async fn copy(&self, upload: &Upload, number: u16, segment: &Segment) -> Result<Part, WorkError> {
        if let Content::Piece(piece) = segment.content
            && upload.at.scheme() == self.scheme()
        {
            let record = &self.file.pieces[piece];
            let whole = segment.bytes == (0..record.size);
            let source = CopySource {
                from: self.scratch.at(data_key(&self.scratch.keys, record))?,
                range: (!whole).then(|| segment.bytes.clone()),
                size: record.size,
                if_match: Some(record.etag.clone()),
            };
            match self.target.store.copy_part(upload, number, &source).await {
                Err(error) if error.kind() == ErrorKind::Invalid => {
                    tracing::warn!(%error, "the store does not copy this part, so it passes through here");
                }
                other => return other.map_err(|error| piece_error(record, error)),
            }
        }
        let body = self.join(std::slice::from_ref(segment)).await?;
        Ok(self.target.store.upload_part(upload, number, body).await?)
    }

    fn scheme(&self) -> tessera_store::Scheme {
        self.scratch.scheme()
    }

    /// The bytes of some segments.
    async fn join(&self, segments: &[Segment]) -> Result<Bytes, WorkError> {
        let mut joined = BytesMut::new();
        for Segment { content, bytes } in segments {
            let range = bytes.start as usize..bytes.end as usize;
            match content {
                Content::Head => joined.extend_from_slice(&self.file.head[range]),
                Content::Tail => joined.extend_from_slice(&self.file.tail[range]),
                Content::Piece(piece) => {
                    let record = &self.file.pieces[*piece];
                    joined.extend_from_slice(&read(self.scratch, record, bytes.clone()).await?);
                }
            }
        }
        Ok(joined.freeze())
    }

    fn told(&self, tiles: u64) {
        self.context.progress.tiles(tiles);
    }
}

/// Some bytes of a piece.
async fn read(scratch: &ScratchPlace, piece: &PieceRecord, bytes: Range<u64>) -> Result<Bytes, WorkError> {
    let at = scratch.at(data_key(&scratch.keys, piece))?;
    let read = scratch.store.get_range(&at, bytes, Some(&piece.etag)).await;
    read.map_err(|error| piece_error(piece, error))
}

fn tiles(piece: &PieceRecord) -> u64 {
    piece.tiles.len() as u64
}

fn data_key(keys: &Scratch, piece: &PieceRecord) -> String {
    keys.data(Stage::Tiles.name(), piece.shard, piece.piece)
}

/// A piece that is gone or is not the recorded one is work that is missing, not a store that fails.
fn piece_error(piece: &PieceRecord, error: tessera_store::StoreError) -> WorkError {
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Changed) {
        return WorkError::Incomplete(format!(
            "piece {} of shard {} is gone or was changed",
            piece.piece, piece.shard
        ));
    }
    error.into()
}
