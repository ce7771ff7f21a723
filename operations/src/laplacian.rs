//! `laplacian`: the second derivative, by one 3x3 kernel. Exact, in 8 and 16 bits.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::border::{Rows, Window};
use crate::form::{Field, Form};
use crate::neighbourhood::{Neighbour, map_neighbourhoods, scaled};
use crate::parameter::{Bounds, Millionths, OutOfBounds, number_choice};
use crate::region::Region;
use crate::target::{Target, each_depth_to};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const SCALE: Bounds = Bounds::new(0.001, 100.0);

/// Edges: the absolute difference of each sample, taken 4 (or 8) times, and the sum of its neighbours. Alpha stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Laplacian {
    /// How many neighbours a pixel has: 4 or 8.
    pub connectivity: Connectivity,
    /// The factor on the difference: 0.001 to 100.
    #[schemars(range(min = SCALE.min, max = SCALE.max))]
    pub scale: Millionths,
}

number_choice! {
    /// Which of the pixels around a pixel are its neighbours.
    Connectivity {
        /// Those that share a side with it.
        Four = 4,
        /// Those that share a side or a corner with it.
        Eight = 8,
    }
}

impl Default for Laplacian {
    fn default() -> Laplacian {
        Laplacian { connectivity: Connectivity::Four, scale: Millionths::whole(1) }
    }
}

impl Laplacian {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "laplacian";

    /// Writes the window's output, of the samples of `input`.
    fn edges<S: Neighbour>(&self, source: (&[S], &Region), window: &Window, lines: &mut [&mut [S]]) {
        let scale = self.scale.0;
        if scale == 1_000_000 {
            self.responses(source, window, lines, |response| S::saturate(response.abs()));
        } else {
            self.responses(source, window, lines, |response| scaled(response.abs(), scale));
        }
    }

    /// `finish` of the kernel's responses.
    fn responses<S: Neighbour>(
        &self,
        (samples, input): (&[S], &Region),
        window: &Window,
        lines: &mut [&mut [S]],
        finish: impl Fn(i32) -> S,
    ) {
        let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
        let column = |[above, here, below]: [i32; 3]| (above + here + below, here);
        let place = (window, input.channels);
        match self.connectivity {
            Connectivity::Four => map_neighbourhoods(&rows, place, lines, column, |sums, here| {
                finish(sums[1] + here[0] + here[2] - 5 * here[1])
            }),
            Connectivity::Eight => map_neighbourhoods(&rows, place, lines, column, |sums, here| {
                finish(sums[0] + sums[1] + sums[2] - 9 * here[1])
            }),
        }
    }
}

impl Planned for Laplacian {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        output.expand(1, input)
    }

    fn cost(&self, input: Extent) -> f64 {
        input.pixel.channels.count() as f64
    }
}

impl Apply for Laplacian {
    fn form() -> Form {
        Form::advanced("Edges")
            .with(Field::new("connectivity").called("Neighbours"))
            .with(Field::factor("scale").called("Strength").logarithmic())
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        SCALE.check("scale", self.scale)
    }

    fn reduced(&self, _: u32) -> Reduced<Self> {
        Reduced::Never
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let window = Window { output: target.rect, radius: 1, image: image.size };
        each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
            self.edges((samples, input), &window, lines)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, image, picture, pixel_types, values};

    fn laplacian(connectivity: Connectivity, scale: f64) -> Laplacian {
        Laplacian { connectivity, scale: Millionths::nearest(scale) }
    }

    #[test]
    fn a_point_becomes_the_kernel() {
        let mut point = [0; 25];
        point[12] = 10;
        let edges = |connectivity| values(&apply_whole(&laplacian(connectivity, 1.0), &gray_u8(5, &point)));
        let four = [0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 10, 40, 10, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0];
        let eight = [0, 0, 0, 0, 0, 0, 10, 10, 10, 0, 0, 10, 80, 10, 0, 0, 10, 10, 10, 0, 0, 0, 0, 0, 0];
        assert_eq!(edges(Connectivity::Four), four);
        assert_eq!(edges(Connectivity::Eight), eight);
    }

    #[test]
    fn a_half_becomes_even_and_large_values_saturate() {
        let row =
            |scale, row: &[u8]| values(&apply_whole(&laplacian(Connectivity::Four, scale), &gray_u8(3, row)));
        assert_eq!(row(0.5, &[0, 1, 1]), [0, 0, 0]);
        assert_eq!(row(0.5, &[0, 3, 3]), [2, 2, 0]);
        assert_eq!(row(100.0, &[0, 3, 3]), [255, 255, 0]);
    }

    #[test]
    fn pictures_equal_the_definition() {
        for (pixel, scale) in pixel_types().flat_map(|pixel| [(pixel, 1.0), (pixel, 0.3)]) {
            let source = picture(image(23, 17, pixel), 6);
            for connectivity in [Connectivity::Four, Connectivity::Eight] {
                let edges = values(&apply_whole(&laplacian(connectivity, scale), &source));
                assert_eq!(edges, reference(&source, connectivity, (scale * 1e6) as i64));
            }
        }
    }

    fn reference(source: &Region, connectivity: Connectivity, scale: i64) -> Vec<i64> {
        let (width, height) = (i64::from(source.rect.width), i64::from(source.rect.height));
        let (count, all, max) =
            (source.channels.count(), values(source), i64::from(source.pixel().depth.max()));
        let at = |index: usize| {
            let (pixel, c) = ((index / count) as i64, index % count);
            if source.channels.has_alpha() && c == count - 1 {
                return all[index];
            }
            let p = |dx: i64, dy: i64| {
                let (x, y) =
                    ((pixel % width + dx).clamp(0, width - 1), (pixel / width + dy).clamp(0, height - 1));
                all[(y * width + x) as usize * count + c]
            };
            let sides = p(-1, 0) + p(1, 0) + p(0, -1) + p(0, 1) - 4 * p(0, 0);
            let corners = p(-1, -1) + p(1, -1) + p(-1, 1) + p(1, 1) - 4 * p(0, 0);
            let millionths =
                scale * (if connectivity == Connectivity::Four { sides } else { sides + corners }).abs();
            let (below, rest) = (millionths / 1_000_000, 2 * (millionths % 1_000_000));
            let up = rest > 1_000_000 || (rest == 1_000_000 && below % 2 == 1);
            (below + i64::from(up)).min(max)
        };
        (0..all.len()).map(at).collect()
    }
}
