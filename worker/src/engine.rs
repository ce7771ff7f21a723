//! Runs the computation beside the store: one task fetches the next step's tiles while one thread, with the pool's help,
//! decodes, computes and encodes the current. What is in memory at once is bounded by the channels between them.

use std::ops::Range;
use std::sync::Arc;

use tessera_core::geometry::Rect;
use tessera_core::piece::Piece;
use tessera_core::plan::Plan;
use tessera_core::record::TileRecord;
use tessera_core::streamed::held;
use tessera_formats::notes::Annotations;
use tessera_operations::{Operation, Region, plan_chain};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::compute::Computer;
use crate::context::Context;
use crate::error::WorkError;
use crate::fetch::EncodedTile;
use crate::reader::Reader;
use crate::schedule::{Load, Schedule};
use crate::source;
use crate::units::{Unit, units};

/// An encoded tile or band with its record.
#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) record: TileRecord,
}

/// A tile of one layer that was computed and encoded.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Index of its piece in the list of pieces.
    pub(crate) piece: usize,
    /// Whether the piece ends here.
    pub(crate) last: bool,
    /// Number of the tile in its layer, counted in file order.
    pub(crate) number: u64,
    /// The tile.
    pub(crate) tile: Tile,
    /// Tiles of the image that it covers: itself, or all of a WebP, which is one tile of the file; none in overviews.
    pub(crate) covers: u64,
}

/// What the computing thread is given for one step: encoded tiles, or bands of rows, by number, and what to drop of them
/// afterwards; or the whole source.
#[derive(Debug)]
pub(crate) enum Input {
    Tiles { fetched: Vec<EncodedTile>, release: Vec<u64> },
    Bands { bands: Vec<(u64, Region)>, release: Vec<u64> },
    Whole(bytes::Bytes),
}

/// A running computation. Dropped, it ends after the step that is being computed.
pub(crate) struct Engine {
    output: Receiver<Result<Encoded, WorkError>>,
    fetcher: JoinHandle<()>,
    computer: Option<JoinHandle<()>>,
    annotations: Annotations,
}

impl Engine {
    /// Starts computing `pieces` of `plan`, whose digest is `digest`, in their order.
    pub(crate) async fn start(
        context: &Context,
        plan: &Plan<Operation>,
        digest: &str,
        pieces: &[Piece],
    ) -> Result<Engine, WorkError> {
        let units = units(plan, pieces);
        let rects = units.iter().map(|unit| unit.rect);
        let (reader, annotations) = Reader::open(context, plan, digest, rects).await?;
        let (to_computer, input) = channel(1);
        let (to_caller, output) = channel(1);
        let fetcher = Fetcher { reader: reader.clone(), plan: plan.clone(), to: to_computer };
        let fetcher = tokio::spawn(fetcher.run(units.clone()));
        let computer = Computer::new(context.threads.clone(), plan.clone(), reader, annotations.clone());
        let computer = computer.with_overviews(pieces);
        let computer = tokio::task::spawn_blocking(move || computer.run(units, input, to_caller));
        Ok(Engine { output, fetcher, computer: Some(computer), annotations })
    }

    /// What the source's header says that is true of the output.
    pub(crate) fn annotations(&self) -> Annotations {
        self.annotations.clone()
    }

    /// The next tile; `None` at the end. Those of each layer come in file order, but where the source is streamed.
    /// Nothing is lost if it is not waited for to its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Encoded>, WorkError> {
        if let Some(encoded) = self.output.recv().await {
            return encoded.map(Some);
        }
        // The thread has ended: with all units sent, or by a panic.
        let Some(computer) = &mut self.computer else { return Ok(None) };
        let ended = computer.await;
        self.computer = None;
        ended.map(|()| None).map_err(panicked)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.fetcher.abort();
    }
}

fn panicked(error: tokio::task::JoinError) -> WorkError {
    let text = |payload: Box<dyn std::any::Any + Send>| {
        let text = payload.downcast_ref::<String>().cloned();
        text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    };
    let what = error.try_into_panic().map_or_else(|error| error.to_string(), text);
    WorkError::Panicked { at: "the pixels".into(), what }
}

/// Fetches what each step needs, one step ahead of the computation.
struct Fetcher {
    reader: Arc<Reader>,
    plan: Plan<Operation>,
    to: Sender<Result<Input, WorkError>>,
}

impl Fetcher {
    async fn run(self, units: Vec<Unit>) {
        let ended = if self.reader.is_whole() {
            self.whole().await
        } else if let Some(rows) = self.reader.band() {
            self.bands(&units, rows).await
        } else {
            self.tiles(&units).await
        };
        // A closed channel means that nobody waits any more.
        if let Err(error) = ended {
            drop(self.to.send(Err(error)).await);
        }
    }

    async fn whole(&self) -> Result<(), WorkError> {
        let whole = self.reader.whole().await?;
        drop(self.to.send(Ok(Input::Whole(whole))).await);
        Ok(())
    }

    async fn tiles(&self, units: &[Unit]) -> Result<(), WorkError> {
        for Load { fetch, release } in self.schedule(units)? {
            // A place in the channel first: one step is fetched ahead, not two.
            let Ok(place) = self.to.reserve().await else { return Ok(()) };
            let fetched = self.reader.tiles(&fetch).await?;
            place.send(Ok(Input::Tiles { fetched, release }));
        }
        Ok(())
    }

    /// The bands of a source that is streamed, each in the first step that needs it.
    async fn bands(&self, units: &[Unit], rows: u32) -> Result<(), WorkError> {
        let held = self.held(units)?;
        let mut stream = self.reader.stream(rows).await?;
        let (mut next, mut kept) = (0, 0);
        for (step, now) in held.iter().enumerate() {
            let Ok(place) = self.to.reserve().await else { return Ok(()) };
            let mut bands = Vec::new();
            while next * u64::from(rows) < u64::from(now.end) {
                let band = stream.next().await?;
                let band =
                    band.ok_or_else(|| WorkError::Incomplete(format!("the source gave {next} bands")))?;
                if band.rect.bottom() > now.start {
                    bands.push((next, band));
                }
                next += 1;
            }
            if now.end == self.plan.source.extent.size.height {
                // What the decoder makes of the file's end, before anything is made of its pixels.
                stream.next().await?;
            }
            let first = held.get(step + 1).map_or(next, |later| u64::from(later.start / rows));
            place.send(Ok(Input::Bands { bands, release: (kept..first).collect() }));
            kept = first;
        }
        Ok(())
    }

    /// The source's rows that are held while each step is computed.
    fn held(&self, units: &[Unit]) -> Result<Vec<Range<u32>>, WorkError> {
        let chain = plan_chain(&self.plan.operations, self.plan.source.extent)?;
        let reads = units.iter().flat_map(|unit| &unit.steps).map(|step| chain.reads(*step)[0]);
        Ok(held(&reads.map(|read| read.y..read.bottom()).collect::<Vec<_>>()))
    }

    /// The loads of all steps.
    fn schedule(&self, units: &[Unit]) -> Result<Vec<Load>, WorkError> {
        let chain = plan_chain(&self.plan.operations, self.plan.source.extent)?;
        let steps = || units.iter().flat_map(|unit| &unit.steps);
        let largest = steps().max_by_key(|step| step.pixels()).copied().unwrap_or(Rect::new(0, 0, 0, 0));
        let needs = steps().map(|step| self.reader.tiles_for(chain.reads(*step)[0]));
        Ok(Schedule::new(needs, source::tile_budget(&self.plan, &chain, largest)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_the_pixels_is_told_and_is_no_fault_of_the_store() {
        let failed = tokio::task::spawn_blocking(|| panic!("halo of {}", 7)).await.unwrap_err();
        let error = panicked(failed);
        assert_eq!(error.exit_code(), 12);
        assert!(error.message().contains("halo of 7"), "{}", error.message());
    }
}
