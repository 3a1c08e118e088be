//! What is counted, with Redis and without.

use chatbot::auth::{Role, Scopes};
use reqwest::Method;

use super::gate::{Gate, PASSWORD, kind};
use super::world::read;

fn seconds(response: &reqwest::Response) -> u64 {
    response.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_process_counts_for_itself() {
    let gate = Gate::with(&[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    let (sara, omid) = (gate.user("sara", Role::Member).await, gate.user("omid", Role::Member).await);
    let (first, second) = (gate.key(&sara, Scopes::EVERYDAY).await, gate.key(&omid, Scopes::EVERYDAY).await);
    for expected in [200, 200, 429, 429] {
        assert_eq!(gate.status_of(&first).await, expected);
    }
    assert_eq!(gate.status_of(&second).await, 200, "each key has a count of its own");
    let refused = gate.request(Method::GET, "/api/v1/auth/me").bearer_auth(&first).send().await.unwrap();
    assert!((1..=60).contains(&seconds(&refused)));
    assert!(gate.metrics().await.contains(r#"requests_limited_total{by="caller"} 3"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_person_s_logins_count_as_the_person() {
    let gate = Gate::with(&[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    gate.user("sara", Role::Member).await;
    let (one, two) = (gate.enter("sara").await, gate.enter("sara").await);
    let statuses =
        [gate.status_of(&one.access).await, gate.status_of(&two.access).await, gate.status_of(&one.access).await];
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_keys_is_sent_away_by_address() {
    let gate = Gate::with(&[("RATE_LIMIT_PER_IP", "3")]).await;
    for expected in [401, 401, 401, 429] {
        assert_eq!(gate.status_of("cbk_guess").await, expected);
    }
    assert_eq!(read(gate.login("sara", PASSWORD)).await.0, 429, "the same address");
    assert_eq!(read(gate.request(Method::GET, "/health/live")).await.0, 200, "probes are not counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_trusted_says_who_is_counted_and_another_does_not() {
    for (proxies, expected) in [("127.0.0.0/8", [401, 401]), ("10.0.0.0/8", [401, 429])] {
        let gate = Gate::with(&[("RATE_LIMIT_PER_IP", "1"), ("TRUSTED_PROXIES", proxies)]).await;
        let mut statuses = Vec::new();
        for client in ["198.51.100.1", "198.51.100.2"] {
            let request = gate.request(Method::GET, "/api/v1/auth/me").header("x-forwarded-for", client);
            statuses.push(read(request).await.0);
        }
        assert_eq!(statuses, expected, "{proxies}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_passwords_is_sent_away_and_who_knows_theirs_is_not() {
    let redis = crate::support::redis().await;
    for url in [redis.url.as_str(), "redis://127.0.0.1:1"] {
        let gate = Gate::with(&[("REDIS_URL", url)]).await;
        gate.user("sara", Role::Member).await;
        gate.user("omid", Role::Member).await;
        for _ in 0..12 {
            gate.enter("sara").await;
        }
        for _ in 0..10 {
            assert_eq!(kind(&read(gate.login("sara", "wrong horse battery")).await), (401, "login-failed"));
        }
        let refused = gate.login("Sara", PASSWORD).send().await.unwrap();
        assert_eq!(refused.status(), 429, "even the right one, now");
        assert!((1..=900).contains(&seconds(&refused)));
        gate.enter("omid").await;
        assert!(gate.metrics().await.contains(r#"logins_total{outcome="limited"} 1"#));
    }
}
