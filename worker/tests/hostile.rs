//! Plans that somebody has tampered with, and that have the right digest all the same: an exit code of the documented ones or
//! the right file, never a panic out of the worker.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{COG, DEFLATE, EDGES, JPEG, Job, PNG, RGB, World, expected, file, picture};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tessera_core::plan::{Spread, Stage};

/// The paths of all values in `value` that hold no others.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| leaves(value, &format!("{path}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{path}/{at}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(path.to_owned()),
    }
}

/// Something else in its place: of the same type, as a rule.
fn other(old: &Value, choice: usize) -> Value {
    let number = old.as_u64().unwrap_or(3);
    let numbers =
        [0, 1, number.wrapping_add(1), number / 2, 255, 4096, u64::from(u32::MAX), u64::MAX, 1 << 30];
    let words = ["", "s3://images/nothing", "s3://images/source", "../..", "gray", "u16", "png"];
    match old {
        Value::String(_) => json!(words[choice % words.len()]),
        Value::Number(_) => json!(numbers[choice % numbers.len()]),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => json!(choice.is_multiple_of(2)),
    }
}

#[test]
fn no_plan_makes_a_worker_panic() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let source = file(&picture(600, 500, RGB), DEFLATE);
    let jobs = [
        Job::new(EDGES, PNG, Spread::Shards(2)),
        Job::new("[]", COG, Spread::Whole),
        Job::new(r#"[{"resize":{"scale":0.4}},{"rotate":{"degrees":90}}]"#, DEFLATE, Spread::Shards(1)),
        Job::new("[]", JPEG, Spread::Whole),
    ];
    let world = || runtime.block_on(World::new(&source));
    let plans: Vec<Value> = jobs
        .iter()
        .map(|job| {
            let world = world();
            serde_json::from_str(&runtime.block_on(world.plan(job)).to_json()).unwrap()
        })
        .collect();
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<usize>()), 1..3);
    let run = |(kind, changes): (usize, Vec<(prop::sample::Index, usize)>)| {
        let mut plan = plans[kind].clone();
        let mut places = Vec::new();
        leaves(&plan, "", &mut places);
        for (place, choice) in changes {
            let place: &String = place.get(&places);
            let leaf = plan.pointer_mut(place).unwrap();
            *leaf = other(leaf, choice);
        }
        let text = plan.to_string();
        let Ok(parsed) = tessera_worker::parse_plan(&text, &tessera_core::record::sha256(text.as_bytes()))
        else {
            return Ok(());
        };
        if parsed.shards(Stage::Tiles) > 100 {
            return Ok(());
        }
        let world = world();
        match runtime.block_on(world.run(&parsed)) {
            Ok(published) => prop_assert!(published.size > 0),
            Err(error) => {
                let message = error.message();
                prop_assert!([10, 11, 12, 13, 14, 15, 16].contains(&error.exit_code()), "{}", message);
                prop_assert!(!message.contains("panic") && message.len() > 20, "{text}: {message}");
            }
        }
        Ok(())
    };
    TestRunner::new(config).run(&(0..plans.len(), changes), run).unwrap();
    // Unchanged they are carried out.
    let job = &jobs[2];
    let world = world();
    let plan = runtime.block_on(world.plan(job));
    runtime.block_on(world.run(&plan)).unwrap();
    assert_eq!(runtime.block_on(world.output()), expected(&source, job));
}
