//! What is shared holds: tiles are computed once, given up when nobody waits, and a damaged image ends one request.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{DEFLATE, EDGES, PNG, RGB, World, at, file, picture};
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::Channels;
use tessera_operations::{Region, Samples};
use tessera_preview::chain::ValidChain;
use tessera_store::{Call, Prefix, PutOptions, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_tile_is_computed_once_and_a_changed_chain_decodes_nothing_again() {
    let world = World::new(&file(&picture(900, 900, RGB), DEFLATE)).await;
    let request = world.request(EDGES, 0, 0, 0).await;
    let all = (0..8).map(|_| world.engine.tile(request.clone()));
    let tiles = futures::future::try_join_all(all).await.unwrap();
    assert!(tiles.iter().all(|tile| tile == &tiles[0]));
    let read = world.store.count(Call::GetRange);
    world.engine.tile(request).await.unwrap();
    world.engine.tile(world.request(r#"[{"invert":{}}]"#, 0, 0, 0).await).await.unwrap();
    assert_eq!(world.store.count(Call::GetRange), read);
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_computed() {
    let world = World::new(&file(&picture(2000, 2000, RGB), PNG)).await;
    let mut asked = Box::pin(world.engine.tile(world.request(EDGES, 0, 0, 0).await));
    assert!(futures::poll!(&mut asked).is_pending());
    drop(asked);
    // Nothing stays taken: the next one is computed.
    world.engine.tile(world.request(EDGES, 0, 1, 1).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_tile_ends_one_request_and_says_where() {
    let mut bytes = file(&picture(900, 300, RGB), DEFLATE);
    let end = bytes.len() - 200;
    bytes[end..].fill(0xff);
    let world = World::new(&bytes).await;
    world.engine.tile(world.request("", 0, 0, 0).await).await.unwrap();
    let error = world.engine.tile(world.request("", 0, 1, 0).await).await.unwrap_err();
    assert_eq!(error.answer(), (422, "DamagedImage"));
    assert!(error.message().contains("tile"), "{}", error.message());
    world.engine.tile(world.request("", 0, 0, 0).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_is_no_image_that_is_decoded() {
    // A header of 60000 x 60000 pixels with a handful of bytes.
    let samples = Samples::U8(vec![0; 64]);
    let rect = tessera_core::geometry::Rect::new(0, 0, 8, 8);
    let mut png = file(&Region { rect, channels: Channels::Gray, samples }, PNG);
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let checksum = crc(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    let world = World::new(&png).await;
    assert!(world.engine.image(&at("s3://images/source")).await.unwrap().needs_copy);
    assert_eq!(world.refused(world.request("", 0, 0, 0).await).await, (409, "NeedsViewCopy"));
}

/// CRC-32 of a PNG's chunk (ISO 3309), bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1)))
    };
    !bytes.iter().fold(u32::MAX, byte)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_replaced_is_not_mixed_with_the_new_one() {
    let world = World::new(&file(&picture(900, 900, RGB), DEFLATE)).await;
    let request = world.request("", 0, 1, 1).await;
    world.view("").await;
    let other = file(&picture(901, 900, RGB), DEFLATE);
    world.store.put(&at("s3://images/source"), other.into(), &PutOptions::default()).await.unwrap();
    assert_eq!(world.refused(request).await, (412, "Changed"));
    assert_eq!(world.view("").await.width, 901);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_image_is_copied_with_its_levels() {
    let source = file(&picture(1300, 700, RGB), PNG);
    let world = World::new(&source).await;
    let views: Prefix = "s3://images/views/".parse().unwrap();
    let (from, to) = (at("s3://images/source"), at("s3://images/views/1.tif"));
    let copied = world.engine.copy(&from, &world.etag().await, &to, &views).await.unwrap();
    let bytes = world.store.get(&to).await.unwrap().1;
    assert_eq!(copied.size, bytes.len() as u64);
    let format = OutputFormat::Cog { tile: 512, compression: TiffCompression::Zstd };
    assert!(bytes[..] == file(&picture(1300, 700, RGB), format));
    let view = world.engine.view(&to, &ValidChain::parse("").unwrap()).await.unwrap();
    assert_eq!(view.levels.len(), 3);
    let elsewhere = at("s3://results/1.tif");
    let error = world.engine.copy(&from, &world.etag().await, &elsewhere, &views).await.unwrap_err();
    assert_eq!(error.answer(), (400, "InvalidRequest"));
}
