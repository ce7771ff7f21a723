//! Golden digests: a change of any bit of any operation's result is seen here, on whatever processor the test runs.
//! A new operation is missing from the list until its digest is written down.

use super::{extent, image, picture, pixel_types};
use crate::apply::Apply;
use crate::region::Region;
use crate::registry::Operation;
use crate::vector::{Path, tests::forced};
use tessera_core::operation::Planned;

/// Operations and the digest of their results on the same picture in every pixel type that they take.
const GOLDEN: &[(&str, u64)] = &[
    (r#"{"grayscale":{"standard":"bt601"}}"#, 0x5c5a_cd52_0ec9_ff0d),
    (r#"{"grayscale":{"standard":"bt709"}}"#, 0x6b3f_43b5_fe28_6266),
    (r#"{"invert":{}}"#, 0xcde2_0713_3858_d1b8),
    (r#"{"brightnessContrast":{"brightness":0.1,"contrast":1.3}}"#, 0xcafe_73da_0239_a8b9),
    (r#"{"gamma":{"gamma":2.2}}"#, 0xb692_c446_1521_6f6b),
    (r#"{"levels":{"black":0.1,"white":0.9,"gamma":1.5}}"#, 0x8923_22e4_a0fe_1c57),
    (r#"{"hueSaturation":{"hue":77.7,"saturation":1.3,"value":0.8}}"#, 0x6b82_0962_4362_a149),
    (r#"{"threshold":{"value":130,"invert":true}}"#, 0x1b49_ef4e_ff54_d6ce),
    (r#"{"posterize":{"levels":7}}"#, 0x74df_f229_1906_1320),
    (r#"{"sepia":{"amount":0.8}}"#, 0x00d4_e957_f907_0c62),
    (r#"{"colorMap":{"name":"viridis"}}"#, 0xe9f5_571f_4d5e_2455),
    (r#"{"colorMap":{"name":"turbo"}}"#, 0xdca0_e7fe_efae_8f80),
    (r#"{"channel":{"name":"green"}}"#, 0xd033_b6f9_cd5f_0834),
    (r#"{"channel":{"name":"alpha"}}"#, 0xbeb3_5899_53a9_1adf),
    (r#"{"depth":{"bits":8}}"#, 0x5d05_42a2_1462_4d8d),
    (r#"{"depth":{"bits":16}}"#, 0x329f_ad0f_7912_748c),
    (r#"{"flatten":{"background":[0.3]}}"#, 0x2ab1_545c_dd52_a3fe),
    (r#"{"flatten":{"background":[0,0.5,1]}}"#, 0x2d9f_f1c3_b21c_324e),
    (r#"{"gaussianBlur":{"sigma":0.1}}"#, 0xebc5_4668_88ff_e892),
    (r#"{"gaussianBlur":{"sigma":1.5}}"#, 0x47bb_95a1_2832_2c6e),
    (r#"{"gaussianBlur":{"sigma":25}}"#, 0x5261_62ad_3e81_a189),
    (r#"{"gaussianBlur":{"sigma":1.5,"linear":true}}"#, 0x4ff8_8f36_6a03_0e15),
    (r#"{"sobel":{}}"#, 0xa22b_d67b_24d0_59cd),
    (r#"{"sobel":{"norm":"l1","scale":0.3}}"#, 0x17d8_4c45_95a4_47e5),
    (r#"{"sobel":{"norm":"l2","scale":0.3}}"#, 0xe8df_2bbf_6577_8ca5),
    (r#"{"scharr":{}}"#, 0x4687_6ce7_68d1_3bde),
    (r#"{"prewitt":{"norm":"l1","scale":0.5}}"#, 0x44ab_ee0b_f272_6e2f),
    (r#"{"laplacian":{}}"#, 0xcb06_0cba_2aaa_468e),
    (r#"{"laplacian":{"connectivity":8,"scale":0.3}}"#, 0x5b84_5111_5980_9d66),
    (r#"{"erode":{"radius":2}}"#, 0xb421_fb64_ecbe_fa7d),
    (r#"{"dilate":{"radius":2}}"#, 0x312a_397f_3d04_e7e7),
    (r#"{"open":{"radius":2}}"#, 0x5f52_2fc2_1096_4cd1),
    (r#"{"close":{"radius":2}}"#, 0x3f87_d253_0a6a_6845),
    (r#"{"morphGradient":{"radius":2}}"#, 0x7753_ba38_f086_4dd5),
    (r#"{"topHat":{"radius":2}}"#, 0xb23b_bba6_2868_d49f),
    (r#"{"blackHat":{"radius":2}}"#, 0x966b_c71c_8f13_6a77),
    (r#"{"close":{"radius":5,"shape":"ellipse"}}"#, 0xc487_e76d_ee42_de4e),
    (r#"{"open":{"radius":20,"shape":"ellipse"}}"#, 0x7bf7_93e8_5525_04df),
    (r#"{"erode":{"radius":3,"shape":"cross"}}"#, 0xd1ca_5c01_68a1_2281),
    (r#"{"differenceOfGaussians":{"sigma1":1,"sigma2":2.5,"scale":3}}"#, 0x8e43_2684_9a00_91bf),
    (r#"{"differenceOfGaussians":{"sigma1":1,"sigma2":2}}"#, 0xe1c8_b2fb_017b_b2f8),
    (r#"{"unsharpMask":{"sigma":1.5}}"#, 0x8843_4ef9_a729_2250),
    (r#"{"unsharpMask":{"sigma":4,"amount":2.5,"threshold":0.1}}"#, 0x4e9f_244e_452d_74d2),
    (r#"{"boxBlur":{"radius":3}}"#, 0x13b8_9914_69ef_2266),
    (r#"{"boxBlur":{"radius":3,"linear":true}}"#, 0xaca7_99b2_2ab6_3e25),
    (r#"{"boxBlur":{"radius":100}}"#, 0xd64a_f82c_43f9_fdcc),
    (
        r#"{"convolve":{"kernel":[[1,2,3],[4,-5,6],[0,0.5,0]],"divisor":8,"offset":0.1}}"#,
        0x3180_e45f_ea5e_a9bb,
    ),
    (r#"{"medianBlur":{"radius":1}}"#, 0x976b_4223_d50d_70c6),
    (r#"{"medianBlur":{"radius":2}}"#, 0x12aa_dddd_a042_0207),
    (r#"{"medianBlur":{"radius":5}}"#, 0x282d_bce8_a437_1d9b),
    (r#"{"bilateralFilter":{"radius":4,"sigmaColor":0.1,"sigmaSpace":3}}"#, 0xcdc1_c2fd_fcb9_88aa),
    (r#"{"crop":{"x":3,"y":5,"width":50,"height":41}}"#, 0xba5b_cea5_eaea_0352),
    (r#"{"resize":{"width":40}}"#, 0x8960_311a_6616_3d6a),
    (r#"{"resize":{"width":100,"height":20}}"#, 0x9aa9_2483_0d50_2ba8),
    (r#"{"resize":{"height":99,"filter":"bicubic"}}"#, 0x2419_cfe1_093a_a215),
    (r#"{"resize":{"scale":0.3,"filter":"bilinear"}}"#, 0x53e5_946f_65c5_8ab6),
    (r#"{"resize":{"scale":0.07,"filter":"area"}}"#, 0x7393_533f_ac9d_65ac),
    (r#"{"resize":{"scale":1.7,"filter":"area"}}"#, 0x43d9_8021_50b9_db90),
    (r#"{"resize":{"scale":2.3,"filter":"nearest"}}"#, 0x209c_9fcd_f031_83a7),
    (r#"{"resize":{"scale":2,"filter":"bicubic"}}"#, 0x9ced_1437_ecce_4ae3),
    (r#"{"resize":{"scale":3}}"#, 0x0aa7_9337_3cb5_8a7a),
    (r#"{"resize":{"scale":2,"filter":"bilinear"}}"#, 0x6c71_698e_654e_0008),
    (r#"{"resize":{"scale":0.5,"linear":true}}"#, 0x022d_e507_a1ed_b976),
    (r#"{"rotate":{"degrees":90}}"#, 0xd4ce_d261_1e46_f550),
    (r#"{"rotate":{"degrees":180}}"#, 0x7334_11e2_3560_f420),
    (r#"{"rotate":{"degrees":270}}"#, 0xc4cf_8c0e_9c4b_dee4),
    (r#"{"flip":{"axis":"horizontal"}}"#, 0xafbf_0fba_d70e_d064),
    (r#"{"flip":{"axis":"vertical"}}"#, 0xb547_9980_95d4_6498),
];

/// FNV-1a (64 bits) over the samples, each as two bytes.
fn digest(hash: u64, region: &Region) -> u64 {
    let bytes = super::values(region).into_iter().flat_map(|value| (value as u16).to_le_bytes());
    bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn digest_of(operation: &Operation) -> u64 {
    pixel_types().fold(0xcbf2_9ce4_8422_2325, |hash, pixel| {
        let source = picture(image(61, 47, pixel), 7);
        let Ok(output) = operation.output(extent(&source)) else { return hash };
        let result = super::apply_whole(operation, &source);
        assert_eq!(extent(&result), output);
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
fn every_path_gives_the_same_bits() {
    for path in Path::available() {
        let results: Vec<_> = GOLDEN
            .iter()
            .map(|(text, _)| (*text, forced(path, || digest_of(&serde_json::from_str(text).unwrap()))))
            .collect();
        assert!(results == GOLDEN, "{path:?}: {results:#x?}");
    }
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
