//! Mirroring and quarter turns: pixels go to other places, unchanged.

use crate::border::Rows;
use crate::fetch::{copy, fetch, fetch_before, fetch_behind, fetch_column};
use crate::region::Region;
use crate::target::{Target, each_depth_to};
use crate::transpose::transposed;
use crate::vector::{Kernel, vectorised};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::Channels;
use tessera_core::placement::Placement;

/// Rows of pixels of several samples that columns become side by side.
const BLOCK: usize = 8;

/// How a picture is turned: first mirrored, then, perhaps, its columns become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Whether the result's columns come in the opposite order.
    pub(crate) columns: bool,
    /// Whether the result's rows come in the opposite order.
    pub(crate) rows: bool,
    /// Whether a column of the result is a row of the picture.
    pub(crate) transposed: bool,
}

impl Turn {
    /// The size of a turned picture of size `size`, and of a picture that becomes one of that size.
    pub(crate) fn size(self, size: Size) -> Size {
        if self.transposed { Size::new(size.height, size.width) } else { size }
    }

    /// The pixels of a picture of size `input` that become the pixels `output`.
    pub(crate) fn reads(self, output: Rect, input: Size) -> Rect {
        let whole = self.size(input);
        let x = if self.columns { whole.width.saturating_sub(output.right()) } else { output.x };
        let y = if self.rows { whole.height.saturating_sub(output.bottom()) } else { output.y };
        let Size { width, height } = self.size(output.size());
        let (x, y) = if self.transposed { (y, x) } else { (x, y) };
        Rect::new(x, y, width, height).intersect(&input.rect())
    }

    /// Where the pixels of a turned picture lie in the picture, which has the size `input`.
    pub(crate) fn placement(self, input: Size) -> Placement {
        let whole = self.size(input);
        // First where they are before the columns and rows of the result were reversed, then whose row is whose column.
        let along =
            |reversed: bool, length: u32| if reversed { (-1.0, f64::from(length)) } else { (1.0, 0.0) };
        let ((across, x), (down, y)) = (along(self.columns, whole.width), along(self.rows, whole.height));
        if self.transposed {
            Placement { xx: 0.0, xy: down, x0: y, yx: across, yy: 0.0, y0: x }
        } else {
            Placement { xx: across, xy: 0.0, x0: x, yx: 0.0, yy: down, y0: y }
        }
    }

    /// Writes the pixels of `target`, of a picture of size `image`.
    pub(crate) fn apply(self, input: &Region, target: &mut Target<'_>, image: Size) {
        let read = self.reads(target.rect, image);
        each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
            let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
            match input.channels {
                Channels::Gray => self.pixels::<_, 1, 1>(&rows, read, lines),
                Channels::GrayAlpha => self.pixels::<_, 2, 2>(&rows, read, lines),
                Channels::Rgb => self.pixels::<_, 3, 4>(&rows, read, lines),
                Channels::Rgba => self.pixels::<_, 4, 4>(&rows, read, lines),
            }
        });
    }

    /// Writes the pixels that those of `read` become. `N` samples are a pixel, `W` are moved at once.
    fn pixels<S: Turned, const N: usize, const W: usize>(
        self,
        rows: &Rows<S>,
        read: Rect,
        lines: &mut [&mut [S]],
    ) {
        let mut sources: Vec<&[[S; N]]> =
            (read.y..read.bottom()).map(|y| rows.row(y, read).as_chunks::<N>().0).collect();
        if self.transposed {
            if self.columns {
                sources.reverse();
            }
            if self.rows {
                lines.reverse();
            }
            if N == 1 {
                S::squares(&sources, lines);
            } else {
                vectorised(ColumnsAsRows::<S, N, W, BLOCK> { sources: &sources, lines });
            }
            if self.rows {
                lines.reverse();
            }
            return;
        }
        if self.rows {
            sources.reverse();
        }
        for (source, line) in sources.into_iter().zip(lines) {
            if self.columns {
                vectorised(Reversed { from: source, to: line.as_chunks_mut().0 });
            } else {
                copy(source.as_flattened(), line);
            }
        }
    }
}

/// Pixels of a row that are reversed while the memory brings the next.
const PIXELS: usize = 256;

/// A row from its end to its start.
struct Reversed<'a, S, const N: usize> {
    from: &'a [[S; N]],
    to: &'a mut [[S; N]],
}

impl<S: Turned, const N: usize> Kernel for Reversed<'_, S, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (from, to) in self.from.chunks(PIXELS).zip(self.to.rchunks_mut(PIXELS)) {
            fetch_behind(from);
            fetch_before(to);
            // No vector holds a whole number of pixels of three samples.
            let done = if N == 3 { S::reverse(from.as_flattened(), to.as_flattened_mut()) / N } else { 0 };
            let rest = to.len() - done;
            to[..rest].iter_mut().zip(from[done..].iter().rev()).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Writes pixels of three samples from the start of `from` to the end of `to`, `W` samples at once, as far as that goes.
/// Returns how many samples were written. The `W % 3` samples before each block are overwritten by the next.
#[inline(always)]
fn reverse_triples<S: Copy, const W: usize>(from: &[S], to: &mut [S]) -> usize {
    let (step, spare) = (W - W % 3, W % 3);
    let (mut done, length) = (0, from.len().min(to.len()));
    while done + W <= length {
        let (Some(samples), Some(place)) =
            (from[done..].first_chunk::<W>(), to[..length - done].last_chunk_mut::<W>())
        else {
            break;
        };
        *place = std::array::from_fn(|at| {
            let pixel = at.saturating_sub(spare) / 3;
            samples[if at < spare { step + at } else { step - 3 - 3 * pixel + (at - spare) % 3 }]
        });
        done += step;
    }
    done
}

/// Columns that become rows, `B` of them side by side.
struct ColumnsAsRows<'a, 'b, S, const N: usize, const W: usize, const B: usize> {
    /// The columns of the result, each as long as there are lines.
    sources: &'a [&'a [[S; N]]],
    lines: &'a mut [&'b mut [S]],
}

impl<S: Turned, const N: usize, const W: usize, const B: usize> Kernel for ColumnsAsRows<'_, '_, S, N, W, B> {
    type Output = ();
    const NARROW: bool = true;

    #[inline(always)]
    fn run(self) {
        let ColumnsAsRows { sources, lines } = self;
        // Parts of the columns that stay in the cache until all lines have what they need of them.
        for (x, sources) in (0..).step_by(COLUMNS).zip(sources.chunks(COLUMNS)) {
            for start in (0..lines.len()).step_by(B) {
                let count = B.min(lines.len() - start);
                let (lines, after) = lines[start..].split_at_mut(count);
                // What the next lines are read from, and where they go.
                fetch_column(sources, start + B);
                for line in after.iter().take(B) {
                    fetch(&line[x * N..][..sources.len() * N]);
                }
                let done = match lines.first_chunk_mut::<B>() {
                    Some(lines) if N == 1 => {
                        by_squares(sources, start, lines.each_mut().map(|line| &mut line[x..]))
                    }
                    Some(lines) => by_pixels::<S, N, W, B>(
                        sources,
                        start,
                        lines.each_mut().map(|line| &mut line[x * N..]),
                    ),
                    None => 0,
                };
                for (place, line) in (start..).zip(lines) {
                    let pixels = line[x * N..].as_chunks_mut::<N>().0.iter_mut().zip(sources);
                    pixels.skip(done).for_each(|(to, source)| *to = source[place]);
                }
            }
        }
    }
}

/// Columns that are read again and again before others are.
const COLUMNS: usize = 256;

/// Writes `B` lines of single samples, as far as squares go; how far.
#[inline(always)]
fn by_squares<S: Turned, const N: usize, const B: usize>(
    sources: &[&[[S; N]]],
    start: usize,
    lines: [&mut [S]; B],
) -> usize {
    let (squares, _) = sources.as_chunks::<B>();
    let mut lines = lines.map(|line| &mut line.as_chunks_mut::<B>().0[..squares.len()]);
    for (place, square) in squares.iter().enumerate() {
        let mut rows = [[S::default(); B]; B];
        for (row, column) in rows.iter_mut().zip(square) {
            row.copy_from_slice(column[start..][..B].as_flattened());
        }
        for (line, row) in lines.iter_mut().zip(transposed(&rows)) {
            line[place] = row;
        }
    }
    squares.len() * B
}

/// Writes `B` lines of pixels, as far as `W` samples at once go; how far. Those beyond a pixel are overwritten by the next.
#[inline(always)]
fn by_pixels<S: Turned, const N: usize, const W: usize, const B: usize>(
    sources: &[&[[S; N]]],
    start: usize,
    lines: [&mut [S]; B],
) -> usize {
    let count = sources.len().saturating_sub(W - N);
    let lines = lines.map(|line| &mut line[..sources.len() * N]);
    for (place, source) in sources[..count].iter().enumerate() {
        let samples = source[start..].as_flattened();
        if samples.len() < (B - 1) * N + W {
            return place;
        }
        for row in 0..B {
            lines[row][place * N..][..W].copy_from_slice(&samples[row * N..][..W]);
        }
    }
    count
}

/// A sample that is moved, in vectors of 16 bytes.
trait Turned: Copy + Default {
    /// [`ColumnsAsRows`] for single samples.
    fn squares<const N: usize>(sources: &[&[[Self; N]]], lines: &mut [&mut [Self]]);

    /// [`reverse_triples`].
    fn reverse(from: &[Self], to: &mut [Self]) -> usize;
}

impl Turned for u16 {
    fn squares<const N: usize>(sources: &[&[[u16; N]]], lines: &mut [&mut [u16]]) {
        vectorised(ColumnsAsRows::<u16, N, N, 8> { sources, lines });
    }

    #[inline(always)]
    fn reverse(from: &[u16], to: &mut [u16]) -> usize {
        reverse_triples::<u16, 8>(from, to)
    }
}

impl Turned for u8 {
    fn squares<const N: usize>(sources: &[&[[u8; N]]], lines: &mut [&mut [u8]]) {
        vectorised(ColumnsAsRows::<u8, N, N, 16> { sources, lines });
    }

    #[inline(always)]
    fn reverse(from: &[u8], to: &mut [u8]) -> usize {
        reverse_triples::<u8, 16>(from, to)
    }
}
