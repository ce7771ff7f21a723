//! Files that mean harm or are damaged, through all of `tessera run`: one line that says what to do, the exit code that
//! ARCHITECTURE.md lists, no output, and no more memory than the plan states.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tessera_core::geometry::{Rect, Size};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_formats::png_out::chunk;
use tessera_operations::{Region, Samples};

/// Memory of a worker, in MiB; and what a job may take that is refused before there is a plan.
const MEMORY: u64 = 256;
const REFUSED: u64 = 96;

/// What became of a job: its exit code, what it said, and its peak memory in MiB.
struct Ended {
    code: i32,
    said: String,
    peak: u64,
}

/// Runs the command and looks at its memory until it ends.
fn tessera(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) >> 10);
        std::thread::yield_now();
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), said, peak }
}

/// The memory that the plan states in MiB; none where there is no plan.
fn planned(folder: &Path) -> Option<u64> {
    let plan = tessera(folder, &["plan", "job.yaml", "-o", "json", "--memory", &MEMORY.to_string()]);
    let plan: serde_json::Value = serde_json::from_str(&plan.said).ok()?;
    Some(plan["memory"].as_u64().unwrap() >> 20)
}

/// Converts the file `source`, called `name`.
fn run(name: &str, source: &[u8]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), source).unwrap();
    let job = format!(
        "{{apiVersion: tessera.dev/v1alpha1, kind: ImageJob, metadata: {{name: a}}, spec: {{source: {{uri: {name}}}, \
         operations: [{{gaussianBlur: {{sigma: 2}}}}], output: {{uri: out.tif}}}}}}"
    );
    std::fs::write(folder.path().join("job.yaml"), job).unwrap();
    let ended = tessera(folder.path(), &["run", "job.yaml", "--memory", &MEMORY.to_string()]);
    let most = planned(folder.path()).unwrap_or(REFUSED);
    assert!(ended.peak <= most, "{} MiB, and {most} planned: {}", ended.peak, ended.said);
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    let expected = if ended.code == 0 { 3 } else { 2 };
    assert_eq!(left.len(), expected, "{left:?} after: {}", ended.said);
    ended
}

/// It ends with one of the codes, and says `words` in one line that has advice.
fn refused(name: &str, source: &[u8], codes: &[i32], words: &str) {
    let Ended { code, said, .. } = run(name, source);
    assert!(codes.contains(&code), "{name}: {code}: {said}");
    assert!(
        said.lines().count() == 1 && said.starts_with("error: ") && said.contains(words),
        "{name}: {said}"
    );
    assert!(!said.contains("panic"), "{name}: {said}");
    let advice = ["check", "convert", "write", "upload", "raise", "keep", "develop"];
    assert!(advice.iter().any(|word| said.contains(word)), "{name}: no advice in: {said}");
}

fn accepted(name: &str, source: &[u8]) {
    let Ended { code, said, .. } = run(name, source);
    assert_eq!(code, 0, "{name}: {said}");
}

fn picture() -> Region {
    let samples =
        (0..300 * 200 * 3u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Region { rect: Rect::new(0, 0, 300, 200), channels: Channels::Rgb, samples: Samples::U8(samples) }
}

fn file(format: OutputFormat) -> Vec<u8> {
    tessera_imaging::write_whole(&picture(), format, None).unwrap()
}

fn tiff_of(compression: TiffCompression) -> Vec<u8> {
    file(OutputFormat::Tiff { tile: 256, compression })
}

/// The bytes of a field of the first directory of a little-endian TIFF: its type, count and value.
fn field(tiff: &[u8], tag: u16) -> usize {
    let count = usize::from(u16::from_le_bytes([tiff[8], tiff[9]]));
    let start = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize;
    assert_eq!(start, 8);
    let at = (0..count).map(|index| 10 + 12 * index).find(|at| tiff[*at..at + 2] == tag.to_le_bytes());
    at.unwrap() + 2
}

/// A gray TIFF of one strip of `size` with `data`, compressed as `compression` says.
fn strip(size: Size, compression: u32, data: &[u8]) -> Vec<u8> {
    let length = data.len() as u32;
    let fields: [(u16, u32); 9] = [
        (256, size.width),
        (257, size.height),
        (258, 8),
        (259, compression),
        (262, 1),
        (273, 122),
        (277, 1),
        (278, size.height),
        (279, length),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, value) in fields {
        bytes.extend([tag.to_le_bytes(), 4u16.to_le_bytes()].concat());
        bytes.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    // The next directory is the first again.
    bytes.extend(8u32.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// Zeros that deflate to a thousandth.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    (0..mebibytes).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
    encoder.finish().unwrap()
}

/// Zeros as TIFF's LZW: every code is the string of the one before and a zero more, 7 MiB in each table.
fn lzw_bomb(tables: usize) -> Vec<u8> {
    let codes = (0..tables).flat_map(|_| [256u32, 0].into_iter().chain(258..4093)).chain([257]);
    let (mut bytes, mut bits, mut held, mut entries) = (Vec::new(), 0u64, 0, 258);
    for code in codes {
        // A code is as wide as the table needs with one entry more.
        let width = 32 - u32::leading_zeros(entries).min(23);
        entries = if code == 256 { 258 } else { (entries + 1).min(4094) };
        (bits, held) = ((bits << width) | u64::from(code), held + width);
        while held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes.push((bits << (8 - held)) as u8);
    bytes
}

fn png(width: u32, height: u32, kind: [u8; 5], chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunks.concat(), &chunk(b"IEND", b"")].concat()
}

#[test]
fn what_is_cut_short_says_so() {
    let formats = [
        ("a.png", file(OutputFormat::Png)),
        ("a.jpg", file(OutputFormat::Jpeg { quality: 90 })),
        ("none.tif", tiff_of(TiffCompression::None)),
        ("deflate.tif", tiff_of(TiffCompression::Deflate)),
        ("zstd.tif", tiff_of(TiffCompression::Zstd)),
        ("lzw.tif", tiff_of(TiffCompression::Lzw)),
    ];
    for (name, whole) in formats {
        accepted(name, &whole);
        for length in [0, 7, 60, whole.len() / 2, whole.len() - 40] {
            refused(name, &whole[..length], &[10], "");
        }
    }
}

#[test]
fn flipped_bits_end_with_an_error_or_a_picture() {
    let formats = [
        ("a.png", file(OutputFormat::Png)),
        ("a.jpg", file(OutputFormat::Jpeg { quality: 90 })),
        ("deflate.tif", tiff_of(TiffCompression::Deflate)),
        ("lzw.tif", tiff_of(TiffCompression::Lzw)),
    ];
    for (name, whole) in formats {
        let header = (0..240).step_by(7);
        let data = (240..whole.len()).step_by(whole.len() / 9);
        for at in header.chain(data) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let Ended { code, said, .. } = run(name, &flipped);
            assert!([0, 10, 11].contains(&code), "{name}, byte {at}: {code}: {said}");
            assert!(code == 0 || said.starts_with("error: "), "{name}, byte {at}: {said}");
            // Deflate and PNG have checksums.
            let covered = at > 400 && matches!(name, "a.png" | "deflate.tif");
            assert!(!covered || code == 10, "{name}, byte {at}: {code}");
        }
    }
}

#[test]
fn headers_that_claim_too_much_are_refused_before_anything_is_allocated() {
    let large = png(60_000, 60_000, [1, 0, 0, 0, 0], &[chunk(b"IDAT", &bomb(64))]);
    refused("large.png", &large, &[10, 11], "");
    let mut claims = tiff_of(TiffCompression::None);
    claims.truncate(4096);
    for (tag, value) in [(256, 65_536u32), (257, 32_768)] {
        let at = field(&claims, tag) + 6;
        claims[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    refused("claims.tif", &claims, &[10], "does not list 32768 tiles");
    let mut samples = tiff_of(TiffCompression::None);
    let at = field(&samples, 277) + 6;
    samples[at..at + 4].copy_from_slice(&65_529u32.to_le_bytes());
    refused("samples.tif", &samples, &[10], "65529 samples");
    let mut zero = tiff_of(TiffCompression::None);
    let at = field(&zero, 256) + 6;
    zero[at..at + 4].fill(0);
    refused("zero.tif", &zero, &[10], "0 x 200");
    let strip = strip(Size::new(60_000, 60_000), 8, &bomb(64));
    refused("strip.tif", &strip, &[10, 11], "");
    let frame = [8, 0xff, 0xdc, 0xff, 0xdc, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
    let scan = [0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0];
    let jpeg = [&[0xff, 0xd8, 0xff, 0xc2, 0, 17][..], &frame, &scan, &[0; 500]].concat();
    refused("large.jpg", &jpeg, &[10, 11], "");
    let sides = (16_382u32 | 16_382 << 14).to_le_bytes();
    let webp = [&b"RIFF\0\x01\0\0WEBPVP8L\0\x01\0\0\x2f"[..], &sides, &[0; 300]].concat();
    refused("large.webp", &webp, &[10, 11], "");
}

#[test]
fn data_that_becomes_more_than_its_pixels_is_damage() {
    let size = Size::new(100, 100);
    refused("deflate.tif", &strip(size, 8, &bomb(96)), &[10], "");
    let block = [2, 0, 16, 0];
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x58][..], &block.repeat(4000), &[3, 0, 16, 0]].concat();
    refused("zstd.tif", &strip(size, 50_000, &frame), &[10], "does not end with its pixels");
    // What stands behind the pixels of a PNG's stream is damage too, or is left alone.
    let long = png(100, 100, [8, 0, 0, 0, 0], &[chunk(b"IDAT", &bomb(96))]);
    assert!([0, 10].contains(&run("long.png", &long).code));
    // Behind the pixels of LZW and PackBits it is left alone: files of old writers mark no end.
    accepted("lzw.tif", &strip(size, 5, &lzw_bomb(13)));
    let runs = [0x81u8, 7].repeat(100_000);
    accepted("packbits.tif", &strip(size, 32_773, &runs));
}

#[test]
fn metadata_that_becomes_large_is_left_out() {
    let pixels = chunk(b"IDAT", &{
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&[0; 40 * 41]).unwrap();
        encoder.finish().unwrap()
    });
    let of = |name: &[u8; 4], text: &[u8]| chunk(name, &[text, &bomb(96)].concat());
    for extra in [of(b"iCCP", b"x\0\0"), of(b"zTXt", b"x\0\0"), of(b"iTXt", b"x\0\x01\0\0\0")] {
        accepted("text.png", &png(40, 40, [8, 0, 0, 0, 0], &[extra, pixels.clone()]));
    }
    let profile = chunk(b"iCCP", &[&b"x\0\0"[..], &vec![7; 5 << 20]].concat());
    refused("profile.png", &png(40, 40, [8, 0, 0, 0, 0], &[profile, pixels]), &[10], "colour profile");
}

#[test]
fn tiles_that_are_not_what_the_header_says_are_damage() {
    let mut gray = picture();
    gray.channels = Channels::Gray;
    gray.rect = Rect::new(0, 0, 900, 200);
    let jpeg = tessera_imaging::write_whole(&gray, OutputFormat::Jpeg { quality: 90 }, None).unwrap();
    accepted("jpeg.tif", &strip(Size::new(900, 200), 7, &jpeg));
    for size in [Size::new(900, 201), Size::new(901, 200), Size::new(899, 200), Size::new(20_000, 2000)] {
        refused("jpeg.tif", &strip(size, 7, &jpeg), &[10], "the data holds a JPEG of 900 x 200 pixels");
    }
    let mut tile = tiff_of(TiffCompression::Deflate);
    let at = field(&tile, 322) + 6;
    tile[at..at + 4].copy_from_slice(&272u32.to_le_bytes());
    refused("tile.tif", &tile, &[10], "");
    accepted("itself.tif", &strip(Size::new(40, 40), 1, &[9; 1600]));
}

#[test]
fn scans_without_end_are_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../imaging/tests/data/kinds");
    let file = std::fs::read(format!("{folder}/progressive.jpg")).unwrap();
    let scan = file.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let scans = file[scan..file.len() - 2].repeat(600);
    refused("scans.jpg", &[&file[..scan], &scans, &[0xff, 0xd9]].concat(), &[10], "scans");
}

#[test]
fn the_first_bytes_decide_what_a_file_is() {
    accepted("picture.jpg", &file(OutputFormat::Png));
    // A PNG that is also the start of an archive, and a TIFF with a script behind it.
    accepted("both.png", &[file(OutputFormat::Png), b"PK\x03\x04".repeat(500)].concat());
    accepted("both.tif", &[tiff_of(TiffCompression::Deflate), b"#!/bin/sh\nrm".to_vec()].concat());
    refused("text.png", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", &[10], "of an unknown format");
    refused("movie.png", b"GIF89a\x01\0\x01\0\0\0\0", &[10], "a GIF");
}

#[test]
fn large_empty_tiles_take_what_the_plan_states() {
    // Three tiles of 61 MiB from a few hundred bytes.
    let sparse = |pixel: PixelType| {
        let file = tessera_formats::tiff_out::TiffFile::new(
            tessera_core::operation::Extent { size: Size::new(20_000, 8000), pixel },
            1024,
            TiffCompression::Deflate,
            tessera_formats::notes::Annotations::default(),
        );
        let mut bytes = file.header(&vec![0; 20 * 8]);
        for tag in [322, 323] {
            let at = field(&bytes, tag) + 6;
            bytes[at..at + 4].copy_from_slice(&8000u32.to_le_bytes());
        }
        bytes
    };
    let Ended { code, said, peak } = run("sparse.tif", &sparse(PixelType::new(Channels::Gray, Depth::U8)));
    assert!([0, 11].contains(&code), "{code}: {said}");
    println!("{code}, {peak} MiB: {said}");
}
