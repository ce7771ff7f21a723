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
use tessera_core::plan::Plan;
use tessera_core::pyramid::{Layer, Pyramid};
use tessera_formats::notes::Annotations;
use tessera_operations::{Operation, Region, Target, plan_chain, run_chain_to};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::encode::{encode, encode_row, pack_row};
use crate::engine::{Encoded, Input};
use crate::error::WorkError;
use crate::fetch::EncodedTile;
use crate::levels::{Levels, Row};
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
    levels: Levels,
    rows: Rows,
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

impl Overviews {
    /// The tiles of a row, as far as they are missing: for the file and, of the smallest level, for assembly.
    fn encode(&self, format: OutputFormat, row: &Row) -> Result<Vec<Encoded>, WorkError> {
        let grid = &self.pyramid.shared[row.level];
        let smallest = row.level + 1 == self.pyramid.shared.len();
        let layers = [Some(Layer::Level(row.level as u32)), smallest.then_some(Layer::Crown)];
        let wanted = layers.into_iter().flatten().filter_map(|layer| {
            let place = self.rows.place(layer, row.block, row.row)?;
            Some((layer, place))
        });
        let encode = |(layer, Place { piece, last })| {
            let tiles = match layer {
                Layer::Level(_) => encode_row(format, grid, row)?,
                Layer::Crown => pack_row(grid, row),
            };
            Ok(Encoded { piece, last, tiles, covers: 0 })
        };
        wanted.map(encode).collect()
    }
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
            let (levels, rows) = (Levels::new(pyramid.shared.clone()), Rows::new(pieces));
            self.overviews = Some(Overviews { pyramid, levels, rows });
        }
        self
    }

    /// Computes `units` in order. Ends early when nobody waits for the result, or after an error, which it sends.
    pub(crate) fn run(
        mut self,
        units: Vec<Unit>,
        mut input: Receiver<Result<Input, WorkError>>,
        output: &Sender<Result<Encoded, WorkError>>,
    ) {
        for unit in units {
            let sent = match self.unit(&unit, &mut input) {
                Ok(encoded) => encoded.into_iter().try_for_each(|encoded| output.blocking_send(Ok(encoded))),
                Err(error) => return drop(output.blocking_send(Err(error))),
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn unit(
        &mut self,
        unit: &Unit,
        input: &mut Receiver<Result<Input, WorkError>>,
    ) -> Result<Vec<Encoded>, WorkError> {
        let mut canvas = Region::zeroed(unit.rect, self.plan.output.extent.pixel);
        for step in &unit.steps {
            let release = self.load(input)?;
            self.threads.clone().install(|| self.step(*step, &mut canvas));
            if let Pixels::Tiles(tiles) = &mut self.pixels {
                release.iter().for_each(|tile| drop(tiles.remove(tile)));
            }
        }
        let mut encoded = Vec::new();
        if let Some(Place { piece, last }) = unit.place {
            let tiles = self.threads.install(|| encode(&self.plan, &canvas, unit, &self.annotations))?;
            encoded.push(Encoded { piece, last, tiles, covers: unit.tiles.len() as u64 });
        }
        encoded.extend(self.overviews(unit, &canvas)?);
        Ok(encoded)
    }

    /// The tiles of overviews that are complete with the pixels of `unit`.
    fn overviews(&mut self, unit: &Unit, pixels: &Region) -> Result<Vec<Encoded>, WorkError> {
        let Some(overviews) = &mut self.overviews else { return Ok(Vec::new()) };
        let (block, row) = unit.at;
        let complete = overviews.levels.push(block, row, pixels);
        let format = self.plan.output.format;
        self.threads.install(|| {
            let encoded = complete.iter().map(|row| overviews.encode(format, row));
            Ok(encoded.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
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
                run_chain_to(operations, chain, &joined(tiles, read, &self.plan), target);
            }
        }
    }
}
