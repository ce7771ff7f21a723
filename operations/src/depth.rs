//! `depth`: 8 bits to 16 and back.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::border::Rows;
use crate::form::{Field, Form};
use crate::parameter::number_choice;
use crate::pointwise::map_row;
use crate::region::{Region, Samples};
use crate::target::{Lines, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel;

/// The number of bits of a sample, alpha included. From 8 to 16 a sample is multiplied by 257; back it is divided by
/// 257 and rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Depth {
    /// The bits of a sample of the result: 8 or 16.
    pub bits: Bits,
}

number_choice! {
    /// Bits of a sample.
    Bits {
        /// 8 bits.
        Eight = 8,
        /// 16 bits.
        Sixteen = 16,
    }
}

impl Depth {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "depth";
}

impl Planned for Depth {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let depth = match self.bits {
            Bits::Eight => pixel::Depth::U8,
            Bits::Sixteen => pixel::Depth::U16,
        };
        Ok(Extent { size: input.size, pixel: pixel::PixelType::new(input.pixel.channels, depth) })
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Depth {
    fn form() -> Form {
        Form::advanced("Channels").called("Bit depth").with(Field::new("bits").suggested(8))
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
            (Samples::U8(samples), Lines::U16(lines)) => {
                let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
                for (y, line) in (rect.y..).zip(lines) {
                    map_row(rows.row(y, rect), line, |[sample]: [u8; 1]| [u16::from(sample) * 257]);
                }
            }
            (Samples::U16(samples), Lines::U8(lines)) => {
                let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
                for (y, line) in (rect.y..).zip(lines) {
                    map_row(rows.row(y, rect), line, |[sample]: [u16; 1]| [to_8_bits(sample)]);
                }
            }
            (Samples::U8(_), Lines::U8(_)) | (Samples::U16(_), Lines::U16(_)) => target.paste(input),
        }
    }
}

/// `sample / 257`, rounded; there are no ties, since 257 is odd.
#[inline(always)]
fn to_8_bits(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, samples};
    use tessera_core::pixel::Channels;

    fn change(bits: Bits, row: Samples) -> Samples {
        let rect = Rect::new(0, 0, 2, 1);
        apply_whole(&Depth { bits }, &Region { rect, channels: Channels::GrayAlpha, samples: row }).samples
    }

    #[test]
    fn sixteen_bits_and_back_are_the_same() {
        let eight = samples(&[0u8, 1, 128, 255]);
        let sixteen = samples(&[0u16, 257, 32896, 65535]);
        assert_eq!(change(Bits::Sixteen, eight.clone()), sixteen);
        assert_eq!(change(Bits::Eight, sixteen.clone()), eight);
        assert_eq!(change(Bits::Eight, eight.clone()), eight);
        assert_eq!(change(Bits::Sixteen, sixteen.clone()), sixteen);
    }

    #[test]
    fn sixteen_bits_are_rounded() {
        for sample in 0..=u16::MAX {
            assert_eq!(
                f64::from(to_8_bits(sample)),
                (f64::from(sample) / 257.0).round_ties_even(),
                "{sample}"
            );
        }
    }
}
