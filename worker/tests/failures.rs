//! What goes wrong ends with the right exit code, leaves nothing open, and a further attempt ends with the same object.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{DEFLATE, EDGES, Job, NONE, PNG, RGB, World, at, expected, file, picture};
use tessera_core::plan::{Access, IfExists, Plan, Spread, Stage};
use tessera_operations::Operation;
use tessera_store::{Call, Fault, PutOptions, Store};
use tessera_worker::{WorkError, run_assemble, run_split};

async fn replace_source(world: &World, bytes: &[u8]) {
    world.store.put(&at("s3://images/source"), bytes.to_vec().into(), &PutOptions::default()).await.unwrap();
}

fn code<T: std::fmt::Debug>(result: Result<T, WorkError>) -> u8 {
    let error = result.unwrap_err();
    assert!(error.message().len() > 20);
    error.exit_code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_failed_call_a_further_attempt_ends_with_the_same_object() {
    // Several parts and pieces that are copied, so that every kind of call is made.
    let source = file(&picture(2600, 2300, RGB), NONE);
    for spread in [Spread::Whole, Spread::Shards(2)] {
        let job = Job::new("[]", NONE, spread);
        let wanted = expected(&source, &job);
        let world = World::new(&source).await;
        world.run(&world.plan(&job).await).await.unwrap();
        let calls = world.store.total();
        for n in 1..calls {
            for fault in [Fault::nth(n), Fault::nth(n).after(), Fault::nth(n).from_then_on()] {
                let world = World::new(&source).await;
                let plan = world.plan(&job).await;
                world.store.fail(fault.clone());
                if let Err(error) = world.run(&plan).await {
                    assert_eq!(error.exit_code(), 13, "{fault:?}: {}", error.message());
                    world.store.heal();
                    world.run(&plan).await.unwrap_or_else(|error| panic!("{fault:?}: {}", error.message()));
                }
                world.store.heal();
                assert!(world.output().await == wanted, "{fault:?}: other bytes");
                assert_eq!(world.store.open_uploads(), [], "{fault:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_is_started_again_computes_only_what_is_missing() {
    let source = file(&picture(5000, 9000, common::RGB), DEFLATE);
    let world = World::new(&source).await;
    let plan = world.plan(&Job::new("[]", NONE, Spread::Shards(1))).await;
    let manifest = world.shard(&plan, 0).await.unwrap();
    let pieces = manifest.pieces.len() as u64;
    assert!(pieces > 3);
    let puts = world.store.count(Call::Put);
    assert_eq!(world.shard(&plan, 0).await.unwrap(), manifest);
    assert_eq!(world.store.count(Call::Put) - puts, 1, "only the manifest is written again");
    let gone = at("s3://images/.tessera/uid-1/tiles/0/2.json");
    world.store.delete(&[gone]).await.unwrap();
    let (puts, read) = (world.store.count(Call::Put), world.store.tallies()[&Call::GetRange].bytes);
    assert_eq!(world.shard(&plan, 0).await.unwrap(), manifest);
    assert_eq!(world.store.count(Call::Put) - puts, 3, "data, record and manifest");
    let read = world.store.tallies()[&Call::GetRange].bytes - read;
    assert!(read < source.len() as u64 / 2, "{read} of {}", source.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_reads_each_source_tile_about_once_and_only_by_ranges() {
    let source = file(&picture(5000, 9000, RGB), NONE);
    for (format, most) in [(DEFLATE, 1.35), (PNG, 1.6)] {
        let world = World::new(&source).await;
        let mut job = Job::new(EDGES, format, Spread::Shards(3));
        job.if_exists = IfExists::Replace;
        let plan = world.plan(&job).await;
        let before = world.store.tallies()[&Call::GetRange].bytes;
        world.shard(&plan, 1).await.unwrap();
        let read = (world.store.tallies()[&Call::GetRange].bytes - before) as f64;
        let part = read / (source.len() as f64 / 3.0);
        println!("{format:?}: {part:.2} of the shard's part");
        assert!(part < most, "{format:?}: {part}");
        assert_eq!(world.store.count(Call::Get), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_is_never_mixed() {
    let source = file(&picture(2600, 2300, RGB), DEFLATE);
    for spread in [Spread::Whole, Spread::Shards(2)] {
        let world = World::new(&source).await;
        let plan = world.plan(&Job::new(EDGES, DEFLATE, spread)).await;
        replace_source(&world, &file(&picture(2600, 2300, common::RGB), NONE)).await;
        assert_eq!(code(world.run(&plan).await), 14);
        world.store.delete(&[at("s3://images/source")]).await.unwrap();
        assert_eq!(code(world.run(&plan).await), 14);
        assert!(world.store.open_uploads().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_source_is_bad_input() {
    let whole = file(&picture(900, 900, RGB), DEFLATE);
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 2000].fill(0x55);
    let png = file(&picture(900, 900, RGB), PNG);
    let cut = png[..png.len() / 2].to_vec();
    for source in [damaged, cut] {
        for spread in [Spread::Whole, Spread::Shards(2)] {
            let world = World::new(&source).await;
            let plan = world.plan(&Job::new(EDGES, PNG, spread)).await;
            assert_eq!(code(world.run(&plan).await), 10);
        }
    }
    // Cut short after it was planned, and its tag stays: the header points beyond its end.
    let world = World::new(&whole).await;
    let mut plan = world.plan(&Job::new(EDGES, PNG, Spread::Whole)).await;
    replace_source(&world, &whole[..whole.len() / 2]).await;
    plan.source.etag = world.store.head(&at("s3://images/source")).await.unwrap().etag;
    assert_eq!(code(world.run(&plan).await), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incomplete_set_of_manifests_is_never_published() {
    let world = World::new(&file(&picture(2600, 2300, RGB), DEFLATE)).await;
    let plan = world.plan(&Job::new("[]", DEFLATE, Spread::Shards(2))).await;
    let assemble = async || run_assemble(&world.context, &plan, &plan.digest()).await;
    world.shard(&plan, 0).await.unwrap();
    assert_eq!(code(assemble().await), 12);
    world.shard(&plan, 1).await.unwrap();
    rewrite(&world, 1, |manifest| manifest["pieces"][0]["tiles"].as_array_mut().unwrap().truncate(3)).await;
    assert_eq!(code(assemble().await), 12);
    world.shard(&plan, 1).await.unwrap();
    rewrite(&world, 1, |manifest| manifest["shard"] = 0.into()).await;
    assert_eq!(code(assemble().await), 12);
    world.shard(&plan, 1).await.unwrap();
    world.store.delete(&[at("s3://images/.tessera/uid-1/tiles/1/0.data")]).await.unwrap();
    assert_eq!(code(assemble().await), 12);
    assert!(world.store.head(&at("s3://results/output")).await.is_err());
    assert!(world.store.open_uploads().is_empty());
}

async fn rewrite(world: &World, shard: u32, change: impl FnOnce(&mut serde_json::Value)) {
    let at = at(&format!("s3://images/.tessera/uid-1/tiles/{shard}/manifest.json"));
    let (_, bytes) = world.store.get(&at).await.unwrap();
    let mut manifest = serde_json::from_slice(&bytes).unwrap();
    change(&mut manifest);
    world
        .store
        .put(&at, serde_json::to_vec(&manifest).unwrap().into(), &PutOptions::default())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_output_is_kept_and_our_own_is_our_success() {
    let source = file(&picture(600, 500, RGB), DEFLATE);
    for spread in [Spread::Whole, Spread::Shards(1)] {
        let world = World::new(&source).await;
        let mut plan = world.plan(&Job::new("[]", PNG, spread)).await;
        let published = world.run(&plan).await.unwrap();
        assert_eq!(world.run(&plan).await.unwrap(), published, "our own earlier success");
        let other = PutOptions::default();
        world.store.put(&at("s3://results/output"), "other".into(), &other).await.unwrap();
        assert_eq!(code(world.run(&plan).await), 16);
        assert_eq!(world.output().await, b"other");
        plan.output.if_exists = IfExists::Replace;
        assert_eq!(world.run(&plan).await.unwrap().digest, published.digest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_of_somebody_else_is_left_alone() {
    let world = World::new(&file(&picture(2600, 2300, RGB), NONE)).await;
    let output = at("s3://results/output");
    let foreign = world.store.create_upload(&output, &PutOptions::default()).await.unwrap();
    let plan = world.plan(&Job::new("[]", NONE, Spread::Whole)).await;
    world.store.fail(Fault::nth(1).of(Call::CreateUpload).after());
    assert_eq!(code(world.run(&plan).await), 13);
    assert_eq!(world.store.open_uploads().len(), 2);
    world.run(&plan).await.unwrap();
    assert_eq!(world.store.open_uploads(), [foreign]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_is_not_understood_is_refused() {
    let world = World::new(&file(&picture(600, 500, RGB), DEFLATE)).await;
    let plan = world.plan(&Job::new(EDGES, PNG, Spread::Shards(1))).await;
    let text = plan.to_json();
    assert_eq!(tessera_worker::parse_plan(&text, &plan.digest()).unwrap(), plan);
    assert_eq!(code(tessera_worker::parse_plan(&text, "0")), 15);
    let refused = async |change: &dyn Fn(&mut Plan<Operation>)| {
        let mut plan = plan.clone();
        change(&mut plan);
        code(world.run(&plan).await)
    };
    assert_eq!(refused(&|plan| plan.version = 9).await, 15);
    assert_eq!(refused(&|plan| plan.grid.block = 3).await, 15);
    assert_eq!(refused(&|plan| plan.operations.clear()).await, 15);
    assert_eq!(code(tessera_worker::run_shard(&world.context, &plan, &plan.digest(), 1).await), 15);
    assert_eq!(plan.shards(Stage::Tiles), 1);
}

/// A PNG that is copied first, in several pieces.
async fn copied() -> (World, Plan<Operation>) {
    let world = World::new(&file(&picture(1500, 2000, RGB), PNG)).await;
    let plan = world.plan(&Job::new("[]", NONE, Spread::Shards(2))).await;
    assert!(plan.copy.is_some_and(|copy| copy.pieces() == 4));
    (world, plan)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_that_is_started_again_writes_only_what_is_missing() {
    let (world, plan) = copied().await;
    let split = async || run_split(&world.context, &plan, &plan.digest()).await;
    split().await.unwrap();
    let (puts, reads) = (world.store.count(Call::Put), world.store.count(Call::GetRange));
    split().await.unwrap();
    assert_eq!(world.store.count(Call::Put) - puts, 1, "only the manifest is written again");
    assert_eq!(world.store.count(Call::GetRange), reads, "the source is not read again");
    world.store.delete(&[at("s3://images/.tessera/uid-1/split/0/2.data")]).await.unwrap();
    let puts = world.store.count(Call::Put);
    split().await.unwrap();
    assert_eq!(world.store.count(Call::Put) - puts, 3, "data, record and manifest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_failed_call_of_a_split_a_further_attempt_ends_with_the_same_object() {
    let (world, plan) = copied().await;
    world.run(&plan).await.unwrap();
    let (wanted, calls) = (world.output().await, world.store.total());
    for n in 1..calls {
        let (world, plan) = copied().await;
        world.store.fail(Fault::nth(n).from_then_on());
        if let Err(error) = world.run(&plan).await {
            assert_eq!(error.exit_code(), 13, "{n}: {}", error.message());
        }
        world.store.heal();
        world.run(&plan).await.unwrap_or_else(|error| panic!("{n}: {}", error.message()));
        assert!(world.output().await == wanted, "{n}: other bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_without_a_whole_copy_are_missing_work() {
    let (world, plan) = copied().await;
    assert_eq!(code(world.shard(&plan, 0).await), 12);
    run_split(&world.context, &plan, &plan.digest()).await.unwrap();
    world.store.delete(&[at("s3://images/.tessera/uid-1/split/0/0.json")]).await.unwrap();
    assert_eq!(code(world.shard(&plan, 0).await), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_cut_short_is_bad_input_for_a_split_and_as_a_stream_too() {
    for format in [PNG, common::JPEG] {
        let whole = file(&picture(1500, 2000, RGB), format);
        let world = World::new(&whole[..whole.len() * 2 / 3]).await;
        let plan = world.plan(&Job::new("[]", NONE, Spread::Shards(2))).await;
        assert_eq!(code(run_split(&world.context, &plan, &plan.digest()).await), 10, "{format:?}");
        let plan = world.plan(&Job::new("[]", NONE, Spread::Whole)).await;
        assert!(matches!(plan.source.access, Access::Rows { .. }));
        assert_eq!(code(world.run(&plan).await), 10, "{format:?}");
    }
}
