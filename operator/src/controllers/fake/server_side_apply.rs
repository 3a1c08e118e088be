//! How the API server lays an applied object over the one that is there: what others wrote stays, and of the applier's own
//! earlier fields only those go that it does not write any more.

use serde_json::{Map, Value};

/// Fields that are written as a whole, whoever wrote what into them.
const ATOMIC: [&str; 2] = ["selector", "podSelector"];

/// `body` over `live`; `before` is what the same applier wrote last.
pub(super) fn applied(live: &Value, before: &Value, body: &Value) -> Value {
    laid_over("", live, before, body)
}

fn laid_over(field: &str, live: &Value, before: &Value, body: &Value) -> Value {
    match (live, body) {
        (Value::Object(fields), Value::Object(wanted)) if !ATOMIC.contains(&field) => {
            let is_left = |name: &str| wanted.contains_key(name) || before[name].is_null();
            let others =
                fields.iter().filter(|(name, _)| is_left(name)).map(|(name, value)| (name.clone(), value.clone()));
            let own =
                wanted.iter().map(|(name, value)| (name.clone(), laid_over(name, &live[name], &before[name], value)));
            Value::Object(others.chain(own).collect::<Map<_, _>>())
        }
        (Value::Array(items), Value::Array(wanted)) if !keys(field).is_empty() => {
            let find = |items: &Value, item: &Value| {
                items.as_array().into_iter().flatten().find(|it| same(field, it, item)).cloned()
            };
            let own = wanted.iter().map(|item| {
                let of_it = |items: &Value| find(items, item).unwrap_or_default();
                laid_over("", &of_it(live), &of_it(before), item)
            });
            let is_others = |item: &&Value| find(body, item).is_none() && find(before, item).is_none();
            Value::Array(own.chain(items.iter().filter(is_others).cloned()).collect())
        }
        _ => body.clone(),
    }
}

/// By which of their fields the items of a list are told apart; a list without is written as a whole.
fn keys(field: &str) -> &'static [&'static str] {
    match field {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => &["name"],
        "ports" => &["containerPort", "port", "protocol"],
        "volumeMounts" => &["mountPath"],
        "ownerReferences" => &["uid"],
        _ => &[],
    }
}

fn same(field: &str, one: &Value, other: &Value) -> bool {
    keys(field).iter().all(|key| one[key] == other[key])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_others_survive_and_own_ones_that_are_not_written_any_more_go() {
        let before = json!({"labels": {"own": "1", "dropped": "1"}, "env": [{"name": "OWN"}, {"name": "DROPPED"}]});
        let live = json!({"labels": {"own": "0", "dropped": "1", "theirs": "1"}, "uid": "1", "selector": {"a": "1", "theirs": "1"},
            "env": [{"name": "OWN", "x": 1}, {"name": "DROPPED"}, {"name": "THEIRS"}]});
        let body = json!({"labels": {"own": "1"}, "env": [{"name": "OWN", "value": "v"}], "selector": {"a": "1"}});
        let expected = json!({"labels": {"own": "1", "theirs": "1"}, "uid": "1", "selector": {"a": "1"},
            "env": [{"name": "OWN", "x": 1, "value": "v"}, {"name": "THEIRS"}]});
        assert_eq!(applied(&live, &before, &body), expected);
    }
}
