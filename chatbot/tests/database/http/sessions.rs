//! Refreshing: rotation, theft, two tabs, other sites' pages.

use chatbot::auth::Role;
use reqwest::Method;
use serde_json::json;

use super::gate::{Gate, inside, kind};
use super::world::read;

#[tokio::test(flavor = "multi_thread")]
async fn each_refresh_gives_the_next_token_and_the_session_goes_on() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let mut now = gate.enter("sara").await;
    for _ in 0..3 {
        let next = inside(gate.refresh(&now.refresh).send().await.unwrap()).await;
        assert_ne!(next.refresh, now.refresh);
        assert_eq!(gate.status_of(&next.access).await, 200);
        now = next;
    }
    let (_, page) = gate.get("/api/v1/auth/sessions", &now.access).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_that_comes_again_ends_the_session_of_thief_and_owner() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let (stolen, elsewhere) = (gate.enter("sara").await, gate.enter("sara").await);
    let owner = inside(gate.refresh(&stolen.refresh).send().await.unwrap()).await;
    gate.age(1).await;
    assert_eq!(kind(&read(gate.refresh(&stolen.refresh)).await), (401, "session-ended"));
    assert_eq!(
        kind(&read(gate.refresh(&owner.refresh)).await),
        (401, "session-ended"),
        "nobody knows who is the thief"
    );
    assert_eq!(gate.status_of(&owner.access).await, 401);
    assert_eq!(gate.status_of(&elsewhere.access).await, 200, "another session is another matter");
    let reused = gate.audit().await.into_iter().filter(|(action, ..)| action == "session.token_reused").count();
    assert_eq!(reused, 1);
    assert!(gate.metrics().await.contains("refresh_tokens_reused_total 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_refresh_at_once_both_stay_in() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let entered = gate.enter("sara").await;
    let tab = async || inside(gate.refresh(&entered.refresh).send().await.unwrap()).await;
    let (one, two) = tokio::join!(tab(), tab());
    assert_ne!(one.refresh, two.refresh);
    gate.age(1).await;
    for tab in [one, two] {
        assert_eq!(gate.status_of(&tab.access).await, 200);
        inside(gate.refresh(&tab.refresh).send().await.unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_refreshes_ends() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let entered = gate.enter("sara").await;
    gate.age(30 * 24 * 60 + 1).await;
    assert_eq!(kind(&read(gate.refresh(&entered.refresh)).await), (401, "session-ended"));
    assert_eq!(gate.status_of(&entered.access).await, 401);
    gate.enter("sara").await;
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&gate.database.pool).await.unwrap();
    assert_eq!(kept, 1, "the next login clears what ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_refresh_token_gets_nothing() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let entered = gate.enter("sara").await;
    for token in ["", "cbr_unknown", &entered.access, &"cbr_".repeat(1000), "cbk_key"] {
        assert_eq!(kind(&read(gate.refresh(token)).await), (401, "session-ended"), "{token}");
    }
    let bearer = gate.request(Method::POST, "/api/v1/auth/refresh").bearer_auth(&entered.refresh);
    assert_eq!(read(bearer).await.0, 401, "only the cookie counts");
    assert_eq!(gate.status_of(&entered.access).await, 200, "guesses end nobody's session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_neither_refreshes_nor_logs_anybody_out() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    let entered = gate.enter("sara").await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        for path in ["/api/v1/auth/refresh", "/api/v1/auth/logout"] {
            let answer = read(gate.with_cookie(path, &entered.refresh).header(name, value)).await;
            assert_eq!(kind(&answer), (403, "forbidden"), "{path} {name}: {value}");
        }
    }
    assert_eq!(read(gate.refresh(&entered.refresh).header("sec-fetch-site", "same-origin")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_end_their_own_sessions_alone() {
    let gate = Gate::new().await;
    gate.user("sara", Role::Member).await;
    gate.user("omid", Role::Member).await;
    let (here, there, omid) = (gate.enter("sara").await, gate.enter("sara").await, gate.enter("omid").await);
    let (_, page) = gate.get("/api/v1/auth/sessions", &here.access).await;
    let sessions = page["items"].as_array().unwrap();
    let current: Vec<&serde_json::Value> = sessions.iter().map(|session| &session["current"]).collect();
    assert_eq!(current, [&json!(false), &json!(true)], "last seen first: {page}");
    assert_eq!(sessions[0]["ip"], "127.0.0.1");
    let end = async |credential: &str| {
        let path = format!("/api/v1/auth/sessions/{}", sessions[0]["id"].as_str().unwrap());
        read(gate.request(Method::DELETE, &path).bearer_auth(credential)).await.0
    };
    assert_eq!(end(&omid.access).await, 404, "another user's");
    assert_eq!(gate.status_of(&there.access).await, 200);
    assert_eq!([end(&here.access).await, end(&here.access).await], [204, 404]);
    assert_eq!(gate.status_of(&there.access).await, 401);
}
