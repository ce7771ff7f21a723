//! What must hold of the generated definitions, whatever operations there are.

use serde_json::Value;
use tessera_api::crds;
use tessera_api::schema::object_schema;
use tessera_operations::Operation;

/// Calls `visit` with the path and the schema of every field in `schema`.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            walk(&schema[key], &format!("{path}[]"), visit);
        }
    }
}

fn schemas() -> Vec<Value> {
    crds().iter().map(object_schema).collect()
}

fn fields(schema: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    walk(schema, "", &mut |path, schema| all.push((path.to_owned(), schema.clone())));
    all
}

#[test]
fn nothing_is_left_that_the_api_server_words_badly() {
    for (path, schema) in schemas().iter().flat_map(fields) {
        for keyword in ["oneOf", "anyOf", "allOf", "not"] {
            assert!(schema.get(keyword).is_none(), "{path} has {keyword}");
        }
        let number = schema["type"] == "integer";
        assert!(number || schema.get("nullable").is_none(), "{path} is nullable");
        assert!(
            !schema["format"].as_str().unwrap_or_default().starts_with("uint"),
            "{path} has an unknown format"
        );
    }
}

#[test]
fn every_field_is_described() {
    // What Kubernetes itself defines is described there, and its items and maps by their fields.
    for (path, schema) in schemas().iter().flat_map(fields) {
        let plain = path.is_empty() || path.ends_with("[]") || path == ".metadata";
        assert!(
            plain || schema["description"].as_str().is_some_and(|text| text.len() > 8),
            "{path} has no description"
        );
    }
}

#[test]
fn every_list_text_and_number_of_an_image_job_is_bounded() {
    let schema = schemas().remove(0);
    for (path, schema) in fields(&schema["properties"]["spec"]) {
        let chosen = schema.get("enum").is_some();
        let bound = match schema["type"].as_str() {
            Some("array") => schema.get("maxItems").is_some(),
            Some("string") => chosen || schema.get("maxLength").is_some(),
            Some("integer" | "number") => {
                chosen || (schema.get("minimum").is_some() && schema.get("maximum").is_some())
            }
            _ => true,
        };
        assert!(bound, "spec{path} is not bounded: {schema}");
    }
}

#[test]
fn an_operation_has_exactly_one_of_the_registry_s_names() {
    let schema = schemas().remove(0);
    let item = &schema["properties"]["spec"]["properties"]["operations"]["items"];
    let rule = &item["x-kubernetes-validations"][0];
    for name in Operation::NAMES {
        assert!(item["properties"].get(name).is_some(), "{name}");
        assert!(rule["rule"].as_str().unwrap().contains(&format!("has(self.{name})")));
        assert!(rule["message"].as_str().unwrap().contains(name));
    }
    assert_eq!(item["properties"].as_object().unwrap().len(), Operation::NAMES.len());
}

#[test]
fn defaults_are_in_the_schema() {
    let schema = schemas().remove(0);
    let spec = &schema["properties"]["spec"]["properties"];
    let defaults =
        ["pool", "operations", "retries", "weight", "suspend"].map(|name| spec[name]["default"].to_string());
    assert_eq!(defaults, ["\"default\"", "[]", "3", "1", "false"]);
    let tiff = &spec["output"]["properties"]["tiff"]["properties"];
    assert_eq!((&tiff["tile"]["default"], &tiff["compression"]["default"]), (&512.into(), &"deflate".into()));
    assert_eq!(spec["output"]["properties"]["ifExists"]["default"], "Fail");
}

#[test]
fn conditions_are_a_map_by_their_type() {
    for schema in schemas() {
        let conditions = &schema["properties"]["status"]["properties"]["conditions"];
        assert_eq!(conditions["x-kubernetes-list-type"], "map");
        assert_eq!(conditions["x-kubernetes-list-map-keys"][0], "type");
    }
}

#[test]
fn a_definition_is_small_enough_for_client_side_apply() {
    for crd in crds() {
        let size = serde_json::to_string(&crd).unwrap().len();
        assert!(size < 256 << 10, "{} has {size} bytes", crd.spec.names.kind);
    }
}
