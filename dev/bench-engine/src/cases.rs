//! What is measured: each operation as a job would name it, on which pixels, and how far from it a peer may be.
//! The peers' calls of the same names stand in `dev/bench/engine_peers.py` and `rust_peers.rs`.

use tessera_core::pixel::{Channels, Depth, PixelType};

/// One measured chain of operations.
pub struct Case {
    /// Its name here, in the peers, and on the page.
    pub name: &'static str,
    /// The operations as JSON, without the brackets.
    pub operations: &'static str,
    /// The pixels that it takes.
    pub pixel: PixelType,
    /// The largest difference, in levels of 8 bits, with which a peer's result still is the same.
    pub within: f64,
    /// Only an eighth of the rows is taken: for what would take minutes.
    pub slow: bool,
}

const GRAY: PixelType = PixelType { channels: Channels::Gray, depth: Depth::U8 };
const RGB: PixelType = PixelType { channels: Channels::Rgb, depth: Depth::U8 };
const RGBA: PixelType = PixelType { channels: Channels::Rgba, depth: Depth::U8 };
const RGB16: PixelType = PixelType { channels: Channels::Rgb, depth: Depth::U16 };
const GRAY16: PixelType = PixelType { channels: Channels::Gray, depth: Depth::U16 };

const fn case(name: &'static str, operations: &'static str, pixel: PixelType, within: f64) -> Case {
    Case { name, operations, pixel, within, slow: false }
}

const fn slow(name: &'static str, operations: &'static str, pixel: PixelType, within: f64) -> Case {
    Case { name, operations, pixel, within, slow: true }
}

/// The chain of several operations, whose goal is its own.
pub const CHAIN: &str = "chain";

/// All cases.
pub const CASES: &[Case] = &[
    case("grayscale", r#"{"grayscale":{}}"#, RGB, 1.0),
    case("invert", r#"{"invert":{}}"#, RGB, 0.0),
    case("brightnessContrast", r#"{"brightnessContrast":{"brightness":0.1,"contrast":1.2}}"#, RGB, 1.0),
    case("gamma", r#"{"gamma":{"gamma":2.2}}"#, RGB, 1.0),
    case("levels", r#"{"levels":{"black":0.1,"white":0.9,"gamma":1.5}}"#, RGB, 1.0),
    case("hueSaturation", r#"{"hueSaturation":{"hue":30,"saturation":1.2}}"#, RGB, 8.0),
    case("threshold", r#"{"threshold":{"value":128}}"#, RGB, 0.0),
    case("posterize", r#"{"posterize":{"levels":7}}"#, RGB, 0.0),
    case("sepia", r#"{"sepia":{}}"#, RGB, 1.0),
    case("colorMap", r#"{"colorMap":{"name":"viridis"}}"#, GRAY, 1.0),
    case("channel", r#"{"channel":{"name":"green"}}"#, RGB, 0.0),
    case("depth 8 to 16", r#"{"depth":{"bits":16}}"#, RGB, 1.0),
    case("depth 16 to 8", r#"{"depth":{"bits":8}}"#, RGB16, 1.0),
    case("flatten", r#"{"flatten":{}}"#, RGBA, 1.0),
    case("gaussianBlur 1.5 gray", r#"{"gaussianBlur":{"sigma":1.5}}"#, GRAY, 2.0),
    case("gaussianBlur 1.5", r#"{"gaussianBlur":{"sigma":1.5}}"#, RGB, 2.0),
    case("gaussianBlur 5", r#"{"gaussianBlur":{"sigma":5}}"#, RGB, 2.0),
    case("gaussianBlur 1.5 alpha", r#"{"gaussianBlur":{"sigma":1.5}}"#, RGBA, 2.0),
    case("gaussianBlur 1.5 16-bit", r#"{"gaussianBlur":{"sigma":1.5}}"#, RGB16, 2.0),
    case("boxBlur 5 gray", r#"{"boxBlur":{"radius":5}}"#, GRAY, 1.0),
    case("boxBlur 5", r#"{"boxBlur":{"radius":5}}"#, RGB, 1.0),
    case("medianBlur 1", r#"{"medianBlur":{"radius":1}}"#, RGB, 0.0),
    case("medianBlur 2", r#"{"medianBlur":{"radius":2}}"#, RGB, 0.0),
    slow("medianBlur 3", r#"{"medianBlur":{"radius":3}}"#, RGB, 0.0),
    slow("medianBlur 7", r#"{"medianBlur":{"radius":7}}"#, RGB, 0.0),
    case("medianBlur 2 16-bit", r#"{"medianBlur":{"radius":2}}"#, GRAY16, 0.0),
    slow(
        "bilateralFilter 4",
        r#"{"bilateralFilter":{"radius":4,"sigmaColor":0.196078,"sigmaSpace":3}}"#,
        RGB,
        2.0,
    ),
    slow(
        "bilateralFilter 4 gray",
        r#"{"bilateralFilter":{"radius":4,"sigmaColor":0.196078,"sigmaSpace":3}}"#,
        GRAY,
        2.0,
    ),
    case("unsharpMask 1.5", r#"{"unsharpMask":{"sigma":1.5}}"#, RGB, 3.0),
    case("unsharpMask 1.5 gray", r#"{"unsharpMask":{"sigma":1.5}}"#, GRAY, 3.0),
    case("convolve 3x3", r#"{"convolve":{"kernel":[[1,2,1],[2,4,2],[1,2,1]],"divisor":16}}"#, RGB, 1.0),
    case(
        "convolve 5x5",
        r#"{"convolve":{"kernel":[[1,2,3,2,1],[2,4,6,4,2],[3,6,9,6,3],[2,4,6,4,2],[1,2,3,2,1]],"divisor":81}}"#,
        RGB,
        1.0,
    ),
    case("sobel", r#"{"sobel":{}}"#, GRAY, 1.0),
    case("sobel l1", r#"{"sobel":{"norm":"l1"}}"#, GRAY, 0.0),
    case("sobel RGB", r#"{"sobel":{}}"#, RGB, 1.0),
    case("sobel 16-bit", r#"{"sobel":{}}"#, GRAY16, 1.0),
    case("scharr", r#"{"scharr":{}}"#, GRAY, 1.0),
    case("prewitt", r#"{"prewitt":{}}"#, GRAY, 1.0),
    case("laplacian", r#"{"laplacian":{}}"#, GRAY, 0.0),
    case("differenceOfGaussians", r#"{"differenceOfGaussians":{"sigma1":1,"sigma2":2}}"#, GRAY, 2.0),
    case("erode 2 gray", r#"{"erode":{"radius":2}}"#, GRAY, 0.0),
    case("erode 2", r#"{"erode":{"radius":2}}"#, RGB, 0.0),
    case("dilate 2", r#"{"dilate":{"radius":2}}"#, RGB, 0.0),
    case("erode 20", r#"{"erode":{"radius":20}}"#, RGB, 0.0),
    case("erode 5 ellipse", r#"{"erode":{"radius":5,"shape":"ellipse"}}"#, RGB, 0.0),
    case("erode 2 cross", r#"{"erode":{"radius":2,"shape":"cross"}}"#, RGB, 0.0),
    case("open 2", r#"{"open":{"radius":2}}"#, RGB, 0.0),
    case("close 2", r#"{"close":{"radius":2}}"#, RGB, 0.0),
    case("morphGradient 2", r#"{"morphGradient":{"radius":2}}"#, RGB, 0.0),
    case("topHat 2", r#"{"topHat":{"radius":2}}"#, RGB, 0.0),
    case("blackHat 2", r#"{"blackHat":{"radius":2}}"#, RGB, 0.0),
    case("crop", r#"{"crop":{"x":10,"y":10,"width":WIDTH,"height":HEIGHT}}"#, RGB, 0.0),
    case("flip horizontal", r#"{"flip":{"axis":"horizontal"}}"#, RGB, 0.0),
    case("flip vertical", r#"{"flip":{"axis":"vertical"}}"#, RGB, 0.0),
    case("rotate 90 gray", r#"{"rotate":{"degrees":90}}"#, GRAY, 0.0),
    case("rotate 90", r#"{"rotate":{"degrees":90}}"#, RGB, 0.0),
    case("rotate 180", r#"{"rotate":{"degrees":180}}"#, RGB, 0.0),
    case("resize 1/2 lanczos3", r#"{"resize":{"scale":0.5}}"#, RGB, 2.0),
    case("resize 1/2 lanczos3 alpha", r#"{"resize":{"scale":0.5}}"#, RGBA, 2.0),
    case("resize 1/2 area", r#"{"resize":{"scale":0.5,"filter":"area"}}"#, RGB, 1.0),
    case("resize 1/2 bilinear", r#"{"resize":{"scale":0.5,"filter":"bilinear"}}"#, RGB, 2.0),
    case("resize 1/8 lanczos3", r#"{"resize":{"scale":0.125}}"#, RGB, 2.0),
    case("resize 2x bicubic", r#"{"resize":{"scale":2,"filter":"bicubic"}}"#, RGB, 2.0),
    case("resize 2x nearest", r#"{"resize":{"scale":2,"filter":"nearest"}}"#, RGB, 0.0),
    case(CHAIN, r#"{"grayscale":{}},{"gaussianBlur":{"sigma":1.5}},{"sobel":{}}"#, RGB, 6.0),
];
