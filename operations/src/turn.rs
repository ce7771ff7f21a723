//! Mirroring and quarter turns: pixels go to other places, unchanged.

use crate::border::Rows;
use crate::region::{Region, each_depth};
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

    /// The pixels `output`, of a picture of size `image`.
    pub(crate) fn apply(self, input: &Region, output: Rect, image: Size) -> Region {
        let read = self.reads(output, image);
        let samples = each_depth!(&input.samples, samples => {
            let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
            match input.channels {
                Channels::Gray => self.pixels::<_, 1>(&rows, read).into_flattened(),
                Channels::GrayAlpha => self.pixels::<_, 2>(&rows, read).into_flattened(),
                Channels::Rgb => self.pixels::<_, 3>(&rows, read).into_flattened(),
                Channels::Rgba => self.pixels::<_, 4>(&rows, read).into_flattened(),
            }
        });
        Region { rect: output, channels: input.channels, samples }
    }

    /// The pixels that those of `read` become.
    fn pixels<S: Copy + Default, const N: usize>(self, rows: &Rows<S>, read: Rect) -> Vec<[S; N]> {
        let mut sources: Vec<&[[S; N]]> =
            (read.y..read.bottom()).map(|y| rows.row(y, read).as_chunks::<N>().0).collect();
        if self.transposed {
            if self.columns {
                sources.reverse();
            }
            return self.columns_as_rows(&sources, read.width as usize);
        }
        if self.rows {
            sources.reverse();
        }
        let mut result = Vec::with_capacity(sources.len() * read.width as usize);
        for source in sources {
            if self.columns {
                result.extend(source.iter().rev());
            } else {
                result.extend_from_slice(source);
            }
        }
        result
    }

    /// The picture whose columns are `sources`, each of `length` pixels.
    fn columns_as_rows<S: Copy + Default, const N: usize>(
        self,
        sources: &[&[[S; N]]],
        length: usize,
    ) -> Vec<[S; N]> {
        let width = sources.len();
        let mut result = vec![[S::default(); N]; width * length];
        let row_of = |place: usize| if self.rows { length - 1 - place } else { place };
        for x in (0..width).step_by(BLOCK) {
            for start in (0..length).step_by(BLOCK) {
                if let Some(block) = block(&sources[x..], start) {
                    for (place, pixels) in (start..).zip(block) {
                        result[row_of(place) * width + x..][..BLOCK].copy_from_slice(&pixels);
                    }
                    continue;
                }
                let places = start..length.min(start + BLOCK);
                for (x, place) in (x..width.min(x + BLOCK)).flat_map(|x| places.clone().map(move |y| (x, y)))
                {
                    result[row_of(place) * width + x] = sources[x][place];
                }
            }
        }
        result
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
