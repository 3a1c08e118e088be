//! What a ChatbotRestore may say, against the generated schema and its rules.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod schema;

use chatbot_operator::crd::generate;
use kube::core::cel::Validator;
use serde_json::{Value, json};

/// Nothing, or what an API server would answer.
fn mistakes(spec: &Value, old: Option<&Value>) -> Vec<String> {
    let crd = serde_json::to_value(generate::restore().unwrap()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let object = |spec: &Value| json!({"apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotRestore", "metadata": {"name": "back"}, "spec": spec});
    let found = schema::mistakes(schema, &object(spec));
    if !found.is_empty() {
        return found;
    }
    match Validator::new().validate(schema, &object(spec), old.map(object).as_ref()) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

fn from_prod() -> Value {
    json!({
        "environmentRef": {"name": "stage"},
        "source": {
            "resourcePrefix": "prod_",
            "repository": {"bucket": "prod-chatbot", "prefix": "prod_backups", "secretRef": {"name": "prod-backups"}},
            "scrub": {"configMap": "scrub"},
        },
    })
}

/// The same with one value set, or removed by null.
fn with(pointer: &str, value: Value) -> Value {
    let mut spec = from_prod();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = spec.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    spec
}

#[test]
fn restores_of_the_own_and_of_another_environments_backup_are_accepted() {
    let own = json!({"environmentRef": {"name": "prod"}});
    let offsite = json!({"environmentRef": {"name": "prod"}, "offsite": true, "from": {"at": "2026-03-04T02:00:00Z"}});
    for spec in [own, offsite, from_prod(), with("/source/scrub/key", json!("personal.sql"))] {
        assert_eq!(mistakes(&spec, None), Vec::<String>::new(), "{spec}");
    }
}

#[test]
fn another_environments_backup_needs_a_script_a_place_and_a_key_to_it() {
    for (pointer, value, expected) in [
        ("/source/scrub", Value::Null, "spec.source.scrub: Required value"),
        ("/source/scrub/configMap", Value::Null, "spec.source.scrub.configMap: Required value"),
        ("/source/scrub/configMap", json!(""), "spec.source.scrub.configMap"),
        ("/source/repository/secretRef", Value::Null, "BACKUP_KEY"),
        ("/source/repository/prefix", Value::Null, "BACKUP_KEY"),
        ("/source/resourcePrefix", json!("Prod"), "such as prod_"),
        ("/source/resourcePrefix", Value::Null, "spec.source.resourcePrefix: Required value"),
        ("/offsite", json!(true), "write source or offsite"),
        ("/from", json!({"latest": true, "backup": "5f0c"}), "write one of latest, backup and at"),
        ("/from", json!({"backup": "No"}), "as `kubectl chatbot backups` shows it"),
    ] {
        let found = mistakes(&with(pointer, value.clone()), None);
        assert!(found.len() == 1 && found[0].contains(expected), "{pointer} {value}: {found:?}");
    }
}

#[test]
fn a_restore_cannot_be_changed_into_another_one() {
    let found = mistakes(&with("/source/resourcePrefix", json!("other_")), Some(&from_prod()));
    assert!(found.len() == 1 && found[0].contains("create another ChatbotRestore"), "{found:?}");
}
