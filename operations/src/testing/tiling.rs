//! Tiled equals whole, bit for bit: for every operation, for chains, for every pixel type and any tile.

use super::{arbitrary, image, picture, pixel_types};
use crate::apply::Apply;
use crate::chain::{plan_chain, run_chain};
use crate::region::Region;
use crate::registry::Operation;
use proptest::prelude::*;
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned};
use tessera_core::pixel::PixelType;

/// Computes the result tile by tile, each from exactly the pixels that the chain says it reads.
fn tiled(operations: &[Operation], source: &Region, source_extent: Extent, tile: Size) -> Region {
    let chain = plan_chain(operations, source_extent).unwrap();
    let result = chain.output();
    let mut whole = Region::zeroed(result.size.rect(), result.pixel);
    for y in (0..result.size.height).step_by(tile.height as usize) {
        for x in (0..result.size.width).step_by(tile.width as usize) {
            let output = Rect::new(x, y, tile.width, tile.height).intersect(&result.size.rect());
            let input = source.crop(chain.reads(output)[0]);
            let part = run_chain(operations, &chain, output, input);
            assert_eq!((part.rect, part.pixel()), (output, result.pixel));
            whole.paste(&part);
        }
    }
    whole
}

/// The most pixels of a picture on its way through a chain.
const MAX_PIXELS: u64 = 300_000;

/// Tiled must equal whole, where the operations fit the picture. Whether they do.
fn check(operations: &[Operation], source: Extent, tile: Size, seed: u64) -> bool {
    if operations.iter().any(|operation| operation.check_bounds().is_err()) {
        return false;
    }
    let image = picture(source, seed);
    let Ok(chain) = plan_chain(operations, source) else { return false };
    if chain.extents().iter().any(|extent| extent.size.pixels() > MAX_PIXELS) {
        return false;
    }
    let whole = run_chain(operations, &chain, chain.output().size.rect(), image.clone());
    assert!(tiled(operations, &image, source, tile) == whole, "{operations:?} {source:?} in tiles of {tile}");
    true
}

fn pixel_type() -> impl Strategy<Value = PixelType> {
    prop::sample::select(pixel_types().collect::<Vec<_>>())
}

fn size(largest: u32) -> impl Strategy<Value = Size> {
    (1..=largest, 1..=largest).prop_map(|(width, height)| Size::new(width, height))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_chain_gives_the_same_bits_in_any_tiles(
        operations in prop::collection::vec(arbitrary::operation(), 0..5),
        (size, tile) in (size(40), size(50)),
        (pixel, seed) in (pixel_type(), any::<u32>()),
    ) {
        check(&operations, image(size.width, size.height, pixel), tile, seed.into());
    }
}

#[test]
fn every_operation_gives_the_same_bits_in_any_tiles() {
    for name in Operation::NAMES {
        let fitting = std::cell::Cell::new(0);
        let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
        let strategy = (arbitrary::operation_named(name), size(33), size(16), any::<u32>());
        let run = |(operation, size, tile, seed): (Operation, Size, Size, u32)| {
            assert_eq!(operation.name(), *name);
            for pixel in pixel_types() {
                let (operation, extent) =
                    (std::slice::from_ref(&operation), image(size.width, size.height, pixel));
                fitting.set(fitting.get() + u32::from(check(operation, extent, tile, seed.into())));
            }
            Ok(())
        };
        proptest::test_runner::TestRunner::new(config).run(&strategy, run).unwrap();
        assert!(fitting.get() >= 10, "only {} random examples of {name} fit their pictures", fitting.get());
    }
}

#[test]
fn single_pixels_and_single_rows_work() {
    let operations: Vec<Operation> =
        serde_json::from_str(r#"[{"gaussianBlur":{"sigma":3}},{"sobel":{}},{"gaussianBlur":{"sigma":100}}]"#)
            .unwrap();
    for pixel in pixel_types() {
        for (width, height) in [(1, 1), (1, 70), (70, 1)] {
            assert!(check(&operations, image(width, height, pixel), Size::new(1, 1), 1));
            assert!(check(&operations, image(width, height, pixel), Size::new(7, 7), 2));
        }
    }
}

#[test]
fn more_input_than_needed_changes_nothing() {
    let operations: Vec<Operation> =
        serde_json::from_str(r#"[{"gaussianBlur":{"sigma":1}},{"grayscale":{}},{"sobel":{}},{"invert":{}}]"#)
            .unwrap();
    for pixel in pixel_types() {
        let source = image(30, 20, pixel);
        let (whole, chain) = (picture(source, 4), plan_chain(&operations, source).unwrap());
        let output = Rect::new(11, 3, 5, 4);
        let exact = run_chain(&operations, &chain, output, whole.crop(chain.reads(output)[0]));
        assert_eq!(run_chain(&operations, &chain, output, whole.crop(Rect::new(1, 0, 29, 19))), exact);
        assert_eq!(
            run_chain(&[], &plan_chain(&[], source).unwrap(), output, whole.clone()),
            whole.crop(output)
        );
    }
}

#[test]
fn what_is_computed_in_parts_gives_the_same_bits_too() {
    let parse = |text: &str| serde_json::from_str::<Operation>(text).unwrap();
    let operations = [
        r#"{"sobel":{}}"#,
        r#"{"laplacian":{}}"#,
        r#"{"gaussianBlur":{"sigma":0.3}}"#,
        r#"{"gaussianBlur":{"sigma":2,"linear":true}}"#,
        r#"{"unsharpMask":{"sigma":1}}"#,
        r#"{"differenceOfGaussians":{"sigma1":0.3,"sigma2":1}}"#,
        r#"{"differenceOfGaussians":{"sigma1":0.3,"sigma2":1,"scale":50}}"#,
    ];
    for (text, pixel) in operations.iter().flat_map(|text| pixel_types().map(move |pixel| (*text, pixel))) {
        assert!(check(&[parse(text)], image(5000, 4, pixel), Size::new(77, 3), 5), "{text} {pixel}");
    }
}
