//! `colorMap`: false colours for one channel.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::color_table::{INFERNO, MAGMA, TURBO, VIRIDIS};
use crate::form::{Field, Form};
use crate::parameter::list_names;
use crate::pointwise::map_pixels;
use crate::region::{Region, Samples};
use crate::target::{Lines, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::PixelType;

/// False colours: each intensity becomes the colour of a table of 256; between two, 16-bit images get the colour in
/// proportion. Takes gray images; alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColorMap {
    /// The table: `viridis`, `magma`, `inferno`, `turbo` or `gray`.
    pub name: ColorMapName,
}

/// A table of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum ColorMapName {
    /// Dark blue, green, yellow.
    Viridis,
    /// Black, purple, orange, light yellow.
    Magma,
    /// Black, red, yellow, white.
    Inferno,
    /// The rainbow.
    Turbo,
    /// Equal red, green and blue.
    Gray,
}

impl ColorMap {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "colorMap";

    /// The colour of each 8-bit intensity.
    fn table(&self) -> [[u8; 3]; 256] {
        let table = match self.name {
            ColorMapName::Viridis => &VIRIDIS,
            ColorMapName::Magma => &MAGMA,
            ColorMapName::Inferno => &INFERNO,
            ColorMapName::Turbo => &TURBO,
            ColorMapName::Gray => return std::array::from_fn(|level| [level as u8; 3]),
        };
        std::array::from_fn(|level| [table[3 * level], table[3 * level + 1], table[3 * level + 2]])
    }
}

impl Planned for ColorMap {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let (channels, depth) = (input.pixel.channels, input.pixel.depth);
        if channels.colours() == 3 {
            let text = format!(
                "it takes gray images, and this is {}: put grayscale or channel before it",
                input.pixel
            );
            return Err(Refusal(text));
        }
        Ok(Extent { size: input.size, pixel: PixelType::new(channels.to_rgb(), depth) })
    }

    fn cost(&self, _: Extent) -> f64 {
        1.5
    }
}

impl Apply for ColorMap {
    fn form() -> Form {
        Form::advanced("Colour")
            .called("False colours")
            .with(Field::new("name").called("Colours").suggested("viridis"))
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        let (table, alpha, rect) = (self.table(), input.channels.has_alpha(), target.rect);
        match (&input.samples, &mut target.rows) {
            (Samples::U8(samples), Lines::U8(rows)) => {
                coloured((samples, input.rect), (rect, rows), alpha, |level| table[usize::from(level)]);
            }
            (Samples::U16(samples), Lines::U16(rows)) => {
                coloured((samples, input.rect), (rect, rows), alpha, |level| between(&table, level));
            }
            (Samples::U8(_), Lines::U16(_)) | (Samples::U16(_), Lines::U8(_)) => {
                debug_assert!(false, "the depth stays");
            }
        }
    }
}

/// Writes the pixels `output`, coloured by `colour`.
fn coloured<S: Copy + Default>(
    source: (&[S], Rect),
    output: (Rect, &mut [&mut [S]]),
    has_alpha: bool,
    colour: impl Fn(S) -> [S; 3] + Copy,
) {
    if !has_alpha {
        return map_pixels(source, output, |[level]| colour(level));
    }
    map_pixels(source, output, |[level, alpha]| {
        let [r, g, b] = colour(level);
        [r, g, b, alpha]
    });
}

/// The colour of a 16-bit intensity: in proportion between those of the nearest multiples of 257; exact.
#[inline(always)]
fn between(table: &[[u8; 3]; 256], level: u16) -> [u16; 3] {
    let (index, fraction) = (usize::from(level / 257), i32::from(level % 257));
    let (below, above) = (table[index], table[(index + 1).min(255)]);
    std::array::from_fn(|c| {
        (257 * i32::from(below[c]) + (i32::from(above[c]) - i32::from(below[c])) * fraction) as u16
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16, image};
    use tessera_core::pixel::{Channels, Depth};

    #[test]
    fn the_ends_and_the_middle_have_the_published_colours() {
        let colours = |name| apply_to_row_u8(&ColorMap { name }, Channels::Gray, &[0, 128, 255]);
        assert_eq!(colours(ColorMapName::Viridis), [68, 1, 84, 33, 145, 140, 253, 231, 37]);
        assert_eq!(colours(ColorMapName::Magma), [0, 0, 4, 183, 55, 121, 252, 253, 191]);
        assert_eq!(colours(ColorMapName::Inferno), [0, 0, 4, 188, 55, 84, 252, 255, 164]);
        assert_eq!(colours(ColorMapName::Turbo), [48, 18, 59, 164, 252, 60, 122, 4, 3]);
        assert_eq!(colours(ColorMapName::Gray), [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    }

    #[test]
    fn sixteen_bits_lie_between() {
        let magma = ColorMap { name: ColorMapName::Magma };
        assert_eq!(
            apply_to_row_u16(&magma, Channels::GrayAlpha, &[65535, 7]),
            [252 * 257, 253 * 257, 191 * 257, 7]
        );
        let gray = ColorMap { name: ColorMapName::Gray };
        for level in [0, 1, 256, 257, 1000, 40_000, 65_534, 65_535] {
            assert_eq!(apply_to_row_u16(&gray, Channels::Gray, &[level]), [level; 3]);
        }
        let (table, exact) = (ColorMap { name: ColorMapName::Turbo }.table(), 40_000.0 / 257.0);
        let between_two = |c: usize| {
            let (below, above) = (f64::from(table[155][c]), f64::from(table[156][c]));
            257.0 * (below + (above - below) * (exact - 155.0))
        };
        let colour = between(&table, 40_000);
        assert!((0..3).all(|c| (f64::from(colour[c]) - between_two(c)).abs() < 1e-6), "{colour:?}");
    }

    #[test]
    fn colours_are_refused() {
        let refusal = ColorMap { name: ColorMapName::Gray }
            .output(image(1, 1, PixelType::new(Channels::Rgb, Depth::U8)))
            .unwrap_err();
        assert_eq!(
            refusal.0,
            "it takes gray images, and this is 8-bit RGB: put grayscale or channel before it"
        );
    }
}
