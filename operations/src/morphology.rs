//! `erode`, `dilate` and what is made of them: `open`, `close`, `morphGradient`, `topHat`, `blackHat`.

use crate::apply::{Apply, Reduced, apply_by_target, reduced_radius};
use crate::border::{Rows, keep_alpha};
use crate::extreme::{Element, Shape, extreme};
use crate::form::{Field, Form};
use crate::parameter::{Bounds, OutOfBounds};
use crate::region::Region;
use crate::sample::Sample;
use crate::target::{Target, each_depth_to};
use crate::vector::{Kernel, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};

const RADIUS: Bounds = Bounds::new(1.0, 50.0);

/// Declares operations from their documentation, type, name in an ImageJob, and what they compute.
macro_rules! morphology {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// The radius of the structuring element in pixels, 1 to 50; it has 2 * radius + 1 pixels on a side.
            #[schemars(range(min = RADIUS.min, max = RADIUS.max))]
            pub radius: u32,
            /// The structuring element: `rect` (a square), `ellipse` (a disc) or `cross`.
            #[serde(default)]
            pub shape: Shape,
        }

        impl $name {
            /// The name in an ImageJob.
            pub const NAME: &'static str = $text;

            fn morphology(&self) -> Morphology {
                let element = Element { shape: self.shape, radius: self.radius };
                Morphology { kind: Kind::$name, element }
            }
        }

        impl Planned for $name {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn reads(&self, output: Rect, input: Size) -> Rect {
                output.expand(self.morphology().reach(), input)
            }

            fn cost(&self, input: Extent) -> f64 {
                self.morphology().cost(input)
            }
        }

        impl Apply for $name {
            fn form() -> Form {
                Form::advanced("Morphology").with(Field::radius(2).logarithmic()).with(Field::new("shape"))
            }

            fn check_bounds(&self) -> Result<(), OutOfBounds> {
                RADIUS.check_whole("radius", self.radius)
            }

            fn reduced(&self, level: u32) -> Reduced<Self> {
                match reduced_radius(self.radius, level) {
                    Some(radius) => Reduced::Scaled(Some($name { radius, ..*self })),
                    // An element of one pixel would make it black all over, which the result is not.
                    None if self.morphology().is_difference() => Reduced::Never,
                    None => Reduced::Scaled(None),
                }
            }

            fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
                apply_by_target(self, input, output, image)
            }

            fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
                self.morphology().apply(input, target, image.size);
            }
        }
    )*};
}

morphology! {
    /// Erosion: the smallest sample under the structuring element, in each channel. Alpha stays; pixels outside the
    /// image do not count.
    Erode = "erode";

    /// Dilation: the largest sample under the structuring element, in each channel. Alpha stays; pixels outside the
    /// image do not count.
    Dilate = "dilate";

    /// Opening: an erosion, then a dilation. It removes what is lighter than its surroundings and smaller than the
    /// element. Alpha stays.
    Open = "open";

    /// Closing: a dilation, then an erosion. It removes what is darker than its surroundings and smaller than the
    /// element. Alpha stays.
    Close = "close";

    /// Morphological gradient: the dilation less the erosion. Alpha stays.
    MorphGradient = "morphGradient";

    /// Top hat: the image less its opening. Alpha stays.
    TopHat = "topHat";

    /// Black hat: the closing of the image less the image. Alpha stays.
    BlackHat = "blackHat";
}

/// The operations of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Erode,
    Dilate,
    Open,
    Close,
    MorphGradient,
    TopHat,
    BlackHat,
}

/// An operation and its element.
struct Morphology {
    kind: Kind,
    element: Element,
}

impl Morphology {
    /// Whether the result is a difference of pictures, which is black where nothing changes.
    fn is_difference(&self) -> bool {
        match self.kind {
            Kind::Erode | Kind::Dilate | Kind::Open | Kind::Close => false,
            Kind::MorphGradient | Kind::TopHat | Kind::BlackHat => true,
        }
    }

    /// How far the result depends on the image, in pixels.
    fn reach(&self) -> u32 {
        self.steps() * self.element.radius
    }

    /// Erosions and dilations one after the other.
    fn steps(&self) -> u32 {
        match self.kind {
            Kind::Erode | Kind::Dilate | Kind::MorphGradient => 1,
            Kind::Open | Kind::Close | Kind::TopHat | Kind::BlackHat => 2,
        }
    }

    fn cost(&self, input: Extent) -> f64 {
        let radius = f64::from(self.element.radius);
        let step = match self.element.shape {
            Shape::Rect => 0.3 + 0.1 * radius.log2(),
            Shape::Ellipse | Shape::Cross => 0.2 + 0.2 * radius,
        };
        let steps = if self.kind == Kind::Erode || self.kind == Kind::Dilate { 1.0 } else { 2.0 };
        steps * step * input.pixel.bytes() as f64
    }

    fn apply(&self, input: &Region, target: &mut Target<'_>, image: Size) {
        let output = target.rect;
        each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
            let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
            // Bands whose first step is still in the cache when the second is done.
            let height = (4 * self.element.radius as usize).max(BAND);
            for (y, lines) in (output.y..).step_by(height).zip(lines.chunks_mut(height)) {
                let band = Rect { y, height: lines.len() as u32, ..output };
                self.compute(&rows, (band, image), lines);
                keep_alpha(&rows, band, input.channels, lines);
            }
        });
    }

    /// Writes the pixels of a band.
    fn compute<S: Sample>(&self, rows: &Rows<S>, rects: (Rect, Size), lines: &mut [&mut [S]]) {
        match self.kind {
            Kind::Erode => self.erode(rows, rects, lines),
            Kind::Dilate => self.dilate(rows, rects, lines),
            Kind::Open => self.open(rows, rects, lines),
            Kind::Close => self.close(rows, rects, lines),
            Kind::MorphGradient => {
                self.dilate(rows, rects, lines);
                let smallest = whole(rows, rects.0, |lines| self.erode(rows, rects, lines));
                let smallest = Rows { samples: &smallest, rect: rects.0, ..*rows };
                vectorised(Less { rows: &smallest, output: rects.0, lines, reversed: false });
            }
            Kind::TopHat => {
                self.open(rows, rects, lines);
                vectorised(Less { rows, output: rects.0, lines, reversed: true });
            }
            Kind::BlackHat => {
                self.close(rows, rects, lines);
                vectorised(Less { rows, output: rects.0, lines, reversed: false });
            }
        }
    }

    fn erode<S: Sample>(&self, rows: &Rows<S>, rects: (Rect, Size), lines: &mut [&mut [S]]) {
        extreme(rows, rects, (self.element, S::narrow(S::MAX)), S::min, lines);
    }

    fn dilate<S: Sample>(&self, rows: &Rows<S>, rects: (Rect, Size), lines: &mut [&mut [S]]) {
        extreme(rows, rects, (self.element, S::default()), S::max, lines);
    }

    fn open<S: Sample>(&self, rows: &Rows<S>, (output, image): (Rect, Size), lines: &mut [&mut [S]]) {
        let rect = output.expand(self.element.radius, image);
        let samples = whole(rows, rect, |lines| self.erode(rows, (rect, image), lines));
        self.dilate(&Rows { samples: &samples, rect, ..*rows }, (output, image), lines);
    }

    fn close<S: Sample>(&self, rows: &Rows<S>, (output, image): (Rect, Size), lines: &mut [&mut [S]]) {
        let rect = output.expand(self.element.radius, image);
        let samples = whole(rows, rect, |lines| self.dilate(rows, (rect, image), lines));
        self.erode(&Rows { samples: &samples, rect, ..*rows }, (output, image), lines);
    }
}

/// Rows of the result that are computed at once, at least.
const BAND: usize = 32;

/// The samples of `rect`, written by `write`.
fn whole<S: Sample>(rows: &Rows<S>, rect: Rect, write: impl FnOnce(&mut [&mut [S]])) -> Vec<S> {
    let mut samples = vec![S::default(); rect.pixels() as usize * rows.channels];
    let length = rect.width as usize * rows.channels;
    write(&mut samples.chunks_exact_mut(length.max(1)).collect::<Vec<_>>());
    samples
}

/// Makes lines the differences of themselves and the pixels `output` of `rows`, which are not larger; `reversed`, of
/// which they are the smaller ones.
struct Less<'a, 'b, S> {
    rows: &'a Rows<'a, S>,
    output: Rect,
    lines: &'a mut [&'b mut [S]],
    reversed: bool,
}

impl<S: Sample> Kernel for Less<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Less { rows, output, lines, reversed } = self;
        for (y, line) in (output.y..).zip(lines) {
            let others = rows.row(y, output);
            if reversed {
                for (sample, other) in line.iter_mut().zip(others) {
                    *sample = S::narrow(other.widen() - sample.widen());
                }
            } else {
                for (sample, other) in line.iter_mut().zip(others) {
                    *sample = S::narrow(sample.widen() - other.widen());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply_whole, gray_u8, image, picture, pixel_types, samples, values};

    const SHAPES: [Shape; 3] = [Shape::Rect, Shape::Ellipse, Shape::Cross];

    #[test]
    fn a_point_grows_to_the_element() {
        let mut point = [10; 25];
        point[12] = 200;
        let dilated = |shape| apply_whole(&Dilate { radius: 1, shape }, &gray_u8(5, &point)).samples;
        let rows = |rows: [[u8; 5]; 5]| samples(rows.as_flattened());
        let (o, x) = (10, 200);
        let square = [[o; 5], [o, x, x, x, o], [o, x, x, x, o], [o, x, x, x, o], [o; 5]];
        let cross = [[o; 5], [o, o, x, o, o], [o, x, x, x, o], [o, o, x, o, o], [o; 5]];
        assert_eq!(dilated(Shape::Rect), rows(square));
        assert_eq!(dilated(Shape::Cross), rows(cross));
        assert_eq!(dilated(Shape::Ellipse), rows(cross));
        assert_eq!(
            apply_whole(&Erode { radius: 1, shape: Shape::Cross }, &gray_u8(5, &point)),
            gray_u8(5, &[o; 25])
        );
        assert_eq!(
            apply_whole(&Open { radius: 1, shape: Shape::Rect }, &gray_u8(5, &point)),
            gray_u8(5, &[o; 25])
        );
        let mut alone = [0; 25];
        alone[12] = 190;
        assert_eq!(
            apply_whole(&TopHat { radius: 2, shape: Shape::Rect }, &gray_u8(5, &point)),
            gray_u8(5, &alone)
        );
    }

    #[test]
    fn outside_the_image_nothing_counts() {
        let row = gray_u8(4, &[9, 5, 7, 3]);
        let apply = |operation: &dyn Apply| values(&apply_whole(operation, &row));
        let (radius, shape) = (1, Shape::Rect);
        assert_eq!(apply(&Erode { radius, shape }), [5, 5, 3, 3]);
        assert_eq!(apply(&Dilate { radius, shape }), [9, 9, 7, 7]);
        assert_eq!(apply(&Open { radius, shape }), [5, 5, 5, 3]);
        assert_eq!(apply(&Close { radius, shape }), [9, 7, 7, 7]);
        assert_eq!(apply(&MorphGradient { radius, shape }), [4, 4, 4, 4]);
        assert_eq!(apply(&BlackHat { radius, shape }), [0, 2, 0, 4]);
        assert_eq!(apply(&Erode { radius: 50, shape }), [3; 4]);
        assert_eq!(apply(&Open { radius: 50, shape }), [3; 4]);
    }

    #[test]
    fn pictures_equal_the_definition() {
        for (pixel, shape) in pixel_types().flat_map(|pixel| SHAPES.map(|shape| (pixel, shape))) {
            for radius in [1, 2, 3, 7, 12] {
                let source = picture(image(29, 19, pixel), radius.into());
                let element = Element { shape, radius };
                let (eroded, dilated) =
                    (reference(&source, element, i64::min), reference(&source, element, i64::max));
                assert_eq!(
                    values(&apply_whole(&Erode { radius, shape }, &source)),
                    eroded,
                    "{element:?} {pixel}"
                );
                assert_eq!(
                    values(&apply_whole(&Dilate { radius, shape }, &source)),
                    dilated,
                    "{element:?} {pixel}"
                );
            }
        }
    }

    /// The extremes under the element's mask, pixel by pixel; the disc by its formula in float64.
    fn reference(source: &Region, element: Element, pick: fn(i64, i64) -> i64) -> Vec<i64> {
        let (width, height) = (i64::from(source.rect.width), i64::from(source.rect.height));
        let (count, all, r) = (source.channels.count(), values(source), i64::from(element.radius));
        let covers = |dx: i64, dy: i64| match element.shape {
            Shape::Rect => true,
            Shape::Cross => dx == 0 || dy == 0,
            Shape::Ellipse => dx.abs() as f64 <= ((r * r - dy * dy) as f64).sqrt().round_ties_even(),
        };
        let mask: Vec<(i64, i64)> = (-r..=r)
            .flat_map(|dy| (-r..=r).map(move |dx| (dx, dy)))
            .filter(|(dx, dy)| covers(*dx, *dy))
            .collect();
        let at = |index: usize| {
            let (pixel, c) = ((index / count) as i64, index % count);
            if source.channels.has_alpha() && c == count - 1 {
                return all[index];
            }
            let places = mask.iter().map(|(dx, dy)| (pixel % width + dx, pixel / width + dy));
            let inside = places.filter(|(x, y)| (0..width).contains(x) && (0..height).contains(y));
            inside.map(|(x, y)| all[(y * width + x) as usize * count + c]).reduce(pick).unwrap()
        };
        (0..all.len()).map(at).collect()
    }
}
