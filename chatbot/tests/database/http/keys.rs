//! API keys over HTTP.

use chatbot::auth::{Role, Scope, Scopes};
use reqwest::Method;
use serde_json::{Value, json};

use super::gate::{Gate, kind};
use super::world::read;

async fn make(gate: &Gate, credential: &str, body: Value) -> (u16, Value) {
    read(gate.request(Method::POST, "/api/v1/api-keys").bearer_auth(credential).json(&body)).await
}

async fn withdraw(gate: &Gate, credential: &str, id: &Value) -> u16 {
    let path = format!("/api/v1/api-keys/{}", id.as_str().unwrap());
    read(gate.request(Method::DELETE, &path).bearer_auth(credential)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_works_and_is_withdrawn_by_its_owner_alone() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    gate.user("omid", Role::Admin).await;
    let (sara, omid) = (gate.enter("sara").await, gate.enter("omid").await);
    let (status, created) = make(&gate, &sara.access, json!({"name": "laptop", "scopes": ["documents:read"]})).await;
    assert_eq!((status, &created["scopes"]), (201, &json!(["documents:read"])), "{created}");
    let key = created["key"].as_str().unwrap();
    assert_eq!(gate.get("/api/v1/documents", key).await.0, 200);
    let (_, page) = gate.get("/api/v1/api-keys", &sara.access).await;
    assert_eq!(page["items"][0]["id"], created["id"]);
    assert!(!page.to_string().contains(key), "{page}");
    assert_eq!(gate.get("/api/v1/api-keys", &omid.access).await.1["items"], json!([]), "lists are everybody's own");

    assert_eq!(withdraw(&gate, &omid.access, &created["id"]).await, 404, "not even an admin");
    assert_eq!(gate.status_of(key).await, 200);
    assert_eq!(withdraw(&gate, &sara.access, &created["id"]).await, 204);
    assert_eq!(gate.status_of(key).await, 401);
    assert_eq!(withdraw(&gate, &sara.access, &created["id"]).await, 404, "once is enough");
    let done: Vec<String> = gate.audit().await.into_iter().map(|(action, ..)| action).collect();
    assert!(done.ends_with(&["api_key.created".to_owned(), "api_key.revoked".to_owned()]), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_no_keys_and_reaches_no_further_than_its_owner() {
    let gate = Gate::new().await;
    let (sara, chief) = (gate.user("sara", Role::Member).await, gate.user("chief", Role::Admin).await);
    let strongest = gate.key(&chief, Scopes::of(Role::Admin)).await;
    for path in ["/api/v1/api-keys", "/api/v1/auth/sessions"] {
        assert_eq!(kind(&gate.get(path, &strongest).await), (403, "forbidden"), "{path}");
    }
    assert_eq!(make(&gate, &strongest, json!({"name": "another"})).await.0, 403);
    let entered = gate.enter("sara").await;
    let invalid = [
        (json!({"name": "x", "scopes": ["admin"]}), "scopes"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": ""}), "name"),
        (json!({"name": "a\u{0}b"}), "name"),
        (json!({"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}), "expiresAt"),
    ];
    for (body, field) in invalid {
        let (status, problem) = make(&gate, &entered.access, body.clone()).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{body}");
    }
    for body in [json!({"name": "x", "scopes": ["everything"]}), json!({"name": "x", "expiresAt": "soon"}), json!({})] {
        assert_eq!(make(&gate, &entered.access, body.clone()).await.0, 400, "{body}");
    }
    let beyond = gate.key(&sara, Scopes::from_iter([Scope::Admin])).await;
    assert_eq!(
        kind(&gate.get("/api/v1/users", &beyond).await),
        (403, "forbidden"),
        "the role counts, whatever the key"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_at_its_time_and_a_hundred_are_enough() {
    let gate = Gate::new().await;
    let sara = gate.user("sara", Role::Member).await;
    let entered = gate.enter("sara").await;
    let (_, created) =
        make(&gate, &entered.access, json!({"name": "short", "expiresAt": "2999-01-01T00:00:00Z"})).await;
    sqlx::raw_sql("UPDATE api_keys SET expires_at = now()").execute(&gate.database.pool).await.unwrap();
    assert_eq!(gate.status_of(created["key"].as_str().unwrap()).await, 401);
    for _ in 0..100 {
        gate.key(&sara, Scopes::EVERYDAY).await;
    }
    assert_eq!(kind(&make(&gate, &entered.access, json!({"name": "one more"})).await), (409, "conflict"));
    let (_, first) = gate.get("/api/v1/api-keys?limit=60", &entered.access).await;
    let after = first["next"].as_str().unwrap();
    let (_, second) = gate.get(&format!("/api/v1/api-keys?limit=60&after={after}"), &entered.access).await;
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second), &second["next"]), (60, 41, &Value::Null));
}
