//! The computing thread: decodes what a step needs, runs the chain over working tiles, and encodes a unit's tiles.
//! Blocking, without IO; its result does not depend on the number of threads or the size of working tiles.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rayon::prelude::*;
use tessera_core::geometry::Rect;
use tessera_core::operation::Chain;
use tessera_core::plan::Plan;
use tessera_formats::header::Header;
use tessera_imaging::DecodeError;
use tessera_operations::{Operation, Region, plan_chain, run_chain};
use tokio::sync::mpsc::{Receiver, Sender};

use crate::encode::encode;
use crate::engine::{Encoded, Input};
use crate::error::WorkError;
use crate::fetch::EncodedTile;
use crate::units::{Unit, steps};

/// Rows and, for a chain with a small halo, columns of a working tile: its images stay in a core's cache.
const WORKING_TILE: u32 = 512;

/// Columns of a working tile where the halo would be most of it.
const WIDE_TILE: u32 = 1024;

/// A halo above this takes [`WIDE_TILE`].
const LARGE_HALO: u32 = 64;

/// The least side of a working tile, where there are many threads.
const LEAST_TILE: u32 = 128;

/// Decodes, computes and encodes, unit by unit.
pub(crate) struct Computer {
    threads: Arc<rayon::ThreadPool>,
    plan: Plan<Operation>,
    header: Arc<Header>,
    profile: Option<Vec<u8>>,
    pixels: Pixels,
}

/// The decoded part of the source.
enum Pixels {
    Tiles(HashMap<u64, Region>),
    Whole(Region),
}

impl Pixels {
    /// The pixels of `rect`, all of which must be here.
    fn region(&self, rect: Rect, plan: &Plan<Operation>) -> Region {
        match self {
            Pixels::Whole(image) => image.crop(rect),
            Pixels::Tiles(tiles) => {
                let mut region = Region::zeroed(rect, plan.source.extent.pixel);
                let touching = tiles.values().filter(|tile| !tile.rect.intersect(&rect).is_empty());
                touching.for_each(|tile| region.paste(tile));
                region
            }
        }
    }
}

impl Computer {
    pub(crate) fn new(
        threads: Arc<rayon::ThreadPool>,
        plan: Plan<Operation>,
        header: Arc<Header>,
        profile: Option<Vec<u8>>,
    ) -> Computer {
        Computer { threads, plan, header, profile, pixels: Pixels::Tiles(HashMap::new()) }
    }

    /// Computes `units` in order. Ends early when nobody waits for the result, or after an error, which it sends.
    pub(crate) fn run(
        mut self,
        units: Vec<Unit>,
        mut input: Receiver<Result<Input, WorkError>>,
        output: &Sender<Result<Encoded, WorkError>>,
    ) {
        for unit in units {
            let encoded = self.unit(&unit, &mut input);
            let failed = encoded.is_err();
            if output.blocking_send(encoded).is_err() || failed {
                return;
            }
        }
    }

    fn unit(
        &mut self,
        unit: &Unit,
        input: &mut Receiver<Result<Input, WorkError>>,
    ) -> Result<Encoded, WorkError> {
        let canvas = Mutex::new(Region::zeroed(unit.rect, self.plan.output.extent.pixel));
        for step in &unit.steps {
            let release = self.load(input)?;
            self.threads.clone().install(|| self.step(*step, &canvas));
            if let Pixels::Tiles(tiles) = &mut self.pixels {
                release.iter().for_each(|tile| drop(tiles.remove(tile)));
            }
        }
        let canvas = canvas.into_inner().unwrap_or_else(PoisonError::into_inner);
        let tiles = self.threads.install(|| encode(&self.plan, &canvas, unit, self.profile.as_deref()))?;
        Ok(Encoded { piece: unit.piece, last: unit.last, tiles, covers: unit.tiles.len() as u64 })
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
                self.pixels = Pixels::Whole(self.whole(bytes)?);
                Ok(Vec::new())
            }
            Input::Tiles { fetched, release } => {
                self.decode(fetched)?;
                Ok(release)
            }
        }
    }

    fn whole(&self, bytes: Bytes) -> Result<Region, WorkError> {
        tessera_imaging::decode_whole(&self.header, &bytes).map_err(|error| self.undecodable(error))
    }

    fn decode(&mut self, fetched: Vec<EncodedTile>) -> Result<(), WorkError> {
        let header = &self.header;
        let decode =
            |(index, bytes): EncodedTile| Ok((index, tessera_imaging::decode_tile(header, index, &bytes)?));
        let decoded: Result<Vec<(u64, Region)>, DecodeError> =
            self.threads.install(|| fetched.into_par_iter().map(decode).collect());
        let decoded = decoded.map_err(|error| self.undecodable(error))?;
        if let Pixels::Tiles(tiles) = &mut self.pixels {
            tiles.extend(decoded);
        }
        Ok(())
    }

    fn undecodable(&self, error: DecodeError) -> WorkError {
        let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})")).unwrap_or_default();
        WorkError::Undecodable { uri: self.plan.source.uri.clone(), what: format!("{error}{cause}") }
    }

    /// Computes the pixels `step` into the canvas.
    fn step(&self, step: Rect, canvas: &Mutex<Region>) {
        let plan = &self.plan;
        let chain =
            || plan_chain(&plan.operations, plan.source.extent).expect("the plan was checked at the start");
        let tiles = self.working_tiles(step).into_par_iter();
        tiles.for_each_init(chain, |chain, rect| self.working_tile(rect, chain, canvas));
    }

    fn working_tile(&self, rect: Rect, chain: &Chain<'_>, canvas: &Mutex<Region>) {
        let input = self.pixels.region(chain.reads(rect)[0], &self.plan);
        let result = run_chain(&self.plan.operations, chain, rect, input);
        canvas.lock().unwrap_or_else(PoisonError::into_inner).paste(&result);
    }

    /// Cuts a step so that every thread has something to do, and a working tile stays in its cache.
    fn working_tiles(&self, step: Rect) -> Vec<Rect> {
        let mut width = if self.plan.halo > LARGE_HALO { WIDE_TILE } else { WORKING_TILE };
        let mut height = WORKING_TILE;
        let wanted = 2 * self.threads.current_num_threads() as u64;
        while step.pixels() / (u64::from(width) * u64::from(height)) < wanted && height > LEAST_TILE {
            (width, height) = (width / 2, height / 2);
        }
        steps(step, width, height)
    }
}
