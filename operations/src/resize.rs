//! `resize`: another size, by one of several filters.

use crate::apply::{Apply, Reduced, apply_by_target};
use crate::axis::{Axis, Kernel};
use crate::border::Rows;
use crate::form::{Control, Field, Form};
use crate::parameter::{Bounds, Millionths, OutOfBounds, list_names};
use crate::quarter::means_of_four;
use crate::region::Region;
use crate::resample::{Resampling, fit_fixed};
use crate::sample::quotient;
use crate::target::{Target, each_depth_to};
use crate::tent::tents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tessera_core::geometry::{MAX_SIDE, Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::pixel::Depth;
use tessera_core::placement::Placement;

const SIDE: Bounds = Bounds::new(1.0, MAX_SIDE as f64);
const SCALE: Bounds = Bounds::new(0.0001, 100.0);

const SCALE_ALONE: &str = "stands alone: give width, height or both, or only scale";

/// Resize: to a width, a height, or both, in pixels, or by a scale. With only one side the other keeps the proportions.
/// Where the image becomes smaller the filter is widened, so that every pixel counts. With alpha, the premultiplied colours
/// are resampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.width) || has(self.height)) != has(self.scale)",
    "message": SCALE_ALONE,
    "fieldPath": ".scale",
}]))]
pub struct Resize {
    /// Pixels in a row of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = SIDE.min, max = SIDE.max))]
    pub width: Option<u32>,
    /// Rows of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = SIDE.min, max = SIDE.max))]
    pub height: Option<u32>,
    /// The factor for both sides, in place of `width` and `height`: 0.0001 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Millionths", range(min = SCALE.min, max = SCALE.max))]
    pub scale: Option<Millionths>,
    /// `nearest` (one pixel is taken), `bilinear`, `bicubic` (a = -1/2), `lanczos3`, or `area` (the mean of what a pixel
    /// covers).
    #[serde(default)]
    pub filter: Filter,
    /// Whether light is averaged in place of the samples as they are encoded (sRGB). `nearest` averages nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub linear: bool,
}

/// How pixels are made of those around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = list_names)]
pub enum Filter {
    /// One pixel is taken.
    Nearest,
    /// A triangle.
    Bilinear,
    /// The cubic convolution with a = -1/2.
    Bicubic,
    /// A windowed sinc with three lobes.
    #[default]
    Lanczos3,
    /// The mean over the area that a pixel covers.
    Area,
}

impl Resize {
    /// The name in an ImageJob.
    pub const NAME: &'static str = "resize";

    /// The size of the result; beyond [`MAX_SIDE`] where it cannot be made.
    fn target(&self, input: Size) -> (u64, u64) {
        let (width, height) = (u64::from(input.width), u64::from(input.height));
        let scale = self.scale.map_or(0, |scale| scale.0.max(0).cast_unsigned());
        match (self.width.map(u64::from), self.height.map(u64::from)) {
            (Some(width), Some(height)) => (width, height),
            (Some(to), None) => (to, side(height * to, width)),
            (None, Some(to)) => (side(width * to, height), to),
            (None, None) => (side(width * scale, 1_000_000), side(height * scale, 1_000_000)),
        }
    }

    /// Columns and rows of an image of size `input`, which the planner has accepted.
    fn axes(&self, input: Size) -> (Axis, Axis) {
        let kernel = match self.filter {
            Filter::Nearest => Kernel::Nearest,
            Filter::Bilinear => Kernel::Bilinear,
            Filter::Bicubic => Kernel::Bicubic,
            Filter::Lanczos3 => Kernel::Lanczos3,
            Filter::Area => Kernel::Area,
        };
        let (width, height) = self.target(input);
        let axis = |from, to: u64| Axis { from, to: u32::try_from(to).unwrap_or(MAX_SIDE), kernel };
        (axis(input.width, width), axis(input.height, height))
    }

    fn resampling(&self, output: Rect, input: Size) -> Resampling {
        let (columns, rows) = self.axes(input);
        Resampling { columns, rows, output }
    }
}

/// A side of `a / b` pixels, rounded, ties to the even number; at least 1.
fn side(a: u64, b: u64) -> u64 {
    quotient(a, b).max(1)
}

impl Planned for Resize {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output(&self, input: Extent) -> Result<Extent, Refusal> {
        let (width, height) = self.target(input.size);
        let side = |side: u64| u32::try_from(side).ok().filter(|side| *side <= MAX_SIDE);
        let (Some(width), Some(height)) = (side(width), side(height)) else {
            let text = format!("{width} x {height} is too large: a side has at most {MAX_SIDE} pixels");
            return Err(Refusal(text));
        };
        Ok(Extent { size: Size::new(width, height), ..input })
    }

    fn reads(&self, output: Rect, input: Size) -> Rect {
        self.resampling(output, input).read()
    }

    fn window(&self, output: Size, input: Size) -> Size {
        let (columns, rows) = self.axes(input);
        Size::new(columns.window(output.width), rows.window(output.height))
    }

    fn placement(&self, input: Extent) -> Placement {
        let output = self.output(input).map_or(input.size, |output| output.size);
        Placement::scaled(input.size, output)
    }

    fn keeps_samples(&self) -> bool {
        self.filter == Filter::Nearest
    }

    fn cost(&self, input: Extent) -> f64 {
        let (columns, rows) = self.axes(input.size);
        let taps = |axis: Axis| f64::from(axis.window(1));
        let across = f64::from(columns.from) / f64::from(columns.to);
        let premultiplied = input.pixel.channels.has_alpha() || self.linear;
        let wide = if input.pixel.depth == Depth::U16 && premultiplied { 2.0 } else { 1.0 };
        let light = if self.linear { 1.8 } else { 1.0 };
        let fixed = !premultiplied && input.pixel.depth == Depth::U8 && fit_fixed(columns, rows);
        let of_a_term = if fixed { 0.5 } else { wide * light };
        let of_a_sample = match self.filter {
            Filter::Nearest => 0.25,
            Filter::Bilinear | Filter::Bicubic | Filter::Lanczos3 | Filter::Area => {
                0.5 + of_a_term * (0.07 * across * taps(rows) + 0.2 * taps(columns))
            }
        };
        input.pixel.channels.count() as f64 * of_a_sample
    }
}

impl Apply for Resize {
    fn form() -> Form {
        Form::basic("Geometry")
            .with(Field::new("scale").suggested(0.5).step(0.01).logarithmic())
            .with(Field::new("width").unit("px").control(Control::Size))
            .with(Field::new("height").unit("px").control(Control::Size))
            .with(Field::new("filter"))
            .with(Field::new("linear").called("Average light"))
    }

    fn check_bounds(&self) -> Result<(), OutOfBounds> {
        if (self.width.is_some() || self.height.is_some()) == self.scale.is_some() {
            return Err(OutOfBounds { parameter: "scale", fault: SCALE_ALONE.to_owned() });
        }
        self.width.map_or(Ok(()), |width| SIDE.check_whole("width", width))?;
        self.height.map_or(Ok(()), |height| SIDE.check_whole("height", height))?;
        self.scale.map_or(Ok(()), |scale| SCALE.check("scale", scale))
    }

    fn reduced(&self, level: u32) -> Reduced<Self> {
        let side = |side: u32| side.div_ceil(1 << level.min(31));
        Reduced::Same(Resize { width: self.width.map(side), height: self.height.map(side), ..self.clone() })
    }

    fn apply(&self, input: &Region, output: Rect, image: Extent) -> Region {
        apply_by_target(self, input, output, image)
    }

    fn apply_to(&self, input: &Region, target: &mut Target<'_>, image: Extent) {
        let (output, resampling) = (target.rect, self.resampling(target.rect, image.size));
        let by_integers = !input.channels.has_alpha() && !self.linear && resampling.is_half();
        match self.filter {
            Filter::Nearest => each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
                nearest(&Rows { samples, rect: input.rect, channels: input.channels.count() }, &resampling, lines)
            }),
            Filter::Area if by_integers => {
                each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
                    means_of_four(&Rows { samples, rect: input.rect, channels: input.channels.count() }, output, lines)
                })
            }
            Filter::Bilinear if by_integers => {
                each_depth_to!(&input.samples, &mut target.rows, (samples, lines) => {
                    let rows = Rows { samples, rect: input.rect, channels: input.channels.count() };
                    tents(&rows, image.size, output, lines)
                })
            }
            _ => resampling.apply(self.linear, input, target),
        }
    }
}

/// Writes the nearest samples.
fn nearest<S: Copy>(rows: &Rows<S>, resampling: &Resampling, lines: &mut [&mut [S]]) {
    match rows.channels {
        1 => nearest_pixels::<S, 1, 1>(rows, resampling, lines),
        2 => nearest_pixels::<S, 2, 2>(rows, resampling, lines),
        3 => nearest_pixels::<S, 3, 4>(rows, resampling, lines),
        _ => nearest_pixels::<S, 4, 4>(rows, resampling, lines),
    }
}

/// `N` samples are a pixel, `W` are moved at once: those beyond a pixel are overwritten by the next.
fn nearest_pixels<S: Copy, const N: usize, const W: usize>(
    rows: &Rows<S>,
    resampling: &Resampling,
    lines: &mut [&mut [S]],
) {
    let (output, read) = (resampling.output, resampling.read());
    let place = |x| (resampling.columns.span(x).start - read.x) as usize * N;
    let places: Vec<usize> = (output.x..output.right()).map(place).collect();
    let source = |y| resampling.rows.span(y).start;
    for (index, y) in (0..lines.len()).zip(output.y..) {
        if index > 0 && source(y) == source(y - 1) {
            let (before, line) = lines.split_at_mut(index);
            line[0].copy_from_slice(before[index - 1]);
            continue;
        }
        let (samples, line) = (rows.row(source(y), read), &mut *lines[index]);
        for (x, place) in (0..).step_by(N).zip(&places) {
            match (samples[*place..].first_chunk::<W>(), line[x..].first_chunk_mut::<W>()) {
                (Some(from), Some(to)) => *to = *from,
                _ => line[x..][..N].copy_from_slice(&samples[*place..][..N]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear;
    use crate::region::Samples;
    use crate::testing::{SRGB, apply_whole, gray_u8, image, picture, pixel_types, values};
    use tessera_core::pixel::{Channels, PixelType};

    const FILTERS: [Filter; 5] =
        [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos3, Filter::Area];

    fn to(width: u32, height: u32, filter: Filter) -> Resize {
        Resize { width: Some(width), height: Some(height), scale: None, filter, linear: false }
    }

    fn size(text: &str, width: u32, height: u32) -> Size {
        let resize: Resize = serde_json::from_str(text).unwrap();
        resize.check_bounds().unwrap();
        resize.output(image(width, height, PixelType::new(Channels::Gray, Depth::U8))).unwrap().size
    }

    #[test]
    fn a_side_that_is_left_out_keeps_the_proportions() {
        assert_eq!(size(r#"{"width":10,"height":7}"#, 300, 200), Size::new(10, 7));
        assert_eq!(size(r#"{"width":150}"#, 300, 200), Size::new(150, 100));
        assert_eq!(size(r#"{"height":1}"#, 300, 200), Size::new(2, 1));
        assert_eq!(size(r#"{"width":1}"#, 300, 2), Size::new(1, 1));
        assert_eq!(size(r#"{"scale":0.5}"#, 301, 303), Size::new(150, 152));
        assert_eq!(size(r#"{"scale":0.0001}"#, 301, 303), Size::new(1, 1));
    }

    #[test]
    fn sides_and_scale_exclude_each_other() {
        let check = |text: &str| serde_json::from_str::<Resize>(text).unwrap().check_bounds();
        for text in ["{}", r#"{"scale":1,"width":3}"#, r#"{"scale":1,"height":3}"#, r#"{"filter":"area"}"#] {
            assert_eq!(check(text).unwrap_err().parameter, "scale", "{text}");
        }
        assert_eq!(check(r#"{"width":0}"#).unwrap_err().parameter, "width");
        assert_eq!(
            check(r#"{"scale":101}"#).unwrap_err().to_string(),
            "scale must be from 0.0001 to 100, not 101"
        );
    }

    #[test]
    fn a_result_too_large_is_refused() {
        let input = image(3, MAX_SIDE, PixelType::new(Channels::Gray, Depth::U8));
        assert!(to(4, MAX_SIDE, Filter::Area).output(input).is_ok());
        let resize = Resize { width: Some(4), height: None, ..to(1, 1, Filter::Area) };
        assert!(resize.output(input).unwrap_err().to_string().contains("1431655765"));
    }

    #[test]
    fn a_picture_of_its_own_size_stays() {
        for (pixel, filter) in pixel_types().flat_map(|pixel| FILTERS.map(|filter| (pixel, filter))) {
            let pixel = PixelType::new(pixel.channels.opaque(), pixel.depth);
            let source = picture(image(13, 9, pixel), 1);
            assert_eq!(apply_whole(&to(13, 9, filter), &source), source);
        }
    }

    #[test]
    fn small_pictures_have_known_results() {
        let row = gray_u8(4, &[0, 100, 200, 40]);
        let result = |width, filter| values(&apply_whole(&to(width, 1, filter), &row));
        assert_eq!(result(2, Filter::Area), [50, 120]);
        assert_eq!(result(3, Filter::Area), [25, 150, 80]);
        assert_eq!(result(8, Filter::Area), [0, 0, 100, 100, 200, 200, 40, 40]);
        assert_eq!(result(8, Filter::Nearest), [0, 0, 100, 100, 200, 200, 40, 40]);
        assert_eq!(result(3, Filter::Nearest), [0, 200, 40]);
        assert_eq!(result(8, Filter::Bilinear), [0, 25, 75, 125, 175, 160, 80, 40]);
        // Weights 1, 3, 3, 1, of which the border takes away one.
        assert_eq!(result(2, Filter::Bilinear), [71, 117]);
    }

    #[test]
    fn fixed_point_differs_little_from_floating_point() {
        let source = picture(image(400, 300, PixelType::new(Channels::Rgb, Depth::U8)), 3);
        let sizes = [(800, 600), (401, 299), (400, 150), (200, 150), (123, 100), (50, 38), (399, 40)];
        for (filter, (width, height)) in
            [Filter::Bicubic, Filter::Lanczos3].iter().flat_map(|filter| sizes.map(|size| (*filter, size)))
        {
            let resize = to(width, height, filter);
            let resampling = resize.resampling(Rect::new(0, 0, width, height), source.rect.size());
            let mut float = Region::zeroed(resampling.output, source.pixel());
            for mut target in float.targets(&[resampling.output]) {
                linear::apply(&resampling, false, &source, &mut target);
            }
            let (fixed, float) = (values(&apply_whole(&resize, &source)), values(&float));
            let differences = || fixed.iter().zip(&float).map(|(a, b)| *a as f64 - *b as f64);
            let share = differences().filter(|d| *d != 0.0).count() as f64 / float.len() as f64;
            let mean = differences().sum::<f64>() / float.len() as f64;
            let most = differences().fold(0.0, |most: f64, d| most.max(d.abs()));
            let what = format!("{filter:?} {width} x {height}: {share:.4}, mean {mean:.4}, most {most}");
            assert!(share < 0.03 && mean.abs() < 0.0125 && most <= 1.0, "{what}");
        }
    }

    #[test]
    fn transparent_pixels_do_not_bleed() {
        let row = [10u8, 255, 200, 0, 10, 255, 200, 0];
        let rect = Rect::new(0, 0, 4, 1);
        let source = Region { rect, channels: Channels::GrayAlpha, samples: Samples::U8(row.to_vec()) };
        assert_eq!(values(&apply_whole(&to(2, 1, Filter::Area), &source)), [10, 128, 10, 128]);
    }

    #[test]
    fn pictures_follow_the_formula() {
        let sizes = [(7, 5), (29, 40), (50, 3), (1, 1), (300, 57), (24, 18), (48, 38), (72, 30), (216, 19)];
        for (pixel, (width, height)) in pixel_types().flat_map(|pixel| sizes.map(|size| (pixel, size))) {
            let source = picture(image(24, 19, pixel), 8);
            for (filter, linear) in FILTERS.iter().flat_map(|filter| [(*filter, false), (*filter, true)]) {
                check(&Resize { linear, ..to(width, height, filter) }, &source);
            }
        }
    }

    /// Compares with the formula in float64.
    fn check(resize: &Resize, source: &Region) {
        let (result, count) = (apply_whole(resize, source), source.channels.count());
        let (max, alpha) = (f64::from(source.pixel().depth.max()), source.channels.has_alpha());
        let light = resize.linear && resize.filter != Filter::Nearest;
        let [decode, encode] = if light { SRGB } else { [|value| value, |value| value] };
        let weights = |from: u32, to: u32| -> Vec<Vec<f64>> {
            (0..to).map(|place| weights(resize.filter, place, (from, to))).collect()
        };
        let (from, target) = (source.rect.size(), result.rect.size());
        let (across, down) = (weights(from.width, target.width), weights(from.height, target.height));
        let fractions: Vec<f64> = values(source).iter().map(|value| *value as f64 / max).collect();
        let mean = |index: usize, f: &dyn Fn(&[f64]) -> f64| {
            let (x, y) = (index % target.width as usize, index / target.width as usize);
            let rows = fractions.chunks_exact(from.width as usize * count).zip(&down[y]);
            let along =
                |row: &[f64]| row.chunks_exact(count).zip(&across[x]).map(|(p, w)| w * f(p)).sum::<f64>();
            rows.filter(|(_, weight)| **weight != 0.0).map(|(row, weight)| weight * along(row)).sum::<f64>()
        };
        for (index, pixel) in values(&result).chunks_exact(count).enumerate() {
            let opacity = if alpha { mean(index, &|pixel| pixel[count - 1]) } else { 1.0 };
            for (c, value) in pixel.iter().enumerate() {
                let is_alpha = alpha && c == count - 1;
                if alpha && !is_alpha && opacity * max < 0.51 && resize.filter != Filter::Nearest {
                    // Between, alpha may be rounded either way.
                    assert!(*value == 0 || opacity * max > 0.49);
                    continue;
                }
                let premultiplied =
                    |pixel: &[f64]| decode(pixel[c]) * if alpha { pixel[count - 1] } else { 1.0 };
                let exact = match (is_alpha, resize.filter) {
                    (_, Filter::Nearest) => mean(index, &|pixel| pixel[c]),
                    (true, _) => opacity,
                    (false, _) => encode((mean(index, &premultiplied) / opacity).clamp(0.0, 1.0)),
                };
                let off = (*value as f64 - exact.clamp(0.0, 1.0) * max).abs();
                let allowed = if is_alpha { 0.55 } else { 0.55 / opacity.min(1.0) };
                assert!(
                    off <= allowed,
                    "{resize:?} {} {index} {c}: {value}, {}",
                    source.pixel(),
                    exact * max
                );
            }
        }
    }

    /// The weights of all samples for one place, by the definition in real numbers.
    fn weights(filter: Filter, place: u32, (from, to): (u32, u32)) -> Vec<f64> {
        let scale = f64::from(from) / f64::from(to);
        let (start, end) = (f64::from(place) * scale, f64::from(place + 1) * scale);
        let sinc = |x: f64| {
            if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) }
        };
        let weight = |sample: u32| {
            let left = f64::from(sample);
            let x = ((left + 0.5 - (start + end) / 2.0) / scale.max(1.0)).abs();
            match filter {
                Filter::Nearest => f64::from(sample == (2 * place + 1) * from / (2 * to)),
                Filter::Area => (end.min(left + 1.0) - start.max(left)).max(0.0),
                Filter::Bilinear => (1.0 - x).max(0.0),
                Filter::Bicubic if x < 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
                Filter::Bicubic if x < 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
                Filter::Lanczos3 if x < 3.0 => sinc(x) * sinc(x / 3.0),
                Filter::Bicubic | Filter::Lanczos3 => 0.0,
            }
        };
        let weights: Vec<f64> = (0..from).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }
}
