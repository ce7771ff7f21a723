//! Probing costs few requests and few bytes, and says what kind of failure there was.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use tessera_core::geometry::Size;
use tessera_core::operation::Extent;
use tessera_core::output::{OutputFormat, TiffCompression};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_core::plan::Access;
use tessera_formats::layout::{Layout, Part};
use tessera_formats::notes::Annotations;
use tessera_probe::{ProbeKind, probe, tile_table};
use tessera_store::{Call, Fault, Location, MemoryStore, PutOptions, Store};

fn at() -> Location {
    "s3://images/a.tif".parse().unwrap()
}

/// A TIFF of `width` x 512 pixels, whose tiles are left empty, and its store.
async fn store(width: u32) -> MemoryStore {
    let extent = Extent { size: Size::new(width, 512), pixel: PixelType::new(Channels::Gray, Depth::U8) };
    let format = OutputFormat::Tiff { tile: 512, compression: TiffCompression::None };
    let tiles = width.div_ceil(512) as usize;
    let part = Part { size: 512 * 512, adler: 1, filtered: 0 };
    let mut file = Layout::new(extent, format, Annotations::default()).head(&vec![part; tiles]);
    file.resize(file.len() + tiles * 512 * 512, 0);
    let store = MemoryStore::new(&["images"]);
    store.put(&at(), file.into(), &PutOptions::default()).await.unwrap();
    store
}

#[tokio::test]
async fn a_tiff_costs_two_requests_and_no_pixels() {
    let store = store(20_000).await;
    let probed = probe(&store, &at()).await.unwrap();
    assert_eq!(probed.image.extent.size, Size::new(20_000, 512));
    assert_eq!(probed.image.access, Access::Tiles { tile: Size::new(512, 512) });
    assert_eq!(probed.image.bytes, probed.info.size);
    let read = store.tallies()[&Call::GetRange];
    assert_eq!((store.count(Call::Head), read.calls), (1, 1));
    assert!(read.bytes <= 64 << 10);
    let table = tile_table(&store, &probed, 3..5).await.unwrap().unwrap();
    assert_eq!(table.bytes_of(4).map(|range| range.end - range.start), Some(512 * 512));
}

#[tokio::test]
async fn a_failure_has_its_kind() {
    let store = store(600).await;
    let kind = async |address: &str| probe(&store, &address.parse().unwrap()).await.unwrap_err().kind();
    assert_eq!(kind("s3://images/none.tif").await, ProbeKind::NotFound);
    assert_eq!(kind("s3://other/a.tif").await, ProbeKind::NoSuchBucket);
    let text = "s3://images/text".parse().unwrap();
    store.put(&text, "this is no picture".into(), &PutOptions::default()).await.unwrap();
    assert_eq!(kind("s3://images/text").await, ProbeKind::Unsupported);
    let cut = store.get_range(&at(), 0..100, None).await.unwrap();
    store.put(&"s3://images/cut.tif".parse().unwrap(), cut, &PutOptions::default()).await.unwrap();
    assert_eq!(kind("s3://images/cut.tif").await, ProbeKind::Malformed);
    store.fail(Fault::nth(1));
    let error = probe(&store, &at()).await.unwrap_err();
    assert!(error.kind() == ProbeKind::Unreachable && error.retry());
}

#[tokio::test]
async fn an_object_that_is_replaced_meanwhile_is_not_mixed() {
    let store = store(600).await;
    let probed = probe(&store, &at()).await.unwrap();
    store.put(&at(), vec![1; 300_000].into(), &PutOptions::default()).await.unwrap();
    assert_eq!(tile_table(&store, &probed, 0..1).await.unwrap_err().kind(), ProbeKind::Changed);
}
