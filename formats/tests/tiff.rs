//! TIFF layouts, made field by field: strips, sparse tiles, and what is refused.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use tessera_core::geometry::{Rect, Size};
use tessera_formats::tiff::{Compression, TiffSource, tile_table};
use tessera_formats::{Header, HeaderError, Kind, Progress, Ranges, parse};

/// A little-endian TIFF of these fields (LONGs), ascending by tag; arrays stand behind the directory.
fn file(fields: &[(u16, &[u32])]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((fields.len() as u16).to_le_bytes());
    let end = bytes.len() + 12 * fields.len() + 4;
    let mut outside: Vec<u8> = Vec::new();
    for (tag, values) in fields {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes.extend([tag.to_le_bytes(), 4u16.to_le_bytes()].concat());
        bytes.extend((values.len() as u32).to_le_bytes());
        if data.len() == 4 {
            bytes.extend(data);
        } else {
            bytes.extend(((end + outside.len()) as u32).to_le_bytes());
            outside.extend(data);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(outside);
    bytes
}

/// An 8-bit RGB image of 1000 x 3000 pixels, with `others` in place of or beside the plain fields.
fn rgb(others: &[(u16, &[u32])]) -> Vec<u8> {
    let plain: [(u16, &[u32]); 6] =
        [(256, &[1000]), (257, &[3000]), (258, &[8, 8, 8]), (259, &[1]), (262, &[2]), (277, &[3])];
    let kept = plain.into_iter().filter(|(tag, _)| others.iter().all(|(other, _)| other != tag));
    let mut fields: Vec<_> =
        kept.chain(others.iter().copied()).filter(|(_, values)| !values.is_empty()).collect();
    fields.sort_by_key(|(tag, _)| *tag);
    file(&fields)
}

fn header(bytes: &[u8], total: u64) -> Result<Header, HeaderError> {
    match parse(&Ranges::whole(bytes.to_vec()), total)? {
        Progress::Done(header) => Ok(header),
        Progress::Need(range) => panic!("{range:?} is not in the test's file"),
    }
}

fn source(bytes: &[u8], total: u64) -> TiffSource {
    match header(bytes, total).unwrap().kind {
        Kind::Tiff(tiff) => tiff,
        other => panic!("{other:?}"),
    }
}

fn refusal(others: &[(u16, &[u32])]) -> String {
    header(&rgb(others), 1 << 30).unwrap_err().to_string()
}

fn range_of(bytes: &[u8], total: u64, index: u64) -> Result<std::ops::Range<u64>, HeaderError> {
    let tiff = source(bytes, total);
    match tile_table(&Ranges::whole(bytes.to_vec()), total, &tiff, index..index + 1)? {
        Progress::Done(table) => Ok(table.bytes_of(index).unwrap()),
        Progress::Need(range) => panic!("{range:?} is not in the test's file"),
    }
}

#[test]
fn a_single_plain_strip_is_read_in_runs_of_rows() {
    let bytes = rgb(&[(273, &[1000]), (279, &[9_000_000])]);
    let tiff = source(&bytes, 9_001_000);
    // 2^20 / 3000 rows at once.
    assert_eq!((tiff.tile, tiff.tiles(), tiff.compression), (Size::new(1000, 349), 9, Compression::None));
    assert_eq!(range_of(&bytes, 9_001_000, 0).unwrap(), 1000..1000 + 349 * 3000);
    assert_eq!(range_of(&bytes, 9_001_000, 8).unwrap(), 1000 + 8 * 349 * 3000..9_001_000);
    assert!(matches!(range_of(&bytes, 9_000_999, 8), Err(HeaderError::Truncated { .. })));
    assert_eq!(tiff.tiles_for(Rect::new(10, 340, 5, 20)), [0, 1]);
}

#[test]
fn a_strip_without_data_is_sparse_and_the_last_has_only_its_rows() {
    let bytes = rgb(&[(273, &[500, 0]), (278, &[2000]), (279, &[77, 0])]);
    let tiff = source(&bytes, 1000);
    assert_eq!((tiff.tile_stored(0), tiff.tile_stored(1)), (Size::new(1000, 2000), Size::new(1000, 1000)));
    assert_eq!(range_of(&bytes, 1000, 0).unwrap(), 500..577);
    assert!(range_of(&bytes, 1000, 1).unwrap().is_empty());
}

#[test]
fn a_sparse_strip_has_the_value_for_no_data_if_it_is_a_sample() {
    let sparse = |text: [u8; 4]| {
        let value = u32::from_le_bytes(text);
        let mut bytes = rgb(&[(273, &[0]), (279, &[0]), (42_113, &[value])]);
        let at = bytes.windows(2).position(|tag| tag == 42_113u16.to_le_bytes()).unwrap();
        bytes[at + 2] = 2;
        bytes[at + 4] = 4;
        source(&bytes, 1000).sparse
    };
    assert_eq!(sparse(*b"77\0\0"), 77);
    assert_eq!(sparse(*b"255\0"), 255);
    for other in [b"256\0", b"-9\0\0", b"1.5\0", b"nan\0", b"x\0\0\0"] {
        assert_eq!(sparse(*other), 0);
    }
}

#[test]
fn a_tile_that_is_much_larger_than_its_pixels_is_not_fetched() {
    let tiles: &[(u16, &[u32])] =
        &[(322, &[512]), (323, &[3008]), (324, &[500, 500]), (325, &[1000, 20_000_000])];
    let bytes = rgb(tiles);
    assert_eq!(range_of(&bytes, 1 << 30, 0).unwrap(), 500..1500);
    assert!(matches!(range_of(&bytes, 1 << 30, 1), Err(HeaderError::Malformed { .. })));
    assert!(matches!(range_of(&bytes, 1400, 0), Err(HeaderError::Truncated { .. })));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let strip: [(u16, &[u32]); 2] = [(273, &[1000]), (279, &[9_000_000])];
    let with = |field: (u16, &'static [u32])| refusal(&[strip[0], strip[1], field]);
    assert!(with((259, &[6])).contains("old-style JPEG"));
    assert!(with((259, &[33005])).contains("Aperio's JPEG 2000"));
    assert!(with((262, &[5])).contains("CMYK"));
    assert!(with((258, &[32, 32, 32])).contains("32-bit unsigned"));
    assert!(with((339, &[3, 3, 3])).contains("8-bit floating point"));
    assert!(with((258, &[8, 8, 16])).contains("differ in bits"));
    assert!(with((277, &[5])).contains("5 samples per pixel where 3 are colours"));
    assert!(with((277, &[65_529])).contains("65529 samples"));
    assert!(with((277, &[2])).contains("2 samples for 3 colours"));
    assert!(with((284, &[3])).contains("PlanarConfiguration 3"));
    assert!(with((258, &[4, 4, 4])).contains("4-bit unsigned"));
    assert!(with((262, &[6])).contains("YCbCr"));
    assert!(with((266, &[2])).contains("FillOrder"));
    assert!(with((257, &[])).contains("no ImageLength"));
    assert!(with((256, &[0])).contains("0 x 3000"));
    assert!(with((278, &[0])).contains("tiles or strips have 1000 x 0 pixels"));
    assert!(refusal(&[strip[0], strip[1], (259, &[8]), (317, &[3])]).contains("Predictor 3"));
}

#[test]
fn a_field_of_another_type_is_damage_and_not_a_default() {
    let plain = rgb(&[(273, &[1000]), (279, &[9_000_000]), (284, &[1])]);
    for tag in [256u16, 258, 259, 262, 273, 277, 284] {
        let at = 10 + 12 * (0..).find(|index| plain[10 + 12 * index..][..2] == tag.to_le_bytes()).unwrap();
        // ASCII, undefined, float, none at all; and no value.
        for (place, value) in [(2, 2), (2, 7), (2, 11), (2, 0), (2, 99), (4, 0)] {
            let mut bytes = plain.clone();
            bytes[at + place] = value;
            let message = header(&bytes, 1 << 30).unwrap_err().to_string();
            assert!(
                message.contains(&format!("tag {tag} holds no whole number")),
                "{tag} {value}: {message}"
            );
        }
        let mut signed = plain.clone();
        signed[at + 2] = 9;
        assert_eq!(
            header(&signed, 1 << 30).unwrap().extent,
            header(&plain, 1 << 30).unwrap().extent,
            "{tag}"
        );
    }
}

#[test]
fn strips_too_large_to_decode_are_refused_with_what_to_do() {
    let message = refusal(&[(257, &[30_000]), (259, &[5]), (273, &[1000]), (279, &[9_000])]);
    assert_eq!(
        message,
        "TIFF with strips of 1000 x 30000 pixels is not supported: write it with tiles, of 512 x 512 for example"
    );
}

#[test]
fn tiles_of_a_few_pixels_are_refused_where_there_are_many() {
    let places = vec![500; 46_875];
    let message = refusal(&[(322, &[8]), (323, &[8]), (324, &places), (325, &places)]);
    assert!(message.starts_with("TIFF with 46875 tiles of 8 x 8 pixels is not supported"), "{message}");
}

#[test]
fn the_planes_of_a_tile_lie_apart() {
    let offsets: Vec<u32> = (0..36).map(|part| 1000 + part * 100).collect();
    let bytes =
        rgb(&[(284, &[2]), (322, &[512]), (323, &[512]), (324, &offsets), (325, &[100; 36]), (259, &[8])]);
    let tiff = source(&bytes, 1 << 20);
    assert_eq!((tiff.tiles(), tiff.planes(), tiff.plane_bytes(tiff.tile)), (12, 3, 512 * 512));
    let Progress::Done(table) = tile_table(&Ranges::whole(bytes), 1 << 20, &tiff, 5..7).unwrap() else {
        panic!("all bytes are there")
    };
    assert_eq!(table.planes_of(6).unwrap(), [1600..1700, 2800..2900, 4000..4100]);
    assert_eq!((table.planes_of(7), table.bytes_of(6)), (None, None));
}

#[test]
fn rows_of_less_than_a_byte_a_sample_are_padded() {
    let fields: [(u16, &[u32]); 5] =
        [(258, &[1]), (262, &[0]), (277, &[1]), (273, &[1000]), (279, &[375_000])];
    let bytes = rgb(&fields);
    let tiff = source(&bytes, 1 << 20);
    assert_eq!((tiff.plane_bytes(Size::new(1000, 1)), tiff.plane_bytes(Size::new(1001, 2))), (125, 252));
    assert_eq!(range_of(&bytes, 1 << 20, 0).unwrap(), 1000..376_000);
}

#[test]
fn more_tiles_than_are_listed_are_damage() {
    assert!(
        refusal(&[(322, &[512]), (323, &[512]), (324, &[500; 11]), (325, &[10; 12])])
            .contains("does not list 12 tiles")
    );
}
