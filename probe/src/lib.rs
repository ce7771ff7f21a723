//! Looks at a source: asks its store for the ranges that the header parser wants, and nothing more.
//! It decodes no pixel, and it is what the operator, the worker and the command line share for this.

mod error;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tessera_core::plan::{Access, SourceImage};
use tessera_formats::header::{Header, HeaderError, Kind, Progress};
use tessera_formats::overviews::Overview;
use tessera_formats::ranges::Ranges;
use tessera_formats::tiff::{self, TileTable};
use tessera_store::{Location, ObjectInfo, Store};

pub use error::{ProbeError, ProbeKind};

/// The most requests that a header may cost. Ordinary headers need one or two.
const MAX_REQUESTS: u32 = 64;

/// A source's object and header.
#[derive(Debug, Clone)]
pub struct Probed {
    /// Size and ETag of the object.
    pub info: ObjectInfo,
    /// What its header says.
    pub header: Header,
    /// The same, as the planner wants it.
    pub image: SourceImage,
}

/// Reads the header of the image at `at`: one request for the object's size and tag, then ranges that belong to that tag.
///
/// # Errors
/// The object cannot be read, or is no image that can be a source.
pub async fn probe(store: &dyn Store, at: &Location) -> Result<Probed, ProbeError> {
    let info = store.head(at).await?;
    let header = parse(store, &info, MAX_REQUESTS, tessera_formats::parse).await?;
    let image = source_image(&header, info.size);
    Ok(Probed { info, header, image })
}

/// Where the tiles `tiles` (row-major indexes, not empty) of a TIFF lie in its file. Costs 8 to 16 bytes for each tile.
/// `None` for a source that is no TIFF, and has no tiles.
///
/// # Errors
/// The object cannot be read or has changed, or its table of tiles is damaged.
pub async fn tile_table(
    store: &dyn Store,
    probed: &Probed,
    tiles: Range<u64>,
) -> Result<Option<TileTable>, ProbeError> {
    let Kind::Tiff(tiff) = &probed.header.kind else { return Ok(None) };
    let table = |have: &Ranges, total| tiff::tile_table(have, total, tiff, tiles.clone());
    parse(store, &probed.info, MAX_REQUESTS, table).await.map(Some)
}

/// The smaller copies of a TIFF's image that its file holds, the largest first; none where there are none that can be read.
///
/// # Errors
/// The object cannot be read or has changed.
pub async fn overviews(store: &dyn Store, probed: &Probed) -> Result<Vec<Overview>, ProbeError> {
    let overviews = |have: &Ranges, total| tessera_formats::overviews::overviews(have, total, &probed.header);
    match parse(store, &probed.info, MAX_REQUESTS, overviews).await {
        // A chain of directories that leads nowhere takes nothing from the image itself.
        Err(ProbeError::Header(_) | ProbeError::Panicked | ProbeError::TooManyRequests { .. }) => {
            Ok(Vec::new())
        }
        other => other,
    }
}

/// What the planner needs to know of a source of `bytes` bytes.
pub fn source_image(header: &Header, bytes: u64) -> SourceImage {
    let access = header.tile_size().map_or(Access::Whole, |tile| Access::Tiles { tile });
    let (decode_cost, decode_memory) = (header.decode_cost(), header.decode_memory());
    SourceImage { extent: header.extent, access, decode_cost, decode_memory, bytes }
}

/// Feeds a parser until it is done.
async fn parse<T>(
    store: &dyn Store,
    info: &ObjectInfo,
    requests: u32,
    parser: impl Fn(&Ranges, u64) -> Result<Progress<T>, HeaderError>,
) -> Result<T, ProbeError> {
    let mut have = Ranges::new();
    for _ in 0..=requests {
        // The parser reads foreign bytes in the process that holds the keys: a mistake in it must not end the process.
        let progress = catch_unwind(AssertUnwindSafe(|| parser(&have, info.size)))
            .map_err(|_| ProbeError::Panicked)??;
        match progress {
            Progress::Done(value) => return Ok(value),
            Progress::Need(range) => {
                let bytes = store.get_range(&info.at, range.clone(), Some(&info.etag)).await?;
                have.insert(range.start, bytes.into());
            }
        }
    }
    Err(ProbeError::TooManyRequests { requests })
}
