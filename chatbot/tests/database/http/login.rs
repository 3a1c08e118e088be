//! Logging in and out, and what is refused.

use chatbot::auth::{Role, Scopes};
use chatbot::store::users;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::gate::{Gate, PASSWORD, inside, kind};
use super::world::read;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_by_name_or_address_asks_who_they_are_and_logs_out() {
    let gate = Gate::new().await;
    let sara = gate.user("sara", Role::Editor).await;
    let response = gate.login("SARA@Example.org", PASSWORD).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; Path=/api/v1/auth; Max-Age=2592000; HttpOnly; SameSite=Strict"), "{cookie}");
    let person = json!({"id": sara.id, "name": "sara", "email": "sara@example.org", "role": "editor"});
    let entered = inside(response).await;
    assert_eq!(
        (&entered.body["token_type"], &entered.body["expires_in"], &entered.body["user"]),
        (&json!("Bearer"), &json!(900), &person)
    );
    assert_eq!(gate.get("/api/v1/auth/me", &entered.access).await, (200, person));
    assert_eq!(gate.get("/api/v1/conversations", &entered.access).await.0, 200, "a login opens what a key opens");

    let by_name = gate.enter("sara").await;
    let out = gate.with_cookie("/api/v1/auth/logout", &by_name.refresh).send().await.unwrap();
    assert_eq!(out.status(), 204);
    assert!(
        out.headers()["set-cookie"].to_str().unwrap().starts_with("chatbot_refresh=; Path=/api/v1/auth; Max-Age=0")
    );
    assert_eq!(gate.status_of(&by_name.access).await, 401, "the access token ends with its session");
    assert_eq!(kind(&read(gate.refresh(&by_name.refresh)).await), (401, "session-ended"));
    assert_eq!(gate.status_of(&entered.access).await, 200, "the other session stays");
    let again = read(gate.with_cookie("/api/v1/auth/logout", &by_name.refresh)).await;
    assert_eq!(again.0, 204, "who is out already may log out");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_come_in_is_not_told_why() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    gate.user("omid", Role::Member).await;
    users::create(&gate.database.pool, "robot").await.unwrap();
    sqlx::raw_sql("UPDATE users SET disabled_at = now() WHERE name = 'omid'")
        .execute(&gate.database.pool)
        .await
        .unwrap();
    let wrong = read(gate.login("sara", "wrong horse battery")).await;
    assert_eq!(kind(&wrong), (401, "login-failed"));
    for (name, password) in
        [("nobody", PASSWORD), ("omid", PASSWORD), ("robot", PASSWORD), ("robot", ""), ("", ""), ("sa\0ra", "x")]
    {
        assert_eq!(read(gate.login(name, password)).await, wrong, "{name:?} {password:?}");
    }
    let malformed = [
        json!({"name": "sara"}),
        json!({"name": 1, "password": PASSWORD}),
        json!([]),
        json!({"name": "sara", "password": PASSWORD, "role": "admin"}),
    ];
    for body in malformed {
        let answer = read(gate.request(Method::POST, "/api/v1/auth/login").json(&body)).await;
        assert!([400, 422].contains(&answer.0), "{body}: {answer:?}");
    }
    let sessions: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&gate.database.pool).await.unwrap();
    assert_eq!(sessions, 0);
    assert!(gate.metrics().await.contains(r#"logins_total{outcome="wrong"} 6"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_typed_as_a_name_is_not_kept_unless_it_is_one() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    read(gate.login("my secret in the wrong field", "x")).await;
    read(gate.login("sara", "x")).await;
    let all: String = sqlx::query_scalar("SELECT string_agg(a::text, ' ') FROM audit a")
        .fetch_one(&gate.database.pool)
        .await
        .unwrap();
    assert!(!all.contains("secret"), "{all}");
    let failed: Vec<_> = gate.audit().await.into_iter().filter(|(action, ..)| action == "login.failed").collect();
    let expected =
        [("login.failed".to_owned(), None, None), ("login.failed".to_owned(), None, Some("sara".to_owned()))];
    assert_eq!(failed, expected);
    let ip: Option<String> = sqlx::query_scalar("SELECT ip FROM audit WHERE action = 'login.failed' LIMIT 1")
        .fetch_one(&gate.database.pool)
        .await
        .unwrap();
    assert_eq!(ip.as_deref(), Some("127.0.0.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_holds_neither_a_password_nor_a_token() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let entered = gate.enter("sara").await;
    for (table, lines) in crate::support::rows(&gate.database.pool).await {
        for line in lines {
            let secrets = [PASSWORD, &entered.access, &entered.refresh];
            assert!(!secrets.iter().any(|secret| line.contains(secret)), "{table}: {line}");
        }
    }
    let hash: String =
        sqlx::query_scalar("SELECT password_hash FROM users").fetch_one(&gate.database.pool).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_environment_user_or_session_opens_nothing() {
    let gate = Gate::new().await;
    let (sara, omid) = (gate.user("sara", Role::Member).await, gate.user("omid", Role::Admin).await);
    let entered = gate.enter("sara").await;
    let other = Gate::on(crate::support::migrated().await, &[("RESOURCE_PREFIX", "other_")]).await;
    let claims: Value = {
        use base64::Engine;
        let part = entered.access.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let session: Uuid = claims["sid"].as_str().unwrap().parse().unwrap();
    let now = gate.app.clock.now();
    let issue = |gate: &Gate, user, session, at| {
        gate.app.auth.tokens.issue(user, Role::Admin, session, at).unwrap().expose_secret().to_owned()
    };
    let hour = jiff::SignedDuration::from_hours(1);
    let table = [
        ("of this session", issue(&gate, sara.id, session, now), 200),
        ("of another environment", issue(&other, sara.id, session, now), 401),
        ("of another user", issue(&gate, omid.id, session, now), 401),
        ("of no session", issue(&gate, sara.id, Uuid::now_v7(), now), 401),
        ("of an hour ago", issue(&gate, sara.id, session, now - hour), 401),
        ("that is a refresh token", entered.refresh.clone(), 401),
        ("that is no text of ours", "a.b.c".to_owned(), 401),
    ];
    for (what, token, expected) in table {
        assert_eq!(gate.status_of(&token).await, expected, "a token {what}");
    }
    let claimed = issue(&gate, sara.id, session, now);
    assert_eq!(gate.get("/api/v1/users", &claimed).await.0, 403, "the database decides the role, and not the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_who_knows_it_and_the_other_sessions_end() {
    let gate = Gate::new().await;
    let sara = gate.user("sara", Role::Member).await;
    let (here, there) = (gate.enter("sara").await, gate.enter("sara").await);
    let change = |credential: &str, current: &str, new: &str| {
        let request = gate.request(Method::POST, "/api/v1/auth/password").bearer_auth(credential);
        request.json(&json!({"currentPassword": current, "newPassword": new}))
    };
    let new = "another horse battery";
    let key = gate.key(&sara, Scopes::EVERYDAY).await;
    assert_eq!(read(change(&key, PASSWORD, new)).await.0, 403, "a key does not do");
    let (status, problem) = read(change(&here.access, "wrong horse battery", new)).await;
    assert_eq!((status, &problem["field"]), (422, &json!("currentPassword")));
    for weak in ["short", "sara@example.org"] {
        let (status, problem) = read(change(&here.access, PASSWORD, weak)).await;
        assert_eq!((status, &problem["field"]), (422, &json!("newPassword")), "{weak}");
    }
    assert_eq!(read(change(&here.access, PASSWORD, new)).await.0, 204);
    assert_eq!([gate.status_of(&here.access).await, gate.status_of(&there.access).await], [200, 401]);
    assert_eq!(read(gate.refresh(&there.refresh)).await.0, 401);
    assert_eq!(read(gate.login("sara", PASSWORD)).await.0, 401);
    assert_eq!(read(gate.login("sara", new)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_out_at_once() {
    let gate = Gate::new().await;
    let (sara, admin) = (gate.user("sara", Role::Member).await, gate.user("admin", Role::Admin).await);
    let (entered, key) = (gate.enter("sara").await, gate.key(&sara, Scopes::EVERYDAY).await);
    let chief = gate.key(&admin, Scopes::of(Role::Admin)).await;
    let set = async |disabled: bool| {
        let path = format!("/api/v1/users/{}", sara.id);
        let request = gate.request(Method::PATCH, &path).bearer_auth(&chief).json(&json!({"disabled": disabled}));
        assert_eq!(read(request).await.0, 200);
    };
    set(true).await;
    assert_eq!([gate.status_of(&entered.access).await, gate.status_of(&key).await], [401, 401]);
    assert_eq!(read(gate.refresh(&entered.refresh)).await.0, 401);
    set(false).await;
    assert_eq!(
        [gate.status_of(&entered.access).await, gate.status_of(&key).await],
        [401, 200],
        "sessions do not come back"
    );
    gate.enter("sara").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_dev_the_cookie_is_for_tls_alone() {
    let gate = Gate::with(&[
        ("ENVIRONMENT", "stage"),
        ("MINIO_URL", "http://127.0.0.1:1"),
        ("MINIO_ROOT_USER", "u"),
        ("MINIO_ROOT_PASSWORD", "p"),
        ("OBJECTS_DIR", ""),
    ])
    .await;
    gate.user("sara", Role::Member).await;
    let response = gate.login("sara", PASSWORD).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
}
