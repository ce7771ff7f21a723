//! From the text of a file to an ImageJob or a WorkerPool, with every problem told by its field's path.
//! Only the form is checked here; what it means is the business of `validate`.

use crate::check::check;
use crate::problem::Problem;
use crate::schema::{crds, object_schema};
use crate::{GROUP, ImageJob, VERSION, WorkerPool};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// Reads an ImageJob from YAML (or JSON) with exactly one document. What is left out has its default.
///
/// # Errors
/// All that is wrong with its form: unknown fields and operations (with the nearest name), types, bounds, what is missing.
pub fn parse_job(yaml: &str) -> Result<ImageJob, Vec<Problem>> {
    parse(yaml, "ImageJob")
}

/// Reads a WorkerPool, as [`parse_job`] reads an ImageJob.
///
/// # Errors
/// All that is wrong with its form.
pub fn parse_pool(yaml: &str) -> Result<WorkerPool, Vec<Problem>> {
    parse(yaml, "WorkerPool")
}

fn parse<T: DeserializeOwned>(yaml: &str, kind: &str) -> Result<T, Vec<Problem>> {
    let document = document(yaml).map_err(|problem| vec![problem])?;
    let fields = document.as_object().ok_or_else(|| vec![header_problem(kind)])?;
    check_header(fields, kind).map_err(|problem| vec![problem])?;
    let mut problems = name_problem(fields, kind).into_iter().collect::<Vec<_>>();
    problems.extend(check(schema(kind), &without_header(fields), ""));
    if !problems.is_empty() {
        return Err(problems);
    }
    let object = Value::Object(without_nulls(fields));
    serde_json::from_value(object).map_err(|error| vec![Problem::new(kind, error.to_string())])
}

/// The one document of a text.
fn document(yaml: &str) -> Result<Value, Problem> {
    let mut documents = Vec::new();
    for part in serde_norway::Deserializer::from_str(yaml) {
        let value = serde_norway::Value::deserialize(part).map_err(not_yaml)?;
        if !value.is_null() {
            documents.push(value);
        }
    }
    match (documents.pop(), documents.len()) {
        (Some(only), 0) => {
            serde_json::to_value(only).map_err(|error| Problem::new("the file", error.to_string()))
        }
        (None, _) => Err(Problem::new("the file", "is empty")),
        (Some(_), more) => {
            Err(Problem::new("the file", format!("holds {} documents: keep one to a file", more + 1)))
        }
    }
}

fn not_yaml(error: serde_norway::Error) -> Problem {
    let path = error.location().map_or("the file".to_owned(), |at| format!("line {}", at.line()));
    Problem::new(path, format!("is not YAML: {error}"))
}

fn header_problem(kind: &str) -> Problem {
    Problem::new(
        "the file",
        format!("is no {kind}: it begins with \"apiVersion: {GROUP}/{VERSION}\" and \"kind: {kind}\""),
    )
}

fn check_header(fields: &Map<String, Value>, kind: &str) -> Result<(), Problem> {
    let expected = [("apiVersion", format!("{GROUP}/{VERSION}")), ("kind", kind.to_owned())];
    for (field, expected) in expected {
        let given = fields.get(field).and_then(Value::as_str).ok_or_else(|| header_problem(kind))?;
        if given != expected {
            return Err(Problem::new(field, format!("must be {expected}, not \"{given}\"")));
        }
    }
    Ok(())
}

/// A name as Kubernetes wants it: a DNS subdomain.
fn name_problem(fields: &Map<String, Value>, kind: &str) -> Option<Problem> {
    let metadata = fields.get("metadata");
    let text = |key: &str| metadata.and_then(|all| all.get(key)).and_then(Value::as_str);
    match (text("name"), text("generateName")) {
        (None, None) => Some(Problem::new(
            "metadata.name",
            format!("missing: the name of the {kind}, such as \"photo-edges\""),
        )),
        (Some(name), _) if !is_subdomain(name) => Some(Problem::new(
            "metadata.name",
            format!(
                "\"{name}\": a name has at most 253 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit"
            ),
        )),
        (Some(_), _) | (None, Some(_)) => None,
    }
}

fn is_subdomain(name: &str) -> bool {
    let inside = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let label = |part: &str| {
        !part.is_empty() && !part.starts_with('-') && !part.ends_with('-') && part.bytes().all(inside)
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// What the user writes: the header is checked on its own, and the status is the operator's.
fn without_header(fields: &Map<String, Value>) -> Value {
    let header = ["apiVersion", "kind", "metadata", "status"];
    let kept = fields.iter().filter(|(key, _)| !header.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// A null that passed the check means that the field is left out.
fn without_nulls(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(_, value)| !value.is_null());
    kept.map(|(key, value)| (key.clone(), nulls_removed(value))).collect()
}

fn nulls_removed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(without_nulls(fields)),
        Value::Array(items) => Value::Array(items.iter().map(nulls_removed).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The schema of a kind's objects.
fn schema(kind: &str) -> &'static Value {
    static SCHEMAS: OnceLock<Vec<(String, Value)>> = OnceLock::new();
    let all = SCHEMAS
        .get_or_init(|| crds().iter().map(|crd| (crd.spec.names.kind.clone(), object_schema(crd))).collect());
    all.iter().find(|(name, _)| name == kind).map(|(_, schema)| schema).expect("both kinds have a definition")
}
