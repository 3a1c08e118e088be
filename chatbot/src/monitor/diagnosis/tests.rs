use serde_json::json;

use super::*;
use crate::store::jobs::facts::{self, Facts};

const NOW: &str = "2026-01-01T12:00:00Z";

fn task(changes: &serde_json::Value) -> Task {
    let mut task = json!({
        "id": 7, "kind": "remove_document", "queue": "low", "state": "retryable", "priority": 1, "attempt": 1, "max_attempts": 25,
        "args": {"document_id": "01890a5d-ac96-774b-bcce-b302099a8057", "object_key": "x"}, "metadata": {}, "errors": null,
        "attempted_by": null, "created_at": NOW, "scheduled_at": NOW, "attempted_at": null, "finalized_at": null,
    });
    let (fields, changes) = (task.as_object_mut().unwrap(), changes.as_object().unwrap().clone());
    fields.extend(changes);
    serde_json::from_value(task).unwrap()
}

fn worker(kinds: &[&str], silent_seconds: f64) -> facts::Worker {
    let kinds: Vec<&str> = kinds.to_vec();
    serde_json::from_value(json!({
        "id": "worker-1", "release_id": "r1", "kinds": kinds, "queues": {"high": 1, "low": 1}, "started_at": NOW,
        "silent_seconds": silent_seconds, "dead_at": null,
    }))
    .unwrap()
}

fn overview(facts: &Facts) -> Overview {
    Overview::new(facts, NOW.parse().unwrap())
}

fn calm() -> Facts {
    Facts { workers: vec![worker(&["remove_document"], 1.0)], ..Facts::default() }
}

fn failures(error: &str, count: usize) -> serde_json::Value {
    let failure = |attempt: usize| json!({"at": NOW, "attempt": attempt, "error": error, "trace": ""});
    (1..=count).map(failure).collect()
}

#[test]
fn a_task_in_trouble_says_why_and_what_to_do() {
    let running = json!({
        "id": 7, "kind": "remove_document", "queue": "low", "attempt": 1, "worker": "worker-1", "seconds": 4000.0,
        "progress": null, "stage": null, "is_being_cancelled": false,
    });
    let endless = Facts { running: vec![serde_json::from_value(running).unwrap()], ..calm() };
    let in_hand = json!({"state": "running", "attempted_by": ["worker-1"]});
    let silent = Facts { workers: vec![worker(&["remove_document"], 40.0)], ..calm() };
    let stranger = Facts { workers: vec![worker(&["another"], 1.0)], ..calm() };
    let paused = Facts { paused: vec!["low".to_owned()], ..calm() };
    let table = [
        (task(&json!({"args": {}})), calm()),
        (task(&in_hand), silent),
        (task(&in_hand), endless),
        (task(&json!({"state": "running", "metadata": {"cancel_attempted_at": NOW}})), calm()),
        (task(&json!({})), stranger),
        (task(&json!({"queue": "medium"})), calm()),
        (task(&json!({})), paused),
        (task(&json!({"errors": failures("the worker w stopped answering", 1)})), calm()),
        (task(&json!({"state": "discarded", "attempt": 25, "errors": failures("refused", 25)})), calm()),
        (task(&json!({"state": "discarded", "metadata": {"output": {"error": "no text"}}})), calm()),
        (task(&json!({"errors": failures("the index is down", 3)})), calm()),
    ];
    let told: Vec<_> = table.iter().map(|(task, facts)| of(task, &overview(facts)).unwrap()).collect();
    insta::assert_yaml_snapshot!(told);
}

#[test]
fn a_task_without_trouble_says_nothing() {
    for changes in [
        json!({}),
        json!({"state": "completed", "args": {}, "errors": failures("the worker w stopped answering", 2)}),
        json!({"state": "cancelled", "errors": failures("the worker w stopped answering", 1)}),
        json!({"errors": failures("once", 1)}),
    ] {
        assert_eq!(of(&task(&changes), &overview(&calm())), None, "{changes}");
    }
}
