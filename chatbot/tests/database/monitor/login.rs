use jiff::ToSpan;
use reqwest::Method;
use serde_json::json;

use super::world::{World, encoded, form_of, job};

#[tokio::test]
async fn only_name_and_password_of_one_person_let_in() {
    let world = World::new().await;
    let other = world.key_of("reza").await;
    sqlx::query("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE user_id = (SELECT id FROM users WHERE name = 'reza')")
        .execute(world.db())
        .await
        .unwrap();
    let long = "cbk_".repeat(1000);
    for (name, password) in [
        ("sara", "wrong"),
        ("sara", ""),
        ("", &world.key),
        ("reza", &world.key),
        ("reza", &other),
        ("nobody", "x"),
        ("sara", &long),
    ] {
        let response = world.submit_login(name, password).await;
        assert_eq!(response.status(), 401, "{name}");
        assert!(!response.headers().contains_key("set-cookie"), "{name}");
        let page = response.text().await.unwrap();
        assert!(page.contains("do not belong together") && page.contains("role=\"alert\""), "{page}");
    }
}

#[tokio::test]
async fn a_session_s_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    for (tier, is_secure) in [("dev", false), ("stage", true)] {
        let world = World::of_tier(tier).await;
        let response = world.submit_login("sara", &world.key).await;
        assert_eq!((response.status().as_u16(), &response.headers()["location"]), (303, &"/".parse().unwrap()));
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"] {
            assert!(cookie.contains(flag), "{cookie}");
        }
        assert_eq!(cookie.contains("Secure"), is_secure, "{tier}: {cookie}");
    }
}

#[tokio::test]
async fn a_forged_or_expired_cookie_opens_nothing() {
    let world = World::new().await;
    let cookie = world.browser().await.cookie;
    let (text, signature) = cookie.split_once('.').unwrap();
    let flipped = format!("{text}.{}", signature.chars().rev().collect::<String>());
    for forged in [flipped, text.to_owned(), "chatbot_monitor=".to_owned(), "chatbot_monitor=a.b".to_owned()] {
        let response = world.anonymous(Method::GET, "/api/overview").header("cookie", &forged).send().await.unwrap();
        assert_eq!(response.status(), 401, "{forged}");
        let page = world.anonymous(Method::GET, "/").header("cookie", &forged).send().await.unwrap();
        assert_eq!((page.status().as_u16(), &page.headers()["location"]), (303, &"/login".parse().unwrap()));
    }
    for (hours, expected) in [(7, 200), (9, 401)] {
        let (url, _serving) = world.at(world.app.clock.now() + hours.hours()).await;
        let response = world.elsewhere(&url, "/api/overview").header("cookie", &cookie).send().await.unwrap();
        assert_eq!(response.status(), expected, "after {hours} hours");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_user() {
    let world = World::new().await;
    let browser = world.browser().await;
    sqlx::query("DELETE FROM users").execute(world.db()).await.unwrap();
    assert_eq!(world.page(&browser.cookie, "/").await.0, 303);
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let world = World::new().await;
    let id = job(world.db(), json!({})).await;
    let (mine, theirs) = (world.browser().await, world.browser().await);
    let path = format!("/tasks/{id}/cancel");
    for token in ["", "0", &theirs.csrf] {
        let request = world.anonymous(Method::POST, &path).header("cookie", &mine.cookie);
        let response = form_of(request, encoded(&[("csrf", token)])).send().await.unwrap();
        assert_eq!(response.status(), 403, "{token}");
        let api = world.anonymous(Method::POST, &format!("/api{path}")).header("cookie", &mine.cookie);
        assert_eq!(api.header("x-csrf-token", token).send().await.unwrap().status(), 403, "{token}");
    }
    assert_eq!(world.state(id).await, "available");
    let api = world.anonymous(Method::POST, &format!("/api{path}")).header("cookie", &mine.cookie);
    assert_eq!(api.header("x-csrf-token", &mine.csrf).send().await.unwrap().status(), 200);
    assert_eq!(world.state(id).await, "cancelled");
}

#[tokio::test]
async fn another_site_cannot_log_anybody_in() {
    let world = World::new().await;
    let form = encoded(&[("name", "sara"), ("password", &world.key)]);
    for (site, expected) in [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)] {
        let request = world.anonymous(Method::POST, "/login").header("sec-fetch-site", site);
        assert_eq!(form_of(request, form.clone()).send().await.unwrap().status(), expected, "{site}");
    }
    let json = world.anonymous(Method::POST, "/login").json(&json!({"name": "sara"})).send().await.unwrap();
    assert_eq!(json.status(), 422, "a form is a form");
}

#[tokio::test]
async fn nobody_is_sent_away_after_logging_in() {
    let world = World::new().await;
    for (next, expected) in
        [("/history?window=7d", "/history?window=7d"), ("//evil.example", "/"), ("https://evil.example", "/")]
    {
        let form = encoded(&[("name", "sara"), ("password", &world.key), ("next", next)]);
        let response = form_of(world.anonymous(Method::POST, "/login"), form).send().await.unwrap();
        assert_eq!(response.headers()["location"], expected);
    }
}

#[tokio::test]
async fn who_logs_out_is_out() {
    let world = World::new().await;
    let browser = world.browser().await;
    let response = world.press(&browser, "/logout").await;
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (303, &"/login".parse().unwrap()));
    assert!(response.headers()["set-cookie"].to_str().unwrap().starts_with("chatbot_monitor=; "));
}
