//! What stands around the tiles of the output: head and tail by the layout of its format, and the digest over all.
//! What the source's header says stands there as far as it is true of the result.

use tessera_core::plan::Plan;
use tessera_core::record::{TileRecord, TreeDigest};
use tessera_formats::layout::{Layout, Part};
use tessera_formats::notes::Annotations;
use tessera_operations::Operation;

use crate::context::Context;
use crate::error::WorkError;
use crate::source;

/// The layout of a plan's output file.
#[derive(Debug)]
pub(crate) struct Frame {
    layout: Layout,
}

impl Frame {
    /// Reads the source's header for what it says.
    pub(crate) async fn new(context: &Context, plan: &Plan<Operation>) -> Result<Frame, WorkError> {
        let (_, probed) = source::probe(context, plan).await?;
        Ok(Frame::of(plan, source::annotations(&probed.header, plan)?))
    }

    /// With what is true of the output.
    pub(crate) fn of(plan: &Plan<Operation>, annotations: Annotations) -> Frame {
        Frame { layout: Layout::new(plan.output.extent, plan.output.format, annotations) }
    }

    /// Length of the head.
    pub(crate) fn head_len(&self) -> u64 {
        self.layout.head_len()
    }

    /// The bytes before the tiles, which are all of them in file order.
    pub(crate) fn head<'a>(&self, tiles: impl Iterator<Item = &'a TileRecord>) -> Result<Vec<u8>, WorkError> {
        Ok(self.layout.head(&parts(tiles)?))
    }

    /// The bytes behind the tiles.
    pub(crate) fn tail<'a>(&self, tiles: impl Iterator<Item = &'a TileRecord>) -> Result<Vec<u8>, WorkError> {
        Ok(self.layout.tail(&parts(tiles)?))
    }

    /// The tree digest of the file.
    pub(crate) fn digest<'a>(
        &self,
        tiles: impl Iterator<Item = &'a TileRecord> + Clone,
    ) -> Result<String, WorkError> {
        let mut digest = TreeDigest::new(&self.head(tiles.clone())?);
        for tile in tiles.clone() {
            digest.tile(&tile.sha256);
        }
        Ok(digest.finish(&self.tail(tiles)?))
    }
}

fn parts<'a>(tiles: impl Iterator<Item = &'a TileRecord>) -> Result<Vec<Part>, WorkError> {
    tiles.map(part).collect()
}

fn part(record: &TileRecord) -> Result<Part, WorkError> {
    let large = |_| WorkError::Limit("a tile has 4 GiB or more: use smaller tiles".into());
    let (adler, filtered) = record.adler.unwrap_or((1, 0));
    Ok(Part { size: u32::try_from(record.size).map_err(large)?, adler, filtered })
}
