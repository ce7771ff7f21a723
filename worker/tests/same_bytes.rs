//! The bytes of a file do not depend on how it was made: whole, in any number of shards, in any columns and rows.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{COG, DEFLATE, EDGES, GRAY, JPEG, Job, NONE, PNG, RGB, World, expected, file, picture};
use tessera_core::output::{OutputFormat, TiffCompression, WebPCoding};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::{Access, Spread};
use tessera_core::record::{TreeDigest, sha256};

const SPREADS: [Spread; 4] = [Spread::Whole, Spread::Shards(1), Spread::Shards(2), Spread::Shards(9)];

/// Runs the job in every spread and several columns, and compares with the picture computed in one go.
async fn check(source: &[u8], chain: &str, format: OutputFormat) {
    let wanted = expected(source, &Job::new(chain, format, Spread::Whole));
    let mut digests = Vec::new();
    let steps = [(4096, None), (256, Some(64)), (100, Some(17)), (512, None)];
    for (spread, (column, rows)) in SPREADS.into_iter().zip(steps) {
        let world = World::new(source).await;
        let mut plan = world.plan(&Job::new(chain, format, spread)).await;
        (plan.column, plan.rows) = (column, rows);
        let published = world.run(&plan).await.unwrap();
        let output = world.output().await;
        assert!(output == wanted, "{format:?} {spread:?} column {column}: other bytes");
        assert_eq!(published.size, output.len() as u64);
        assert_eq!(published.crc64, format!("{:016x}", crc_fast::crc64_nvme(&output)));
        assert!(world.store.open_uploads().is_empty());
        digests.push(published.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tiled_tiff_of_several_blocks() {
    let source = file(&picture(2500, 2300, RGB), DEFLATE);
    for format in [NONE, DEFLATE, PNG] {
        check(&source, EDGES, format).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cog_with_overviews_of_blocks_and_of_assembly() {
    let source = file(&picture(5300, 4100, GRAY), DEFLATE);
    check(&source, EDGES, COG).await;
    let jpeg = OutputFormat::Cog { tile: 256, compression: TiffCompression::Jpeg { quality: 80 } };
    check(&source, "[]", jpeg).await;
    let plain = OutputFormat::Cog { tile: 256, compression: TiffCompression::None };
    check(&source, r#"[{"sepia":{}}]"#, plain).await;
    let wide = PixelType::new(Channels::Rgba, Depth::U16);
    let source = file(&picture(2600, 1700, wide), NONE);
    check(&source, r#"[{"gaussianBlur":{"sigma":3}}]"#, plain).await;
    for (width, height) in [(1, 1), (256, 256), (17_000, 3), (3, 17_000)] {
        check(&file(&picture(width, height, RGB), NONE), EDGES, COG).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_png_and_a_jpeg() {
    let picture = picture(700, 900, RGB);
    for source in [file(&picture, PNG), file(&picture, JPEG)] {
        for format in [DEFLATE, PNG, JPEG] {
            check(&source, EDGES, format).await;
        }
        check(&source, "[]", JPEG).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webp_whatever_shards_are_asked_for() {
    let source = file(&picture(700, 900, RGB), DEFLATE);
    for coding in [WebPCoding::Lossless, WebPCoding::Lossy { quality: 80 }] {
        check(&source, EDGES, OutputFormat::WebP { coding }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jpeg_of_several_bands() {
    let source = file(&picture(4000, 3100, RGB), DEFLATE);
    check(&source, r#"[{"gaussianBlur":{"sigma":1.5}}]"#, JPEG).await;
    check(&source, EDGES, JPEG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_copied_first() {
    let wide = PixelType::new(Channels::Rgba, Depth::U16);
    // Several rows of the copy's tiles, the last one lower.
    for (picture, format) in
        [(picture(1300, 1700, wide), PNG), (picture(2000, 1100, GRAY), PNG), (picture(2000, 1300, RGB), JPEG)]
    {
        let source = file(&picture, format);
        let world = World::new(&source).await;
        let plan = world.plan(&Job::new("[]", DEFLATE, Spread::Shards(2))).await;
        assert!(plan.copy.is_some_and(|copy| copy.pieces() > 1), "it is copied");
        assert!(matches!(plan.source.access, Access::Tiles { .. }));
        for chain in
            [r#"[{"gaussianBlur":{"sigma":3}}]"#, r#"[{"rotate":{"degrees":90}},{"resize":{"scale":0.6}}]"#]
        {
            check(&source, chain, DEFLATE).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_streamed() {
    // Blocks of 2048 pixels, two beside each other, and bands of 512 rows.
    let small = |compression| OutputFormat::Tiff { tile: 256, compression };
    let chains = [
        r#"[{"gaussianBlur":{"sigma":3}}]"#,
        r#"[{"gaussianBlur":{"sigma":3}}]"#,
        r#"[{"flip":{"axis":"vertical"}},{"grayscale":{}}]"#,
        r#"[{"crop":{"x":100,"y":2600,"width":2050,"height":300}},{"rotate":{"degrees":90}}]"#,
        r#"[{"resize":{"scale":0.3}},{"gaussianBlur":{"sigma":9}}]"#,
    ];
    for format in [PNG, JPEG] {
        let source = file(&picture(2200, 4300, RGB), format);
        let world = World::new(&source).await;
        for (chain, format) in chains.iter().zip([small(TiffCompression::None), COG, COG, PNG, JPEG]) {
            let job = Job::new(chain, format, Spread::Whole);
            let plan = world.plan(&job).await;
            assert_eq!(plan.source.access, Access::Rows { rows: 512 });
            let wanted = expected(&source, &job);
            for (column, rows) in [(plan.column, plan.rows), (300, Some(64))] {
                let plan = tessera_core::plan::Plan { column, rows, ..plan.clone() };
                world.run(&plan).await.unwrap();
                assert!(world.output().await == wanted, "{chain} column {column}: other bytes");
                world.forget().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_bits_and_alpha() {
    let pixel = PixelType::new(Channels::Rgba, Depth::U16);
    let source = file(&picture(1100, 600, pixel), NONE);
    let chain = r#"[{"gaussianBlur":{"sigma":3}},{"invert":{}},{"brightnessContrast":{"contrast":1.5}}]"#;
    for format in [NONE, DEFLATE, PNG] {
        check(&source, chain, format).await;
        check(&source, "[]", format).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_turned_cut_and_resized() {
    let source = file(&picture(1500, 1300, RGB), DEFLATE);
    let smaller = r#"[{"rotate":{"degrees":90}},{"resize":{"scale":0.43}},{"gaussianBlur":{"sigma":2,"linear":true}},
        {"crop":{"x":31,"y":7,"width":500,"height":601}},{"flip":{"axis":"horizontal"}}]"#;
    let larger = r#"[{"crop":{"x":700,"y":900,"width":400,"height":300}},{"resize":{"width":1100,"filter":"bicubic"}}]"#;
    for chain in [smaller, larger, r#"[{"resize":{"width":20,"height":9}}]"#] {
        for format in [DEFLATE, PNG, JPEG] {
            check(&source, chain, format).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_of_one_row_or_one_column() {
    for (width, height) in [(1, 1), (1, 3000), (3000, 1), (257, 5)] {
        for source in [DEFLATE, PNG, JPEG] {
            let source = file(&picture(width, height, RGB), source);
            for format in [NONE, DEFLATE, PNG, JPEG] {
                check(&source, EDGES, format).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_of_other_programs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../imaging/tests/data/kinds");
    for name in
        ["planar-tiles-zstd-be16.tif", "planar.tif", "bits-1-white.tif", "pillow-palette.tif", "lossy.webp"]
    {
        let source = std::fs::read(format!("{folder}/{name}")).unwrap();
        check(&source, EDGES, DEFLATE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pngs_and_jpegs_of_other_programs_copied_first_or_read_as_a_whole() {
    // Turned, interlaced, progressive; with palettes and inks.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../imaging/tests/data");
    let mut seen = 0;
    for folder in [folder.to_owned(), format!("{folder}/kinds")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "png" || ending == "jpg") {
                check(&std::fs::read(path).unwrap(), "[]", NONE).await;
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_many_parts() {
    // 40 MB without compression: several parts in one upload, and pieces that are copied.
    let source = file(&picture(5200, 2600, RGB), NONE);
    check(&source, "[]", NONE).await;
    check(&source, r#"[{"invert":{}}]"#, PNG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_digest_is_that_of_head_tiles_and_tail() {
    let source = file(&picture(300, 200, RGB), PNG);
    let world = World::new(&source).await;
    let webp = OutputFormat::WebP { coding: WebPCoding::Lossless };
    let published = world.run(&world.plan(&Job::new("[]", webp, Spread::Whole)).await).await.unwrap();
    let mut digest = TreeDigest::new(&[]);
    digest.tile(&sha256(&world.output().await));
    assert_eq!(published.digest, digest.finish(&[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_carried_where_it_fits() {
    let mut profile = vec![0; 200];
    profile[16..20].copy_from_slice(b"RGB ");
    profile[36..40].copy_from_slice(b"acsp");
    for source_format in [DEFLATE, PNG, JPEG] {
        let source =
            tessera_imaging::write_whole(&picture(300, 200, RGB), source_format, Some(&profile)).unwrap();
        for (chain, carried) in [("[]", true), (EDGES, false)] {
            for (format, spread) in
                [(DEFLATE, Spread::Shards(2)), (PNG, Spread::Whole), (JPEG, Spread::Whole)]
            {
                let world = World::new(&source).await;
                let plan = world.plan(&Job::new(chain, format, spread)).await;
                world.run(&plan).await.unwrap();
                let (header, _) = tessera_imaging::decode_file(&world.output().await).unwrap();
                let found = tessera_imaging::profile(&header);
                assert_eq!(
                    found.as_deref(),
                    carried.then_some(&profile[..]),
                    "{source_format:?} {format:?} {chain}"
                );
            }
        }
    }
}
