//! The plan: everything that follows from the job, the source's header and the pool's limits, as one small value.
//! Making it is pure; its JSON form is the contract between operator and worker.

use crate::copied::SourceCopy;
use crate::fit::Fit;
use crate::geometry::Size;
use crate::grid::Grid;
use crate::limit;
use crate::operation::{Chain, ChainRefusal, Extent};
use crate::output::OutputFormat;
use crate::piece::{self, Piece};
use crate::pyramid::Pyramid;
use crate::route::{self, Route};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The version of the plan's form. A worker refuses a plan of another version.
pub const VERSION: u32 = 1;

/// How the pixels of a source can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// Tiles (or strips) that are read by ranges.
    Tiles {
        /// Width and height of a tile.
        tile: Size,
    },
    /// Once, from the first row to the last, in bands, while the image is computed.
    Rows {
        /// Rows of a band; the last has what is left.
        rows: u32,
    },
    /// Only from the first byte to the last.
    Whole,
}

/// Whether a source can be read row by row, from the first to the last, in bounded memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// It can.
    Rows {
        /// Size of the image as it is stored, before any orientation.
        stored: Size,
        /// The most bytes that the decoder holds.
        memory: u64,
        /// Whether the rows of the stored image are those of the image that is meant, from the top to the bottom.
        in_order: bool,
    },
    /// It cannot; what it is, such as "an interlaced PNG".
    No(&'static str),
}

/// What the plan needs to know of a source from its header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceImage {
    /// Size and pixel type as operations see it.
    pub extent: Extent,
    /// How its pixels are reached.
    pub access: Access,
    /// Predicted nanoseconds of one core to decode a pixel.
    pub decode_cost: f64,
    /// The most bytes that decoding as a whole holds, beside the object's: at least its pixels. For [`Access::Whole`].
    pub decode_memory: u64,
    /// Bytes of the object.
    pub bytes: u64,
    /// Whether its rows can be streamed.
    pub streaming: Streaming,
}

/// The source as the plan pins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where it is.
    pub uri: String,
    /// Which image of the file, counted from 0; only a TIFF has others.
    #[serde(default, skip_serializing_if = "is_first")]
    pub page: u32,
    /// Its ETag when it was probed; a worker that finds another fails with "source changed".
    pub etag: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its size and pixel type as operations see it.
    pub extent: Extent,
    /// How its pixels, or those of the copy that is made of it, are reached.
    pub access: Access,
}

/// Whether a page is the first, which a plan leaves out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(page: &u32) -> bool {
    *page == 0
}

/// What to do when something exists at the output's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfExists {
    /// Refuse the job.
    Fail,
    /// Replace it when the new file is complete.
    Replace,
}

/// The output as the plan pins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Where it goes.
    pub uri: String,
    /// Its format and options.
    pub format: OutputFormat,
    /// Its size and pixel type.
    pub extent: Extent,
    /// What to do when something is there.
    pub if_exists: IfExists,
}

/// How the work is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// One process does everything and publishes.
    Whole,
    /// Shards leave pieces in scratch; one more pod joins them.
    Tiles {
        /// Number of shards, at least 1.
        shards: u32,
    },
}

/// A stage: one batch/v1 Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Everything in one pod.
    Whole,
    /// A copy of the source that can be read by ranges.
    Split,
    /// The pixels, shard by shard.
    Tiles,
    /// One file out of the pieces.
    Assemble,
}

impl Stage {
    /// The name in Jobs, keys and the status.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Whole => "whole",
            Stage::Split => "split",
            Stage::Tiles => "tiles",
            Stage::Assemble => "assemble",
        }
    }

    /// The stage of that name.
    pub fn from_name(name: &str) -> Option<Stage> {
        let all = [Stage::Whole, Stage::Split, Stage::Tiles, Stage::Assemble];
        all.into_iter().find(|stage| stage.name() == name)
    }
}

/// The plan of one ImageJob. `O` is an operation with its parameters, which this crate does not look into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan<O> {
    /// [`VERSION`].
    pub version: u32,
    /// UID of the ImageJob.
    pub job: String,
    /// What is read.
    pub source: Source,
    /// The copy that the stage `split` makes of it, and the stage `tiles` reads in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<SourceCopy>,
    /// The chain; empty for a conversion.
    pub operations: Vec<O>,
    /// What is written.
    pub output: Output,
    /// URI prefix of the scratch of this job, ending in `/`.
    pub scratch: String,
    /// The file's tiles.
    pub grid: Grid,
    /// How the work is spread.
    pub mode: Mode,
    /// Columns of a strip that are computed at once, a multiple of the tile's width where that is smaller.
    pub column: u32,
    /// Rows of a strip that are computed at once, where that is not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// The composed halo in pixels (see [`Chain::halo`]).
    pub halo: u32,
    /// Predicted peak memory of a worker in bytes.
    pub memory: u64,
    /// Predicted seconds of one core, all in all, in thousandths.
    pub work_millis: u64,
}

impl<O> Plan<O> {
    /// The stages in order.
    pub fn stages(&self) -> &'static [Stage] {
        match (self.mode, &self.copy) {
            (Mode::Whole, _) => &[Stage::Whole],
            (Mode::Tiles { .. }, None) => &[Stage::Tiles, Stage::Assemble],
            (Mode::Tiles { .. }, Some(_)) => &[Stage::Split, Stage::Tiles, Stage::Assemble],
        }
    }

    /// Number of shards of a stage: its Job's completions.
    pub fn shards(&self, stage: Stage) -> u32 {
        match (stage, self.mode) {
            (Stage::Tiles, Mode::Tiles { shards }) => shards,
            (Stage::Tiles | Stage::Whole | Stage::Split | Stage::Assemble, _) => 1,
        }
    }

    /// The blocks of a shard: consecutive, and of equal number within one.
    pub fn blocks(&self, shard: u32) -> Range<u32> {
        let (blocks, shards) = (u64::from(self.grid.blocks()), u64::from(self.shards(Stage::Tiles)));
        let edge = |n: u64| u32::try_from(n * blocks / shards).expect("not more than the number of blocks");
        edge(u64::from(shard))..edge(u64::from(shard) + 1)
    }

    /// The file's levels.
    pub fn pyramid(&self) -> Pyramid {
        Pyramid::new(self.grid, self.output.format)
    }

    /// The pieces of a shard: the image's in file order, then those of each overview.
    pub fn pieces(&self, shard: u32) -> Vec<Piece> {
        self.pieces_of(self.blocks(shard))
    }

    /// The pieces of all blocks, as if they were one shard's.
    pub fn all_pieces(&self) -> Vec<Piece> {
        self.pieces_of(0..self.grid.blocks())
    }

    fn pieces_of(&self, blocks: Range<u32>) -> Vec<Piece> {
        piece::pieces(&self.pyramid(), self.output.extent.pixel.bytes(), blocks)
    }

    /// Predicted share of the whole work that a stage is, 0 to 1: assembly is taken as a twentieth of what is not the copy.
    pub fn share(&self, stage: Stage) -> f64 {
        let copy =
            self.copy.map_or(0.0, |copy| copy.work_millis as f64 / self.work_millis.max(1) as f64).min(1.0);
        match stage {
            Stage::Whole => 1.0,
            Stage::Split => copy,
            Stage::Tiles => 0.95 * (1.0 - copy),
            Stage::Assemble => 0.05 * (1.0 - copy),
        }
    }
}

impl<O: Serialize> Plan<O> {
    /// The plan's JSON, the form in which it travels.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a plan has only string keys and finite numbers")
    }

    /// SHA-256 of [`Plan::to_json`] in hexadecimal.
    pub fn digest(&self) -> String {
        crate::record::sha256(self.to_json().as_bytes())
    }
}

/// How the planner may spread the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// By the cost model.
    Auto,
    /// By the cost model, with short shards: nodes may vanish.
    Brief,
    /// In one process.
    Whole,
    /// In (at most) this many shards.
    Shards(u32),
}

/// A pool's limits on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels of source and output.
    pub pixels: u64,
    /// The longest chain.
    pub operations: u32,
    /// Memory of a worker in bytes.
    pub memory: u64,
}

/// Everything that a plan follows from.
#[derive(Debug, Clone)]
pub struct Request<O> {
    /// UID of the ImageJob.
    pub job: String,
    /// Where the source is.
    pub source_uri: String,
    /// Which image of the source's file, counted from 0.
    pub page: u32,
    /// The source's ETag.
    pub source_etag: String,
    /// What its header says.
    pub image: SourceImage,
    /// The chain.
    pub operations: Vec<O>,
    /// Where the output goes.
    pub output_uri: String,
    /// Its format.
    pub format: OutputFormat,
    /// What to do when something is there.
    pub if_exists: IfExists,
    /// URI prefix of the job's scratch, ending in `/`.
    pub scratch: String,
    /// The pool's limits.
    pub limits: Limits,
    /// How the work may be spread.
    pub spread: Spread,
}

/// Why there is no plan. The text is for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    /// More pixels, or more memory, than the pool allows.
    #[error("{0}")]
    TooLarge(String),
    /// The chain does not fit the image, or the format not the chain's result.
    #[error("{0}")]
    Chain(String),
}

impl From<ChainRefusal> for PlanRefusal {
    fn from(refusal: ChainRefusal) -> PlanRefusal {
        PlanRefusal::Chain(refusal.to_string())
    }
}

/// Makes the plan.
///
/// # Errors
/// The request is beyond a limit, or the chain or the format do not fit the image.
pub fn plan<O: crate::operation::Planned>(request: Request<O>) -> Result<Plan<O>, PlanRefusal> {
    let Request { image, format, limits, .. } = &request;
    limit::length(request.operations.len(), *limits)?;
    let steps = request.operations.iter().map(|step| step as &dyn crate::operation::Planned).collect();
    let chain = Chain::new(steps, image.extent)?;
    let output = chain.output();
    limit::pixels("the source", image.extent, *limits)?;
    limit::pixels("the output", output, *limits)?;
    limit::halo(chain.halo())?;
    limit::format(*format, output)?;
    let grid = Grid::new(output, *format);
    let Route { copy, access, mode, fit, work } = route::choose(&request, &chain, &grid)?;
    let Fit { column, rows, memory } = fit;
    let halo = chain.halo();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far below 2^64"
    )]
    let work_millis = (work * 1000.0) as u64;
    Ok(Plan {
        version: VERSION,
        source: source(&request, access),
        copy,
        output: Output {
            uri: request.output_uri,
            format: request.format,
            extent: output,
            if_exists: request.if_exists,
        },
        job: request.job,
        operations: request.operations,
        scratch: request.scratch,
        grid,
        mode,
        column,
        rows,
        halo,
        memory,
        work_millis,
    })
}

fn source<O>(request: &Request<O>, access: Access) -> Source {
    Source {
        uri: request.source_uri.clone(),
        page: request.page,
        etag: request.source_etag.clone(),
        bytes: request.image.bytes,
        extent: request.image.extent,
        access,
    }
}
