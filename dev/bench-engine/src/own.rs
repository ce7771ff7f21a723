//! Tessera's side: a chain over a picture in memory, by the worker's own working tiles.

use crate::cases::Case;
use anyhow::Result;
use rayon::prelude::*;
use tessera_core::cost::shared_tile;
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::Extent;
use tessera_operations::{Operation, Region, plan_chain, run_chain_to};

/// A chain on a picture, with the place where its result goes.
pub struct Work<'a> {
    operations: Vec<Operation>,
    picture: &'a Region,
    canvas: Region,
}

impl<'a> Work<'a> {
    /// The work of `case`.
    pub fn new(case: &Case, picture: &'a Region) -> Result<Work<'a>> {
        let [width, height] = [picture.rect.width, picture.rect.height].map(|side| (side - 20).to_string());
        let text = case.operations.replace("WIDTH", &width).replace("HEIGHT", &height);
        let operations: Vec<Operation> = serde_json::from_str(&format!("[{text}]"))?;
        let output = plan_chain(&operations, extent(picture))
            .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?
            .output();
        let canvas = Region::zeroed(output.size.rect(), output.pixel);
        Ok(Work { operations, picture, canvas })
    }

    /// Computes the whole result on the threads of the pool that this runs in.
    pub fn run(&mut self) {
        let Work { operations, picture, canvas } = self;
        let chain = || plan_chain(operations, extent(picture)).expect("it was planned before");
        let size = canvas.rect.size();
        let rects = tiles(size, shared_tile(size, &chain(), rayon::current_num_threads()));
        canvas.targets(&rects).into_par_iter().for_each_init(chain, |chain, mut target| {
            run_chain_to(operations, chain, picture, &mut target);
        });
    }

    /// The result.
    pub fn result(self) -> Region {
        self.canvas
    }
}

fn extent(picture: &Region) -> Extent {
    Extent { size: picture.rect.size(), pixel: picture.pixel() }
}

fn tiles(size: Size, tile: Size) -> Vec<Rect> {
    let rect = |y, x| Rect::new(x, y, tile.width, tile.height).intersect(&size.rect());
    let columns = || (0..size.width).step_by(tile.width as usize);
    (0..size.height).step_by(tile.height as usize).flat_map(|y| columns().map(move |x| rect(y, x))).collect()
}
