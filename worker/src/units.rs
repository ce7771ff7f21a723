//! How a shard's pieces become units of computing: what is computed, encoded and let go of together.
//! Pure arithmetic on the plan.

use tessera_core::geometry::Rect;
use tessera_core::grid::TileAt;
use tessera_core::output::OutputFormat;
use tessera_core::piece::Piece;
use tessera_core::plan::Plan;

/// Rows of a step of a unit that is the whole image.
const STEP_ROWS: u32 = 512;

/// What is computed into one buffer and then encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Index of the piece in the list of pieces that are computed.
    pub(crate) piece: usize,
    /// Whether it is the last of its piece.
    pub(crate) last: bool,
    /// The pixels that are computed: those of the tiles and, for a PNG, the row above.
    pub(crate) rect: Rect,
    /// Its tiles in file order; all that there are for a JPEG, which is encoded as a whole.
    pub(crate) tiles: Vec<TileAt>,
    /// What is computed at once; together they are `rect`.
    pub(crate) steps: Vec<Rect>,
}

/// The units of `pieces`, in file order.
pub(crate) fn units<O>(plan: &Plan<O>, pieces: &[Piece]) -> Vec<Unit> {
    match plan.output.format {
        OutputFormat::Jpeg { .. } => vec![whole(plan)],
        OutputFormat::Tiff { .. } => of_pieces(plan, pieces, 0),
        OutputFormat::Png => of_pieces(plan, pieces, 1),
    }
}

/// The strips as units, each with `above` more rows at the top where there are any.
fn of_pieces<O>(plan: &Plan<O>, pieces: &[Piece], above: u32) -> Vec<Unit> {
    let mut units = Vec::new();
    for (piece, strips) in pieces.iter().map(|piece| piece.strips(&plan.grid)).enumerate() {
        let count = strips.len();
        for (number, strip) in strips.into_iter().enumerate() {
            let above = above.min(strip.rect.y);
            let rect = Rect { y: strip.rect.y - above, height: strip.rect.height + above, ..strip.rect };
            let steps = steps(rect, plan.column, plan.rows.unwrap_or(rect.height));
            units.push(Unit { piece, last: number + 1 == count, rect, tiles: strip.tiles, steps });
        }
    }
    units
}

/// All of the image as one unit.
fn whole<O>(plan: &Plan<O>) -> Unit {
    let rect = plan.grid.image.rect();
    let steps = steps(rect, plan.column, plan.rows.unwrap_or(STEP_ROWS).min(STEP_ROWS));
    Unit { piece: 0, last: true, rect, tiles: plan.grid.file_order().collect(), steps }
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
