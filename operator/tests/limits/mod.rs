//! Everything that the schema refuses in a spec, field by field: its CEL rules, its bounds and its enumerations.

use std::fmt;

use serde_json::{Map, Value};

/// One limit of one field. The same type may stand at several fields, and each of them is a limit of its own.
pub(crate) struct Limit {
    /// Where: `*` stands for any key of a map, `[]` for any item of a list.
    path: String,
    /// What the API server says when it is broken.
    message: String,
}

impl Limit {
    /// Whether an answer of the API server is about this limit.
    pub(crate) fn is_named_by(&self, answer: &str) -> bool {
        let field = answer.split_once(": ").map_or("", |(field, _)| field);
        answer.contains(&self.message) && (self.path.is_empty() || fits(&self.path, field))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

fn fits(path: &str, field: &str) -> bool {
    let without_index = |part: &str| part.split_once('[').map_or(part.to_owned(), |(name, _)| format!("{name}[]"));
    let (wanted, found): (Vec<&str>, Vec<&str>) = (path.split('.').collect(), field.split('.').collect());
    let same = |(wanted, found): (&&str, &&str)| *wanted == "*" || *wanted == without_index(found);
    wanted.len() == found.len() && wanted.iter().zip(&found).all(same)
}

/// The limits of the root and of the spec; what the operator writes into the status breaks none.
pub(crate) fn of(schema: &Value) -> Vec<Limit> {
    let mut limits = Vec::new();
    rules("", schema, &mut limits);
    collect("spec", &schema["properties"]["spec"], &mut limits);
    limits
}

fn collect(path: &str, schema: &Value, limits: &mut Vec<Limit>) {
    rules(path, schema, limits);
    let schema = schema.as_object().unwrap();
    limits.extend(bounds(schema).into_iter().map(|message| Limit { path: path.to_owned(), message }));
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        collect(&format!("{path}.{name}"), property, limits);
    }
    if let Some(additional) = schema.get("additionalProperties").filter(|it| it.is_object()) {
        collect(&format!("{path}.*"), additional, limits);
    }
    if let Some(items) = schema.get("items") {
        collect(&format!("{path}[]"), items, limits);
    }
}

fn rules(path: &str, schema: &Value, limits: &mut Vec<Limit>) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let message = rule["message"].as_str().expect("every rule has a message").to_owned();
        let blamed = rule["fieldPath"].as_str().unwrap_or_default();
        limits.push(Limit { path: format!("{path}{blamed}"), message });
    }
}

fn bounds(schema: &Map<String, Value>) -> Vec<String> {
    schema.iter().filter_map(|(name, bound)| bound_message(name, bound)).collect()
}

/// In the API server's words.
fn bound_message(name: &str, bound: &Value) -> Option<String> {
    match name {
        "minimum" => Some(format!("should be greater than or equal to {bound}")),
        "maximum" => Some(format!("should be less than or equal to {bound}")),
        "minLength" => Some(format!("should be at least {bound} chars long")),
        "maxLength" => Some(format!("may not be more than {bound} ")),
        "maxItems" | "maxProperties" => Some(format!("must have at most {bound} items")),
        "pattern" => Some(format!("should match '{}'", bound.as_str()?)),
        "enum" => Some("supported values: ".to_owned()),
        _ => None,
    }
}
