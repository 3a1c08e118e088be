//! Users and the audit, for admins.

use chatbot::auth::{Role, Scopes};
use reqwest::Method;
use serde_json::{Value, json};

use super::gate::{Gate, PASSWORD, id, kind};
use super::world::read;

async fn ask(gate: &Gate, method: Method, path: &str, body: Value, credential: &str) -> (u16, Value) {
    read(gate.request(method, path).bearer_auth(credential).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_changes_and_deletes_users_and_the_audit_tells() {
    let gate = Gate::new().await;
    gate.user("chief", Role::Admin).await;
    let chief = gate.enter("chief").await.access;
    let body = json!({"name": "sara", "email": "sara@example.org", "password": PASSWORD});
    let (status, sara) = ask(&gate, Method::POST, "/api/v1/users", body.clone(), &chief).await;
    assert_eq!((status, &sara["role"], &sara["disabledAt"]), (201, &json!("member"), &Value::Null), "{sara}");
    let path = format!("/api/v1/users/{}", id(&sara));
    gate.enter("sara").await;
    let (status, changed) = ask(&gate, Method::PATCH, &path, json!({"role": "editor", "email": null}), &chief).await;
    assert_eq!((status, &changed["role"], &changed["email"]), (200, &json!("editor"), &Value::Null));
    let (status, page) = gate.get("/api/v1/users", &chief).await;
    assert_eq!((status, &page["items"][0]["name"]), (200, &json!("sara")), "newest first: {page}");
    assert_eq!(ask(&gate, Method::DELETE, &path, json!({}), &chief).await.0, 204);
    assert_eq!(kind(&ask(&gate, Method::DELETE, &path, json!({}), &chief).await), (404, "not-found"));
    assert_eq!(read(gate.login("sara", PASSWORD)).await.0, 401);

    let (_, page) = gate.get("/api/v1/audit?limit=4", &chief).await;
    let told: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            json!([event["action"], event["actor"], event["target"], event["via"], event["ip"], event["detail"]])
        })
        .collect();
    let role = json!({"role": {"from": "member", "to": "editor"}, "email": "changed"});
    assert_eq!(told[0], json!(["login.failed", null, null, "http", "127.0.0.1", {}]));
    assert_eq!(told[1], json!(["user.deleted", "chief", "sara", "http", "127.0.0.1", {}]));
    assert_eq!(told[2], json!(["user.changed", "chief", "sara", "http", "127.0.0.1", role]));
    assert_eq!(told[3][0], "login.succeeded");
    assert!(page["next"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_stays_one_whatever_is_tried_at_once() {
    let gate = Gate::new().await;
    let (one, two) = (gate.user("one", Role::Admin).await, gate.user("two", Role::Admin).await);
    let key = gate.key(&one, Scopes::of(Role::Admin)).await;
    let other = gate.key(&two, Scopes::of(Role::Admin)).await;
    let (path, path_of_two) = (format!("/api/v1/users/{}", one.id), format!("/api/v1/users/{}", two.id));
    let demote = json!({"role": "member"});
    let (first, second) = tokio::join!(
        ask(&gate, Method::PATCH, &path, demote.clone(), &other),
        ask(&gate, Method::PATCH, &path_of_two, demote.clone(), &key),
    );
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert!(statuses == [200, 409] || statuses == [200, 403], "{first:?} {second:?}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE role = 'admin'")
        .fetch_one(&gate.database.pool)
        .await
        .unwrap();
    assert_eq!(left, 1);

    let gate = Gate::new().await;
    let last = gate.user("last", Role::Admin).await;
    let key = gate.key(&last, Scopes::of(Role::Admin)).await;
    let path = format!("/api/v1/users/{}", last.id);
    for change in [demote, json!({"role": "editor"}), json!({"disabled": true})] {
        let answer = ask(&gate, Method::PATCH, &path, change.clone(), &key).await;
        assert_eq!(kind(&answer), (409, "conflict"), "{change}");
    }
    assert_eq!(kind(&ask(&gate, Method::DELETE, &path, json!({}), &key).await), (409, "conflict"));
    let same = ask(&gate, Method::PATCH, &path, json!({"email": "last@example.net", "role": "admin"}), &key).await;
    assert_eq!(same.0, 200, "the rest may change");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_no_user_is_refused_and_nothing_is_kept() {
    let gate = Gate::new().await;
    let chief = gate.user("chief", Role::Admin).await;
    let key = gate.key(&chief, Scopes::of(Role::Admin)).await;
    let table = [
        (json!({"name": "chief"}), 409),
        (json!({"name": "other", "email": "CHIEF@example.org"}), 409),
        (json!({"name": "a@b"}), 422),
        (json!({"name": " "}), 422),
        (json!({"name": "x\u{0}"}), 422),
        (json!({"name": "x".repeat(201)}), 422),
        (json!({"name": "other", "email": "nowhere"}), 422),
        (json!({"name": "other", "password": "short"}), 422),
        (json!({"name": "other", "role": "root"}), 400),
        (json!({"name": "other", "isAdmin": true}), 400),
        (json!({}), 400),
    ];
    for (body, expected) in table {
        let answer = ask(&gate, Method::POST, "/api/v1/users", body.clone(), &key).await;
        assert_eq!(answer.0, expected, "{body}: {answer:?}");
    }
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&gate.database.pool).await.unwrap();
    assert_eq!((users, gate.audit().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_removal_of_a_deleted_user_s_documents_is_asked_for() {
    let gate = Gate::new().await;
    let (chief, sara) = (gate.user("chief", Role::Admin).await, gate.user("sara", Role::Member).await);
    let document = crate::support::document(&gate.app, &sara, b"text").await;
    let key = gate.key(&chief, Scopes::of(Role::Admin)).await;
    let path = format!("/api/v1/users/{}", sara.id);
    assert_eq!(ask(&gate, Method::DELETE, &path, json!({}), &key).await.0, 204);
    let asked: Vec<Value> = sqlx::query_scalar("SELECT args::jsonb FROM river_job WHERE kind = 'remove_document'")
        .fetch_all(&gate.database.pool)
        .await
        .unwrap();
    assert_eq!(asked, [json!({"document_id": document.id, "object_key": document.object_key})]);
}
