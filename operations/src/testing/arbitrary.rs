//! Random operations, made from the schema alone: whatever the registry lists is tested without being named here.

use crate::registry::Operation;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The operation called `name`, with random parameters within their bounds (mostly near the lower ones).
pub(super) fn operation_named(name: &'static str) -> impl Strategy<Value = Operation> {
    let schema = schemars::schema_for!(Operation).to_value();
    prop::collection::vec(0.0..=1.0f64, 16).prop_map(move |random| {
        let mut random = random.into_iter().cycle();
        let branches = schema["oneOf"].as_array().unwrap();
        let branch = branches.iter().find(|branch| branch["required"][0] == name).unwrap();
        let parameters = generate(&schema, &branch["properties"][name], &mut random);
        serde_json::from_value(json!({ name: parameters })).unwrap()
    })
}

/// Any operation.
pub(super) fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(Operation::NAMES).prop_flat_map(operation_named)
}

/// A value that `schema` admits. `root` holds the definitions.
fn generate(root: &Value, schema: &Value, random: &mut impl Iterator<Item = f64>) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return generate(root, root.pointer(reference.trim_start_matches('#')).unwrap(), random);
    }
    if let Some(branches) = schema["oneOf"].as_array() {
        return generate(root, pick(branches, random), random);
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return pick(values, random).clone();
    }
    match schema["type"].as_str() {
        Some("number") => number(schema, random.next().unwrap()),
        Some("integer") => json!(number(schema, random.next().unwrap()).as_f64().unwrap().round() as i64),
        Some("boolean") => json!(random.next().unwrap() < 0.5),
        Some("object") => object(root, schema, random),
        Some("array") => array(root, schema, random),
        other => panic!("tests make no {other:?} yet: add it here"),
    }
}

fn pick<'a>(values: &'a [Value], random: &mut impl Iterator<Item = f64>) -> &'a Value {
    &values[(random.next().unwrap() * values.len() as f64) as usize % values.len()]
}

/// Ranges as wide as coordinates are cut to the size of the tests' pictures.
fn number(schema: &Value, random: f64) -> Value {
    let bound = |key: &str| schema[key].as_f64().expect("every number has bounds");
    let range = bound("maximum") - bound("minimum");
    json!(bound("minimum") + if range < 1e6 { range } else { 16.0 } * random.powi(3))
}

/// Three items, or as near to that as is allowed.
fn array(root: &Value, schema: &Value, random: &mut impl Iterator<Item = f64>) -> Value {
    let limit = |key: &str| schema[key].as_u64().expect("every list has limits");
    let length = 3.clamp(limit("minItems"), limit("maxItems"));
    (0..length).map(|_| generate(root, &schema["items"], random)).collect()
}

fn object(root: &Value, schema: &Value, random: &mut impl Iterator<Item = f64>) -> Value {
    let mut object = Map::new();
    let required =
        |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|k| k == key));
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if required(key) || random.next().unwrap() < 0.7 {
            object.insert(key.clone(), generate(root, property, random));
        }
    }
    Value::Object(object)
}
