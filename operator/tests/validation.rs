//! Every case of `tests/fixtures/validation` against the generated schema: its bounds, and its CEL rules as kube
//! evaluates them. The end-to-end tests send the same cases to a real API server.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod limits;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chatbot_operator::crd::generate;
use kube::core::cel::Validator;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    base: String,
    #[serde(default)]
    old: Option<Value>,
    patch: Value,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/validation").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let object = target.as_object_mut().unwrap();
    for (key, change) in changes {
        if change.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

struct ApiServer {
    schema: Value,
    bases: BTreeMap<String, Value>,
}

impl ApiServer {
    fn new() -> Self {
        let crd = serde_json::to_value(generate::environment().unwrap()).unwrap();
        let schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        Self { schema, bases: read("bases.yaml") }
    }

    fn object(&self, base: &str, patch: &Value) -> Value {
        let mut object = self.bases.get(base).unwrap_or_else(|| panic!("no base {base}")).clone();
        merge(&mut object, patch);
        object
    }

    /// What an API server answers: nothing, or one line per mistake.
    fn answer(&self, case: &Case) -> Vec<String> {
        let new = self.object(&case.base, &case.patch);
        let old = case.old.as_ref().map(|patch| self.object(&case.base, patch));
        let mistakes = schema::mistakes(&self.schema, &new);
        if !mistakes.is_empty() {
            return mistakes;
        }
        match Validator::new().validate(&self.schema, &new, old.as_ref()) {
            Ok(()) => Vec::new(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        }
    }
}

fn assert_unique_names(cases: &[Case]) {
    let mut seen = BTreeSet::new();
    for case in cases {
        assert!(seen.insert(&case.name), "two cases are named {:?}", case.name);
    }
}

#[test]
fn every_refused_case_names_the_field_and_what_to_write() {
    let api = ApiServer::new();
    let cases: Vec<Case> = read("refused.yaml");
    assert_unique_names(&cases);
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = api.answer(case);
        let field = case.field.as_deref().unwrap();
        let message = case.message.as_deref().unwrap();
        let named =
            |line: &String| (field.is_empty() || line.starts_with(&format!("{field}:"))) && line.contains(message);
        if answer.len() != 1 || !answer.iter().any(named) {
            wrong.push(format!("{}: {answer:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_accepted_case_is_accepted_and_read_back_whole() {
    let api = ApiServer::new();
    let cases: Vec<Case> = read("accepted.yaml");
    assert_unique_names(&cases);
    for case in &cases {
        assert_eq!(api.answer(case), Vec::<String>::new(), "{}", case.name);
        let object = api.object(&case.base, &case.patch);
        let typed: chatbot_operator::crd::ChatbotEnvironment = serde_json::from_value(object)
            .unwrap_or_else(|error| panic!("{}: the operator cannot read it: {error}", case.name));
        let written = serde_json::to_value(&typed).unwrap();
        assert_eq!(serde_json::from_value::<chatbot_operator::crd::ChatbotEnvironment>(written).unwrap(), typed);
    }
}

#[test]
fn every_rule_and_every_bound_is_broken_by_some_case_at_each_field_that_has_it() {
    let api = ApiServer::new();
    let cases: Vec<Case> = read("refused.yaml");
    let answers: Vec<String> = cases.iter().flat_map(|case| api.answer(case)).collect();
    let limits = limits::of(&api.schema);
    assert!(limits.len() > 150, "only {} limits", limits.len());
    let untested: Vec<String> = limits
        .iter()
        .filter(|limit| !answers.iter().any(|answer| limit.is_named_by(answer)))
        .map(ToString::to_string)
        .collect();
    assert!(untested.is_empty(), "no case breaks these:\n{}", untested.join("\n"));
}
