//! The computing thread: decodes what a step needs, runs the chain over working tiles, and encodes a unit's tiles.
//! Blocking, without IO; its result does not depend on the number of threads or the size of working tiles.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use tessera_core::cost::shared_tile;
use tessera_core::geometry::Rect;
use tessera_core::operation::Chain;
use tessera_core::output::OutputFormat;
use tessera_core::piece::Piece;
use tessera_core::plan::{Access, Plan};
use tessera_core::pyramid::{Layer, Pyramid};
use tessera_formats::notes::Annotations;
use tessera_operations::{Operation, Region, Target, plan_chain, run_chain_to};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::encode::{encode, in_order, pack, rects, rects_of};
use crate::engine::{Encoded, Input, Tile};
use crate::error::WorkError;
use crate::fetch::EncodedTile;
use crate::levels::Levels;
use crate::reader::Reader;
use crate::rows::{Place, Rows};
use crate::units::{Unit, steps};

/// Decodes, computes and encodes, unit by unit.
pub(crate) struct Computer {
    threads: Arc<rayon::ThreadPool>,
    plan: Plan<Operation>,
    reader: Arc<Reader>,
    annotations: Annotations,
    pixels: Pixels,
    overviews: Option<Overviews>,
}

/// The overviews that are made of the units.
struct Overviews {
    pyramid: Pyramid,
    /// Of each block whose rows are coming, by its number.
    levels: HashMap<u32, Levels>,
    /// Whether the rows of blocks beside each other come in turn.
    streamed: bool,
    rows: Rows,
}

/// Tiles that follow each other in the file.
struct Run {
    place: Place,
    /// Number of the first in its layer.
    first: u64,
    rects: Vec<Rect>,
    /// Tiles of the image that each covers.
    covers: u64,
}

/// Where the tiles go, which are made on the pool's threads.
struct Output {
    threads: Arc<rayon::ThreadPool>,
    to: Sender<Result<Encoded, WorkError>>,
}

impl Output {
    /// Makes the tiles of `run`, and sends them in order.
    fn tiles(&self, run: Run, make: impl Fn(Rect) -> Result<Tile, WorkError> + Sync) -> Result<(), Ended> {
        let Run { place: Place { piece, last }, first, rects, covers } = run;
        let end = first + rects.len() as u64;
        let mut numbers = first..end;
        in_order(&self.threads, rects, make, |tile| {
            let number = numbers.next().unwrap_or(end);
            let encoded = Encoded { piece, last: last && number + 1 == end, number, tile, covers };
            self.to.blocking_send(Ok(encoded)).map_err(|_| Ended::Unwanted)
        })
    }
}

impl Overviews {
    /// Takes the pixels of a row of tiles of a block, and sends the tiles of the rows of overviews that are complete with it and
    /// are missing: for the file and, of the smallest level, for assembly.
    fn push(
        &mut self,
        (block, row): (u32, u32),
        pixels: &Region,
        format: OutputFormat,
        output: &Output,
    ) -> Result<(), Ended> {
        let grids = &self.pyramid.shared;
        self.levels.retain(|other, _| self.streamed || *other == block);
        let levels = self.levels.entry(block).or_insert_with(|| Levels::new(grids.clone()));
        let complete = levels.push(block, row, pixels);
        if row + 1 == grids[0].tile_rows_of(block) {
            self.levels.remove(&block);
        }
        for row in complete {
            let grid = &grids[row.level];
            let run = |layer| {
                let place = self.rows.place(layer, row.block, row.row)?;
                let first = grid.first_of(row.block, row.row);
                Some(Run { place, first, rects: rects_of(grid, &row), covers: 0 })
            };
            if let Some(run) = run(Layer::Level(row.level as u32)) {
                output.tiles(run, |rect| encode(format, &row.pixels, rect, None))?;
            }
            let smallest = row.level + 1 == grids.len();
            if let Some(run) = run(Layer::Crown).filter(|_| smallest) {
                output.tiles(run, |rect| Ok(pack(&row.pixels, rect)))?;
            }
        }
        Ok(())
    }
}

/// Why the computation ends before all is computed.
enum Ended {
    /// It failed.
    Failed(WorkError),
    /// Nobody waits for the result.
    Unwanted,
}

impl From<WorkError> for Ended {
    fn from(error: WorkError) -> Ended {
        Ended::Failed(error)
    }
}

/// The decoded part of the source.
enum Pixels {
    Tiles(HashMap<u64, Region>),
    Whole(Region),
}

/// The pixels of `rect`, all of which must be in `tiles`.
fn joined(tiles: &HashMap<u64, Region>, rect: Rect, plan: &Plan<Operation>) -> Region {
    let mut region = Region::zeroed(rect, plan.source.extent.pixel);
    let touching = tiles.values().filter(|tile| !tile.rect.intersect(&rect).is_empty());
    touching.for_each(|tile| region.paste(tile));
    region
}

impl Computer {
    pub(crate) fn new(
        threads: Arc<rayon::ThreadPool>,
        plan: Plan<Operation>,
        reader: Arc<Reader>,
        annotations: Annotations,
    ) -> Computer {
        let pixels = Pixels::Tiles(HashMap::new());
        Computer { threads, plan, reader, annotations, pixels, overviews: None }
    }

    /// The same, which makes the overviews of `pieces` too, if the file has any.
    pub(crate) fn with_overviews(mut self, pieces: &[Piece]) -> Computer {
        let pyramid = self.plan.pyramid();
        if pyramid.shared.len() > 1 {
            let streamed = matches!(self.plan.source.access, Access::Rows { .. });
            let (levels, rows) = (HashMap::new(), Rows::new(pieces));
            self.overviews = Some(Overviews { pyramid, levels, streamed, rows });
        }
        self
    }

    /// Computes `units` in order. Ends early when nobody waits for the result, or after an error, which it sends.
    pub(crate) fn run(
        mut self,
        units: Vec<Unit>,
        mut input: Receiver<Result<Input, WorkError>>,
        output: Sender<Result<Encoded, WorkError>>,
    ) {
        let output = Output { threads: self.threads.clone(), to: output };
        for unit in units {
            match self.unit(&unit, &mut input, &output) {
                Ok(()) => {}
                Err(Ended::Failed(error)) => return drop(output.to.blocking_send(Err(error))),
                Err(Ended::Unwanted) => return,
            }
        }
    }

    fn unit(
        &mut self,
        unit: &Unit,
        input: &mut Receiver<Result<Input, WorkError>>,
        output: &Output,
    ) -> Result<(), Ended> {
        let mut canvas = Region::zeroed(unit.rect, self.plan.output.extent.pixel);
        for step in &unit.steps {
            let release = self.load(input)?;
            self.threads.clone().install(|| self.step(*step, &mut canvas));
            if let Pixels::Tiles(tiles) = &mut self.pixels {
                release.iter().for_each(|tile| drop(tiles.remove(tile)));
            }
        }
        if let Some(place) = unit.place {
            let (format, rects) = (self.plan.output.format, rects(&self.plan, unit));
            let covers = (unit.tiles.len() / rects.len().max(1)) as u64;
            let encode = |rect| encode(format, &canvas, rect, Some(&self.annotations));
            let first = self.plan.grid.first_of(unit.at.0, unit.at.1);
            output.tiles(Run { place, first, rects, covers }, encode)?;
        }
        let format = self.plan.output.format;
        self.overviews.as_mut().map_or(Ok(()), |overviews| overviews.push(unit.at, &canvas, format, output))
    }

    /// Decodes what the next step needs, and returns the tiles to drop after it.
    fn load(&mut self, input: &mut Receiver<Result<Input, WorkError>>) -> Result<Vec<u64>, WorkError> {
        if matches!(self.pixels, Pixels::Whole(_)) {
            return Ok(Vec::new());
        }
        let gone =
            || WorkError::Panicked { at: "the source".into(), what: "its bytes stopped coming".into() };
        match input.blocking_recv().ok_or_else(gone)?? {
            Input::Whole(bytes) => {
                self.pixels = Pixels::Whole(self.reader.decode_whole(&bytes)?);
                Ok(Vec::new())
            }
            Input::Tiles { fetched, release } => {
                self.decode(fetched)?;
                Ok(release)
            }
            Input::Bands { bands, release } => {
                if let Pixels::Tiles(tiles) = &mut self.pixels {
                    tiles.extend(bands.into_iter().map(|(at, band)| (at, self.reader.band_as_meant(band))));
                }
                Ok(release)
            }
        }
    }

    fn decode(&mut self, fetched: Vec<EncodedTile>) -> Result<(), WorkError> {
        let reader = &self.reader;
        let decode = |(index, bytes): EncodedTile| Ok((index, reader.decode(index, &bytes)?));
        let decoded: Result<Vec<(u64, Region)>, WorkError> =
            self.threads.install(|| fetched.into_par_iter().map(decode).collect());
        let decoded = decoded?;
        if let Pixels::Tiles(tiles) = &mut self.pixels {
            tiles.extend(decoded);
        }
        Ok(())
    }

    /// Computes the pixels `step` into the canvas, cut so that every thread has something to do, and a working tile stays in its cache.
    fn step(&self, step: Rect, canvas: &mut Region) {
        let plan = &self.plan;
        let chain =
            || plan_chain(&plan.operations, plan.source.extent).expect("the plan was checked at the start");
        let tile = shared_tile(step.size(), &chain(), self.threads.current_num_threads());
        let targets = canvas.targets(&steps(step, tile.width, tile.height)).into_par_iter();
        targets.for_each_init(chain, |chain, mut target| self.working_tile(&mut target, chain));
    }

    fn working_tile(&self, target: &mut Target<'_>, chain: &Chain<'_>) {
        let operations = &self.plan.operations;
        match &self.pixels {
            Pixels::Whole(image) => run_chain_to(operations, chain, image, target),
            Pixels::Tiles(tiles) => {
                let read = chain.reads(target.rect())[0];
                match tiles.values().find(|tile| tile.rect.contains(&read)) {
                    Some(tile) => run_chain_to(operations, chain, tile, target),
                    None => run_chain_to(operations, chain, &joined(tiles, read, &self.plan), target),
                }
            }
        }
    }
}
