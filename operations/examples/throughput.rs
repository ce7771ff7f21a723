//! Prints how fast each operation is on one thread: megapixels of the result per second on a picture of 4096 x 4096,
//! computed in tiles of 512 x 512 as the workers do.
//! Run with `cargo run --release -p tessera-operations --example throughput [PART OF A CASE]...`, such as `resize 8-bit RGB.`

use std::time::Instant;
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::{Apply, Operation, Region, Samples};

/// Operations and the channels of the pictures they are measured on.
const CASES: &[(&str, Channels)] = &[
    (r#"{"grayscale":{}}"#, Channels::Rgb),
    (r#"{"grayscale":{"standard":"bt709"}}"#, Channels::Rgb),
    (r#"{"invert":{}}"#, Channels::Rgb),
    (r#"{"brightnessContrast":{"brightness":0.1,"contrast":1.3}}"#, Channels::Rgb),
    (r#"{"gamma":{"gamma":2.2}}"#, Channels::Rgb),
    (r#"{"levels":{"black":0.1,"white":0.9}}"#, Channels::Rgb),
    (r#"{"hueSaturation":{"hue":30,"saturation":1.2}}"#, Channels::Rgb),
    (r#"{"threshold":{"value":128}}"#, Channels::Rgb),
    (r#"{"posterize":{"levels":7}}"#, Channels::Rgb),
    (r#"{"sepia":{}}"#, Channels::Rgb),
    (r#"{"colorMap":{"name":"viridis"}}"#, Channels::Gray),
    (r#"{"channel":{"name":"green"}}"#, Channels::Rgb),
    (r#"{"depth":{"bits":8}}"#, Channels::Rgb),
    (r#"{"depth":{"bits":16}}"#, Channels::Rgb),
    (r#"{"flatten":{}}"#, Channels::Rgba),
    (r#"{"gaussianBlur":{"sigma":1.5}}"#, Channels::Gray),
    (r#"{"gaussianBlur":{"sigma":1.5}}"#, Channels::Rgb),
    (r#"{"gaussianBlur":{"sigma":1.5}}"#, Channels::Rgba),
    (r#"{"gaussianBlur":{"sigma":10}}"#, Channels::Rgb),
    (r#"{"sobel":{}}"#, Channels::Gray),
    (r#"{"sobel":{}}"#, Channels::Rgb),
    (r#"{"sobel":{"norm":"l1"}}"#, Channels::Gray),
    (r#"{"sobel":{"scale":0.25}}"#, Channels::Gray),
    (r#"{"scharr":{}}"#, Channels::Gray),
    (r#"{"laplacian":{}}"#, Channels::Gray),
    (r#"{"erode":{"radius":2}}"#, Channels::Gray),
    (r#"{"erode":{"radius":2}}"#, Channels::Rgb),
    (r#"{"erode":{"radius":20}}"#, Channels::Rgb),
    (r#"{"dilate":{"radius":2}}"#, Channels::Rgb),
    (r#"{"open":{"radius":2}}"#, Channels::Rgb),
    (r#"{"erode":{"radius":5,"shape":"ellipse"}}"#, Channels::Rgb),
    (r#"{"erode":{"radius":2,"shape":"cross"}}"#, Channels::Rgb),
    (r#"{"differenceOfGaussians":{"sigma1":1,"sigma2":2}}"#, Channels::Gray),
    (r#"{"unsharpMask":{"sigma":1.5}}"#, Channels::Rgb),
    (r#"{"unsharpMask":{"sigma":1.5}}"#, Channels::Rgba),
    (r#"{"boxBlur":{"radius":5}}"#, Channels::Rgb),
    (r#"{"boxBlur":{"radius":5}}"#, Channels::Rgba),
    (r#"{"convolve":{"kernel":[[1,2,1],[2,4,2],[1,2,1]],"divisor":16}}"#, Channels::Rgb),
    (r#"{"medianBlur":{"radius":1}}"#, Channels::Rgb),
    (r#"{"medianBlur":{"radius":2}}"#, Channels::Rgb),
    (r#"{"medianBlur":{"radius":3}}"#, Channels::Rgb),
    (r#"{"medianBlur":{"radius":7}}"#, Channels::Rgb),
    (r#"{"bilateralFilter":{"radius":4,"sigmaColor":0.2,"sigmaSpace":3}}"#, Channels::Rgb),
    (r#"{"bilateralFilter":{"radius":4,"sigmaColor":0.2,"sigmaSpace":3}}"#, Channels::Gray),
    (r#"{"gaussianBlur":{"sigma":1.5,"linear":true}}"#, Channels::Rgb),
    (r#"{"boxBlur":{"radius":5,"linear":true}}"#, Channels::Rgb),
    (r#"{"crop":{"x":10,"y":10,"width":4000,"height":4000}}"#, Channels::Rgb),
    (r#"{"flip":{"axis":"horizontal"}}"#, Channels::Rgb),
    (r#"{"flip":{"axis":"vertical"}}"#, Channels::Rgb),
    (r#"{"rotate":{"degrees":90}}"#, Channels::Gray),
    (r#"{"rotate":{"degrees":90}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":0.5}}"#, Channels::Gray),
    (r#"{"resize":{"scale":0.5}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":0.5}}"#, Channels::Rgba),
    (r#"{"resize":{"scale":0.5,"linear":true}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":0.5,"filter":"area"}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":0.5,"filter":"bilinear"}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":0.37}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":0.1}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":2}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":2,"filter":"bicubic"}}"#, Channels::Rgb),
    (r#"{"resize":{"scale":2,"filter":"nearest"}}"#, Channels::Rgb),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for depth in [Depth::U8, Depth::U16] {
        for (text, channels) in CASES {
            let operation: Operation = serde_json::from_str(text).expect("the cases are operations");
            let image = Extent { size: Size::new(4096, 4096), pixel: PixelType::new(*channels, depth) };
            let case = format!("{text} {}.", image.pixel);
            if !wanted.iter().all(|part| case.contains(part)) {
                continue;
            }
            let seconds = measure(&operation, &picture(image), image);
            let result = operation.output(image).expect("the cases fit the pictures").size;
            let (rate, predicted) = (result.pixels() as f64 / seconds / 1e6, operation.cost(image));
            println!(
                "{text:60} {:22} {rate:7.0} MP/s {:6.2} ns/px, predicted {predicted:.1}",
                image.pixel.to_string(),
                1e3 / rate
            );
        }
    }
}

/// A noisy gradient.
fn picture(image: Extent) -> Region {
    let mut region = Region::zeroed(image.size.rect(), image.pixel);
    let noise = |index: usize| (index >> 7) ^ (index.wrapping_mul(0x9e37_79b9) >> 24);
    match &mut region.samples {
        Samples::U8(samples) => samples.iter_mut().enumerate().for_each(|(index, v)| *v = noise(index) as u8),
        Samples::U16(samples) => {
            samples.iter_mut().enumerate().for_each(|(index, v)| *v = noise(index) as u16)
        }
    }
    region
}

/// Seconds for one picture: the shortest of five.
fn measure(operation: &Operation, picture: &Region, image: Extent) -> f64 {
    let size = operation.output(image).expect("the cases fit the pictures").size;
    let sides = |length: u32| (0..length).step_by(512);
    let run = |_| {
        let start = Instant::now();
        for (y, x) in sides(size.height).flat_map(|y| sides(size.width).map(move |x| (y, x))) {
            let output = Rect::new(x, y, 512, 512).intersect(&size.rect());
            std::hint::black_box(operation.apply(picture, output, image));
        }
        start.elapsed().as_secs_f64()
    };
    (0..5).map(run).fold(f64::INFINITY, f64::min)
}
