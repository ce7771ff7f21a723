//! Golden digests: a change of any bit of any operation's result is seen here, on whatever processor the test runs.
//! A new operation is missing from the list until its digest is written down.

use super::{extent, image, picture, pixel_types};
use crate::apply::Apply;
use crate::region::Region;
use crate::registry::Operation;
use tessera_core::operation::Planned;

/// Operations and the digest of their results on the same picture in every pixel type.
const GOLDEN: &[(&str, u64)] = &[
    (r#"{"grayscale":{"standard":"bt601"}}"#, 0x5c5a_cd52_0ec9_ff0d),
    (r#"{"grayscale":{"standard":"bt709"}}"#, 0x6b3f_43b5_fe28_6266),
    (r#"{"invert":{}}"#, 0xcde2_0713_3858_d1b8),
    (r#"{"brightnessContrast":{"brightness":0.1,"contrast":1.3}}"#, 0xcafe_73da_0239_a8b9),
    (r#"{"gaussianBlur":{"sigma":0.1}}"#, 0xebc5_4668_88ff_e892),
    (r#"{"gaussianBlur":{"sigma":1.5}}"#, 0x2e40_1cf4_b79e_516f),
    (r#"{"gaussianBlur":{"sigma":25}}"#, 0x5261_62ad_3e81_a189),
    (r#"{"sobel":{}}"#, 0xa22b_d67b_24d0_59cd),
    (r#"{"sobel":{"norm":"l1","scale":0.3}}"#, 0x17d8_4c45_95a4_47e5),
    (r#"{"sobel":{"norm":"l2","scale":0.3}}"#, 0xe8df_2bbf_6577_8ca5),
];

/// FNV-1a (64 bits) over the samples, each as two bytes.
fn digest(hash: u64, region: &Region) -> u64 {
    let bytes = super::values(region).into_iter().flat_map(|value| (value as u16).to_le_bytes());
    bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn digest_of(operation: &Operation) -> u64 {
    pixel_types().fold(0xcbf2_9ce4_8422_2325, |hash, pixel| {
        let source = picture(image(61, 47, pixel), 7);
        let result = super::apply_whole(operation, &source);
        assert_eq!(extent(&result), operation.output(extent(&source)).unwrap());
        digest(hash, &result)
    })
}

#[test]
fn no_bit_of_any_result_has_changed() {
    let results: Vec<_> =
        GOLDEN.iter().map(|(text, _)| (*text, digest_of(&serde_json::from_str(text).unwrap()))).collect();
    assert!(results == GOLDEN, "{results:#x?}");
}

#[test]
fn every_operation_has_a_digest() {
    let parse = |text: &str| serde_json::from_str::<Operation>(text).unwrap();
    for name in Operation::NAMES {
        assert!(
            GOLDEN.iter().any(|(text, _)| parse(text).name() == *name),
            "{name} has no digest in {}",
            file!()
        );
    }
}

#[test]
fn the_examples_are_within_their_bounds() {
    GOLDEN.iter().for_each(|(text, _)| {
        serde_json::from_str::<Operation>(text).unwrap().check_bounds().unwrap();
    });
}
