//! The header parsers: no panic, no endless asking, no byte asked for twice, no more of them than the limit; and what they
//! give can be used, carried along and written.

use crate::tiff::{ASCII, BYTE, DOUBLE, Field, LONG, RATIONAL, SHORT, file};
use tessera_core::geometry::Rect;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::placement::Placement;
use tessera_formats::icc::suits;
use tessera_formats::layout::Layout;
use tessera_formats::notes::Annotations;
use tessera_formats::png_out::chunk;
use tessera_formats::tiff::tile_table;
use tessera_formats::{Header, HeaderError, Kind, Progress, Ranges, parse};

/// What a parser may make a caller fetch: 8 MiB of header, and the table of the tiles that are looked at.
const MOST: u64 = 80 << 20;

/// The most tiles that are looked up.
const TILES: u64 = 10_000;

/// Tests a TIFF of these bytes, whose first byte says how much longer than they are the file claims to be.
pub fn tiff(data: &[u8]) {
    let magics = [&b"II*\0"[..], b"MM\0*", b"II\x2b\0\x08\0\0\0", b"MM\0\x2b\0\x08\0\0"];
    claimed(data, |kind, rest| [magics[usize::from(kind) % 4], rest].concat());
}

/// Tests a PNG: its IHDR's checksum is made right.
pub fn png(data: &[u8]) {
    claimed(data, |_, rest| {
        let (header, rest) = rest.split_at(rest.len().min(13));
        let mut image = header.to_vec();
        image.resize(13, 0);
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &image), rest].concat()
    });
}

/// Tests a JPEG.
pub fn jpeg(data: &[u8]) {
    claimed(data, |_, rest| [&b"\xff\xd8"[..], rest].concat());
}

/// Tests a WebP.
pub fn webp(data: &[u8]) {
    claimed(data, |_, rest| [&b"RIFF\0\0\0\0WEBP"[..], rest].concat());
}

/// Tests an EXIF block, in a PNG and in a JPEG, which must understand it alike.
pub fn exif(data: &[u8]) {
    let data = &data[..data.len().min(60_000)];
    let image = [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0];
    let png =
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &image), &chunk(b"eXIf", data), &chunk(b"IDAT", b"")];
    let segment = [&b"Exif\0\0"[..], data].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    let frame = b"\xff\xc0\0\x11\x08\0\x02\0\x03\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
    let scan = b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0";
    let jpeg = [&b"\xff\xd8\xff\xe1"[..], &length, &segment, frame, scan].concat();
    let turned = [png.concat(), jpeg].map(|file| {
        let header = all(&file, file.len() as u64).expect("an EXIF block never makes a file unreadable");
        (header.orientation, header.extent.size)
    });
    assert_eq!(turned[0], turned[1]);
}

/// Tests a colour profile: its zlib stream in a PNG, and itself in a TIFF.
pub fn icc(data: &[u8]) {
    let image = [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0];
    let parts =
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &image), &chunk(b"iCCP", data), &chunk(b"IDAT", b"")];
    let png = parts.concat();
    let tiff = file(false, &[(34675, BYTE, data.to_vec())]);
    for bytes in [png, tiff] {
        let Ok(header) = all(&bytes, bytes.len() as u64) else { continue };
        if let Some(profile) = tessera_imaging::profile(&header) {
            assert!(profile.len() <= 4 << 20);
            carry(&header, Some(profile));
        }
    }
}

/// Tests the tags of a georeference, cut out of these bytes.
pub fn geo(data: &[u8]) {
    let Some((&[choice, split, point], rest)) = data.split_first_chunk() else { return };
    let (keys, rest) = rest.split_at(rest.len().min(usize::from(split)));
    let (points, rest) = rest.split_at(rest.len().min(usize::from(point)));
    let (scale, text) = rest.split_at(rest.len().min(128));
    let doubles = if choice & 1 == 0 { DOUBLE } else { RATIONAL };
    let mut fields: Vec<Field> = vec![(33922, doubles, points.to_vec()), (34735, SHORT, keys.to_vec())];
    fields.push((if choice & 2 == 0 { 33550 } else { 34264 }, doubles, scale.to_vec()));
    fields.push((34736, doubles, text.to_vec()));
    fields.push((34737, ASCII, text.to_vec()));
    fields.push((42113, ASCII, text.to_vec()));
    fields.push((274, LONG, u32::from(choice >> 4).to_le_bytes().to_vec()));
    let bytes = file(choice & 4 != 0, &fields);
    if let Ok(header) = all(&bytes, bytes.len() as u64) {
        carry(&header, None);
    }
}

/// Tests the XML of an OME-TIFF.
pub fn ome(data: &[u8]) {
    let xml = [&b"<OME "[..], data].concat();
    let bytes = file(false, &[(270, ASCII, xml)]);
    let _ = all(&bytes, bytes.len() as u64);
}

/// Parses the file that `make` makes of a first byte and the rest, of a length that the second byte claims.
fn claimed(data: &[u8], make: impl Fn(u8, &[u8]) -> Vec<u8>) {
    let Some((&[kind, more], rest)) = data.split_first_chunk() else { return };
    let bytes = make(kind, rest);
    let more = if more < 128 { 0 } else { 1 << (more % 42) };
    if let Ok(header) = all(&bytes, bytes.len() as u64 + more) {
        carry(&header, tessera_imaging::profile(&header));
    }
}

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
        let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(bytes.len());
        let mut part = bytes.get(range.start as usize..end).unwrap_or_default().to_vec();
        part.resize((range.end - range.start) as usize, 0);
        have.insert(range.start, part);
        assert_eq!(have.bytes_held(), held + range.end - range.start, "bytes are asked for once");
        assert!(have.bytes_held() <= MOST);
    }
}

/// The header, and where the tiles lie; both are used as the planner and the worker do.
fn all(bytes: &[u8], total: u64) -> Result<Header, HeaderError> {
    let header = drive(bytes, total, |have| parse(have, total));
    let header = header.inspect_err(|error| assert!(error.to_string().len() > 20))?;
    let size = header.extent.size;
    assert!(size.pixels() > 0 && header.decode_cost() > 0.0);
    assert!(matches!(header.kind, Kind::Tiff(_)) || header.decode_memory() >= size.pixels());
    if let Kind::Tiff(tiff) = &header.kind {
        let corner = Rect::new(size.width - 1, size.height - 1, 1, 1);
        assert_eq!(header.tiles_for(corner).len(), 1);
        let tiles = 0..tiff.tiles().min(TILES);
        let table = drive(bytes, total, |have| tile_table(have, total, tiff, tiles.clone()))?;
        let planes = table.planes_of(tiles.end - 1).expect("the last tile that was asked for");
        assert!(planes.len() == tiff.planes() && planes.iter().all(|range| range.end <= total));
        assert_eq!(table.planes_of(tiles.end), None);
    }
    Ok(header)
}

/// Writes a file that carries what a header says, once for each format, and reads it again.
fn carry(header: &Header, profile: Option<Vec<u8>>) {
    let mut extent = header.extent;
    extent.size.width = extent.size.width.min(40);
    extent.size.height = extent.size.height.min(30);
    let icc = profile.filter(|profile| suits(profile, extent.pixel.channels));
    let placements =
        [Placement::SAME, Placement::part(9, 7), Placement::scaled(header.extent.size, extent.size)];
    for placement in placements {
        let notes = header.notes.carried(&placement, placement == Placement::SAME);
        let annotations = Annotations { icc: icc.clone(), notes: notes.clone() };
        let tiff = OutputFormat::Tiff { tile: 256, compression: TiffCompression::Deflate };
        let cog = OutputFormat::Cog { tile: 256, compression: TiffCompression::Deflate };
        for format in [tiff, cog, OutputFormat::Png] {
            let layout = Layout::new(extent, format, annotations.clone());
            let part = tessera_formats::layout::Part { size: 9, adler: 1, filtered: 0 };
            // Of zeros a PNG has three empty chunks.
            let file = [layout.head(&[part]), vec![0; 36], layout.tail(&[part])].concat();
            let again = all(&file, file.len() as u64).expect("what is written can be read");
            assert_eq!(again.extent, extent);
            assert_eq!(again.icc.is_some(), icc.is_some());
        }
    }
}
