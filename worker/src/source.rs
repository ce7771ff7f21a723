//! The source of a plan: found again by its tag, with its header and the table of its tiles.
//! It fetches headers and tables, never pixels.

use std::ops::Range;

use tessera_core::geometry::Rect;
use tessera_core::operation::Chain;
use tessera_core::plan::{Access, Plan};
use tessera_formats::header::Header;
use tessera_formats::icc;
use tessera_formats::notes::Annotations;
use tessera_formats::tiff::TileTable;
use tessera_operations::{Operation, plan_chain};
use tessera_probe::Probed;
use tessera_store::Location;

use crate::context::Context;
use crate::error::WorkError;
use crate::fetch::SourceObject;

/// Reads the source's header again and checks that it is what the plan was made for.
pub(crate) async fn probe(
    context: &Context,
    plan: &Plan<Operation>,
) -> Result<(SourceObject, Probed), WorkError> {
    let at: Location = plan.source.uri.parse()?;
    let store = context.stores.of(&at)?;
    let error = |error| WorkError::of_probe(&plan.source.uri, error);
    let probed = tessera_probe::probe_page(&*store, &at, plan.source.page).await.map_err(error)?;
    let same = probed.info.etag == plan.source.etag && probed.header.extent == plan.source.extent;
    if !same {
        return Err(WorkError::SourceChanged { uri: plan.source.uri.clone() });
    }
    let (etag, size) = (probed.info.etag.clone(), probed.info.size);
    Ok((SourceObject { store, at, etag, size }, probed))
}

/// Where the tiles of the source lie that the pixels `rects` of the output need; `None` for a source without tiles.
pub(crate) async fn table(
    object: &SourceObject,
    probed: &Probed,
    plan: &Plan<Operation>,
    rects: impl Iterator<Item = Rect>,
) -> Result<Option<TileTable>, WorkError> {
    let chain = plan_chain(&plan.operations, plan.source.extent)?;
    let tiles = rects.map(|rect| span(&probed.header, chain.reads(rect)[0])).reduce(join).unwrap_or(0..0);
    let error = |error| WorkError::of_probe(&plan.source.uri, error);
    tessera_probe::tile_table(&*object.store, probed, tiles).await.map_err(error)
}

/// The run of indexes that holds all tiles of `rect`.
fn span(header: &Header, rect: Rect) -> Range<u64> {
    let tiles = header.tiles_for(rect);
    match (tiles.first(), tiles.last()) {
        (Some(first), Some(last)) => *first..*last + 1,
        (None, _) | (_, None) => 0..0,
    }
}

fn join(a: Range<u64>, b: Range<u64>) -> Range<u64> {
    if a.is_empty() {
        return b;
    }
    if b.is_empty() {
        return a;
    }
    a.start.min(b.start)..a.end.max(b.end)
}

/// How many tiles of the source may be held at once: about two windows around what is computed at once, of which
/// [`tessera_core::cost::Footprint`] counts three, one being the encoded tiles of the next.
pub(crate) fn tile_budget(plan: &Plan<Operation>, chain: &Chain<'_>, step: Rect) -> usize {
    let Access::Tiles { tile } = plan.source.access else { return 0 };
    let window = tessera_core::cost::window(chain, step.size(), tile);
    usize::try_from(2 * window.pixels() / tile.pixels().max(1)).unwrap_or(usize::MAX)
}

/// What the source's header says that is true of the output: the profile where it describes images with the output's
/// channels, the rest moved with the pixels.
pub(crate) fn annotations(header: &Header, plan: &Plan<Operation>) -> Result<Annotations, WorkError> {
    let chain = plan_chain(&plan.operations, plan.source.extent)?;
    let channels = plan.output.extent.pixel.channels;
    Ok(Annotations {
        icc: tessera_imaging::profile(header).filter(|raw| icc::suits(raw, channels)),
        notes: header.notes.carried(&chain.placement(), chain.keeps_samples()),
    })
}
