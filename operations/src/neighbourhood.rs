//! Operations on the 3 x 3 pixels around each pixel, in integers. Outside the image its border is repeated.

use crate::border::{Rows, Window, keep_alpha};
use crate::sample::{Sample, round_f64};
use crate::vector::{Kernel, vectorised};
use tessera_core::pixel::Channels;

/// The samples of the window's output, each made of the 3 x 3 samples of its channel around it; alpha as it was.
///
/// `column` makes two numbers of a column of three, from top to bottom; `finish` makes the result of the first numbers
/// and of the second numbers of three columns, from left to right.
pub(crate) fn map_neighbourhoods<S: Sample>(
    rows: &Rows<S>,
    window: &Window,
    channels: Channels,
    column: impl Fn([i32; 3]) -> (i32, i32),
    finish: impl Fn([i32; 3], [i32; 3]) -> S,
) -> Vec<S> {
    let mut result = vectorised(Map { rows, window, column, finish });
    keep_alpha(rows, window.output, channels, &mut result);
    result
}

struct Map<'a, S, C, F> {
    rows: &'a Rows<'a, S>,
    window: &'a Window,
    column: C,
    finish: F,
}

impl<S, C, F> Kernel for Map<'_, S, C, F>
where
    S: Sample,
    C: Fn([i32; 3]) -> (i32, i32),
    F: Fn([i32; 3], [i32; 3]) -> S,
{
    type Output = Vec<S>;

    #[inline(always)]
    fn run(self) -> Vec<S> {
        let Map { rows, window, column, finish } = self;
        map(rows, window, column, finish)
    }
}

#[inline(always)]
fn map<S: Sample>(
    rows: &Rows<S>,
    window: &Window,
    column: impl Fn([i32; 3]) -> (i32, i32),
    finish: impl Fn([i32; 3], [i32; 3]) -> S,
) -> Vec<S> {
    let (output, count) = (window.output, rows.channels);
    let length = output.width as usize * count;
    let mut result = vec![S::default(); length * output.height as usize];
    let mut columns = (vec![0; window.padded() * count], vec![0; window.padded() * count]);
    for (y, row) in (output.y..output.bottom()).zip(result.chunks_exact_mut(length.max(1))) {
        fill_columns(rows, window, y, &mut columns, &column);
        let [first, second] = [&columns.0, &columns.1]
            .map(|columns| [0, 1, 2].map(|shift| &columns[shift * count..][..length]));
        for index in 0..length {
            row[index] = finish(first.map(|columns| columns[index]), second.map(|columns| columns[index]));
        }
    }
    result
}

/// `column` of all columns around row `y`, padded on both sides.
#[inline(always)]
fn fill_columns<S: Sample>(
    rows: &Rows<S>,
    window: &Window,
    y: u32,
    (first, second): &mut (Vec<i32>, Vec<i32>),
    column: impl Fn([i32; 3]) -> (i32, i32),
) {
    let read = window.read();
    let [above, here, below] = [-1, 0, 1].map(|dy| rows.row(window.row(y, dy), read));
    let inside = window.inside().start * rows.channels..window.inside().end * rows.channels;
    let results = first[inside.clone()].iter_mut().zip(&mut second[inside]);
    for (((above, here), below), (first, second)) in above.iter().zip(here).zip(below).zip(results) {
        (*first, *second) = column([above.widen(), here.widen(), below.widen()]);
    }
    window.replicate(first, rows.channels);
    window.replicate(second, rows.channels);
}

/// `scale` millionths of `value`, which is not negative, rounded half to even and saturated; exact, because a quotient
/// of integers below 2^53 by a million is farther from a half, if it is none, than the division's rounding.
#[inline(always)]
pub(crate) fn scaled<S: Sample>(value: i32, scale: i64) -> S {
    let value = (i64::from(value) * scale) as f64 / 1e6;
    S::narrow(round_f64(value.min(f64::from(S::MAX))))
}
