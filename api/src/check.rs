//! Checks a document against a resource's schema, and words what is wrong better than a server can: with the nearest
//! name, the bounds and the right form. Patterns and CEL rules are not evaluated here; `validate` says the same.

use crate::nearest::{nearest, unknown};
use crate::problem::Problem;
use crate::schema::{one_key_form, union_names};
use serde_json::{Map, Value};

/// All that is wrong with the value of the field `path`, in the order of the document.
pub fn check(schema: &Value, value: &Value, path: &str) -> Vec<Problem> {
    let mut checker = Checker { problems: Vec::new() };
    checker.value(schema, value, path);
    checker.problems
}

struct Checker {
    problems: Vec<Problem>,
}

impl Checker {
    fn problem(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        if schema.get("x-kubernetes-int-or-string").is_some() {
            return;
        }
        if let Some(names) = union_names(schema) {
            return self.union(schema, &names, value, path);
        }
        match (schema["type"].as_str().unwrap_or_default(), value) {
            ("object", Value::Object(fields)) => self.object(schema, fields, path),
            ("array", Value::Array(items)) => self.array(schema, items, path),
            ("string", Value::String(text)) => self.string(schema, text, path),
            ("integer", Value::Number(number)) if !number.is_f64() => self.number(schema, number, path),
            ("number", Value::Number(number)) => self.number(schema, number, path),
            ("boolean", Value::Bool(_)) => {}
            ("object", Value::String(text)) => self.problem(path, key_left_out(schema, text, path)),
            (kind, value) => {
                self.problem(path, format!("must be {}, not {}", kind_words(kind), shown(value)))
            }
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, path: &str) {
        if let Some(values) = schema.get("additionalProperties") {
            return fields.iter().for_each(|(key, value)| self.value(values, value, &join(path, key)));
        }
        let none = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        let meant = self.unknown_fields(known, fields, path);
        for name in
            required(schema).filter(|name| !fields.contains_key(*name) && !meant.iter().any(|m| m == name))
        {
            self.problem(&join(path, name), format!("missing: {}", what_it_is(&known[name])));
        }
        for (name, value) in fields {
            if let Some(schema) = known.get(name) {
                self.field(schema, value, &join(path, name));
            }
        }
    }

    /// Reports the fields that the schema does not know, and returns those that were probably meant.
    fn unknown_fields(
        &mut self,
        known: &Map<String, Value>,
        fields: &Map<String, Value>,
        path: &str,
    ) -> Vec<String> {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let (what, whats) =
            if path.contains(".operations[") { ("parameter", "parameters") } else { ("field", "fields") };
        let strange: Vec<&String> = fields.keys().filter(|name| !known.contains_key(*name)).collect();
        for name in &strange {
            let message = if names.is_empty() {
                format!("has no {whats}: remove {name}")
            } else {
                unknown(what, name, &names)
            };
            self.problem(if path.is_empty() { "the file" } else { path }, message);
        }
        strange.iter().filter_map(|name| nearest(name, &names)).map(str::to_owned).collect()
    }

    /// A null counts as left out where that means something.
    fn field(&mut self, schema: &Value, value: &Value, path: &str) {
        let optional = schema.get("default").is_some() || schema["nullable"] == true;
        match value {
            Value::Null if optional => {}
            Value::Null => self.problem(path, nothing(schema, path)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                self.value(schema, value, path);
            }
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], path: &str) {
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| items.len() as u64 > *most) {
            self.problem(path, format!("at most {most} items, not {}", items.len()));
        }
        for (index, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{path}[{index}]"));
        }
    }

    fn string(&mut self, schema: &Value, text: &str, path: &str) {
        let length = text.chars().count() as u64;
        if let Some(choices) = schema["enum"].as_array() {
            return self.choice(choices, &Value::String(text.to_owned()), path);
        }
        if schema["minLength"].as_u64().is_some_and(|least| length < least) {
            self.problem(path, "must not be empty");
        }
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
            self.problem(path, format!("at most {most} characters, not {length}"));
        }
    }

    fn number(&mut self, schema: &Value, number: &serde_json::Number, path: &str) {
        if let Some(choices) = schema["enum"].as_array() {
            return self.choice(choices, &Value::Number(number.clone()), path);
        }
        let value = number.as_f64().unwrap_or(f64::INFINITY);
        let (min, max) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
        if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
            self.problem(path, format!("must be {}, not {number}", range(min, max)));
        }
    }

    fn choice(&mut self, choices: &[Value], value: &Value, path: &str) {
        if choices.contains(value) {
            return;
        }
        let names: Vec<String> = choices.iter().map(plain).collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let near = value.as_str().and_then(|text| nearest(text, &known));
        let question = near.map(|name| format!(": did you mean {name}?")).unwrap_or_default();
        self.problem(path, format!("must be one of {}, not {}{question}", known.join(", "), shown(value)));
    }

    fn union(&mut self, schema: &Value, names: &[String], value: &Value, path: &str) {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some(fields) = value.as_object() else {
            return self.problem(path, not_a_key(&known, value));
        };
        if let Some(message) = parameters_outside(schema, fields) {
            return self.problem(path, message);
        }
        let strange: Vec<&String> = fields.keys().filter(|name| !known.contains(&name.as_str())).collect();
        for name in &strange {
            self.problem(path, unknown("operation", name, &known));
        }
        if strange.is_empty() && fields.len() != 1 {
            self.problem(path, wrong_count(fields, &known));
        }
        for (name, value) in fields {
            if let Some(schema) = schema["properties"].get(name) {
                self.field(schema, value, &join(path, name));
            }
        }
    }
}

/// A list's item that is no object: mostly a name without its colon.
fn not_a_key(known: &[&str], value: &Value) -> String {
    match value.as_str() {
        Some(name) if known.contains(&name) => {
            format!("write it as a key with its parameters: \"{name}: {{}}\"")
        }
        Some(name) => unknown("operation", name, known),
        None => format!("{}, not {}; known: {}", one_key_form(), shown(value), known.join(", ")),
    }
}

fn wrong_count(fields: &Map<String, Value>, known: &[&str]) -> String {
    if fields.is_empty() {
        return format!("{}; known: {}", one_key_form(), known.join(", "));
    }
    let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
    format!(
        "one item holds {}: put each operation in an item of its own, beginning with \"- \"",
        keys.join(" and ")
    )
}

/// `gaussianBlur:` with `sigma: 1.5` beside instead of inside it: parameters that are not indented far enough.
fn parameters_outside(schema: &Value, fields: &Map<String, Value>) -> Option<String> {
    let (name, _) =
        fields.iter().find(|(name, value)| value.is_null() && schema["properties"].get(name).is_some())?;
    let parameters = schema["properties"][name]["properties"].as_object()?;
    let outside: Vec<String> = fields
        .iter()
        .filter(|(key, _)| parameters.contains_key(*key))
        .map(|(key, value)| format!("{key}: {}", plain(value)))
        .collect();
    let all = !outside.is_empty() && outside.len() == fields.len() - 1;
    all.then(|| format!("the parameters belong inside {name}: write \"{name}: {{{}}}\"", outside.join(", ")))
}

/// What to write instead of nothing.
fn nothing(schema: &Value, path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let first = required(schema).next();
    match (schema["type"].as_str(), first) {
        (Some("object"), Some(field)) => {
            format!("is empty: it needs {field}, as in \"{name}: {{{field}: ...}}\"")
        }
        (Some("object"), None) => format!("is empty: write \"{name}: {{}}\""),
        _ => format!("is empty: give it a value or remove it ({})", what_it_is(schema)),
    }
}

/// `source: s3://...` for `source: {uri: s3://...}`.
fn key_left_out(schema: &Value, text: &str, path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    match required(schema).collect::<Vec<_>>().as_slice() {
        [only] => format!("write \"{name}: {{{only}: {text}}}\""),
        _ => format!("must be {}, not the text \"{text}\"", kind_words("object")),
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The first sentence of a schema's description, to follow a colon.
fn what_it_is(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or("this field is required");
    let sentence = text.split(". ").next().unwrap_or(text).trim_end_matches('.');
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "a number".to_owned(),
    }
}

fn kind_words(kind: &str) -> &'static str {
    match kind {
        "object" => "an object, such as \"{key: value}\"",
        "array" => "a list",
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "another kind of value",
    }
}

/// A value as a sentence names it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("the text \"{text}\""),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
