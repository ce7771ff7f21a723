//! The pixels of one tile: step by step, the next one's source fetched while the current one is computed. What is given up ends
//! before its next part; a panic ends this tile only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::Extent;
use tessera_operations::{Region, halve, plan_chain, run_chain};

use crate::engine::Engine;
use crate::error::PreviewError;
use crate::pixels::{Loaded, extended, layer_of, wanted};
use crate::recipe::{Recipe, TILE};
use crate::sheet::{doubled, halved};
use crate::source::Source;

/// The least side of a part that a thread computes: with a small halo, and with one that would be most of it.
const LEAST: u32 = 128;
const LEAST_WITH_HALO: u32 = 256;

/// A halo above this counts as large.
const LARGE_HALO: u32 = 64;

/// Says, when it is dropped, that nobody waits for a tile any more.
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Waiting {
    pub(crate) fn new() -> Waiting {
        Waiting(Arc::new(AtomicBool::new(false)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A part of the result that is computed at once, and what it reads of the image's level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    rect: Rect,
    reads: Rect,
}

/// What a tile is made of and how.
pub(crate) struct Order {
    pub(crate) source: Arc<Source>,
    pub(crate) recipe: Recipe,
    /// The tile in its level.
    pub(crate) tile: Rect,
    pub(crate) given_up: Arc<AtomicBool>,
}

impl Order {
    pub(crate) fn new(source: Arc<Source>, recipe: Recipe, tile: Rect, waiting: &Waiting) -> Order {
        Order { source, recipe, tile, given_up: waiting.0.clone() }
    }

    /// The level of the image that is read.
    fn extent(&self) -> Extent {
        self.source.sheet.extent_at(self.recipe.source)
    }

    fn steps(&self) -> Result<(Vec<Step>, Extent), PreviewError> {
        let refused = |error: tessera_core::operation::ChainRefusal| PreviewError::Chain(error.to_string());
        let chain = plan_chain(&self.recipe.operations, self.extent()).map_err(refused)?;
        let size = chain.output().size;
        // A reduced chain may end a pixel before the tile begins: then its last column or row stands for the tile.
        let last = |at: u32, side: u32| at.min(side - 1);
        let area = doubled(self.tile, self.recipe.halvings);
        let (x, y) = (last(area.x, size.width), last(area.y, size.height));
        let area = Rect::new(x, y, area.width, area.height).intersect(&size.rect());
        let step = |rect: Rect| Step { rect, reads: chain.reads(rect)[0] };
        Ok((parts(area, self.recipe.step).into_iter().map(step).collect(), chain.output()))
    }

    /// The pixels of a step, halved as the tile's level asks for.
    fn compute(&self, engine: &Engine, step: Step, loaded: &Loaded) -> Result<Region, PreviewError> {
        let Recipe { operations, halvings, .. } = &self.recipe;
        let chain = || plan_chain(operations, self.extent()).expect("the steps were planned by it");
        let (halo, output) = (chain().halo(), chain().output());
        let canvas = Mutex::new(Region::zeroed(halved_rect(step.rect, *halvings), output.pixel));
        let size = part(step.rect.size(), halo, 1 << halvings, engine.threads.current_num_threads());
        parts(step.rect, size).into_par_iter().try_for_each_init(chain, |chain, rect| {
            if self.given_up.load(Ordering::Relaxed) {
                return Err(PreviewError::Cancelled);
            }
            let input = loaded.region(chain.reads(rect)[0]);
            let result = run_chain(operations, chain, rect, input);
            let result = (0..*halvings).fold(result, |region, _| halve(&region));
            canvas.lock().unwrap_or_else(PoisonError::into_inner).paste(&result);
            Ok(())
        })?;
        Ok(canvas.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Computes the tile.
pub(crate) async fn render(engine: &Engine, order: Order) -> Result<Region, PreviewError> {
    let order = Arc::new(order);
    let (steps, output) = order.steps()?;
    let mut result: Option<Region> = None;
    let mut steps = steps.into_iter().peekable();
    let mut loaded = match steps.peek() {
        Some(first) => load(engine, &order, *first).await?,
        None => return Ok(Region::zeroed(order.tile, output.pixel)),
    };
    while let Some(step) = steps.next() {
        let (shared, pixels) = (order.clone(), loaded);
        let compute = engine.blocking(move |engine| shared.compute(engine, step, &pixels));
        let ahead = async {
            match steps.peek() {
                Some(next) => load(engine, &order, *next).await.map(Some),
                None => Ok(None),
            }
        };
        let (computed, next) = tokio::join!(compute, ahead);
        let computed = computed?;
        match &mut result {
            Some(result) => result.paste(&computed),
            None if computed.rect == order.tile => result = Some(computed),
            None => {
                let mut all = Region::zeroed(covered(&order, output.size), output.pixel);
                all.paste(&computed);
                result = Some(all);
            }
        }
        match next? {
            Some(next) => loaded = next,
            None => break,
        }
    }
    let result = result.unwrap_or_else(|| Region::zeroed(order.tile, output.pixel));
    Ok(if result.rect == order.tile { result } else { extended(&result, order.tile) })
}

/// The pixels of the tile's level that the steps give.
fn covered(order: &Order, output: Size) -> Rect {
    let halvings = order.recipe.halvings;
    let size = Size::new(halved(output.width, halvings), halved(output.height, halvings));
    let (x, y) = (order.tile.x.min(size.width - 1), order.tile.y.min(size.height - 1));
    Rect::new(x, y, order.tile.width, order.tile.height).intersect(&size.rect())
}

/// Brings what a step reads into memory.
async fn load(engine: &Engine, order: &Order, step: Step) -> Result<Loaded, PreviewError> {
    let Some(layer) = layer_of(order.recipe.reading) else {
        return Ok(Loaded::Whole(engine.whole(&order.source).await?, order.recipe.source));
    };
    let wanted = wanted(&engine.pixels, &order.source, layer, step.reads);
    let fetched = wanted.fetch(&order.source).await?;
    let source = order.source.clone();
    engine.blocking(move |engine| wanted.decode(&engine.pixels, &source, fetched)).await
}

impl Engine {
    /// Runs `work` with the pool's threads, outside of those that wait for networks.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, PreviewError> + Send + 'static,
    ) -> Result<T, PreviewError> {
        let engine = self.clone();
        let guarded = move || {
            let threads = engine.threads.clone();
            catch_unwind(AssertUnwindSafe(|| threads.install(|| work(&engine))))
        };
        match tokio::task::spawn_blocking(guarded).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(PreviewError::Panicked(words(&*panic))),
            Err(error) => Err(PreviewError::Panicked(error.to_string())),
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().cloned();
    owned.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn halved_rect(rect: Rect, halvings: u32) -> Rect {
    let (x, y) = (rect.x >> halvings, rect.y >> halvings);
    Rect::new(x, y, halved(rect.width, halvings), halved(rect.height, halvings))
}

/// Cuts a rectangle into parts of a size, from its corner.
fn parts(area: Rect, size: Size) -> Vec<Rect> {
    let rows = (area.y..area.bottom()).step_by(size.height.max(1) as usize);
    rows.flat_map(|y| (area.x..area.right()).step_by(size.width.max(1) as usize).map(move |x| (x, y)))
        .map(|(x, y)| Rect::new(x, y, size.width, size.height).intersect(&area))
        .collect()
}

/// The size of a thread's part: whole pixels after the halvings, and enough parts for all threads.
fn part(step: Size, halo: u32, unit: u32, threads: usize) -> Size {
    let least = if halo > LARGE_HALO { LEAST_WITH_HALO } else { LEAST }.max(unit);
    let mut part = Size::new(TILE.max(unit), TILE.max(unit));
    let count = |part: Size| {
        u64::from(step.width.div_ceil(part.width)) * u64::from(step.height.div_ceil(part.height))
    };
    while count(part) < 2 * threads as u64 && part.height > least {
        part = if part.width == part.height {
            Size::new(part.width, part.height / 2)
        } else {
            Size::new(part.width / 2, part.height)
        };
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_pixels_of_the_level_and_enough_for_the_threads() {
        assert_eq!(part(Size::new(512, 512), 5, 1, 2), Size::new(256, 256));
        assert_eq!(part(Size::new(4096, 512), 5, 8, 2), Size::new(512, 512));
        assert_eq!(part(Size::new(512, 512), 300, 1, 8), Size::new(512, 256));
        assert_eq!(part(Size::new(4096, 40), 0, 1024, 2), Size::new(1024, 1024));
    }

    #[test]
    fn an_area_is_cut_without_gaps() {
        let cut = parts(Rect::new(512, 0, 700, 10), Size::new(512, 512));
        assert_eq!(cut, [Rect::new(512, 0, 512, 10), Rect::new(1024, 0, 188, 10)]);
    }
}
