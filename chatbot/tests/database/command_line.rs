use std::collections::BTreeMap;

use crate::support::{Output, empty, migrated, migration_labels, newest_version, run, run_with_input, variables};

fn json(output: &Output) -> serde_json::Value {
    assert_eq!(output.code, 0, "{output:?}");
    serde_json::from_str(&output.stdout).unwrap()
}

#[tokio::test]
async fn migrating_answers_one_line_that_the_operator_reads() {
    let database = empty().await;
    let variables = variables(&database);
    let up = run("migrate up --kind expand", &variables);
    let result = json(&up);
    let all = migration_labels().len();
    assert_eq!(result["schema"], newest_version().as_str());
    assert_eq!(result["applied"].as_array().unwrap().len(), all);
    assert_eq!(up.stdout.trim_end(), up.termination, "the pod's status shows the same");
    assert!(
        up.stderr.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "progress is JSON: {}",
        up.stderr
    );
    assert_eq!(json(&run("migrate up", &variables))["applied"].as_array().unwrap().len(), 0);

    let down = json(&run(&format!("migrate down {}", all - 4), &variables));
    assert_eq!(down["schema"], "20260101000400");
    let status = json(&run("migrate status --json", &variables));
    let outcomes: Vec<&str> = status.as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    let (applied, pending) = outcomes.split_at(4);
    assert!(applied.iter().all(|state| *state == "applied"), "{outcomes:?}");
    assert!(pending.len() == all - 4 && pending.iter().all(|state| *state == "pending"), "{outcomes:?}");
}

#[tokio::test]
async fn a_key_is_printed_once_and_can_be_listed_and_revoked() {
    let database = migrated().await;
    let variables = variables(&database);
    let created = json(&run("user key create --user sara --name laptop --ttl 90d --json", &variables));
    let key = created["key"].as_str().unwrap();
    assert!(key.starts_with("cbk_") && key.len() == 47, "{key}");
    let listed = run("user key list --json", &variables);
    assert!(!listed.stdout.contains(key));
    assert_eq!(json(&listed)[0]["state"], "active");
    assert_eq!(run(&format!("user key revoke {}", &key[..12]), &variables).code, 0);
    assert_eq!(json(&run("user key list --user sara --json", &variables))[0]["state"], "revoked");
}

#[tokio::test]
async fn people_are_made_and_changed_and_the_audit_tells_who_did_not_come_by_http() {
    let database = migrated().await;
    let variables = variables(&database);
    assert_eq!(outcome(&run("doctor --json", &variables), "admin"), "warning");
    let create = "user create sara --email sara@example.org --role admin --password-stdin";
    let created = run_with_input(create, &variables, "correct horse battery\n");
    assert_eq!(created.code, 0, "{created:?}");
    assert_eq!(outcome(&run("doctor --json", &variables), "admin"), "ok");
    let changed = run_with_input("user password sara", &variables, "another horse battery");
    assert_eq!(changed.code, 0, "{changed:?}");
    assert_eq!(run("user create omid", &variables).code, 0);
    assert_eq!(run("user role omid editor", &variables).code, 0);
    assert_eq!(run("user disable omid", &variables).code, 0);
    let listed = json(&run("user list --json", &variables));
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&"omid".into(), &"editor".into()));
    assert!(listed[0]["disabledAt"].is_string() && listed[1]["disabledAt"].is_null(), "{listed}");
    let key = json(&run("user key create --user sara --scope admin,chat --json", &variables));
    assert!(key["key"].is_string());
    let query = "SELECT action, via, actor, target FROM audit ORDER BY at, id";
    let done: Vec<(String, String, Option<String>, String)> =
        sqlx::query_as(query).fetch_all(&database.pool).await.unwrap();
    let told: Vec<(&str, &str)> = done.iter().map(|(action, _, _, target)| (&**action, &**target)).collect();
    let expected = [
        ("user.created", "sara"),
        ("password.set", "sara"),
        ("user.created", "omid"),
        ("user.changed", "omid"),
        ("user.changed", "omid"),
        ("api_key.created", "default"),
    ];
    assert_eq!(told, expected);
    assert!(done.iter().all(|(_, via, actor, _)| via == "command-line" && actor.is_none()));
    let hash: String = sqlx::query_scalar("SELECT password_hash FROM users WHERE name = 'sara'")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    for (command, input, expected) in [
        ("user password sara", "short", "12 to 256 characters"),
        ("user password sara", "", "standard input"),
        ("user password nobody", "correct horse battery", "chatbot user create nobody"),
        ("user disable sara", "", "last admin"),
        ("user create a@b", "", "without @"),
        ("user key create --user omid --scope admin", "", "chatbot user role omid admin"),
    ] {
        let output = run_with_input(command, &variables, input);
        assert_eq!(output.code, 1, "{command}");
        assert!(output.stderr.contains(expected), "{command}: {}", output.stderr);
    }
}

fn outcome(report: &Output, name: &str) -> serde_json::Value {
    let found: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    found.as_array().unwrap().iter().find(|finding| finding["name"] == name).unwrap()["outcome"].clone()
}

#[tokio::test]
async fn what_goes_wrong_is_one_line_that_names_the_next_step() {
    let database = migrated().await;
    let good = variables(&database);
    let with = |name: &str, value: &str| {
        let mut changed = good.clone();
        changed.insert(name.to_owned(), value.to_owned());
        changed
    };
    let unreachable = with("DATABASE_URL", "postgresql://a:b@127.0.0.1:1/x");
    let most = format!("ask for at most {}", migration_labels().len());
    let cases = [
        ("serve", BTreeMap::new(), "ENVIRONMENT is missing"),
        ("migrate up", BTreeMap::new(), "DATABASE_URL is missing"),
        ("provision", good.clone(), "ADMIN_DATABASE_URL is missing"),
        ("migrate up", unreachable.clone(), "check DATABASE_URL"),
        ("migrate down 99", good.clone(), most.as_str()),
        ("user create", good.clone(), "<NAME>"),
        ("user key list --user nobody", good.clone(), "chatbot user create nobody"),
        ("user key revoke nothing", good.clone(), "chatbot user key list"),
        ("user key create --ttl=-1h", good.clone(), "--ttl"),
        ("migrate lint --folder /nowhere", good.clone(), "--folder"),
        ("migrate new 9lives", good.clone(), "add_message_feedback"),
    ];
    for (command, variables, expected) in cases {
        let output = run(command, &variables);
        assert_ne!(output.code, 0, "{command}");
        let line = output.stderr.lines().rfind(|line| line.starts_with("error:"));
        assert!(output.stderr.contains(expected) && line.is_some(), "{command}: {}", output.stderr);
    }
    let failed = run("migrate up", &unreachable);
    assert!(failed.termination.starts_with("error: "), "{failed:?}");
}

#[tokio::test]
async fn the_doctor_names_every_service_and_fails_only_for_what_is_needed() {
    let healthy = migrated().await;
    let report = run("doctor --json", &variables(&healthy));
    let found = json(&report);
    let outcome = |name: &str| {
        found.as_array().unwrap().iter().find(|finding| finding["name"] == name).unwrap()["outcome"].clone()
    };
    for name in ["configuration", "postgresql", "schema", "clock", "disk", "objects", "embedding"] {
        assert_eq!(outcome(name), "ok", "{name}: {}", report.stdout);
    }
    for name in ["redis", "qdrant", "llm"] {
        assert_eq!(outcome(name), "warning", "{name}: {}", report.stdout);
    }
    let unmigrated = run("doctor", &variables(&empty().await));
    assert_eq!(unmigrated.code, 1);
    assert!(unmigrated.stdout.contains("migrate up"), "{}", unmigrated.stdout);
}
