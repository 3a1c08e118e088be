use chatbot::auth::{Role, Scopes};
use jiff::ToSpan;
use reqwest::Method;
use serde_json::json;

use super::world::{PASSWORD, World, encoded, form_of, job};

#[tokio::test]
async fn only_name_and_password_of_one_person_let_in() {
    let world = World::new().await;
    world.key_of("reza", Role::Admin).await;
    sqlx::query("UPDATE users SET disabled_at = now() WHERE name = 'reza'").execute(world.db()).await.unwrap();
    for (name, password) in [
        ("sara", "wrong"),
        ("sara", ""),
        ("", PASSWORD),
        ("reza", PASSWORD),
        ("nobody", PASSWORD),
        ("sara", &world.key),
    ] {
        let response = world.submit_login(name, password).await;
        assert_eq!(response.status(), 401, "{name}");
        assert!(!response.headers().contains_key("set-cookie"), "{name}");
        let page = response.text().await.unwrap();
        assert!(page.contains("do not belong together") && page.contains("role=\"alert\""), "{page}");
    }
}

#[tokio::test]
async fn who_guesses_passwords_is_sent_away() {
    let world = World::new().await;
    let mut last = 0;
    for _ in 0..11 {
        last = world.submit_login("sara", "wrong").await.status().as_u16();
    }
    assert_eq!(last, 429);
    assert_eq!(world.submit_login("sara", PASSWORD).await.status(), 429, "the right one comes too late");
}

#[tokio::test]
async fn editors_look_admins_act_and_members_stay_outside() {
    let world = World::new().await;
    let id = job(world.db(), json!({})).await;
    let path = format!("/tasks/{id}/cancel");
    world.key_of("member", Role::Member).await;
    let response = world.submit_login("member", PASSWORD).await;
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().contains("for editors, who may look, and for admins"));
    let sessions =
        "SELECT count(*) FROM sessions JOIN users u ON u.id = user_id WHERE u.name = 'member' AND revoked_at IS NULL";
    assert_eq!(sqlx::query_scalar::<_, i64>(sessions).fetch_one(world.db()).await.unwrap(), 0, "no session is left");

    world.key_of("editor", Role::Editor).await;
    let editor = world.browser_of("editor").await;
    assert_eq!(world.page(&editor.cookie, "/tasks").await.0, 200);
    assert_eq!(world.press(&editor, &path).await.status(), 403);
    assert_eq!(world.state(id).await, "available");
    assert_eq!(world.press(&world.browser().await, &path).await.status(), 303);
    assert_eq!(world.state(id).await, "cancelled");
}

#[tokio::test]
async fn a_key_opens_the_monitor_if_it_was_made_for_it() {
    let world = World::new().await;
    let (sara, editor) = (world.sara().await, world.key_of("editor", Role::Editor).await);
    let everyday = world.key_for(sara.id, Scopes::EVERYDAY).await;
    for (key, expected) in
        [(world.key.as_str(), 200), (&everyday, 403), (&editor, 403), ("cbk_none", 401), ("none", 401)]
    {
        let request = world.anonymous(Method::GET, "/api/overview").bearer_auth(key);
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
}

#[tokio::test]
async fn a_session_ends_with_its_login() {
    for end in [
        "UPDATE users SET disabled_at = now()",
        "UPDATE sessions SET revoked_at = now()",
        "UPDATE users SET role = 'member'",
        "DELETE FROM users",
    ] {
        let world = World::new().await;
        let browser = world.browser().await;
        assert_eq!(world.page(&browser.cookie, "/").await.0, 200);
        sqlx::query(end).execute(world.db()).await.unwrap();
        assert_eq!(world.page(&browser.cookie, "/").await.0, 303, "{end}");
    }
}

#[tokio::test]
async fn a_session_s_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    for (tier, is_secure) in [("dev", false), ("stage", true)] {
        let world = World::of_tier(tier).await;
        let response = world.submit_login("sara", PASSWORD).await;
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
    let form = encoded(&[("name", "sara"), ("password", PASSWORD)]);
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
        let form = encoded(&[("name", "sara"), ("password", PASSWORD), ("next", next)]);
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
    assert_eq!(world.page(&browser.cookie, "/").await.0, 303, "the old cookie opens nothing");
}
