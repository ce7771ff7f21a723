//! Which part of the output is finished: from the indexes that a stage's Job has completed, and the plan. Pure but for
//! reading the plan, which is remembered.

use crate::app::App;
use kube::ResourceExt;
use std::ops::Range;
use tessera_api::ImageJob;
use tessera_api::imagejob::{StageStatus, State};
use tessera_core::geometry::Rect;
use tessera_core::grid::Grid;
use tessera_core::plan::{Plan, Stage};
use tessera_operations::Operation;

/// The most rectangles that are told.
const MOST: usize = 512;

/// The finished rectangles of a job's output: left, top, width, height.
pub(crate) async fn rectangles(app: &App, job: &ImageJob) -> Vec<[u32; 4]> {
    let status = job.status.as_ref();
    let state = status.and_then(|status| status.state);
    if !matches!(state, Some(State::Running | State::Waiting | State::Suspended)) {
        return Vec::new();
    }
    if is_before_tiles(status.and_then(|status| status.stage.as_ref())) {
        return Vec::new();
    }
    let Some(plan) = app.cluster.plan(job).await else { return Vec::new() };
    let done = match app.cluster.stage(job, Stage::Tiles.name()) {
        Some(tiles) => {
            let completed = tiles.status.as_ref().and_then(|status| status.completed_indexes.clone());
            of_shards(&plan, &indexes(completed.as_deref().unwrap_or_default()))
        }
        // One pod does the blocks in their order.
        None => of_tiles(
            &plan.grid,
            status.and_then(|status| status.tiles.as_ref()).map_or(0, |tiles| tiles.done),
        ),
    };
    tracing::trace!(job = job.name_any(), rectangles = done.len(), "ready");
    done
}

/// While the source is made readable, what is counted is no part of the result yet.
fn is_before_tiles(stage: Option<&StageStatus>) -> bool {
    stage.is_some_and(|stage| stage.name == Stage::Split.name())
}

/// Ranges of a list such as `1,3-5`, as a Job's status has it.
fn indexes(text: &str) -> Vec<Range<u32>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..last.parse::<u32>().ok()?.checked_add(1)?)
    };
    text.split(',').filter_map(range).collect()
}

fn of_shards(plan: &Plan<Operation>, shards: &[Range<u32>]) -> Vec<[u32; 4]> {
    let known = plan.shards(Stage::Tiles);
    let blocks = shards
        .iter()
        .flat_map(|range| range.start.min(known)..range.end.min(known))
        .flat_map(|shard| plan.blocks(shard));
    merged(blocks.map(|block| rect_of(&plan.grid, block)).collect())
}

/// The blocks whose tiles are among the first `done` of the file.
fn of_tiles(grid: &Grid, mut done: u64) -> Vec<[u32; 4]> {
    let mut rects = Vec::new();
    for block in 0..grid.blocks() {
        let tiles = grid.tiles_in(block).count() as u64;
        if tiles > done {
            break;
        }
        done -= tiles;
        rects.push(rect_of(grid, block));
    }
    merged(rects)
}

fn rect_of(grid: &Grid, block: u32) -> Rect {
    let last = grid.tile_rows_of(block).saturating_sub(1);
    grid.strip(block, 0).union(&grid.strip(block, last))
}

/// Joins neighbours in a row, then equal rows one below the other.
fn merged(mut rects: Vec<Rect>) -> Vec<[u32; 4]> {
    rects.sort_by_key(|rect| (rect.y, rect.x));
    let mut rows: Vec<Rect> = Vec::new();
    for rect in rects {
        match rows.last_mut() {
            Some(last) if (last.y, last.height, last.right()) == (rect.y, rect.height, rect.x) => {
                *last = last.union(&rect);
            }
            _ => rows.push(rect),
        }
    }
    rows.sort_by_key(|rect| (rect.x, rect.width, rect.y));
    let mut whole: Vec<Rect> = Vec::new();
    for rect in rows {
        match whole.last_mut() {
            Some(last) if (last.x, last.width, last.bottom()) == (rect.x, rect.width, rect.y) => {
                *last = last.union(&rect);
            }
            _ => whole.push(rect),
        }
    }
    // Beyond the limit the smallest are left out: the picture is right, only not complete.
    whole.sort_by_key(|rect| std::cmp::Reverse(rect.pixels()));
    whole.truncate(MOST);
    whole.sort_by_key(|rect| (rect.y, rect.x));
    whole.iter().map(|rect| [rect.x, rect.y, rect.width, rect.height]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_core::geometry::Size;

    #[test]
    fn completed_indexes_are_single_numbers_and_ranges() {
        assert_eq!(indexes("1,3-5,7"), [1..2, 3..6, 7..8]);
        assert_eq!(indexes(""), Vec::<Range<u32>>::new());
    }

    #[test]
    fn finished_blocks_are_joined_to_few_rectangles() {
        let grid = Grid { image: Size::new(1000, 700), tile: Size::new(100, 100), block: 2 };
        assert_eq!(grid.blocks(), 20);
        assert_eq!(of_tiles(&grid, 0), Vec::<[u32; 4]>::new());
        assert_eq!(of_tiles(&grid, 23), [[0, 0, 1000, 200]], "three tiles of the next block are not a block");
        assert_eq!(of_tiles(&grid, 24), [[0, 0, 1000, 200], [0, 200, 200, 200]]);
        assert_eq!(of_tiles(&grid, 70), [[0, 0, 1000, 700]]);
    }
}
