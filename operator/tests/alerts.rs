//! The alerts of an environment, judged by Prometheus' own promtool. Where that is not installed (Debian: `prometheus`), the test
//! fails: an alert that nobody tried is none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, process::Command};

use chatbot_operator::{
    controllers::environment::resolve::{Apis, References, SecretData, resolve},
    crd::ChatbotEnvironment,
    resources::prometheus_rule,
};
use serde_json::{Value, json};

/// Alerts of a prod environment with an off-site copy.
fn rules() -> Value {
    let environment: ChatbotEnvironment = serde_json::from_value(json!({
        "apiVersion": "chatbot.platform/v1alpha1", "kind": "ChatbotEnvironment",
        "metadata": {"name": "prod", "namespace": "chat", "uid": "1"},
        "spec": {"tier": "prod", "image": "chatbot:1.4.0", "secretRef": {"name": "chatbot"}, "backups": {"offsite": {"bucket": "copies"}}},
    }))
    .unwrap();
    let secret = json!({"metadata": {"name": "chatbot"}, "stringData": {
        "DATABASE_URL": "postgresql://chatbot:pw@db.example.org/chatbot?sslmode=require", "REDIS_URL": "redis://redis:6379",
        "QDRANT_URL": "http://qdrant:6333", "SECRET_KEY": "0123456789abcdef0123456789abcdef", "OPENROUTER_API_KEY": "none"}});
    let secret = SecretData::from(&serde_json::from_value(secret).unwrap());
    let resolved =
        resolve(&environment, &References { secret: Some(secret), apis: Apis::default(), ..References::default() });
    json!({ "groups": [prometheus_rule::group(&resolved.unwrap())] })
}

fn series(metric: &str, values: &str) -> Value {
    json!({ "series": format!("{metric}{{namespace=\"chat\",name=\"prod\"}}"), "values": values })
}

/// At this time these alerts are firing, and no others of [`rules`].
fn expect(time: &str, firing: &[&str]) -> Vec<Value> {
    let rules = rules();
    let names =
        rules["groups"][0]["rules"].as_array().unwrap().iter().map(|rule| rule["alert"].as_str().unwrap().to_owned());
    let alert = |name: String| {
        let rule =
            rules["groups"][0]["rules"].as_array().unwrap().iter().find(|rule| rule["alert"] == name).unwrap().clone();
        let mut labels = rule["labels"].clone();
        labels["namespace"] = json!("chat");
        labels["name"] = json!("prod");
        let expected = json!([{ "exp_labels": labels, "exp_annotations": rule["annotations"] }]);
        let expected = if firing.contains(&name.as_str()) { expected } else { json!([]) };
        json!({ "eval_time": time, "alertname": name, "exp_alerts": expected })
    };
    names.collect::<Vec<_>>().into_iter().map(alert).collect()
}

fn case(name: &str, series: impl Into<Value>, expected: impl Into<Value>) -> Value {
    let (series, expected): (Value, Value) = (series.into(), expected.into());
    json!({ "name": name, "interval": "1m", "input_series": series, "alert_rule_test": expected })
}

/// Time 0 of promtool is second 0 of 1970.
fn of_backups() -> Vec<Value> {
    let well = || {
        vec![
            series("chatbot_operator_environment_ready", "1x6000"),
            series("chatbot_backup_rpo_seconds", "3600x6000"),
            series("chatbot_drill_recoverable", "1x6000"),
        ]
    };
    let with = |more: Vec<Value>| [well(), more].concat();
    vec![
        case(
            "a backup every half an hour",
            with(vec![series(
                "chatbot_backup_last_success_timestamp_seconds",
                "0x29 1800x29 3600x29 5400x29 7200x600",
            )]),
            expect("149m", &[]),
        ),
        case(
            "none since the beginning",
            with(vec![series("chatbot_backup_last_success_timestamp_seconds", "0x6000")]),
            expect("63m", &["ChatbotBackupTooOld"]),
        ),
        case("none at all", with(vec![]), expect("125m", &["ChatbotBackupMissing"])),
        case(
            "the copy stands still",
            with(vec![
                series("chatbot_backup_last_success_timestamp_seconds", "0+60x6000"),
                series("chatbot_backup_offsite_timestamp_seconds", "0x6000"),
                series("chatbot_backup_verified_timestamp_seconds", "0+60x6000"),
            ]),
            expect("37h", &["ChatbotBackupNotOffsite"]),
        ),
        case(
            "nothing is checked any more",
            with(vec![
                series("chatbot_backup_last_success_timestamp_seconds", "0+60x6000"),
                series("chatbot_backup_offsite_timestamp_seconds", "0+60x6000"),
                series("chatbot_backup_verified_timestamp_seconds", "0x6000"),
            ]),
            expect("73h", &["ChatbotBackupUnverified"]),
        ),
        case(
            "nothing was ever copied or checked",
            with(vec![series("chatbot_backup_last_success_timestamp_seconds", "0+60x6000")]),
            expect("37h", &["ChatbotBackupNeverOffsite", "ChatbotBackupNeverVerified"]),
        ),
    ]
}

fn of_releases_and_restores() -> Vec<Value> {
    vec![
        case(
            "a rehearsal that failed",
            vec![
                series("chatbot_drill_recoverable", "0x600"),
                series("chatbot_backup_last_success_timestamp_seconds", "0x600"),
                series("chatbot_backup_rpo_seconds", "3600x600"),
            ],
            expect("5m", &["ChatbotNotRecoverable"]),
        ),
        case(
            "it is suspended",
            vec![
                series("chatbot_operator_environment_ready", "0x60"),
                json!({ "series": "chatbot_release_phase{namespace=\"chat\",name=\"prod\",phase=\"Suspended\"}", "values": "1x60" }),
            ],
            expect("16m", &[]),
        ),
        case(
            "users are not served",
            vec![series("chatbot_operator_environment_ready", "0x60")],
            expect("16m", &["ChatbotNotReady"]),
        ),
    ]
}

#[test]
fn each_alert_fires_for_its_reason_and_no_other_does() {
    let tests = [of_backups(), of_releases_and_restores()].concat();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &Value| fs::write(folder.path().join(name), content.to_string()).unwrap();
    write("rules.json", &rules());
    write("test.json", &json!({ "rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests }));
    let run = Command::new("promtool").args(["test", "rules", "test.json"]).current_dir(folder.path()).output();
    let run = run.expect("promtool runs: apt-get install prometheus");
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}");
}
