//! The CustomResourceDefinitions: as derived from the types, mended where Kubernetes would word its refusals badly or
//! let wrong objects pass. `cargo xtask gen` writes them to `crds/`.

use crate::{ImageJob, WorkerPool};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

/// The name by which a field `y` comes from kubectl, unless it was quoted.
pub const YAML_Y: &str = "true";

/// Both definitions.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut pool = mended(WorkerPool::crd());
    limit_name(&mut pool);
    vec![typed(mended(ImageJob::crd())), typed(pool)]
}

/// The schema of a definition's objects, as JSON.
pub fn object_schema(crd: &CustomResourceDefinition) -> Value {
    let schema = crd.spec.versions.first().and_then(|version| version.schema.as_ref());
    let schema = schema.and_then(|schema| schema.open_api_v3_schema.as_ref());
    serde_json::to_value(schema).expect("a schema is JSON")
}

/// The rule that a union of one-key objects has exactly one of its keys.
pub(crate) fn one_key_rule(names: &[String]) -> String {
    let given: Vec<String> = names.iter().map(|name| format!("has(self.{name})")).collect();
    format!("[{}].exists_one(given, given)", given.join(", "))
}

/// The names of a union of one-key objects; none for other schemas.
pub(crate) fn union_names(schema: &Value) -> Option<Vec<String>> {
    let names: Vec<String> = schema.get("properties")?.as_object()?.keys().cloned().collect();
    let rules = schema.get("x-kubernetes-validations")?.as_array()?;
    rules.iter().any(|rule| rule["rule"] == one_key_rule(&names)).then_some(names)
}

fn typed(crd: Value) -> CustomResourceDefinition {
    serde_json::from_value(crd).expect("a mended definition is a definition")
}

fn mended(crd: CustomResourceDefinition) -> Value {
    let mut crd = serde_json::to_value(crd).expect("a definition is JSON");
    for version in crd["spec"]["versions"].as_array_mut().into_iter().flatten() {
        mend(&mut version["schema"]["openAPIV3Schema"]);
    }
    crd
}

/// A label's value has 63 characters, and each worker pod carries its pool's name as one.
fn limit_name(crd: &mut Value) {
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    schema["x-kubernetes-validations"] = json!([{
        "rule": "self.metadata.name.size() <= 63",
        "message": "the name of a WorkerPool has at most 63 characters, since its pods carry it as a label",
    }]);
}

/// Mends a schema and all schemas in it.
fn mend(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    refuse_null(object);
    drop_unsigned_formats(object);
    drop_closing(object);
    bound_quantity(object);
    mend_union(object);
    tidy_description(object);
    let_y_be_true(object);
    for key in ["items", "additionalProperties"] {
        object.get_mut(key).into_iter().for_each(mend);
    }
    for property in
        object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        mend(property);
    }
}

/// A null is never a value here, and it would be a way around rules that compare what is set. A number that may be
/// left out is the exception: `ttlSecondsAfterFinished:` with nothing behind it means that it is left out.
fn refuse_null(object: &mut Map<String, Value>) {
    if object.get("type").is_none_or(|kind| kind != "integer") {
        object.remove("nullable");
    }
}

/// Kubernetes knows no unsigned formats, and warns of them; bounds say the same.
fn drop_unsigned_formats(object: &mut Map<String, Value>) {
    if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        object.remove("format");
    }
}

/// Kubernetes itself refuses or drops what a schema does not name, and takes no `additionalProperties: false`.
fn drop_closing(object: &mut Map<String, Value>) {
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        object.remove("additionalProperties");
    }
}

/// The form of a quantity, not negative. Without it any text passes, and the pods are refused later.
fn bound_quantity(object: &mut Map<String, Value>) {
    if object.contains_key("x-kubernetes-int-or-string") {
        let form = r"^[0-9]{1,18}([.][0-9]{1,9})?([KMGTPE]i|[numkMGTPE]|[eE][0-9]{1,2})?$";
        object.insert("pattern".to_owned(), json!(form));
        object.insert("minimum".to_owned(), json!(0));
        object.insert("description".to_owned(), json!("An amount, such as 2, 500m or 512Mi."));
    }
}

/// `oneOf` of one-key objects: the API server's own refusal shows neither the form nor the names.
fn mend_union(object: &mut Map<String, Value>) {
    let one_key =
        |branch: &Value| branch.get("required").and_then(Value::as_array).is_some_and(|keys| keys.len() == 1);
    let is_union = object.get("oneOf").and_then(Value::as_array).is_some_and(|all| all.iter().all(one_key));
    let names = object
        .get("properties")
        .and_then(Value::as_object)
        .map(|all| all.keys().cloned().collect::<Vec<_>>());
    let (true, Some(names)) = (is_union, names) else { return };
    object.remove("oneOf");
    object.insert(
        "x-kubernetes-validations".to_owned(),
        json!([{
            "rule": one_key_rule(&names),
            "message": format!("{}; known: {}", one_key_form(), names.join(", ")),
        }]),
    );
}

/// kubectl and Helm read YAML 1.1, where an unquoted `y` means true: a field `y` comes to the API server by the name
/// `true`. It is taken by either name, so that people need not know.
fn let_y_be_true(object: &mut Map<String, Value>) {
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let Some(mut field) = properties.get("y").cloned() else { return };
    field["description"] = json!("The same as y: what kubectl makes of a y that is not in quotes.");
    properties.insert(YAML_Y.to_owned(), field);
    if let Some(required) = object.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != "y");
    }
    let rule = json!([{ "rule": "has(self.y) != has(self.__true__)", "message": "y is required, once" }]);
    object.insert("x-kubernetes-validations".to_owned(), rule);
}

/// What an operation looks like; the only union of one-key objects so far.
pub(crate) fn one_key_form() -> &'static str {
    "an operation is one key with its parameters, such as \"invert: {}\" or \"gaussianBlur: {sigma: 1.5}\""
}

/// Doc comments are wrapped; descriptions are not.
fn tidy_description(object: &mut Map<String, Value>) {
    let Some(text) = object.get("description").and_then(Value::as_str) else { return };
    let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
    let tidy = paragraphs.join("\n\n");
    if tidy.trim().is_empty() {
        object.remove("description");
    } else {
        object.insert("description".to_owned(), Value::String(tidy));
    }
}
