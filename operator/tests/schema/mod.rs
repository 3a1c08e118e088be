//! The part of the API server's schema validation that a CRD of ours uses, with the API server's words.

use kube::core::cel::Validator;
use serde_json::{Map, Value, json};

/// Every mistake of an object against a structural schema, one line each.
pub(crate) fn mistakes(schema: &Value, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check("", schema, object, &mut found);
    found
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn check(path: &str, schema: &Value, value: &Value, found: &mut Vec<String>) {
    if !has_type(schema, value) {
        let kind = schema["type"].as_str().unwrap_or_default();
        found.push(format!("{path}: Invalid value: {path} in body must be of type {kind}"));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        found.push(format!("{path}: Unsupported value: {value}: supported values: {}", allowed.join(", ")));
    }
    match value {
        Value::Object(object) => check_object(path, schema, object, found),
        Value::Array(items) => check_array(path, schema, items, found),
        Value::String(text) => check_text(path, schema, text, found),
        Value::Number(number) => check_number(path, schema, number.as_f64().unwrap(), found),
        Value::Null | Value::Bool(_) => {}
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    if schema["x-kubernetes-int-or-string"] == true {
        return value.is_string() || value.is_i64();
    }
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        other => panic!("the schema has a type that this check does not know: {other:?}"),
    }
}

fn check_object(path: &str, schema: &Value, object: &Map<String, Value>, found: &mut Vec<String>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{}: Required value", join(path, name)));
        }
    }
    if schema["maxProperties"].as_u64().is_some_and(|max| object.len() as u64 > max) {
        found.push(format!("{path}: Too many: {}: must have at most {} items", object.len(), schema["maxProperties"]));
    }
    for (name, value) in object {
        let inner = join(path, name);
        let root = path.is_empty() && ["apiVersion", "kind", "metadata"].contains(&name.as_str());
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(property), _) => check(&inner, property, value, found),
            (None, additional @ Value::Object(_)) => check(&inner, additional, value, found),
            (None, _) if root => {}
            (None, _) => found.push(format!("strict decoding error: unknown field \"{inner}\"")),
        }
    }
}

fn check_array(path: &str, schema: &Value, items: &[Value], found: &mut Vec<String>) {
    if schema["maxItems"].as_u64().is_some_and(|max| items.len() as u64 > max) {
        found.push(format!("{path}: Too many: {}: must have at most {} items", items.len(), schema["maxItems"]));
    }
    for (index, item) in items.iter().enumerate() {
        check(&format!("{path}[{index}]"), &schema["items"], item, found);
    }
}

fn check_text(path: &str, schema: &Value, text: &str, found: &mut Vec<String>) {
    if schema["maxLength"].as_u64().is_some_and(|max| text.chars().count() as u64 > max) {
        found.push(format!("{path}: Too long: may not be more than {} bytes", schema["maxLength"]));
    }
    if schema["minLength"].as_u64().is_some_and(|min| (text.chars().count() as u64) < min) {
        found.push(format!(
            "{path}: Invalid value: {path} in body should be at least {} chars long",
            schema["minLength"]
        ));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && !matches(pattern, text)
    {
        found.push(format!("{path}: Invalid value: {path} in body should match '{pattern}'"));
    }
}

/// The regular expressions of schema and rules are of one dialect, so CEL evaluates both.
fn matches(pattern: &str, text: &str) -> bool {
    let rule =
        json!({ "type": "string", "x-kubernetes-validations": [{ "rule": format!("self.matches(r'{pattern}')") }] });
    Validator::new().validate(&rule, &text.into(), None).is_ok()
}

fn check_number(path: &str, schema: &Value, number: f64, found: &mut Vec<String>) {
    if schema["minimum"].as_f64().is_some_and(|min| number < min) {
        found.push(format!(
            "{path}: Invalid value: {path} in body should be greater than or equal to {}",
            schema["minimum"]
        ));
    }
    if schema["maximum"].as_f64().is_some_and(|max| number > max) {
        found.push(format!(
            "{path}: Invalid value: {path} in body should be less than or equal to {}",
            schema["maximum"]
        ));
    }
}
