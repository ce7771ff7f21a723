//! The operations and outputs as a form needs them: from the schema of the ImageJob, which also makes the CRD and the
//! documentation, and from what each operation says of its form. Made once; knows no request.

use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::OnceLock;
use tessera_api::crds;
use tessera_api::schema::{YAML_Y, object_schema};
use tessera_operations::form::{Control, Field, Form, Group, label_of};
use tessera_operations::{Apply, Operation, Reduced};
use utoipa::ToSchema;

/// An operation as a form shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OperationForm {
    /// The name in an ImageJob.
    pub(crate) name: &'static str,
    /// The name for people.
    label: String,
    /// `Basic` or `Advanced`.
    group: &'static str,
    /// The heading under which it stands.
    category: &'static str,
    /// What it computes.
    help: String,
    /// What a preview that is zoomed out may show: `same`, `scaled` (approximate) or `never` (the original).
    reduced: &'static str,
    /// `rectangle` where the parameters can be drawn on the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<&'static str>,
    /// In the order of the form.
    pub(crate) parameters: Vec<Parameter>,
}

/// A parameter and its control.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    label: String,
    help: String,
    required: bool,
    /// `range`, `number`, `integer`, `choice`, `switch`, `kernel`, `color` or `size`.
    pub(crate) control: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// The value to begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggested: Option<Value>,
    /// What it is when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    logarithmic: bool,
}

/// A format of results, with the schema of its options.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OutputKind {
    pub(crate) name: String,
    label: String,
    /// The ending of its files, without the dot.
    pub(crate) ext: &'static str,
    help: String,
    schema: Value,
}

/// The schema of an ImageJob's spec.
fn spec() -> &'static Value {
    static SPEC: OnceLock<Value> = OnceLock::new();
    SPEC.get_or_init(|| {
        let definitions = crds();
        let job = definitions.iter().find(|crd| crd.spec.names.kind == "ImageJob");
        object_schema(job.expect("there is a definition of the ImageJob"))["properties"]["spec"].take()
    })
}

/// All operations, in the order of the registry.
pub(crate) fn operations() -> &'static [OperationForm] {
    static ALL: OnceLock<Vec<OperationForm>> = OnceLock::new();
    ALL.get_or_init(|| {
        let known = &spec()["properties"]["operations"]["items"]["properties"];
        Operation::forms().into_iter().map(|(name, form)| operation(name, &form, &known[name])).collect()
    })
}

/// The name for people of an operation, by its name in an ImageJob.
pub(crate) fn label(name: &str) -> String {
    let known = operations().iter().find(|operation| operation.name == name);
    known.map_or_else(|| label_of(name), |operation| operation.label.clone())
}

/// All formats of results.
pub(crate) fn outputs() -> &'static [OutputKind] {
    static ALL: OnceLock<Vec<OutputKind>> = OnceLock::new();
    ALL.get_or_init(|| {
        let fields = spec()["properties"]["output"]["properties"].as_object();
        let kinds =
            fields.into_iter().flatten().filter(|(name, _)| !["uri", "ifExists"].contains(&name.as_str()));
        let mut kinds: Vec<OutputKind> = kinds.map(|(name, schema)| output(name, schema)).collect();
        // What most people want comes first.
        let place = |kind: &OutputKind| {
            ["jpeg", "png", "webp", "tiff", "cog"].iter().position(|name| kind.name == *name).unwrap_or(9)
        };
        kinds.sort_by_key(place);
        kinds
    })
}

fn output(name: &str, schema: &Value) -> OutputKind {
    let (label, ext) = match name {
        "png" => ("PNG", "png"),
        "jpeg" => ("JPEG", "jpg"),
        "webp" => ("WebP", "webp"),
        "tiff" => ("TIFF", "tif"),
        "cog" => ("TIFF with overviews (COG)", "tif"),
        _ => (name, "bin"),
    };
    OutputKind {
        name: name.to_owned(),
        label: label.to_owned(),
        ext,
        help: text(schema, "description"),
        schema: schema.clone(),
    }
}

fn operation(name: &'static str, form: &Form, schema: &Value) -> OperationForm {
    let parameters = parameters(form, schema);
    OperationForm {
        name,
        label: form.label.map_or_else(|| label_of(name), str::to_owned),
        group: match form.group {
            Group::Basic => "Basic",
            Group::Advanced => "Advanced",
        },
        category: form.category,
        help: text(schema, "description"),
        reduced: reduced(name, &parameters),
        drawn: form.drawn.then_some("rectangle"),
        parameters,
    }
}

/// First those that the form orders, then the others.
fn parameters(form: &Form, schema: &Value) -> Vec<Parameter> {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    let mut names: Vec<&str> = form.fields.iter().map(|field| field.name).collect();
    let others =
        known.keys().map(String::as_str).filter(|name| *name != YAML_Y && form.field(name).is_none());
    names.extend(others);
    let required = |name: &str| {
        let listed = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        listed || (name == "y" && known.contains_key(YAML_Y))
    };
    let known = names.into_iter().filter_map(|name| Some((name, known.get(name)?)));
    known.map(|(name, schema)| parameter(name, required(name), form.field(name), schema)).collect()
}

fn parameter(name: &str, required: bool, field: Option<&Field>, schema: &Value) -> Parameter {
    let given = |key: &str| schema.get(key).map(|value| whole(value, schema));
    let label = field.and_then(|field| field.label).map_or_else(|| label_of(name), str::to_owned);
    Parameter {
        name: name.to_owned(),
        label,
        help: text(schema, "description"),
        required,
        control: control(field, schema),
        minimum: given("minimum"),
        maximum: given("maximum"),
        step: field.and_then(|field| field.step).or_else(|| step(schema)),
        suggested: field
            .and_then(|field| field.suggested.clone())
            .or_else(|| given("default"))
            .or_else(|| given("minimum").filter(|_| required)),
        default: given("default"),
        choices: schema["enum"].as_array().cloned(),
        unit: field.and_then(|field| field.unit),
        logarithmic: field.is_some_and(|field| field.logarithmic),
    }
}

/// A bound or a default of an integer as one: schemas of the API write all numbers with a fraction.
fn whole(value: &Value, schema: &Value) -> Value {
    let fraction = value.as_f64().filter(|number| schema["type"] == "integer" && number.fract() == 0.0);
    #[expect(clippy::cast_possible_truncation, reason = "an integer within the bounds of the schema")]
    fraction.map_or_else(|| value.clone(), |number| Value::from(number as i64))
}

fn control(field: Option<&Field>, schema: &Value) -> &'static str {
    match field.map(|field| field.control) {
        Some(Control::Kernel) => return "kernel",
        Some(Control::Color) => return "color",
        Some(Control::Size) => return "size",
        Some(Control::Plain) | None => {}
    }
    let bounded = schema["maximum"].as_f64().is_some_and(|maximum| maximum <= 65_535.0);
    match schema["type"].as_str() {
        _ if schema["enum"].is_array() => "choice",
        Some("boolean") => "switch",
        Some("integer" | "number") if bounded => "range",
        Some("integer") => "integer",
        Some("array") => "color",
        _ => "number",
    }
}

/// A hundredth of the range, as a round number; whole numbers count by one.
fn step(schema: &Value) -> Option<f64> {
    match schema["type"].as_str() {
        Some("integer") if schema["enum"].is_null() => Some(1.0),
        Some("number") => {
            let (minimum, maximum) = (schema["minimum"].as_f64()?, schema["maximum"].as_f64()?);
            Some(10f64.powf(((maximum - minimum) / 100.0).log10().floor()))
        }
        _ => None,
    }
}

/// What the operation with its suggested parameters says of a reduced picture.
fn reduced(name: &str, parameters: &[Parameter]) -> &'static str {
    let values: Map<String, Value> = parameters
        .iter()
        .filter_map(|parameter| Some((parameter.name.clone(), parameter.suggested.clone()?)))
        .collect();
    let one_key = Value::Object(Map::from_iter([(name.to_owned(), Value::Object(values))]));
    match serde_json::from_value::<Operation>(one_key).map(|operation| operation.reduced(1)) {
        Ok(Reduced::Same(_)) => "same",
        Ok(Reduced::Scaled(_)) => "scaled",
        Ok(Reduced::Never) | Err(_) => "never",
    }
}

fn text(schema: &Value, key: &str) -> String {
    schema[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_registry_has_a_form_that_it_accepts() {
        assert_eq!(operations().len(), Operation::NAMES.len());
        for operation in operations() {
            let values: Map<String, Value> = operation
                .parameters
                .iter()
                .filter_map(|parameter| Some((parameter.name.clone(), parameter.suggested.clone()?)))
                .collect();
            let chain = serde_json::json!({ operation.name: values });
            let parsed: Operation = serde_json::from_value(chain).unwrap();
            assert_eq!(parsed.check_bounds(), Ok(()), "{}", operation.name);
            assert!(!operation.help.is_empty() && !operation.label.is_empty());
        }
    }

    #[test]
    fn a_parameter_has_the_bounds_of_the_schema_and_the_words_of_the_form() {
        let blur = operations().iter().find(|one| one.name == "gaussianBlur").unwrap();
        let sigma = serde_json::to_value(&blur.parameters[0]).unwrap();
        assert_eq!(sigma["control"], "range");
        assert_eq!((sigma["minimum"].as_f64(), sigma["maximum"].as_f64()), (Some(0.1), Some(100.0)));
        assert_eq!((&sigma["unit"], &sigma["required"]), (&"px".into(), &true.into()));
        assert_eq!(blur.reduced, "scaled");
        let crop = operations().iter().find(|one| one.name == "crop").unwrap();
        assert_eq!((crop.drawn, crop.reduced), (Some("rectangle"), "same"));
        assert!(crop.parameters.iter().all(|parameter| parameter.required), "{crop:?}");
    }

    #[test]
    fn outputs_are_those_of_the_schema() {
        let names: Vec<&str> = outputs().iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(&names[..2], ["jpeg", "png"]);
        assert!(outputs()[0].schema["properties"]["quality"]["maximum"].as_f64() == Some(100.0));
    }
}
