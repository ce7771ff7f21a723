//! The header parsers on bytes that mean harm: no panic, no endless asking, no more fetched than the limit.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tessera_core::geometry::Size;
use tessera_core::operation::Extent;
use tessera_core::output::TiffCompression;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::notes::Annotations;
use tessera_formats::tiff::tile_table;
use tessera_formats::tiff_out::TiffFile;
use tessera_formats::{Header, HeaderError, Kind, Progress, Ranges, parse, png_out};

/// Answers what is asked for, as a caller does, until the parser is done. A file of `total` bytes that are 0 behind `bytes`.
fn drive<T>(
    bytes: &[u8],
    total: u64,
    mut step: impl FnMut(&Ranges) -> Result<Progress<T>, HeaderError>,
) -> Result<T, HeaderError> {
    let mut have = Ranges::new();
    loop {
        let range = match step(&have)? {
            Progress::Done(value) => return Ok(value),
            Progress::Need(range) => range,
        };
        assert!(range.start < range.end && range.end <= total, "{range:?} of {total}");
        let held = have.bytes_held();
        let byte = |at: u64| bytes.get(at as usize).copied().unwrap_or(0);
        have.insert(range.start, range.clone().map(byte).collect());
        assert_eq!(have.bytes_held(), held + range.end - range.start, "bytes are asked for once");
        assert!(have.bytes_held() <= 80 << 20);
    }
}

fn header(bytes: &[u8], total: u64) -> Result<Header, HeaderError> {
    drive(bytes, total, |have| parse(have, total))
}

/// The header, and where the tiles lie.
fn all(bytes: &[u8], total: u64) -> Result<Header, HeaderError> {
    let header = header(bytes, total)?;
    if let Kind::Tiff(tiff) = &header.kind {
        let tiles = 0..tiff.tiles().min(100_000);
        let table = drive(bytes, total, |have| tile_table(have, total, tiff, tiles.clone()))?;
        let planes = table.planes_of(tiles.end - 1).expect("the last tile that was asked for");
        assert!(planes.len() == tiff.planes() && planes.iter().all(|range| range.end <= total));
        assert_eq!(table.planes_of(tiles.end), None);
    }
    Ok(header)
}

fn extent(width: u32, height: u32) -> Extent {
    Extent { size: Size::new(width, height), pixel: PixelType::new(Channels::Rgb, Depth::U16) }
}

fn tiff(big: bool) -> Vec<u8> {
    let file = TiffFile::new(
        extent(3000, 2000),
        512,
        TiffCompression::Deflate,
        Annotations::of_profile(Some(vec![1; 700])),
    );
    let file = if big { file.as_big() } else { file };
    let mut bytes = file.header(&[100; 24]);
    bytes.resize(bytes.len() + 2400, 0);
    bytes
}

fn png() -> Vec<u8> {
    let mut bytes = png_out::head(extent(3000, 2000), &Annotations::of_profile(Some(vec![7; 500])));
    bytes.splice(
        33..33,
        png_out::chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"),
    );
    bytes.extend(png_out::tail(1));
    bytes
}

/// A JPEG up to its scan: JFIF, EXIF, a profile of two parts out of order, a frame.
fn jpeg() -> Vec<u8> {
    let segment = |marker: u8, data: &[u8]| {
        [&[0xff, marker], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat()
    };
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    [
        vec![0xff, 0xd8],
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        segment(0xe1, exif),
        segment(0xe2, b"ICC_PROFILE\0\x02\x02second"),
        segment(0xe2, b"ICC_PROFILE\0\x01\x02first "),
        vec![0xff, 0xff],
        segment(0xc2, &[8, 0, 100, 0, 200, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]),
        segment(0xda, &[3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]),
        vec![0; 50],
    ]
    .concat()
}

fn check(bytes: &[u8], format: &str, expected: Size, orientation: u8) {
    let header = all(bytes, bytes.len() as u64).unwrap();
    assert_eq!(
        (header.format(), header.extent.size, header.orientation.tag()),
        (format, expected, orientation)
    );
    assert!(header.icc.is_some());
}

#[test]
fn headers_of_all_formats_are_parsed_from_ranges() {
    check(&tiff(false), "tiff", Size::new(3000, 2000), 1);
    check(&tiff(true), "tiff", Size::new(3000, 2000), 1);
    check(&png(), "png", Size::new(2000, 3000), 8);
    check(&jpeg(), "jpeg", Size::new(100, 200), 6);
}

#[test]
fn the_parts_of_a_profile_are_put_in_order() {
    let bytes = jpeg();
    let header = header(&bytes, bytes.len() as u64).unwrap();
    assert_eq!(header.icc, Some(tessera_formats::icc::Icc::Raw(b"first second".to_vec())));
    assert_eq!(header.kind, Kind::Jpeg { progressive: true, components: 3 });
}

#[test]
fn a_small_tiff_that_claims_a_gigantic_image_is_refused() {
    let file = TiffFile::new(extent(1 << 30, 1 << 30), 512, TiffCompression::None, Annotations::default());
    assert!(file.is_big());
    // The first 4 KiB of such a file: its arrays would have 2^42 tiles.
    let mut small = TiffFile::new(extent(500, 500), 512, TiffCompression::None, Annotations::default())
        .as_big()
        .header(&[1]);
    small.resize(4096, 0);
    let at = |tag: u16| {
        small.windows(4).position(|field| field == [tag as u8, (tag >> 8) as u8, 4, 0]).unwrap() + 12
    };
    let (width, height) = (at(256), at(257));
    small[width..width + 4].copy_from_slice(&65_536u32.to_le_bytes());
    small[height..height + 4].copy_from_slice(&32_768u32.to_le_bytes());
    let error = all(&small, 4096).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the TIFF header is damaged: tag 324 does not list 8192 tiles or strips; check the file, or write it again"
    );
}

#[test]
fn a_run_of_tiles_needs_only_its_part_of_the_table() {
    let count = 1_000_000;
    let file =
        TiffFile::new(extent(512 * 1000, 512 * 1000), 512, TiffCompression::None, Annotations::default());
    let bytes = file.header(&vec![512 * 512 * 6; count]);
    let total = bytes.len() as u64 + count as u64 * 512 * 512 * 6;
    let Kind::Tiff(tiff) = header(&bytes, total).unwrap().kind else { panic!("a TIFF") };
    let mut fetched = 0;
    let table = drive(&bytes, total, |have| {
        fetched = have.bytes_held();
        tile_table(have, total, &tiff, 500_000..501_000)
    });
    // The grid's blocks are row-major in the file, so that the middle row starts where 500 rows of tiles end.
    let first = table.unwrap().bytes_of(500_000).unwrap();
    assert_eq!(first.end - first.start, 512 * 512 * 6);
    assert!(fetched <= 64 << 10, "{fetched} bytes for 1000 tiles");
}

#[test]
fn metadata_without_end_is_not_fetched() {
    // A PNG of empty text chunks: the limit on chunks; one of huge ones: skipped without fetching them.
    let mut many = png_out::head(extent(1, 1), &Annotations::default())[..33].to_vec();
    (0..1001).for_each(|_| many.extend(png_out::chunk(b"tEXt", b"")));
    assert!(matches!(header(&many, many.len() as u64), Err(HeaderError::Malformed { .. })));
    let mut huge = many[..33].to_vec();
    huge.extend([0x7f, 0xff, 0xff, 0xff]);
    huge.extend(b"tEXt");
    assert!(header(&huge, 1 << 40).is_err());
}

#[test]
fn the_largest_image_that_a_header_can_state_has_a_memory() {
    let largest =
        Extent { size: Size::new(1 << 30, 1 << 30), pixel: PixelType::new(Channels::Rgba, Depth::U16) };
    let bytes = [png_out::head(largest, &Annotations::default()), png_out::tail(1)].concat();
    let header = header(&bytes, bytes.len() as u64).unwrap();
    assert_eq!((header.extent, header.decode_memory()), (largest, 1 << 62));
}

#[test]
fn what_is_not_read_is_named() {
    let message = |bytes: &[u8]| header(bytes, bytes.len() as u64).unwrap_err().to_string();
    assert!(
        message(b"GIF89a\0\0\0\0")
            .starts_with("the source is a GIF; TIFF, BigTIFF, PNG, JPEG and WebP can be read")
    );
    assert!(message(b"hi").contains("2 bytes"));
    let mut cmyk = jpeg();
    let frame = cmyk.windows(2).position(|pair| pair == [0xff, 0xc2]).unwrap();
    cmyk[frame + 9] = 2;
    assert!(message(&cmyk).contains("JPEG with 2 components"));
    cmyk[frame + 1] = 0xc9;
    assert!(message(&cmyk).contains("arithmetic-coded"));
}

/// The files of data/kinds in `imaging`, which other programs wrote.
fn foreign() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../imaging/tests/data/kinds");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let images = files.filter(|path| path.extension().is_some_and(|ending| ending != "txt"));
    images.map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn any_byte_of_a_foreign_file_may_be_changed_and_it_may_claim_any_length() {
    for file in foreign() {
        let length = file.len() as u64;
        assert!(all(&file, length).is_ok());
        for at in 0..file.len() {
            for (value, total) in [(0, length), (0xff, length), (file[at] ^ 1 << (at % 8), length << 17)] {
                let mut changed = file.clone();
                changed[at] = value;
                let _ = all(&changed, total);
            }
        }
    }
}

/// Something like a TIFF: a directory of tags that mean something, with values that may.
fn directories() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop_oneof![
        256u16..260,
        262u16..263,
        273u16..285,
        317u16..326,
        338u16..348,
        Just(34675),
        any::<u16>()
    ];
    let value = prop_oneof![0u32..20, Just(8), Just(u32::MAX), Just(1 << 30), any::<u32>()];
    let field = (tags, 0u16..20, value.clone(), value);
    (any::<bool>(), prop::collection::vec(field, 0..30)).prop_map(|(little, fields)| {
        let two = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let four = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut bytes = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        bytes.extend(four(8));
        bytes.extend(two(fields.len() as u16));
        for (tag, kind, count, value) in fields {
            bytes.extend([two(tag), two(kind)].concat());
            bytes.extend([four(count), four(value)].concat());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic(magic in 0usize..6, bytes in prop::collection::vec(any::<u8>(), 0..300), more in 0u64..1 << 33) {
        let magics: [&[u8]; 6] = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0+", b"II\x2b\0\x08\0\0\0"];
        let bytes = [magics[magic], &bytes].concat();
        let _ = all(&bytes, bytes.len() as u64 + more);
    }

    #[test]
    fn valid_headers_with_damage_never_panic(
        kind in 0usize..4,
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        more in prop_oneof![Just(0), 0u64..1 << 40],
    ) {
        let mut bytes = [tiff(false), tiff(true), png(), jpeg()].into_iter().nth(kind).unwrap();
        let length = bytes.len();
        damage.into_iter().for_each(|(at, byte)| bytes[at % length] = byte);
        let _ = all(&bytes, length as u64 + more);
    }

    #[test]
    fn directories_of_any_values_never_panic(bytes in directories(), more in 0u64..1 << 33) {
        let _ = all(&bytes, bytes.len() as u64 + more);
    }
}
