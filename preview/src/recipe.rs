//! How a level of a preview is made: exactly, of pixels at full resolution, where they are few enough; else as each operation
//! says that it may be shown of a reduced picture. Pure: it reads headers' facts, no pixels.

use serde::Serialize;
use tessera_core::geometry::Size;
use tessera_core::operation::{Chain, ChainRefusal, Extent, Planned};
use tessera_core::placement::Placement;
use tessera_operations::resize::Resize;
use tessera_operations::{Apply, Operation, Reduced, plan_chain};

use crate::error::PreviewError;
use crate::memory;
use crate::sheet::{BUDGET, Reading, Sheet, halved, halved_size};

/// Pixels on a side of a tile.
pub const TILE: u32 = 512;

/// The most pixels that a reduced source may have behind one tile: twice a tile with its halo on a side.
const REDUCED: u64 = 4_000_000;

/// The most halvings of an image.
const MOST_LEVELS: u32 = 30;

/// About the most pixels of a source that are decoded in one step of a tile.
const STEP: u64 = 6_000_000;

/// Nanoseconds to halve a byte, and to encode one of a tile.
const HALVE: f64 = 0.6;
const ENCODE: f64 = 5.0;

/// What a tile is, so that nobody takes it for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Quality {
    /// The pixels of the result, reduced; of an empty chain the image as its file has it.
    Exact,
    /// Of a reduced picture, with parameters to match.
    Approximate,
    /// The image without what would mislead when it is reduced; cut, turned and resized as the result.
    Original,
}

impl Quality {
    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Quality::Exact => "exact",
            Quality::Approximate => "approximate",
            Quality::Original => "original",
        }
    }
}

/// How the tiles of one level are made: `operations` on the image at its level `source`, and the result halved `halvings`
/// times.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// What the tiles are.
    pub quality: Quality,
    /// The level of the image that is read.
    pub source: u32,
    /// What is computed of it.
    pub operations: Vec<Operation>,
    /// Halvings of the result.
    pub halvings: u32,
    /// How the image is read.
    pub reading: Reading,
    /// The largest part of the result that is computed at once, before it is halved.
    pub step: Size,
    /// Predicted bytes.
    pub memory: u64,
    /// Predicted milliseconds for one tile.
    pub milliseconds: f64,
}

/// What recipes are made for.
pub struct Kitchen<'a> {
    /// The image.
    pub sheet: &'a Sheet,
    /// The chain, which fits it.
    pub operations: &'a [Operation],
    /// Threads that compute.
    pub threads: usize,
    /// Bytes that one tile may take.
    pub memory: u64,
}

impl Kitchen<'_> {
    /// How level `level` of the result is made.
    ///
    /// # Errors
    /// [`PreviewError::NeedsCopy`] where the image cannot be read at that level, [`PreviewError::Chain`] where the chain
    /// does not fit.
    pub fn recipe(&self, level: u32) -> Result<Recipe, PreviewError> {
        let exact = if self.operations.is_empty() { self.stored(level) } else { self.exact(level, BUDGET)? };
        if let Some(recipe) = exact {
            return Ok(recipe);
        }
        if let Some(recipe) = self.reduced(self.operations, level, Quality::Approximate)? {
            return Ok(recipe);
        }
        let geometry = geometry(self.operations, self.sheet.extent).map_err(refused)?;
        let original = self.reduced(&geometry, level, Quality::Original)?;
        original.ok_or(PreviewError::NeedsCopy(self.sheet.extent.size))
    }

    /// The pixels of the result at full size, whatever they cost.
    ///
    /// # Errors
    /// [`PreviewError::TooLarge`] where they take more memory than there is.
    pub fn whatever_it_costs(&self) -> Result<Recipe, PreviewError> {
        let text = "the chain reads too much of the image for one part of its result: use a smaller radius, or reduce the image less";
        self.exact(0, u64::MAX)?.ok_or_else(|| PreviewError::TooLarge(text.to_owned()))
    }

    /// The image itself.
    fn stored(&self, level: u32) -> Option<Recipe> {
        let tile = self.sheet.extent_at(level).size;
        let reading = self.sheet.reading(level, tile_of(tile))?;
        let plan = Draft { quality: Quality::Exact, source: level, operations: Vec::new(), halvings: 0 };
        self.finish(plan, reading, 0).ok().flatten()
    }

    /// The chain at full resolution, if no image on the way has more than `budget` pixels behind a tile.
    fn exact(&self, level: u32, budget: u64) -> Result<Option<Recipe>, PreviewError> {
        let chain = plan_chain(self.operations, self.sheet.extent).map_err(refused)?;
        let windows = inside(&chain, tile_at(chain.output().size, level));
        if windows.iter().any(|window| window.pixels() > budget) {
            return Ok(None);
        }
        let step = step(&chain, level);
        let read = if budget == u64::MAX { inside(&chain, step)[0] } else { windows[0] };
        let Some(reading) = self.sheet.reading(0, read) else { return Ok(None) };
        let operations = self.operations.to_vec();
        let draft = Draft { quality: Quality::Exact, source: 0, operations, halvings: level };
        self.finish(draft, reading, level)
    }

    /// The chain on a reduced picture. Where it has no `resize` that is of the result's level; else of the largest that is
    /// small enough, since a picture that becomes smaller needs no more.
    fn reduced(
        &self,
        operations: &[Operation],
        level: u32,
        quality: Quality,
    ) -> Result<Option<Recipe>, PreviewError> {
        let resizes = operations.iter().any(|operation| matches!(operation, Operation::Resize(_)));
        let sources = if resizes { 0..=MOST_LEVELS } else { level..=level };
        for source in sources {
            let Some(operations) =
                reduced_chain(operations, self.sheet.extent, source, level).map_err(refused)?
            else {
                return Ok(None);
            };
            let extent = self.sheet.extent_at(source);
            let Ok(chain) = plan_chain(&operations, extent) else { continue };
            let windows = inside(&chain, tile_of(chain.output().size));
            let few = windows.iter().all(|window| window.pixels() <= REDUCED);
            let reading = self.sheet.reading(source, windows[0]).filter(|_| few);
            let draft = Draft { quality, source, operations: operations.clone(), halvings: 0 };
            let Some(reading) = reading else { continue };
            if let Some(recipe) = self.finish(draft, reading, 0)? {
                return Ok(Some(recipe));
            }
        }
        Ok(None)
    }

    /// The recipe with its prediction, if its memory is there.
    fn finish(&self, draft: Draft, reading: Reading, level: u32) -> Result<Option<Recipe>, PreviewError> {
        let Draft { quality, source, operations, halvings } = draft;
        let extent = self.sheet.extent_at(source);
        let chain = plan_chain(&operations, extent).map_err(refused)?;
        let step = step(&chain, level);
        let window = self.decoded(&chain, step, reading);
        let memory = memory::of_step(&chain, window, step, self.threads);
        let milliseconds = self.milliseconds(&chain, &operations, level, reading);
        drop(chain);
        let recipe = Recipe { quality, source, operations, halvings, reading, step, memory, milliseconds };
        Ok(Some(recipe).filter(|recipe| recipe.memory <= self.memory))
    }

    /// Pixels that are decoded for a step.
    fn decoded(&self, chain: &Chain<'_>, step: Size, reading: Reading) -> u64 {
        let window = inside(chain, step)[0];
        match reading {
            Reading::Whole => window.pixels(),
            Reading::Layer { index, halvings, .. } => {
                let layer = self.sheet.layers[index];
                let far = |side: u32, tile: u32| (u64::from(side) << halvings) + 2 * u64::from(tile);
                let most = |side: u32, tile: u32, all: u32| {
                    far(side, tile).min(u64::from(all.next_multiple_of(tile)))
                };
                most(window.width, layer.tile.width, layer.size.width)
                    * most(window.height, layer.tile.height, layer.size.height)
            }
        }
    }

    fn milliseconds(&self, chain: &Chain<'_>, operations: &[Operation], level: u32, reading: Reading) -> f64 {
        let windows = inside(chain, tile_at(chain.output().size, level));
        let steps = operations.iter().zip(chain.extents()).zip(&windows[1..]);
        let computed: f64 =
            steps.map(|((operation, input), window)| operation.cost(*input) * window.pixels() as f64).sum();
        let read = match reading {
            Reading::Whole => 0.0,
            Reading::Layer { decoded, .. } => decoded as f64 * self.sheet.decode_cost,
        };
        let bytes = chain.output().pixel.bytes() as f64;
        let result = windows.last().map_or(0, |window| window.pixels()) as f64 * bytes;
        let tile = f64::from(TILE * TILE) * bytes;
        ((read + computed + result * HALVE) / self.threads as f64 + tile * ENCODE) / 1e6
    }
}

/// A recipe without what follows from it.
struct Draft {
    quality: Quality,
    source: u32,
    operations: Vec<Operation>,
    halvings: u32,
}

fn refused(refusal: ChainRefusal) -> PreviewError {
    PreviewError::Chain(refusal.to_string())
}

/// The size of a tile of an image of size `size`.
fn tile_of(size: Size) -> Size {
    tile_at(size, 0)
}

/// The pixels that a tile covers after `level` halvings, of an image of size `size`.
fn tile_at(size: Size, level: u32) -> Size {
    let side = |all: u32| u32::try_from(u64::from(TILE) << level.min(31)).unwrap_or(all).min(all);
    Size::new(side(size.width), side(size.height))
}

/// [`Chain::windows`], as far as the images go.
fn inside(chain: &Chain<'_>, output: Size) -> Vec<Size> {
    let clip = |(window, extent): (Size, &Extent)| {
        Size::new(window.width.min(extent.size.width), window.height.min(extent.size.height))
    };
    chain.windows(output).into_iter().zip(chain.extents()).map(clip).collect()
}

/// The part of a tile of level `level` that is computed at once: a row of it, or less where that reads too much. Whole pixels of the
/// level.
fn step(chain: &Chain<'_>, level: u32) -> Size {
    let unit = 1u32 << level.min(30);
    let all = tile_at(chain.output().size, level);
    let mut step = Size::new(all.width, all.height.min(TILE.max(unit)));
    while inside(chain, step)[0].pixels() > STEP && (step.width > unit || step.height > unit) {
        let half = |side: u32| (side / 2).next_multiple_of(unit);
        if step.width >= step.height && step.width > unit {
            step.width = half(step.width);
        } else {
            step.height = half(step.height);
        }
    }
    step
}

/// What `operations` are on a picture that was halved `source` times, for a result that was halved `level` times; `None`
/// where one of them would mislead, or the levels do not fit together. Each `resize` makes the size that its result has at
/// `level`.
fn reduced_chain(
    operations: &[Operation],
    extent: Extent,
    source: u32,
    level: u32,
) -> Result<Option<Vec<Operation>>, ChainRefusal> {
    let chain = plan_chain(operations, extent)?;
    let mut at = source;
    let mut reduced = Vec::new();
    for (operation, output) in operations.iter().zip(&chain.extents()[1..]) {
        if let Operation::Resize(resize) = operation {
            at = level;
            reduced.push(Operation::Resize(resized(resize, output.size, level)));
            continue;
        }
        match operation.reduced(at) {
            Reduced::Same(operation) | Reduced::Scaled(Some(operation)) => reduced.push(operation),
            Reduced::Scaled(None) => {}
            Reduced::Never => return Ok(None),
        }
    }
    Ok((at == level).then_some(reduced))
}

fn resized(resize: &Resize, output: Size, level: u32) -> Resize {
    let (width, height) = (Some(halved(output.width, level)), Some(halved(output.height, level)));
    Resize { width, height, scale: None, ..resize.clone() }
}

/// The operations that say where pixels lie, not what they are.
fn geometry(operations: &[Operation], extent: Extent) -> Result<Vec<Operation>, ChainRefusal> {
    let chain = plan_chain(operations, extent)?;
    let moves = |(operation, pair): (&Operation, &[Extent])| {
        let moved = pair[0].size != pair[1].size || operation.placement(pair[0]) != Placement::SAME;
        moved.then(|| operation.clone())
    };
    Ok(operations.iter().zip(chain.extents().windows(2)).filter_map(moves).collect())
}

/// The name of the first operation that would mislead on a picture that is reduced once.
pub fn misleading(operations: &[Operation]) -> Option<&'static str> {
    let never = |operation: &&Operation| matches!(operation.reduced(4), Reduced::Never);
    operations.iter().find(never).map(Planned::name)
}

/// The number of levels of an image of size `size`: the last fits into a tile.
pub fn levels(size: Size) -> u32 {
    let fits = |level: &u32| {
        let size = halved_size(size, *level);
        size.width <= TILE && size.height <= TILE
    };
    (0..=MOST_LEVELS).find(fits).unwrap_or(MOST_LEVELS) + 1
}
