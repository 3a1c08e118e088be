//! Whether an object in the cluster is as it should be.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Fingerprint of what is to be written. Values of Secrets are left out: a fingerprint must not help to guess them.
#[must_use]
pub fn fingerprint(desired: &Value) -> String {
    let mut shown = desired.clone();
    if let Some(data) = shown.get_mut("data").and_then(Value::as_object_mut) {
        data.values_mut().for_each(|value| *value = Value::Null);
    }
    hex::encode(Sha256::digest(shown.to_string().as_bytes())).chars().take(16).collect()
}

/// Whether `observed` has everything that `desired` says. What others added is theirs.
#[must_use]
pub fn contains(observed: &Value, desired: &Value) -> bool {
    match (observed, desired) {
        (Value::Object(observed), Value::Object(desired)) => {
            desired.iter().all(|(key, value)| has(observed, key, value))
        }
        (Value::Array(observed), Value::Array(desired)) => {
            observed.len() == desired.len()
                && observed.iter().zip(desired).all(|(observed, desired)| contains(observed, desired))
        }
        (observed, desired) => observed == desired,
    }
}

/// The API server leaves out what is empty.
fn has(observed: &Map<String, Value>, key: &str, desired: &Value) -> bool {
    observed.get(key).map_or_else(|| is_empty(desired), |observed| contains(observed, desired))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The part of `observed` that `desired` speaks of.
#[must_use]
pub fn project(observed: &Value, desired: &Value) -> Value {
    match (observed, desired) {
        (Value::Object(observed), Value::Object(desired)) => {
            let shared =
                desired.iter().filter_map(|(key, value)| Some((key.clone(), project(observed.get(key)?, value))));
            Value::Object(shared.collect())
        }
        (Value::Array(observed), Value::Array(desired)) => {
            let last = desired.last().unwrap_or(&Value::Null);
            let pairs = observed.iter().enumerate();
            Value::Array(pairs.map(|(index, item)| project(item, desired.get(index).unwrap_or(last))).collect())
        }
        (observed, _) => observed.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn additions_of_others_are_no_difference_and_changes_are() {
        let desired =
            json!({"spec": {"replicas": 2, "containers": [{"name": "app", "args": ["serve"]}]}, "labels": {}});
        let cases = [
            ("as written", json!({"spec": {"replicas": 2, "containers": [{"name": "app", "args": ["serve"]}]}}), true),
            (
                "with defaults",
                json!({"spec": {"replicas": 2, "x": 1, "containers": [{"name": "app", "y": 1, "args": ["serve"]}]}}),
                true,
            ),
            (
                "another number",
                json!({"spec": {"replicas": 3, "containers": [{"name": "app", "args": ["serve"]}]}}),
                false,
            ),
            (
                "another container",
                json!({"spec": {"replicas": 2, "containers": [{"name": "app", "args": ["serve"]}, {}]}}),
                false,
            ),
            ("a missing field", json!({"spec": {"containers": [{"name": "app", "args": ["serve"]}]}}), false),
        ];
        for (name, observed, expected) in cases {
            assert_eq!(contains(&observed, &desired), expected, "{name}");
        }
    }

    #[test]
    fn a_projection_shows_only_what_is_spoken_of() {
        let desired = json!({"spec": {"cpu": "1000m"}});
        assert_eq!(
            project(&json!({"spec": {"cpu": "1", "memory": "1Gi"}, "status": {}}), &desired),
            json!({"spec": {"cpu": "1"}})
        );
    }

    #[test]
    fn a_fingerprint_of_a_secret_tells_its_keys_and_not_its_values() {
        let secret = |key: &str, value: &str| fingerprint(&json!({"kind": "Secret", "data": {key: value}}));
        assert_eq!(secret("KEY", "b25l"), secret("KEY", "dHdv"));
        assert_ne!(secret("KEY", "b25l"), secret("OTHER", "b25l"));
    }
}
