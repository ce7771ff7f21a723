//! `channel`: one of the channels alone.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::form::{Field, Form};
use crate::parameter::list_names;
use crate::pointwise::map_pixels;
use crate::region::Region;
use crate::target::{Target, each_depth_to};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::Rect;
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::{Channels, PixelType};

/// One channel as a gray image, without alpha. Refuses an image that has no such channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Channel {
    /// Which one: `red`, `green`, `blue` or `alpha`.
    pub name: ChannelName,
}

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum ChannelName {
    /// Red of RGB.
    Red,
    /// Green of RGB.
    Green,
    /// Blue of RGB.
    Blue,
    /// Alpha.
    Alpha,
}

impl Channel {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "channel";

    /// Its place among the samples of a pixel.
    fn index(&self, channels: Channels) -> Option<usize> {
        let colour = |index| (channels.colours() == 3).then_some(index);
        match self.name {
            ChannelName::Red => colour(0),
            ChannelName::Green => colour(1),
            ChannelName::Blue => colour(2),
            ChannelName::Alpha => channels.has_alpha().then_some(channels.colours()),
        }
    }
}

impl Planned for Channel {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        if self.index(input.pixel.channels).is_none() {
            let text = format!(
                "the image is {} there and has no such channel: leave this operation out",
                input.pixel
            );
            return Err(Refusal(text));
        }
        Ok(Extent { size: input.size, pixel: PixelType::new(Channels::Gray, input.pixel.depth) })
    }

    fn cost(&self, _: Extent) -> f64 {
        1.0
    }
}

impl Apply for Channel {
    fn form() -> Form {
        Form::advanced("Channels")
            .called("One channel")
            .with(Field::new("name").called("Channel").suggested("red"))
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Same(self.clone())
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, _: Extent) {
        let index = self.index(input.channels).expect("the plan refuses other images");
        each_depth_to!(&input.samples, &mut target.rows, (samples, rows) => {
            select((samples, input.rect), (target.rect, rows), input.channels, index);
        });
    }
}

/// Writes the samples at `index` of the pixels `output`.
fn select<S: Copy + Default>(
    source: (&[S], Rect),
    output: (Rect, &mut [&mut [S]]),
    channels: Channels,
    index: usize,
) {
    match (channels, index) {
        (Channels::Gray, _) => map_pixels(source, output, |pixel: [S; 1]| pixel),
        (Channels::GrayAlpha, 0) => map_pixels(source, output, |[gray, _]| [gray]),
        (Channels::GrayAlpha, _) => map_pixels(source, output, |[_, alpha]| [alpha]),
        (Channels::Rgb, 0) => map_pixels(source, output, |[r, _, _]| [r]),
        (Channels::Rgb, 1) => map_pixels(source, output, |[_, g, _]| [g]),
        (Channels::Rgb, _) => map_pixels(source, output, |[_, _, b]| [b]),
        (Channels::Rgba, 0) => map_pixels(source, output, |[r, _, _, _]| [r]),
        (Channels::Rgba, 1) => map_pixels(source, output, |[_, g, _, _]| [g]),
        (Channels::Rgba, 2) => map_pixels(source, output, |[_, _, b, _]| [b]),
        (Channels::Rgba, _) => map_pixels(source, output, |[_, _, _, alpha]| [alpha]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_to_row_u8, apply_to_row_u16, image};
    use tessera_core::pixel::Depth;

    #[test]
    fn the_channel_that_is_named_is_left() {
        let channel = |name| apply_to_row_u8(&Channel { name }, Channels::Rgba, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(channel(ChannelName::Red), [1, 5]);
        assert_eq!(channel(ChannelName::Green), [2, 6]);
        assert_eq!(channel(ChannelName::Blue), [3, 7]);
        assert_eq!(channel(ChannelName::Alpha), [4, 8]);
        let alpha = Channel { name: ChannelName::Alpha };
        assert_eq!(apply_to_row_u16(&alpha, Channels::GrayAlpha, &[1, 65535, 3, 4]), [65535, 4]);
    }

    #[test]
    fn a_channel_that_is_not_there_is_refused() {
        let refusal = |name, channels| {
            let image = image(1, 1, PixelType::new(channels, Depth::U8));
            Channel { name }.output(image).err().map(|refusal| refusal.0)
        };
        let expected = "the image is 8-bit gray there and has no such channel: leave this operation out";
        assert_eq!(refusal(ChannelName::Red, Channels::Gray).as_deref(), Some(expected));
        assert!(refusal(ChannelName::Alpha, Channels::Rgb).is_some());
        assert!(refusal(ChannelName::Alpha, Channels::GrayAlpha).is_none());
    }
}
