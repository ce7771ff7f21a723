//! Mirroring and quarter turns: pixels go to other places, unchanged.

use crate::border::Rows;
use crate::region::Region;
use crate::target::{Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use tessera_core::geometry::{Rect, Size};
use tessera_core::pixel::Channels;
use tessera_core::placement::Placement;

/// Source rows that are read side by side where columns become rows, and how many pixels of each at once.
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
                Channels::Gray => self.pixels::<_, 1>(&rows, read, lines),
                Channels::GrayAlpha => self.pixels::<_, 2>(&rows, read, lines),
                Channels::Rgb => self.pixels::<_, 3>(&rows, read, lines),
                Channels::Rgba => self.pixels::<_, 4>(&rows, read, lines),
            }
        });
    }

    /// Writes the pixels that those of `read` become.
    fn pixels<S: Copy + Default, const N: usize>(self, rows: &Rows<S>, read: Rect, lines: &mut [&mut [S]]) {
        let mut sources: Vec<&[[S; N]]> =
            (read.y..read.bottom()).map(|y| rows.row(y, read).as_chunks::<N>().0).collect();
        if self.transposed {
            if self.columns {
                sources.reverse();
            }
            return self.columns_as_rows(&sources, lines);
        }
        if self.rows {
            sources.reverse();
        }
        for (source, line) in sources.into_iter().zip(lines) {
            if self.columns {
                vectorised(Reversed { from: source, to: line.as_chunks_mut().0 });
            } else {
                line.copy_from_slice(source.as_flattened());
            }
        }
    }

    /// Writes the picture whose columns are `sources`, each as long as there are lines.
    fn columns_as_rows<S: Copy + Default, const N: usize>(
        self,
        sources: &[&[[S; N]]],
        lines: &mut [&mut [S]],
    ) {
        let (width, length) = (sources.len(), lines.len());
        let row_of = |place: usize| if self.rows { length - 1 - place } else { place };
        for start in (0..length).step_by(BLOCK) {
            for x in (0..width).step_by(BLOCK) {
                if let Some(block) = block(&sources[x..], start) {
                    for (place, pixels) in (start..).zip(block) {
                        lines[row_of(place)][x * N..][..BLOCK * N].copy_from_slice(pixels.as_flattened());
                    }
                    continue;
                }
                let places = start..length.min(start + BLOCK);
                for (x, place) in (x..width.min(x + BLOCK)).flat_map(|x| places.clone().map(move |y| (x, y)))
                {
                    lines[row_of(place)][x * N..][..N].copy_from_slice(&sources[x][place]);
                }
            }
        }
    }
}

/// A row from its end to its start.
struct Reversed<'a, P> {
    from: &'a [P],
    to: &'a mut [P],
}

impl<P: Copy> Kernel for Reversed<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // Blocks are turned in registers.
        let (rest, from) = self.from.as_rchunks::<BLOCK>();
        let (to, last) = self.to.as_chunks_mut::<BLOCK>();
        for (to, from) in to.iter_mut().zip(from.iter().rev()) {
            *to = std::array::from_fn(|index| from[BLOCK - 1 - index]);
        }
        last.iter_mut().zip(rest.iter().rev()).for_each(|(to, from)| *to = *from);
    }
}

/// The pixels of `BLOCK` columns from place `start` on, by rows; nothing where there are not as many.
fn block<P: Copy>(columns: &[&[P]], start: usize) -> Option<[[P; BLOCK]; BLOCK]> {
    let columns: &[&[P]; BLOCK] = columns.first_chunk()?;
    if columns[0].len() < start + BLOCK {
        return None;
    }
    let parts: [[P; BLOCK]; BLOCK] =
        std::array::from_fn(|x| *columns[x][start..].first_chunk().expect("all columns are of one length"));
    Some(std::array::from_fn(|y| std::array::from_fn(|x| parts[x][y])))
}
