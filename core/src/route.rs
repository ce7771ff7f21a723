//! How a job's pixels are reached and how its work is spread: directly, as a stream or from a copy, in one process or in shards. Pure.

use crate::copied::SourceCopy;
use crate::cost;
use crate::fit::{self, Fit};
use crate::grid::Grid;
use crate::operation::Chain;
use crate::output::OutputFormat;
use crate::plan::{Access, Mode, PlanRefusal, Request, SourceImage, Spread};
use crate::streamed;

/// Slots that a job is expected to get, where a copy must pay: how many there will be is not known.
const SLOTS: f64 = 4.0;

/// What was chosen.
pub(crate) struct Route {
    /// The copy that is made first.
    pub(crate) copy: Option<SourceCopy>,
    /// How the pixels are reached, of the source or of its copy.
    pub(crate) access: Access,
    /// How the work is spread.
    pub(crate) mode: Mode,
    /// What is computed at once.
    pub(crate) fit: Fit,
    /// Predicted seconds of one core, the copy's included.
    pub(crate) work: f64,
}

/// Chooses. A source without random access, or whose tiles do not fit in memory, is streamed by one process where that fits
/// in its memory. It is copied if it fits neither way, if shards are asked for that would each read all of it, or where that
/// saves time.
///
/// # Errors
/// It fits in memory in no way.
pub(crate) fn choose<O>(request: &Request<O>, chain: &Chain<'_>, grid: &Grid) -> Result<Route, PlanRefusal> {
    let alone = match (request.image.access, direct(request, chain, grid)) {
        (Access::Tiles { .. }, Ok(direct)) => return Ok(direct),
        (_, direct) => streamed(request, chain, grid).map_or(direct, Ok),
    };
    // A WebP is one process's work, and that reads the source itself.
    let joined = !matches!(request.format, OutputFormat::WebP { .. });
    let Some(copy) = SourceCopy::of(&request.image).filter(|_| joined) else { return alone };
    let wanted = match (&alone, request.spread) {
        (Err(_), _) | (Ok(_), Spread::Shards(_)) => true,
        (Ok(_), Spread::Whole) => false,
        (Ok(alone), Spread::Auto | Spread::Brief) => pays(alone.work, &copy, request, chain),
    };
    if !wanted {
        return alone;
    }
    copied(request, chain, grid, copy).or_else(|refusal| alone.map_err(|_| refusal))
}

/// By one process that reads the source's rows in order, if they come so and what it must hold of them fits in its memory.
fn streamed<O>(request: &Request<O>, chain: &Chain<'_>, grid: &Grid) -> Option<Route> {
    let image = streamed::image(&request.image)?;
    let fit = fit::fit(request, &image, chain, grid, fit::places(&request.image, 1)).ok()?;
    let work = cost::work_seconds(&image, chain, request.format);
    Some(Route { copy: None, access: image.access, mode: Mode::Whole, fit, work })
}

/// Without a copy. A source without random access is one pod's work unless shards are asked for; WebP output always.
fn direct<O>(request: &Request<O>, chain: &Chain<'_>, grid: &Grid) -> Result<Route, PlanRefusal> {
    let image = &request.image;
    let work = cost::work_seconds(image, chain, request.format);
    let mode = match request.spread {
        _ if matches!(request.format, OutputFormat::WebP { .. }) => Mode::Whole,
        Spread::Whole => Mode::Whole,
        Spread::Auto | Spread::Brief if image.access == Access::Whole => Mode::Whole,
        Spread::Shards(_) | Spread::Auto | Spread::Brief => tiles(request, grid, work).unwrap_or(Mode::Whole),
    };
    let shards = if let Mode::Tiles { shards } = mode { shards } else { 1 };
    let fit = fit::fit(request, image, chain, grid, fit::places(image, shards))?;
    Ok(Route { copy: None, access: image.access, mode, fit, work })
}

fn copied<O>(
    request: &Request<O>,
    chain: &Chain<'_>,
    grid: &Grid,
    copy: SourceCopy,
) -> Result<Route, PlanRefusal> {
    let image = copy.image(&request.image);
    let memory = copy.memory(&request.image) + fit::places(&request.image, 1);
    fit::check(memory, request)?;
    let work = cost::work_seconds(&image, chain, request.format);
    let mode = tiles(request, grid, work).unwrap_or(Mode::Tiles { shards: 1 });
    // The pieces say where the copy's tiles are.
    let fit = fit::fit(request, &image, chain, grid, 0)?;
    let fit = Fit { memory: fit.memory.max(memory), ..fit };
    let work = work + seconds(&copy);
    Ok(Route { copy: Some(copy), access: image.access, mode, fit, work })
}

/// In shards, if they are asked for or pay.
fn tiles<O>(request: &Request<O>, grid: &Grid, work: f64) -> Option<Mode> {
    let longest = match request.spread {
        Spread::Shards(shards) => return Some(Mode::Tiles { shards: shards.clamp(1, grid.blocks()) }),
        Spread::Brief => cost::BRIEF,
        Spread::Auto | Spread::Whole => cost::LONGEST,
    };
    cost::shards(work, grid.blocks(), longest).map(|shards| Mode::Tiles { shards })
}

/// Whether a copy saves time, `direct` being the seconds of one process without.
fn pays<O>(direct: f64, copy: &SourceCopy, request: &Request<O>, chain: &Chain<'_>) -> bool {
    let image: SourceImage = copy.image(&request.image);
    let shared = cost::work_seconds(&image, chain, request.format);
    seconds(copy) + shared / SLOTS + cost::WORTH_DISTRIBUTING < direct
}

fn seconds(copy: &SourceCopy) -> f64 {
    copy.work_millis as f64 / 1000.0
}
