//! What cannot be a source is refused from its header, by name and with what to do, for a few KiB of the file.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Extent, Planned, Refusal};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::plan::{IfExists, Limits, PlanRefusal, Request, Spread, Stage, plan};
use tessera_formats::png_out::chunk;
use tessera_probe::{ProbeError, ProbeKind, Probed, probe};
use tessera_store::{Call, Location, MemoryStore, PutOptions, Store};

/// Probes a file that has `more` zeros behind `start`.
async fn probed(start: &[u8], more: usize) -> Result<Probed, ProbeError> {
    let at: Location = "s3://images/source".parse().unwrap();
    let store = MemoryStore::new(&["images"]);
    let file = [start, &vec![0; more]].concat();
    store.put(&at, file.into(), &PutOptions::default()).await.unwrap();
    let result = probe(&store, &at).await;
    let read = store.tallies().get(&Call::GetRange).map_or(0, |tally| tally.bytes);
    assert!(read <= 96 << 10, "{read} bytes were read");
    result
}

async fn refused(start: &[u8], words: &str) {
    let error = probed(start, 300_000).await.unwrap_err();
    assert_eq!(error.kind(), ProbeKind::Unsupported, "{error}");
    assert!(!error.retry());
    assert!(error.to_string().contains(words), "{error}");
    let advice = ["convert", "write", "develop", "keep"];
    assert!(advice.iter().any(|word| error.to_string().contains(word)), "{error}");
}

/// A TIFF of 8-bit RGB, 1000 x 1000, in one strip, with `others` in place of or beside its fields, and a description.
fn tiff(others: &[(u16, u32)], description: &str) -> Vec<u8> {
    let plain = [(256, 1000), (257, 1000), (258, 8), (259, 8), (262, 2), (273, 400), (277, 3), (279, 90_000)];
    let kept = plain.into_iter().filter(|(tag, _)| others.iter().all(|(other, _)| tag != other));
    let mut fields: Vec<_> =
        kept.chain(others.iter().copied()).map(|(tag, value)| (tag, 4u16, 1, value)).collect();
    let behind = 8 + 2 + 12 * (fields.len() as u32 + 1) + 4;
    fields.push((270, 2, description.len() as u32, behind));
    fields.sort_unstable();
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes.extend(description.as_bytes());
    bytes
}

#[tokio::test]
async fn kinds_of_tiff_that_are_not_read() {
    let plain = "written for a test";
    probed(&tiff(&[], plain), 300_000).await.unwrap();
    let fields: [(&[(u16, u32)], &str); 10] = [
        (&[(259, 6)], "old-style JPEG"),
        (&[(259, 33003)], "Aperio's JPEG 2000"),
        (&[(259, 34712)], "JPEG 2000"),
        (&[(259, 34887)], "LERC"),
        (&[(339, 3), (258, 32)], "32-bit floating point"),
        (&[(339, 2)], "8-bit signed"),
        (&[(277, 5)], "5 samples per pixel"),
        (&[(262, 5), (277, 4)], "CMYK"),
        (&[(254, 1), (330, 8)], "SubIFDs behind a preview"),
        (&[(257, 100_000)], "strips of 1000 x 100000 pixels"),
    ];
    for (fields, words) in fields {
        refused(&tiff(fields, plain), words).await;
    }
}

#[tokio::test]
async fn an_ome_tiff_of_several_planes_is_refused_and_one_of_a_single_plane_is_not() {
    let xml = |c: u32, z: u32| {
        format!(
            "<?xml version=\"1.0\"?><OME xmlns=\"x\"><Image><Pixels SizeC=\"{c}\" SizeT=\"1\" SizeZ=\"{z}\"/></Image></OME>"
        )
    };
    probed(&tiff(&[(330, 8)], &xml(3, 1)), 300_000).await.unwrap();
    refused(&tiff(&[], &xml(3, 7)), "OME-TIFF with 7 planes").await;
    refused(&tiff(&[(262, 1), (277, 1)], &xml(4, 1)), "OME-TIFF with 4 planes").await;
    refused(&tiff(&[], "<OME xmlns=\"x\"><Image/></OME>"), "does not say how many planes").await;
}

#[tokio::test]
async fn other_formats() {
    refused(b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF").await;
    refused(b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIF").await;
    refused(b"\0\0\0\x18ftypisom\0\0\0\0", "a video").await;
    refused(&[&[0; 128][..], b"DICM\x02\0"].concat(), "a DICOM file").await;
    refused(b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file").await;
    refused(b"\xff\x4f\xff\x51\0\x2f\0\0", "a JPEG 2000 file").await;
    refused(b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file").await;
    refused(b"GIF89a\x01\0\x01\0", "a GIF").await;
    refused(b"RIFF\0\0\0\0WAVEfmt ", "a RIFF file, but no WebP").await;
    let animated = b"RIFF\0\x01\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x63\0\0\x63\0\0";
    refused(animated, "an animated WebP").await;
}

/// A step that no chain here has.
#[derive(Debug, Clone, PartialEq)]
enum Nothing {}

impl Planned for Nothing {
    fn name(&self) -> &'static str {
        match *self {}
    }
    fn output(&self, _: Extent) -> Result<Extent, Refusal> {
        match *self {}
    }
    fn reads(&self, _: Rect, _: Size) -> Rect {
        match *self {}
    }
    fn cost(&self, _: Extent) -> f64 {
        match *self {}
    }
}

/// The header of a JPEG in several scans.
fn progressive(width: u16, height: u16) -> Vec<u8> {
    let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
    let frame = [8, height[0], height[1], width[0], width[1], 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
    [&[0xff, 0xd8, 0xff, 0xc2, 0, 17][..], &frame, &[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]]
        .concat()
}

/// The start of a lossless WebP of 16383 x 16383 pixels.
fn large_webp() -> Vec<u8> {
    let sides = (16_382u32 | 16_382 << 14).to_le_bytes();
    [&b"RIFF\0\x01\0\0WEBPVP8L\0\x01\0\0\x2f"[..], &sides].concat()
}

/// The start of a PNG of 60,000 x 60,000 pixels of 1 bit.
fn large_png(interlaced: bool) -> Vec<u8> {
    let more = [1, 0, 0, 0, u8::from(interlaced)];
    let header = [&60_000u32.to_be_bytes()[..], &60_000u32.to_be_bytes(), &more].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &[0; 9])].concat()
}

/// Memory in MiB of the plan of a conversion in workers of 512 MiB, and whether the source is copied first.
async fn planned(start: &[u8]) -> Result<(u64, bool), PlanRefusal> {
    let probed = probed(start, 1000).await.unwrap();
    let request = Request::<Nothing> {
        job: "uid".into(),
        source_uri: "s3://images/source".into(),
        page: 0,
        source_etag: probed.info.etag,
        image: probed.image,
        operations: Vec::new(),
        output_uri: "s3://images/output".into(),
        format: OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate },
        if_exists: IfExists::Fail,
        scratch: "s3://images/.tessera/".into(),
        limits: Limits { pixels: 100_000_000_000, operations: 32, memory: 512 << 20 },
        spread: Spread::Auto,
    };
    let planned = plan(request)?;
    assert_eq!(planned.copy.is_some(), planned.stages().contains(&Stage::Split));
    Ok((planned.memory >> 20, planned.copy.is_some()))
}

#[tokio::test]
async fn what_can_only_be_read_as_a_whole_must_fit_in_a_worker() {
    assert!(planned(&progressive(4000, 3000)).await.unwrap().0 < 250);
    for (start, name) in [
        (progressive(10_000, 8000), "a progressive JPEG"),
        (large_webp(), "a WebP"),
        (large_png(true), "an interlaced PNG"),
    ] {
        let refusal = planned(&start).await.unwrap_err();
        let PlanRefusal::TooLarge(text) = refusal else { panic!("{refusal:?}") };
        assert!(text.contains("convert the source to a tiled TIFF"), "{text}");
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn what_can_be_read_row_by_row_is_copied_if_it_does_not_fit() {
    let (memory, copied) = planned(&large_png(false)).await.unwrap();
    assert!(copied && memory < 256, "{memory}");
}
