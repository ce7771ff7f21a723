//! Makes the overviews that no shard can make alone: from the smallest level that shards compute, which they hand over
//! without loss, tile by tile in row-major order. Holds one row of tiles of each level, and what it has encoded.

use tessera_core::geometry::Rect;
use tessera_core::grid::Grid;
use tessera_core::output::OutputFormat;
use tessera_core::pixel::PixelType;
use tessera_core::plan::Plan;
use tessera_imaging::crown;
use tessera_operations::Region;

use crate::context::Context;
use crate::encode::encode_row;
use crate::engine::Tile;
use crate::error::WorkError;
use crate::levels::Levels;

/// The overviews above the crown.
pub(crate) struct Upper {
    format: OutputFormat,
    pixel: PixelType,
    /// The crown and the levels above it, each as one block.
    grids: Vec<Grid>,
    levels: Levels,
    /// The row of the crown's tiles that is being filled.
    row: Region,
    /// Number of the tile that comes next.
    next: u64,
    /// What was encoded, by level.
    encoded: Vec<Vec<Tile>>,
}

impl Upper {
    /// The upper overviews of a plan's file; `None` where it has none.
    pub(crate) fn new<O>(plan: &Plan<O>) -> Option<Upper> {
        let pyramid = plan.pyramid();
        let crown = *pyramid.shared.last().filter(|_| !pyramid.upper.is_empty())?;
        let grids = [vec![Grid { block: u32::MAX, ..crown }], pyramid.upper].concat();
        let pixel = plan.output.extent.pixel;
        Some(Upper {
            format: plan.output.format,
            pixel,
            levels: Levels::new(grids.clone()),
            row: Region::zeroed(Rect::new(0, 0, 0, 0), pixel),
            next: 0,
            encoded: grids[1..].iter().map(|_| Vec::new()).collect(),
            grids,
        })
    }

    /// Takes the next tile of the crown, as it was packed.
    fn push(&mut self, packed: &[u8]) -> Result<(), WorkError> {
        let grid = self.grids[0];
        let (row, column) = (self.next / u64::from(grid.columns()), self.next % u64::from(grid.columns()));
        let row = u32::try_from(row).expect("not more than the rows of the grid");
        if column == 0 {
            self.row = Region::zeroed(grid.strip(0, row), self.pixel);
        }
        let rect = grid.tile_rect(grid.row_of(0, row)[column as usize]);
        let tile = crown::unpack(packed, rect, self.pixel);
        self.row.paste(&tile.map_err(|error| WorkError::Incomplete(error.to_string()))?);
        self.next += 1;
        if column + 1 == u64::from(grid.columns()) {
            for full in self.levels.push(0, row, &self.row) {
                let tiles = encode_row(self.format, &self.grids[full.level], &full)?;
                self.encoded[full.level - 1].extend(tiles);
            }
        }
        Ok(())
    }

    /// Takes the next tiles of the crown, on a thread of its own.
    pub(crate) async fn take(
        mut self,
        context: &Context,
        packed: impl Iterator<Item = impl AsRef<[u8]>> + Send + 'static,
    ) -> Result<Upper, WorkError> {
        let threads = context.threads.clone();
        let work = tokio::task::spawn_blocking(move || {
            threads.install(|| packed.into_iter().try_for_each(|tile| self.push(tile.as_ref())))?;
            Ok(self)
        });
        work.await
            .map_err(|error| WorkError::Panicked { at: "the overviews".into(), what: error.to_string() })?
    }

    /// The tiles in file order: the smallest level first.
    pub(crate) fn finish(self) -> Vec<Tile> {
        self.encoded.into_iter().rev().flatten().collect()
    }
}
