//! What a worker computes at once, so that it fits in its memory. Pure; nothing that a file contains depends on it.

use crate::cost::{self, Footprint};
use crate::geometry::Size;
use crate::grid::Grid;
use crate::lanes;
use crate::operation::{Chain, Extent};
use crate::output::OutputFormat;
use crate::piece::{self, Piece};
use crate::plan::{Access, PlanRefusal, Request, SourceImage, Streaming};
use crate::pyramid::{Layer, Pyramid};
use crate::streamed;

/// The columns of a strip that are computed at once, before memory asks for fewer; all, where the source is streamed.
const COLUMN: u32 = 4096;

/// The fewest columns before memory asks for fewer rows, and the fewest of both: a chain that makes an image much smaller
/// reads a large part of it for each.
const NARROW: u32 = 256;
const LEAST: u32 = 16;

/// Bytes that a worker holds for each tile of the source, to know where it lies: its range, and how the file says that.
const PLACE: u64 = 40;

/// The bytes of places of tiles that each of `shards` workers holds, about.
pub(crate) fn places(image: &SourceImage, shards: u32) -> u64 {
    let Access::Tiles { tile } = image.access else { return 0 };
    let Size { width, height } = image.extent.size;
    let tiles = u64::from(width.div_ceil(tile.width)) * u64::from(height.div_ceil(tile.height));
    PLACE * tiles.div_ceil(u64::from(shards.max(1)))
}

/// What is computed at once, and the memory that a worker needs for it.
pub(crate) struct Fit {
    /// Columns of a strip.
    pub(crate) column: u32,
    /// Rows of a strip, where that is not all of them.
    pub(crate) rows: Option<u32>,
    /// Bytes.
    pub(crate) memory: u64,
}

/// The most that fits in the pool's memory, with the source, or its copy, as `image` says, and `places` bytes of [`places`].
///
/// # Errors
/// Not even the least does.
pub(crate) fn fit<O>(
    request: &Request<O>,
    image: &SourceImage,
    chain: &Chain<'_>,
    grid: &Grid,
    places: u64,
) -> Result<Fit, PlanRefusal> {
    let Largest { strip, piece, assembly } = largest(request, image, grid, chain.output());
    let source = |step: Size| source(image, chain, grid, step) + places;
    let needs = |step: Size| {
        let step = Size::new(step.width.min(strip.width), step.height);
        Footprint { chain, strip, step, source: source(step), piece, assembly }.memory()
    };
    let fits = |step: &Size| needs(*step) <= request.limits.memory;
    let least = Size::new(LEAST, strip.height.min(LEAST));
    let step = steps(best(strip, image, chain)).into_iter().find(fits).unwrap_or(least);
    let memory = needs(step);
    check(memory, request)?;
    let rows = (step.height < strip.height).then_some(step.height);
    Ok(Fit { column: step.width, rows, memory })
}

/// The most bytes, decoded and encoded, that are held of the source while steps of size `step` are computed.
fn source(image: &SourceImage, chain: &Chain<'_>, grid: &Grid, step: Size) -> u64 {
    let bytes = image.extent.pixel.bytes() as u64;
    match image.access {
        Access::Tiles { tile } => {
            let window = cost::window(chain, step, tile);
            // Decoded once into tiles and once joined into the region that is read, and the encoded bytes of the next.
            3 * window.pixels().min(4 * image.extent.size.pixels()) * bytes
        }
        Access::Rows { rows } => streamed::memory(image, rows, chain, grid, step.height),
        Access::Whole => image.decode_memory + image.bytes,
    }
}

/// A worker's `memory` is what it has.
///
/// # Errors
/// It has less. A source whose rows cannot be streamed is named.
pub(crate) fn check<O>(memory: u64, request: &Request<O>) -> Result<(), PlanRefusal> {
    if memory <= request.limits.memory {
        return Ok(());
    }
    let why = match (request.image.access, request.image.streaming) {
        (Access::Whole, Streaming::No(what)) => {
            format!(", or convert the source to a tiled TIFF: {what} can only be read as a whole")
        }
        (Access::Whole | Access::Rows { .. } | Access::Tiles { .. }, _) => String::new(),
    };
    Err(PlanRefusal::TooLarge(format!(
        "a worker needs {} MiB for this job and has {}: raise spec.worker.resources.limits.memory of the WorkerPool{why}",
        memory.div_ceil(1 << 20),
        request.limits.memory >> 20,
    )))
}

/// The best to compute at once of a strip: of a source that is streamed, about a band, so that few rows wait to be computed,
/// but no fewer than a working tile has, and as many each time.
fn best(strip: Size, image: &SourceImage, chain: &Chain<'_>) -> Size {
    match image.access {
        Access::Rows { rows } => {
            let parts = strip.height / rows.max(cost::working_rows(chain));
            Size::new(strip.width, strip.height.div_ceil(parts.max(1)))
        }
        Access::Tiles { .. } | Access::Whole => Size::new(strip.width.min(COLUMN), strip.height),
    }
}

/// What may be computed at once where `best` is, the best first: narrower columns, then fewer rows, then both.
fn steps(best: Size) -> Vec<Size> {
    let halves = |from: u32, to: u32| {
        std::iter::successors(Some(from), |side| Some(side / 2)).take_while(move |side| *side >= to)
    };
    let columns = halves(best.width.max(NARROW), NARROW).map(|width| Size::new(width, best.height));
    let rows = halves(best.height / 2, LEAST).map(|height| Size::new(NARROW, height));
    let least = halves(NARROW / 2, LEAST).map(|width| Size::new(width, best.height.min(LEAST)));
    columns.chain(rows).chain(least).collect()
}

/// What is held at once by its kind.
struct Largest {
    /// The largest strip.
    strip: Size,
    /// Raw bytes of the largest pieces, one of each layer, and of the rows of overviews that wait to be complete; of the file
    /// where it is written at once; and of tiles on their way there, or that wait for their place in it.
    piece: u64,
    /// Raw bytes of the levels that assembly makes.
    assembly: u64,
}

/// Of the first blocks, since only those at the right and bottom edge are smaller. A WebP is held as a whole.
fn largest<O>(request: &Request<O>, image: &SourceImage, grid: &Grid, output: Extent) -> Largest {
    let bytes = output.pixel.bytes() as u64;
    if let OutputFormat::WebP { coding } = request.format {
        let piece = output.size.pixels() * cost::webp_bytes(coding);
        return Largest { strip: output.size, piece, assembly: 0 };
    }
    let pyramid = Pyramid::new(*grid, request.format);
    let first = piece::pieces(&pyramid, output.pixel.bytes(), 0..grid.blocks().min(64));
    let strips =
        first.iter().filter(|piece| piece.layer == Layer::Level(0)).flat_map(|piece| piece.strips(grid));
    let strip = strips.map(|strip| strip.rect.size()).max_by_key(|size| size.pixels()).unwrap_or(output.size);
    let raw = |piece: &Piece| piece.tile_count(pyramid.grid(piece.layer)) * grid.tile.pixels() * bytes;
    let of_layer = |layer| first.iter().filter(|piece| piece.layer == layer).map(raw).max().unwrap_or(0);
    let layers = pyramid.layers();
    let streamed = matches!(image.access, Access::Rows { .. });
    // Rows of the overviews: a half, a quarter, and so on of a strip, or of those of all blocks beside each other.
    let beside = if streamed { u64::from(grid.columns().div_ceil(grid.block)) } else { 1 };
    let rows = if layers.len() > 1 { beside * strip.pixels() * bytes } else { 0 };
    let pieces = if streamed {
        let waiting = streamed::waiting(&pyramid.shared, output.pixel.bytes());
        lanes::memory(2 * output.size.pixels() * bytes, pyramid.shared.len() as u64) + waiting
    } else {
        layers.into_iter().map(of_layer).sum()
    };
    // One that is sent, and one that was received.
    let tiles = 2 * grid.tile.pixels() * bytes;
    Largest {
        strip,
        piece: pieces + rows + tiles,
        assembly: pyramid.upper.iter().map(|grid| grid.tiles() * grid.tile.pixels() * bytes).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_at_once_becomes_smaller_and_smaller() {
        let all = steps(Size::new(4096, 512));
        assert_eq!((all[0], all[4]), (Size::new(4096, 512), Size::new(256, 512)));
        assert_eq!(
            (all[5], all[9], all.last()),
            (Size::new(256, 256), Size::new(256, 16), Some(&Size::new(16, 16)))
        );
        assert!(all.windows(2).all(|pair| pair[1].pixels() < pair[0].pixels()));
        assert!(steps(Size::new(1, 1)).iter().all(|step| step.height == 1));
    }
}
