//! Operations on the 3 x 3 pixels around each pixel, in integers. Outside the image its border is repeated.

use crate::border::{Rows, Window, keep_alpha};
use crate::sample::{Sample, round_f64};
use crate::vector::{Kernel, vectorised};
use tessera_core::geometry::Rect;
use tessera_core::pixel::Channels;

/// A sample, and the type that holds the sums of its columns.
pub(crate) trait Neighbour: Sample {
    /// Of at least 16 times the range, with a sign.
    type Column: Copy + Default;

    /// A sum to hold.
    fn pack(sum: i32) -> Self::Column;

    /// A sum that is held.
    fn unpack(column: Self::Column) -> i32;
}

impl Neighbour for u8 {
    type Column = i16;

    #[inline(always)]
    fn pack(sum: i32) -> i16 {
        sum as i16
    }

    #[inline(always)]
    fn unpack(column: i16) -> i32 {
        column.into()
    }
}

impl Neighbour for u16 {
    type Column = i32;

    #[inline(always)]
    fn pack(sum: i32) -> i32 {
        sum
    }

    #[inline(always)]
    fn unpack(column: i32) -> i32 {
        column
    }
}

/// Writes the samples of the window's output to `lines`, each made of the 3 x 3 samples of its channel around it; alpha
/// as it was.
///
/// `column` makes two numbers of a column of three, from top to bottom, at most 16 times a sample; `finish` makes the
/// result of the first numbers and of the second numbers of three columns, from left to right.
pub(crate) fn map_neighbourhoods<S: Neighbour>(
    rows: &Rows<S>,
    (window, channels): (&Window, Channels),
    lines: &mut [&mut [S]],
    column: impl Fn([i32; 3]) -> (i32, i32),
    finish: impl Fn([i32; 3], [i32; 3]) -> S,
) {
    vectorised(Map { rows, window, lines, column, finish });
    keep_alpha(rows, window.output, channels, lines);
}

struct Map<'a, 'b, S, C, F> {
    rows: &'a Rows<'a, S>,
    window: &'a Window,
    lines: &'a mut [&'b mut [S]],
    column: C,
    finish: F,
}

impl<S, C, F> Kernel for Map<'_, '_, S, C, F>
where
    S: Neighbour,
    C: Fn([i32; 3]) -> (i32, i32),
    F: Fn([i32; 3], [i32; 3]) -> S,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Map { rows, window, lines, column, finish } = self;
        let (output, count) = (window.output, rows.channels);
        let parts: Vec<Window> = parts(window, PART / count as u32).collect();
        let length = parts.iter().map(Window::padded).max().unwrap_or(0) * count;
        let (mut first, mut second) =
            (vec![S::Column::default(); length], vec![S::Column::default(); length]);
        for (y, line) in (output.y..).zip(lines) {
            for part in &parts {
                let length = part.padded() * count;
                let (first, second) = (&mut first[..length], &mut second[..length]);
                fill_columns(rows, (part, y), (first, second), &column);
                let start = (part.output.x - output.x) as usize * count;
                let line = &mut line[start..][..part.output.width as usize * count];
                let [first, second] = [&*first, &*second]
                    .map(|columns| [0, 1, 2].map(|shift| &columns[shift * count..][..line.len()]));
                finish_row(line, first, second, &finish);
            }
        }
    }
}

/// Samples of a row that are computed together, so that the numbers of their columns stay in the nearest cache.
const PART: u32 = 4096;

/// The parts of `window`, of `width` pixels at most, from left to right.
fn parts(window: &Window, width: u32) -> impl Iterator<Item = Window> {
    let (window, output) = (*window, window.output);
    (output.x..output.right()).step_by(width as usize).map(move |x| {
        let output = Rect::new(x, output.y, width.min(output.right() - x), output.height);
        Window { output, ..window }
    })
}

/// `finish` of all columns that are around the samples of a row.
#[inline(always)]
fn finish_row<S: Neighbour>(
    line: &mut [S],
    first: [&[S::Column]; 3],
    second: [&[S::Column]; 3],
    finish: impl Fn([i32; 3], [i32; 3]) -> S,
) {
    for (index, sample) in line.iter_mut().enumerate() {
        let at = |columns: [&[S::Column]; 3]| columns.map(|columns| S::unpack(columns[index]));
        *sample = finish(at(first), at(second));
    }
}

/// `column` of all columns around row `y`, padded on both sides.
#[inline(always)]
fn fill_columns<S: Neighbour>(
    rows: &Rows<S>,
    (window, y): (&Window, u32),
    (first, second): (&mut [S::Column], &mut [S::Column]),
    column: impl Fn([i32; 3]) -> (i32, i32),
) {
    let read = window.read();
    let [above, here, below] = [-1, 0, 1].map(|dy| rows.row(window.row(y, dy), read));
    let inside = window.inside().start * rows.channels..window.inside().end * rows.channels;
    let results = first[inside.clone()].iter_mut().zip(&mut second[inside]);
    for (((above, here), below), (first, second)) in above.iter().zip(here).zip(below).zip(results) {
        let (one, other) = column([above.widen(), here.widen(), below.widen()]);
        (*first, *second) = (S::pack(one), S::pack(other));
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
