//! A tile that calls itself exact has the pixels of the job's result, and what cannot be exact says so.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{COG, DEFLATE, EDGES, GRAY, MIB, NONE, PNG, RGB, RGBA16, World, at, file, part, picture};
use tessera_core::geometry::Size;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_operations::{Region, Samples};
use tessera_preview::recipe::Quality;
use tessera_preview::view::Level;
use tessera_preview::{Memory, TileRequest};

/// Compares every tile of every exact level with the result that a worker writes; how many levels were exact.
async fn check(source: &[u8], chain: &str) -> usize {
    let world = World::new(source).await;
    let whole = world.run(chain).await;
    let view = world.view(chain).await;
    assert_eq!(Size::new(view.width, view.height), whole.rect.size());
    let exact: Vec<&Level> = view.levels.iter().filter(|level| level.quality == Quality::Exact).collect();
    for level in &exact {
        for (x, y) in tiles(Size::new(level.width, level.height)) {
            let (quality, tile) = world.tile(world.request(chain, level.level, x, y).await).await.unwrap();
            assert_eq!(quality, Quality::Exact);
            assert!(tile == part(&whole, level.level, x, y), "{chain}: level {} at {x}, {y}", level.level);
        }
    }
    exact.len()
}

fn tiles(size: Size) -> Vec<(u32, u32)> {
    let columns = size.width.div_ceil(512);
    (0..size.height.div_ceil(512)).flat_map(|y| (0..columns).map(move |x| (x, y))).collect()
}

const PLACED: &str = r#"[{"rotate":{"degrees":90}},{"resize":{"scale":0.43}},{"gaussianBlur":{"sigma":2}},
    {"crop":{"x":31,"y":7,"width":500,"height":601}},{"flip":{"axis":"horizontal"}}]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exact_tiles_are_those_of_the_result_halved() {
    let tiled = file(&picture(2500, 1301, RGB), DEFLATE);
    assert_eq!(check(&tiled, EDGES).await, 4);
    assert_eq!(check(&tiled, "[]").await, 4);
    assert_eq!(check(&tiled, PLACED).await, 2);
    let larger = r#"[{"crop":{"x":700,"y":900,"width":400,"height":300}},{"resize":{"width":1100,"filter":"bicubic"}}]"#;
    assert_eq!(check(&tiled, larger).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_without_tiles_alpha_and_sixteen_bits_are_no_exception() {
    assert_eq!(check(&file(&picture(1100, 700, RGBA16), PNG), r#"[{"gaussianBlur":{"sigma":3}}]"#).await, 3);
    assert_eq!(check(&file(&picture(1100, 700, RGB), OutputFormat::Jpeg { quality: 80 }), EDGES).await, 3);
    assert_eq!(check(&file(&picture(1030, 520, GRAY), COG), r#"[{"medianBlur":{"radius":2}}]"#).await, 3);
    assert_eq!(check(&file(&picture(3, 5000, RGB), NONE), EDGES).await, 5);
    assert_eq!(check(&file(&picture(1, 1, GRAY), PNG), "[]").await, 1);
}

/// A picture of one colour of any size, in tiles that are all the same bytes.
fn plain(width: u32, height: u32, format: OutputFormat) -> Vec<u8> {
    let rect = Size::new(width, height).rect();
    let samples = Samples::U8(vec![128; rect.pixels() as usize]);
    file(&Region { rect, channels: GRAY.channels, samples }, format)
}

fn qualities(levels: &[Level]) -> Vec<Quality> {
    levels.iter().map(|level| level.quality).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_budget_operations_say_how_they_are_shown() {
    let cog = OutputFormat::Cog { tile: 512, compression: TiffCompression::Deflate };
    let world = World::new(&plain(12_000, 9000, cog)).await;
    let (exact, near, away) = (Quality::Exact, Quality::Approximate, Quality::Original);
    let edges = world.view(r#"[{"gaussianBlur":{"sigma":1.5}},{"sobel":{}}]"#).await;
    assert_eq!(qualities(&edges.levels), [exact, exact, exact, exact, away, away]);
    assert_eq!(edges.message.unwrap(), "Zoom in to preview sobel: zoomed out, the original is shown");
    let blur = world.view(r#"[{"gaussianBlur":{"sigma":1.5}}]"#).await;
    assert_eq!((qualities(&blur.levels)[4], blur.message), (near, None));
    let original = world.view("[]").await;
    assert_eq!(qualities(&original.levels), [exact; 6]);
    // The chain would make it black; the original is gray.
    let sobel = r#"[{"invert":{}},{"rotate":{"degrees":90}},{"sobel":{}}]"#;
    let (quality, tile) = world.tile(world.request(sobel, 4, 1, 1).await).await.unwrap();
    assert_eq!((quality, tile.rect.size()), (away, Size::new(563 - 512, 750 - 512)));
    assert!(tile.samples == Samples::U8(vec![128; tile.rect.pixels() as usize]));
    let (quality, tile) = world.tile(world.request(sobel, 3, 1, 1).await).await.unwrap();
    assert_eq!(quality, exact);
    assert!(tile.samples == Samples::U8(vec![0; tile.rect.pixels() as usize]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_becomes_much_smaller_is_made_of_an_overview() {
    let cog = OutputFormat::Cog { tile: 512, compression: TiffCompression::Deflate };
    let world = World::new(&plain(12_000, 9000, cog)).await;
    let chain = r#"[{"resize":{"width":600}},{"invert":{}}]"#;
    let view = world.view(chain).await;
    assert_eq!((view.width, view.height), (600, 450));
    assert_eq!(qualities(&view.levels), [Quality::Approximate; 2]);
    let (_, tile) = world.tile(world.request(chain, 0, 1, 0).await).await.unwrap();
    assert!(tile.samples == Samples::U8(vec![127; 88 * 450]));
    let request = TileRequest { exact: true, ..world.request(chain, 0, 1, 0).await };
    let (quality, tile) = world.tile(request).await.unwrap();
    assert_eq!(quality, Quality::Exact);
    assert!(tile.samples == Samples::U8(vec![127; 88 * 450]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_image_without_overviews_needs_a_copy_and_a_small_one_does_not() {
    let image = async |width, height, format| {
        let world = World::new(&plain(width, height, format)).await;
        world.engine.image(&at("s3://images/source")).await.unwrap()
    };
    let deflate = OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate };
    assert!(!image(7000, 7000, deflate).await.needs_copy);
    assert!(!image(7000, 7000, PNG).await.needs_copy);
    assert!(image(10_000, 6000, PNG).await.needs_copy);
    // At 1/8 a tile of it still has few enough pixels, but that is not small enough to begin with.
    assert!(image(20_000, 3000, deflate).await.needs_copy);
    let cog = OutputFormat::Cog { tile: 512, compression: TiffCompression::Deflate };
    assert!(!image(10_000, 6000, cog).await.needs_copy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_much_memory_is_not_begun() {
    let memory = Memory::of(8 * MIB);
    let world = World::with(&file(&picture(1500, 1500, RGBA16), NONE), memory).await;
    let blur = r#"[{"gaussianBlur":{"sigma":100}}]"#;
    let request = TileRequest { exact: true, ..world.request(blur, 0, 0, 0).await };
    assert_eq!(world.refused(request).await, (413, "TooLarge"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parameters_are_refused_by_name() {
    let world = World::new(&file(&picture(600, 600, RGB), DEFLATE)).await;
    let request = async |level, x, y| world.request("[]", level, x, y).await;
    assert_eq!(world.refused(request(2, 0, 0).await).await, (400, "InvalidRequest"));
    assert_eq!(world.refused(request(0, 2, 0).await).await, (400, "InvalidRequest"));
    let exact = TileRequest { exact: true, ..request(1, 0, 0).await };
    assert_eq!(world.refused(exact).await, (400, "InvalidRequest"));
    let stale = TileRequest { etag: "other".to_owned(), ..request(0, 0, 0).await };
    assert_eq!(world.refused(stale).await, (412, "Changed"));
    let gone = TileRequest { at: at("s3://images/none"), ..request(0, 0, 0).await };
    assert_eq!(world.refused(gone).await, (404, "NotFound"));
    let crop = r#"[{"crop":{"x":590,"y":0,"width":20,"height":20}}]"#;
    assert_eq!(world.refused(world.request(crop, 0, 0, 0).await).await, (422, "InvalidChain"));
}
