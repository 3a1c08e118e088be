//! Logging in and out.

use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};
use uuid::Uuid;

use super::frame::{asset, head};
use crate::cache::Decision;
use crate::config::environment::Tier;
use crate::monitor::fields::Fields;
use crate::monitor::login;
use crate::monitor::refusal::Refusal;
use crate::monitor::session::{COOKIE as SESSION, HOURS, Session};
use crate::monitor::state::Monitor;
use crate::monitor::visitor::Visitor;

/// Passwords that may be tried for one name in a minute.
const TRIES_PER_MINUTE: u32 = 10;

const WRONG: &str = "That name and password do not belong together.";

/// The form.
pub(super) async fn show(uri: Uri) -> Markup {
    let fields = crate::monitor::api::query(&uri);
    form(fields.get("next").unwrap_or("/"), "", None)
}

/// Lets in whom the password belongs to.
pub(super) async fn submit(
    State(monitor): State<Monitor>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Refusal> {
    if is_from_elsewhere(&headers) {
        return Err(Refusal::Forged);
    }
    let [name, password] = ["name", "password"].map(|field| fields.get(field).unwrap_or_default().trim());
    let next = inside(fields.get("next").unwrap_or("/"));
    not_too_often(&monitor, name).await?;
    let Some(person) = login::verify(&monitor.app, name, password).await? else {
        tracing::warn!(name, "task monitor: a login was refused");
        return Ok((StatusCode::UNAUTHORIZED, form(next, name, Some(WRONG))).into_response());
    };
    let session = Session::new(person.user_id, Uuid::new_v4(), monitor.app.clock.now());
    let cookie =
        format!("{}; Max-Age={}", cookie(&monitor, &session.seal(&monitor.app.config.secret_key)), HOURS * 3600);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(next)).into_response())
}

/// Forgets the session.
pub(super) async fn leave(
    visitor: Visitor,
    State(monitor): State<Monitor>,
    fields: Fields,
) -> Result<Response, Refusal> {
    visitor.acts(fields.get("csrf"))?;
    let cookie = format!("{}; Max-Age=0", cookie(&monitor, ""));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/login")).into_response())
}

/// Outside dev it is sent over TLS alone; browsers take localhost for as good.
fn cookie(monitor: &Monitor, value: &str) -> String {
    let secure = if monitor.app.config.environment.tier == Tier::Dev { "" } else { "; Secure" };
    format!("{SESSION}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// Guessing is slowed down, by name.
async fn not_too_often(monitor: &Monitor, name: &str) -> Result<(), Refusal> {
    let who = format!("monitor-login:{}", name.chars().take(64).collect::<String>());
    match monitor.app.redis.allow(&who, TRIES_PER_MINUTE).await {
        Decision::Allowed { .. } | Decision::Unknown => Ok(()),
        Decision::Limited { .. } => Err(Refusal::Busy("too many passwords were tried for this name")),
    }
}

/// Browsers say where a form comes from; another site must not log anybody in as somebody else.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// A path of ours: an address that somebody made up must not lead out of here.
fn inside(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if is_path && next.is_ascii() { next } else { "/" }
}

/// Where one who is not logged in is sent.
pub(super) fn redirect(uri: &Uri, headers: &HeaderMap) -> Response {
    let next = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut to = url::form_urlencoded::Serializer::new(String::new());
    if next != "/" && headers.get(COOKIE).is_none() {
        to.append_pair("next", next);
    }
    let query = to.finish();
    Redirect::to(if query.is_empty() { "/login".to_owned() } else { format!("/login?{query}") }.as_str())
        .into_response()
}

fn form(next: &str, name: &str, trouble: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head("Log in"))
            body.login {
                main {
                    form.card method="post" action="/login" {
                        h1 { img src=(asset("icon.svg")) alt="" width="40" height="40"; "Task monitor" }
                        @if let Some(trouble) = trouble { p.trouble role="alert" { (trouble) } }
                        label for="name" { "User name" }
                        input #name name="name" value=(name) autocomplete="username" required autofocus[name.is_empty()];
                        label for="password" { "Password" }
                        input #password name="password" type="password" autocomplete="current-password" required
                            autofocus[!name.is_empty()] aria-describedby="hint";
                        p.faint #hint { "or one of your API keys (cbk_…)" }
                        input type="hidden" name="next" value=(inside(next));
                        button.main type="submit" { "Log in" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_out_of_here() {
        for (next, expected) in [
            ("/tasks?state=discarded", "/tasks?state=discarded"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(inside(next), expected, "{next}");
        }
    }
}
