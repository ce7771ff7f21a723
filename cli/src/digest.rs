//! `tessera digest`: the SHA-256 of a file and, for files of Tessera's own layout, the tree digest, found again by taking
//! the file apart. It reads the file and decodes nothing.

use std::ops::Range;

use sha2::{Digest, Sha256};
use tessera_core::output::TiffCompression;
use tessera_core::record::{TreeDigest, hex};
use tessera_formats::header::{Header, Kind};
use tessera_formats::icc::Icc;
use tessera_formats::notes::Annotations;
use tessera_formats::tiff::{Compression, TiffSource};
use tessera_formats::tiff_out::{LEADER, TRAILER, TiffFile};
use tessera_probe::{Probed, probe, tile_table};
use tessera_store::{Location, Store};

use crate::failure::Failure;
use crate::{job, machine};

/// Bytes that are read at once.
const CHUNK: u64 = 8 << 20;

/// How the structure of a COG begins.
const COG: &[u8] = b"GDAL_STRUCTURAL_METADATA_SIZE=";

/// Length of what a COG has around a tile.
const ENCLOSURE: u64 = (LEADER + TRAILER) as u64;

/// Length of a PNG's chunk without its data.
const CHUNK_FRAME: u64 = 12;

/// Prints the digests.
///
/// # Errors
/// The file cannot be read.
pub(crate) async fn digest(file: &str) -> Result<(), Failure> {
    let problem = |error| Failure::new(1, format!("{file}: {error}"));
    let uri = tessera_api::uri::Uri::parse(file, tessera_api::uri::Locations::Local).map_err(problem)?;
    let at = job::location(&uri)?;
    let store = machine::stores(&[&at])?.of(&at)?;
    println!("sha256  {}", sha256(&*store, &at).await?);
    match tree(&*store, &at).await? {
        Some(digest) => println!("digest  {digest}"),
        None => println!("digest  none: the file has not the layout of Tessera's own files"),
    }
    Ok(())
}

/// The SHA-256 of an object in hexadecimal.
async fn sha256(store: &dyn Store, at: &Location) -> Result<String, Failure> {
    let info = store.head(at).await?;
    hash(store, at, 0..info.size).await
}

async fn hash(store: &dyn Store, at: &Location, bytes: Range<u64>) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    let mut start = bytes.start;
    while start < bytes.end {
        let end = (start + CHUNK).min(bytes.end);
        hash.update(store.get_range(at, start..end, None).await?);
        start = end;
    }
    Ok(hex(&hash.finalize()))
}

/// The tree digest; `None` for a file that is not of our layout.
async fn tree(store: &dyn Store, at: &Location) -> Result<Option<String>, Failure> {
    let Ok(probed) = probe(store, at).await else { return Ok(None) };
    let Some(parts) = parts(store, &probed).await? else { return Ok(None) };
    let size = probed.info.size;
    let (head, tail) = match (parts.first(), parts.last()) {
        (Some(first), Some(last)) => (0..first.start, last.end..size),
        (None, _) | (_, None) => return Ok(None),
    };
    let mut digest = TreeDigest::new(&store.get_range(at, head, None).await?);
    for part in parts {
        digest.tile(&hash(store, at, part).await?);
    }
    Ok(Some(digest.finish(&store.get_range(at, tail, None).await?)))
}

/// The tiles or bands in file order; `None` where they do not follow each other without gaps.
async fn parts(store: &dyn Store, probed: &Probed) -> Result<Option<Vec<Range<u64>>>, Failure> {
    let size = probed.info.size;
    let (parts, tail) = match &probed.header.kind {
        Kind::Jpeg { .. } => (std::iter::once(0..size).collect(), 0),
        Kind::WebP { .. } => return Ok(None),
        Kind::Png { .. } => bands(store, probed).await?,
        Kind::Tiff(tiff) => match cog_tiles(store, probed, tiff).await? {
            Some(tiles) => (tiles, 0),
            None => (tiles(store, probed, &probed.header, tiff.tiles()).await?, 0),
        },
    };
    let joined = parts.windows(2).all(|pair| pair[0].end == pair[1].start && !pair[0].is_empty());
    let ends = parts.last().is_some_and(|last| !last.is_empty() && last.end + tail == size);
    Ok((joined && ends).then_some(parts))
}

/// The tiles of all levels of a COG, between their leaders and trailers; `None` for another TIFF. They begin where the header
/// ends that such an image has.
async fn cog_tiles(
    store: &dyn Store,
    probed: &Probed,
    tiff: &TiffSource,
) -> Result<Option<Vec<Range<u64>>>, Failure> {
    let (at, size) = (&probed.info.at, probed.info.size);
    let start = store.get_range(at, 0..size.min(64), None).await?;
    if !start.windows(COG.len()).any(|bytes| bytes == COG) {
        return Ok(None);
    }
    let icc = match &probed.header.icc {
        Some(Icc::Raw(profile)) => Some(profile.clone()),
        Some(Icc::Zlib(_)) | None => None,
    };
    let annotations = Annotations { icc, notes: probed.header.notes.clone() };
    let compression = match tiff.compression {
        Compression::None | Compression::PackBits => TiffCompression::None,
        Compression::Deflate => TiffCompression::Deflate,
        Compression::Lzw => TiffCompression::Lzw,
        Compression::Zstd => TiffCompression::Zstd,
        Compression::Jpeg => TiffCompression::Jpeg { quality: 100 },
    };
    let file = TiffFile::cog(probed.header.extent, tiff.tile.width, compression, annotations);
    let (mut tiles, mut next) = (Vec::new(), file.header_len());
    while next + ENCLOSURE <= size {
        let leader = store.get_range(at, next..next + 4, None).await?;
        let length = leader.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        tiles.push(next..next + length + ENCLOSURE);
        next += length + ENCLOSURE;
    }
    Ok(Some(tiles))
}

async fn tiles(
    store: &dyn Store,
    probed: &Probed,
    header: &Header,
    count: u64,
) -> Result<Vec<Range<u64>>, Failure> {
    let Some(table) = tile_table(store, probed, 0..count).await? else { return Ok(Vec::new()) };
    if header.tile_size().is_none_or(|tile| tile.width != tile.height) {
        return Ok(Vec::new());
    }
    let mut tiles: Vec<Range<u64>> = (0..count).filter_map(|tile| table.bytes_of(tile)).collect();
    tiles.sort_by_key(|tile| tile.start);
    Ok(tiles)
}

/// The IDAT chunks of a PNG between the first, which has the two bytes of the zlib header, and the last, which has six
/// bytes; and the length of what stands behind them.
async fn bands(store: &dyn Store, probed: &Probed) -> Result<(Vec<Range<u64>>, u64), Failure> {
    let (size, mut at) = (probed.info.size, 8);
    let mut data: Vec<Range<u64>> = Vec::new();
    while at + CHUNK_FRAME <= size {
        let frame = store.get_range(&probed.info.at, at..at + 8, None).await?;
        let (length, name) = frame.split_at(4);
        let length = length.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        if name == b"IDAT" {
            data.push(at..at + length + CHUNK_FRAME);
        }
        at += length + CHUNK_FRAME;
    }
    let length = |part: &Range<u64>| part.end - part.start - CHUNK_FRAME;
    let framed = data.first().map(length) == Some(2) && data.last().map(length) == Some(6) && data.len() > 2;
    if !framed {
        return Ok((Vec::new(), 0));
    }
    let tail = data.pop().map_or(0, |last| last.end - last.start) + CHUNK_FRAME;
    Ok((data.split_off(1), tail))
}
