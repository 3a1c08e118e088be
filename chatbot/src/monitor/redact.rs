//! What looks like a secret is not shown: by the name of its field, or by its own shape.

use serde_json::Value;

/// What stands in its place.
const HIDDEN: &str = "[hidden]";
/// Parts of names of fields that hold secrets; separators and case do not matter.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "privatekey",
    "accesskey",
    "signature",
];
/// How values begin that are secrets wherever they stand.
const BEGINNINGS: [&str; 6] = ["cbk_", "sk-", "Bearer ", "Basic ", "eyJ", "-----BEGIN"];
/// Nothing is nested deeper in arguments that people write; what is, is not shown.
const DEPTH: usize = 32;

/// The same document without secrets.
#[must_use]
pub fn redacted(value: &Value) -> Value {
    within(value, DEPTH)
}

fn within(value: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::from(HIDDEN) };
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), field_of(name, field, depth))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| within(item, depth)).collect()),
        Value::String(text) if is_secret(text) => Value::from(HIDDEN),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn field_of(name: &str, value: &Value, depth: usize) -> Value {
    if value.is_null() || !is_secret_name(name) { within(value, depth) } else { Value::from(HIDDEN) }
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.iter().any(|part| plain.contains(part))
}

/// A key, a token, or a URL with a password in it.
fn is_secret(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || url::Url::parse(text).is_ok_and(|url| url.password().is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_by_name_and_by_shape_and_nothing_else_is() {
        let told = redacted(&json!({
            "document_id": "01890a5d", "API-Key": "abc", "smtpPassword": {"old": 1}, "password": null,
            "nested": [{"access_token": "x"}, "Bearer abc", "sk-or-v1", "postgresql://a:b@c/d", "https://example.org/a"],
            "count": 3,
        }));
        let expected = json!({
            "document_id": "01890a5d", "API-Key": HIDDEN, "smtpPassword": HIDDEN, "password": null,
            "nested": [{"access_token": HIDDEN}, HIDDEN, HIDDEN, HIDDEN, "https://example.org/a"],
            "count": 3,
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_nested_without_end_is_cut_off() {
        let deep = (0..100).fold(json!("sk-secret"), |inner, _| json!([inner]));
        assert!(!redacted(&deep).to_string().contains("sk-secret"));
    }

    proptest! {
        #[test]
        fn no_name_that_says_password_gives_its_value_away(before in "[A-Za-z_-]{0,8}", after in "[A-Za-z_-]{0,8}") {
            let told = redacted(&json!({ format!("{before}Pass-Word{after}"): "hunter2" }));
            prop_assert!(!told.to_string().contains("hunter2"));
        }
    }
}
