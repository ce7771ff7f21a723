//! `sepia`: the brown tone of old photographs.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::border::Rows;
use crate::fetch::fetch_behind;
use crate::form::{Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds};
use crate::plane::{Aligned, PLANE, put_together, take_apart};
use crate::pointwise::map_pixels;
use crate::region::{Region, Samples};
use crate::sample::{Sample, round_f32};
use crate::target::{Lines, Target};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::{Channels, PixelType};

const AMOUNT: Bounds = Bounds::new(0.0, 1.0);

/// Red, green and blue of sepia, in thousandths of red, green and blue: as `sepia()` in the W3C's Filter Effects.
const SEPIA: [[i64; 3]; 3] = [[393, 769, 189], [349, 686, 168], [272, 534, 131]];

/// Sepia: red becomes 0.393 R + 0.769 G + 0.189 B, green 0.349 R + 0.686 G + 0.168 B, blue 0.272 R + 0.534 G +
/// 0.131 B, mixed with the colours as they were by `amount`, then saturated. Gray becomes RGB; alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sepia {
    /// From 0 (the colours as they were) to 1 (all sepia).
    #[schemars(range(min = AMOUNT.min, max = AMOUNT.max))]
    pub amount: Millionths,
}

impl Default for Sepia {
    fn default() -> Sepia {
        Sepia { amount: Millionths::whole(1) }
    }
}

impl Sepia {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "sepia";

    /// The matrix, mixed with the identity by `amount`.
    fn matrix(&self) -> [[f64; 3]; 3] {
        let weight = |row: usize, column: usize| {
            let (one, rest) = (if row == column { 1000 } else { 0 }, 1_000_000 - self.amount.0);
            (SEPIA[row][column] * self.amount.0 + one * rest) as f64 / 1e9
        };
        std::array::from_fn(|row| std::array::from_fn(|column| weight(row, column)))
    }

    /// Writes the pixels `output` of 16 bits, of the samples of `input`.
    fn tone(&self, samples: &[u16], input: &Region, output: (Rect, &mut [&mut [u16]])) {
        let (source, matrix) =
            ((samples, input.rect), self.matrix().map(|row| row.map(|weight| weight as f32)));
        let tone = |colour: [u16; 3]| {
            let [r, g, b] = colour.map(f32::from);
            matrix.map(|[of_r, of_g, of_b]| {
                u16::narrow(round_f32((of_r * r + of_g * g + of_b * b).min(f32::from(u16::MAX))))
            })
        };
        let with_alpha = |[r, g, b]: [u16; 3], alpha| [r, g, b, alpha];
        match input.channels {
            Channels::Gray => map_pixels(source, output, |[gray]| tone([gray; 3])),
            Channels::GrayAlpha => {
                map_pixels(source, output, |[gray, alpha]| with_alpha(tone([gray; 3]), alpha))
            }
            Channels::Rgb => map_pixels(source, output, tone),
            Channels::Rgba => {
                map_pixels(source, output, |[r, g, b, alpha]| with_alpha(tone([r, g, b]), alpha))
            }
        }
    }

    /// The same of 8 bits.
    fn tone_eight(&self, samples: &[u8], input: &Region, (output, lines): (Rect, &mut [&mut [u8]])) {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        let matrix =
            &self.matrix().map(|row| row.map(|weight| Aligned([(weight * ONE).round() as u16; LANES])));
        for (y, line) in (output.y..).zip(lines) {
            let from = rows.row(y, output);
            match input.channels {
                Channels::Gray => vectorised(Toned::<1, 3>::new(from, line, matrix)),
                Channels::GrayAlpha => vectorised(Toned::<2, 4>::new(from, line, matrix)),
                Channels::Rgb => vectorised(Toned::<3, 3>::new(from, line, matrix)),
                Channels::Rgba => vectorised(Toned::<4, 4>::new(from, line, matrix)),
            }
        }
    }
}

/// Samples that are computed side by side.
const LANES: usize = 32;

/// A weight of 1.
const ONE: f64 = 32768.0;

/// One weight for each sample.
type Weight = Aligned<[u16; LANES]>;

/// A row of samples of 8 bits, in fixed point: see [`weighed`].
struct Toned<'a, const N: usize, const M: usize> {
    from: &'a [[u8; N]],
    to: &'a mut [[u8; M]],
    matrix: &'a [[Weight; 3]; 3],
}

impl<'a, const N: usize, const M: usize> Toned<'a, N, M> {
    fn new(from: &'a [u8], to: &'a mut [u8], matrix: &'a [[Weight; 3]; 3]) -> Self {
        Toned { from: from.as_chunks().0, to: to.as_chunks_mut().0, matrix }
    }
}

impl<const N: usize, const M: usize> Kernel for Toned<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Toned { from, to, matrix } = self;
        let (Aligned(before), Aligned(after)) =
            (&mut Aligned([[0; PLANE]; N]), &mut Aligned([[0; PLANE]; M]));
        let Aligned(wide) = &mut Aligned([[0; PLANE]; N]);
        for (from, to) in from.chunks(PLANE).zip(to.chunks_mut(PLANE)) {
            fetch_behind(from);
            fetch_behind(to);
            take_apart(from, before);
            for (wide, plane) in wide.iter_mut().zip(&*before) {
                for index in 0..PLANE {
                    wide[index] = u16::from(plane[index]) << 8;
                }
            }
            let [r, g, b] = if N < 3 { [0; 3] } else { [0, 1, 2] };
            let [r, g, b] = [r, g, b].map(|channel| wide[channel].as_chunks::<LANES>().0);
            for block in 0..PLANE / LANES {
                let (r, g, b) = (&r[block], &g[block], &b[block]);
                // Had the compiler moved the weights out of the loop, it would multiply in 32 bits.
                for ([of_r, of_g, of_b], plane) in black_box(matrix).iter().zip(&mut *after) {
                    let to = &mut plane.as_chunks_mut::<LANES>().0[block];
                    for lane in 0..LANES {
                        let of_colours = weighed(r[lane], of_r.0[lane])
                            + weighed(g[lane], of_g.0[lane])
                            + weighed(b[lane], of_b.0[lane]);
                        to[lane] = ((of_colours + HALF) >> 7).min(255) as u8;
                    }
                }
            }
            if M == 4 {
                after[3] = before[N - 1];
            }
            put_together(after, to);
        }
    }
}

/// A colour, in units of 1/256 level, by a weight: in units of 1/128, cut. Three of them are at most 346 levels, and a sum
/// of theirs is off by 0.02 at most once [`HALF`] is added.
#[inline(always)]
fn weighed(colour: u16, weight: u16) -> u16 {
    ((u32::from(colour) * u32::from(weight)) >> 16) as u16
}

/// Half a level, and what three cuts take away in the mean.
const HALF: u16 = 64 + 1;

impl Planned for Sepia {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let pixel = PixelType::new(input.pixel.channels.to_rgb(), input.pixel.depth);
        Ok(Extent { size: input.size, pixel })
    }

    fn cost(&self, _: Extent) -> f64 {
        2.0
    }
}

impl Apply for Sepia {
    fn form() -> Form {
        Form::basic("Colour").with(Field::new("amount").step(0.05))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        AMOUNT.check("amount", self.amount)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        let rect = target.rect;
        match (&input.samples, &mut target.rows) {
            (Samples::U8(samples), Lines::U8(lines)) => self.tone_eight(samples, input, (rect, lines)),
            (Samples::U16(samples), Lines::U16(lines)) => self.tone(samples, input, (rect, lines)),
            (Samples::U8(_), Lines::U16(_)) | (Samples::U16(_), Lines::U8(_)) => {
                debug_assert!(false, "the depth stays");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_whole, image, picture, pixel_types, values};

    #[test]
    fn pure_colours_have_the_columns_of_the_matrix() {
        let colours = [255, 0, 0, 1, 0, 255, 0, 2, 0, 0, 255, 3, 255, 255, 255, 4];
        assert_eq!(
            apply_to_row_u8(&Sepia::default(), Channels::Rgba, &colours),
            [100, 89, 69, 1, 196, 175, 136, 2, 48, 43, 33, 3, 255, 255, 239, 4]
        );
        let none = Sepia { amount: Millionths::whole(0) };
        assert_eq!(apply_to_row_u8(&none, Channels::Rgba, &colours), colours);
    }

    #[test]
    fn gray_becomes_brown() {
        assert_eq!(apply_to_row_u8(&Sepia::default(), Channels::Gray, &[0, 100]), [0, 0, 0, 135, 120, 94]);
        assert_eq!(apply_to_row_u8(&Sepia::default(), Channels::GrayAlpha, &[100, 7]), [135, 120, 94, 7]);
    }

    #[test]
    fn pictures_follow_the_formula() {
        for (pixel, amount) in pixel_types().flat_map(|pixel| [(pixel, 0.3), (pixel, 1.0)]) {
            let (source, max) = (picture(image(31, 17, pixel), 3), f64::from(pixel.depth.max()));
            let result = values(&apply_whole(&Sepia { amount: Millionths::nearest(amount) }, &source));
            let count = pixel.channels.to_rgb().count();
            for (from, to) in values(&source).chunks(pixel.channels.count()).zip(result.chunks(count)) {
                let colour: Vec<f64> =
                    (0..3).map(|c| from[c.min(pixel.channels.colours() - 1)] as f64).collect();
                for c in 0..3 {
                    let sepia: f64 = (0..3).map(|k| SEPIA[c][k] as f64 / 1000.0 * colour[k]).sum();
                    let exact = (amount * sepia + (1.0 - amount) * colour[c]).min(max);
                    let most = if max == 255.0 { 0.52 } else { 0.51 };
                    assert!((to[c] as f64 - exact).abs() <= most, "{pixel} {from:?} {to:?}");
                }
                assert!(!pixel.channels.has_alpha() || from.last() == to.last());
            }
        }
    }
}
