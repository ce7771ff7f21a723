//! How a shard's pieces become units of computing: what is computed together, and then encoded and reduced.
//! Pure arithmetic on the plan.

use tessera_core::geometry::Rect;
use tessera_core::grid::TileAt;
use tessera_core::output::OutputFormat;
use tessera_core::piece::Piece;
use tessera_core::plan::{Access, Plan};
use tessera_core::pyramid::Layer;

use crate::rows::{Place, Rows};

/// Rows of a step of a unit that is the whole image.
const STEP_ROWS: u32 = 512;

/// What is computed into one buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Where its tiles go; `None` where only overviews are made of it.
    pub(crate) place: Option<Place>,
    /// Its block, and the number of its first row of tiles inside it.
    pub(crate) at: (u32, u32),
    /// The pixels that are computed: those of the tiles and, for a PNG, the row above.
    pub(crate) rect: Rect,
    /// Its tiles in file order; all that there are for a WebP, which is encoded as a whole.
    pub(crate) tiles: Vec<TileAt>,
    /// What is computed at once; together they are `rect`.
    pub(crate) steps: Vec<Rect>,
}

/// The units of `pieces`, in the order in which they are computed.
pub(crate) fn units<O>(plan: &Plan<O>, pieces: &[Piece]) -> Vec<Unit> {
    match plan.output.format {
        OutputFormat::WebP { .. } => vec![whole(plan)],
        OutputFormat::Tiff { .. } | OutputFormat::Cog { .. } => of_rows(plan, &Rows::new(pieces)),
        OutputFormat::Png => of_bands(plan, pieces, 1),
        OutputFormat::Jpeg { .. } => of_bands(plan, pieces, 0),
    }
}

/// The rows of tiles that the pieces of all layers are made of: in file order, or from the image's first row to its last where
/// the source comes so.
fn of_rows<O>(plan: &Plan<O>, rows: &Rows) -> Vec<Unit> {
    let unit = |(block, row)| {
        let rect = plan.grid.strip(block, row);
        Unit {
            place: rows.place(Layer::Level(0), block, row),
            at: (block, row),
            rect,
            tiles: plan.grid.row_of(block, row),
            steps: steps(rect, plan.column, plan.rows.unwrap_or(rect.height)),
        }
    };
    let mut units: Vec<Unit> = rows.needed(&plan.pyramid()).into_iter().map(unit).collect();
    if matches!(plan.source.access, Access::Rows { .. }) {
        units.sort_by_key(|unit| (unit.rect.y, unit.rect.x));
    }
    units
}

/// The strips of bands, each with `above` rows above it as far as there are any.
fn of_bands<O>(plan: &Plan<O>, pieces: &[Piece], above: u32) -> Vec<Unit> {
    let mut units = Vec::new();
    for (piece, strips) in pieces.iter().map(|piece| piece.strips(&plan.grid)).enumerate() {
        let count = strips.len();
        for (number, strip) in strips.into_iter().enumerate() {
            let above = strip.rect.y.min(above);
            let higher = |rect: Rect| Rect { y: rect.y - above, height: rect.height + above, ..rect };
            let rect = higher(strip.rect);
            let steps = steps(strip.rect, plan.column, plan.rows.unwrap_or(strip.rect.height));
            let steps = steps.into_iter();
            let steps = steps.map(|step| if step.y == strip.rect.y { higher(step) } else { step }).collect();
            let place = Some(Place { piece, last: number + 1 == count });
            let at = (strip.tiles.first().map_or(0, |band| band.row), 0);
            units.push(Unit { place, at, rect, tiles: strip.tiles, steps });
        }
    }
    units
}

/// All of the image as one unit.
fn whole<O>(plan: &Plan<O>) -> Unit {
    let rect = plan.grid.image.rect();
    let steps = steps(rect, plan.column, plan.rows.unwrap_or(STEP_ROWS).min(STEP_ROWS));
    let place = Some(Place { piece: 0, last: true });
    Unit { place, at: (0, 0), rect, tiles: plan.grid.file_order().collect(), steps }
}

/// Cuts `rect` into rectangles of at most `width` x `height`, row by row.
pub(crate) fn steps(rect: Rect, width: u32, height: u32) -> Vec<Rect> {
    let (width, height) = (width.max(1), height.max(1));
    let columns = || (rect.x..rect.right()).step_by(width as usize);
    let rows = (rect.y..rect.bottom()).step_by(height as usize);
    let cell = |x: u32, y: u32| Rect::new(x, y, width.min(rect.right() - x), height.min(rect.bottom() - y));
    rows.flat_map(|y| columns().map(move |x| cell(x, y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_rectangle() {
        let rect = Rect::new(3, 5, 100, 41);
        for (width, height) in [(1, 41), (17, 10), (100, 41), (4096, 512)] {
            let steps = steps(rect, width, height);
            assert_eq!(steps.iter().map(Rect::pixels).sum::<u64>(), rect.pixels());
            assert!(steps.iter().all(|step| rect.contains(step)));
        }
    }
}
