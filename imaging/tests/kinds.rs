//! Every kind of source that is read, as other programs write it (data/make.py), gives the pixels that those programs
//! read from it: data/kinds/expected.txt names file, size, bands, bits, digest of the samples, and reader.

// The helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use sha2::{Digest, Sha256};
use tessera_formats::Header;
use tessera_imaging::decode_file;
use tessera_operations::region::{Region, Samples};

fn path(name: &str) -> String {
    format!("{}/tests/data/kinds/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A file; `name:at:tag` is the file with its orientation, the byte `at`, set to `tag`.
fn read(name: &str) -> Vec<u8> {
    let mut parts = name.split(':');
    let mut bytes = std::fs::read(path(parts.next().unwrap())).unwrap();
    if let Some(at) = parts.next() {
        bytes[at.parse::<usize>().unwrap()] = parts.next().unwrap().parse().unwrap();
    }
    bytes
}

/// What expected.txt says of a file, without the reader's name.
fn seen(header: &Header, region: &Region) -> String {
    let bytes = match &region.samples {
        Samples::U8(samples) => samples.clone(),
        Samples::U16(samples) => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
    };
    let digest: String = Sha256::digest(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let (size, pixel) = (region.rect.size(), region.pixel());
    assert_eq!((header.extent.size, header.extent.pixel), (size, pixel), "the header says what is decoded");
    format!("{} {} {} {} {digest}", size.width, size.height, pixel.channels.count(), pixel.depth.bits())
}

#[test]
fn every_kind_gives_the_pixels_that_other_programs_read() {
    let expected = std::fs::read_to_string(path("expected.txt")).unwrap();
    let wrong: Vec<String> = expected.lines().filter_map(difference).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), expected.lines().count(), wrong.join("\n"));
}

/// Where a line of expected.txt does not hold.
fn difference(line: &str) -> Option<String> {
    let (name, facts) = line.split_once(' ').unwrap();
    let (facts, reader) = facts.rsplit_once(' ').unwrap();
    let seen = decode_file(&read(name)).map_or_else(
        |error| format!("{error}: {:?}", std::error::Error::source(&error)),
        |(header, region)| seen(&header, &region),
    );
    (seen != facts).then(|| format!("{name}: {seen}, and {reader} reads {facts}"))
}
