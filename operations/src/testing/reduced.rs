//! What a preview may do on a reduced picture, for every operation, as the documentation's groups say.

use super::{extent, image, picture};
use crate::apply::{Apply, Reduced};
use crate::registry::Operation;
use tessera_core::operation::Planned;
use tessera_core::pixel::{Channels, Depth, PixelType};

/// Operations that are applied to a picture reduced by 4 as they are.
const SAME: &[&str] = &[
    r#"{"grayscale":{}}"#,
    r#"{"invert":{}}"#,
    r#"{"brightnessContrast":{"brightness":0.1}}"#,
    r#"{"gamma":{"gamma":2}}"#,
    r#"{"levels":{"black":0.1}}"#,
    r#"{"hueSaturation":{"hue":10}}"#,
    r#"{"posterize":{"levels":4}}"#,
    r#"{"sepia":{}}"#,
    r#"{"colorMap":{"name":"viridis"}}"#,
    r#"{"channel":{"name":"red"}}"#,
    r#"{"depth":{"bits":8}}"#,
    r#"{"flatten":{}}"#,
    r#"{"resize":{"scale":0.5,"linear":true}}"#,
    r#"{"rotate":{"degrees":90}}"#,
    r#"{"flip":{"axis":"vertical"}}"#,
];

/// Operations whose sizes and places are those of the full picture, and what is applied to one reduced by 4.
const MOVED: &[(&str, &str)] = &[
    (r#"{"crop":{"x":7,"y":8,"width":9,"height":8}}"#, r#"{"crop":{"x":1,"y":2,"width":3,"height":2}}"#),
    (r#"{"resize":{"width":9,"filter":"area"}}"#, r#"{"resize":{"width":3,"filter":"area"}}"#),
];

/// Operations with radii, and what is applied to a picture reduced by 4; nothing where no pixel is left of the radius.
const SCALED: &[(&str, Option<&str>)] = &[
    (
        r#"{"gaussianBlur":{"sigma":6,"linear":true}}"#,
        Some(r#"{"gaussianBlur":{"sigma":1.5,"linear":true}}"#),
    ),
    (r#"{"gaussianBlur":{"sigma":0.3}}"#, Some(r#"{"gaussianBlur":{"sigma":0.1}}"#)),
    (r#"{"boxBlur":{"radius":6}}"#, Some(r#"{"boxBlur":{"radius":2}}"#)),
    (r#"{"boxBlur":{"radius":1}}"#, None),
    (r#"{"medianBlur":{"radius":7}}"#, Some(r#"{"medianBlur":{"radius":2}}"#)),
    (
        r#"{"bilateralFilter":{"radius":8,"sigmaColor":0.1,"sigmaSpace":3}}"#,
        Some(r#"{"bilateralFilter":{"radius":2,"sigmaColor":0.1,"sigmaSpace":0.75}}"#),
    ),
    (r#"{"unsharpMask":{"sigma":2,"amount":1.5}}"#, Some(r#"{"unsharpMask":{"sigma":0.5,"amount":1.5}}"#)),
    (
        r#"{"convolve":{"kernel":[[0,0,4]],"divisor":4}}"#,
        Some(r#"{"convolve":{"kernel":[[0,3,1]],"divisor":4}}"#),
    ),
    (r#"{"erode":{"radius":4}}"#, Some(r#"{"erode":{"radius":1}}"#)),
    (r#"{"dilate":{"radius":50,"shape":"cross"}}"#, Some(r#"{"dilate":{"radius":13,"shape":"cross"}}"#)),
    (r#"{"open":{"radius":1}}"#, None),
    (r#"{"close":{"radius":9}}"#, Some(r#"{"close":{"radius":2}}"#)),
    (r#"{"morphGradient":{"radius":2}}"#, Some(r#"{"morphGradient":{"radius":1}}"#)),
    (r#"{"topHat":{"radius":8}}"#, Some(r#"{"topHat":{"radius":2}}"#)),
    (r#"{"blackHat":{"radius":8}}"#, Some(r#"{"blackHat":{"radius":2}}"#)),
];

/// Operations for which the original is shown.
const NEVER: &[&str] = &[
    r#"{"threshold":{"value":100}}"#,
    r#"{"sobel":{}}"#,
    r#"{"scharr":{}}"#,
    r#"{"prewitt":{}}"#,
    r#"{"laplacian":{}}"#,
    r#"{"differenceOfGaussians":{"sigma1":1,"sigma2":2}}"#,
    r#"{"morphGradient":{"radius":1}}"#,
    r#"{"topHat":{"radius":1}}"#,
    r#"{"blackHat":{"radius":1}}"#,
];

fn operation(text: &str) -> Operation {
    serde_json::from_str(text).unwrap()
}

/// Every case with what it becomes.
fn cases() -> impl Iterator<Item = (Operation, Reduced<Operation>)> {
    let same = SAME.iter().map(|text| (operation(text), Reduced::Same(operation(text))));
    let moved = MOVED.iter().map(|(text, to)| (operation(text), Reduced::Same(operation(to))));
    let scaled = SCALED.iter().map(|(text, to)| (operation(text), Reduced::Scaled(to.map(operation))));
    let never = NEVER.iter().map(|text| (operation(text), Reduced::Never));
    same.chain(moved).chain(scaled).chain(never)
}

#[test]
fn each_operation_is_reduced_as_documented() {
    for (operation, expected) in cases() {
        assert_eq!(operation.reduced(2), expected, "{operation:?}");
        assert_eq!(operation.reduced(0), Reduced::Same(operation));
    }
}

#[test]
fn every_operation_has_a_case() {
    for name in Operation::NAMES {
        assert!(cases().any(|(operation, _)| operation.name() == *name), "{name} has none in {}", file!());
    }
}

#[test]
fn what_is_reduced_stays_within_its_bounds_at_every_level() {
    for (operation, level) in
        cases().flat_map(|(operation, _)| (1..40).map(move |level| (operation.clone(), level)))
    {
        let reduced = operation.reduced(level);
        if let Reduced::Same(reduced) | Reduced::Scaled(Some(reduced)) = reduced {
            assert_eq!(reduced.check_bounds(), Ok(()), "{operation:?} at {level}");
        }
    }
}

#[test]
fn a_blur_of_the_smallest_deviation_changes_nothing() {
    let reduced = operation(r#"{"gaussianBlur":{"sigma":3}}"#).reduced(9);
    let Reduced::Scaled(Some(blur)) = reduced else { panic!("a blur is scaled: {reduced:?}") };
    let source = picture(image(20, 10, PixelType::new(Channels::Rgb, Depth::U16)), 3);
    assert_eq!(blur.output(extent(&source)), Ok(extent(&source)));
    assert_eq!(super::apply_whole(&blur, &source), source);
}
