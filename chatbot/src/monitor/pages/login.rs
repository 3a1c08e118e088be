//! Logging in and out.

use axum::extract::{FromRequestParts, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use super::frame::{asset, head};
use crate::auth::Client;
use crate::config::environment::Tier;
use crate::http::client;
use crate::monitor::api::query;
use crate::monitor::fields::Fields;
use crate::monitor::login;
use crate::monitor::refusal::Refusal;
use crate::monitor::session::{COOKIE as SESSION, HOURS};
use crate::monitor::state::Monitor;
use crate::monitor::visitor::Visitor;

const WRONG: &str = "That name and password do not belong together.";

/// The form.
pub(super) async fn show(uri: Uri) -> Markup {
    let fields = query(&uri);
    form(fields.get("next").unwrap_or("/"), "", None)
}

/// Lets in whom the password belongs to.
pub(super) async fn submit(
    State(monitor): State<Monitor>,
    Stranger(client): Stranger,
    fields: Fields,
) -> Result<Response, Refusal> {
    let [name, password] = ["name", "password"].map(|field| fields.get(field).unwrap_or_default());
    let next = inside(fields.get("next").unwrap_or("/"));
    match login::verify(&monitor.app, name.trim(), password, &client).await {
        Ok(session) => {
            let value = session.seal(&monitor.app.config.secret_key);
            let cookie = format!("{}; Max-Age={}", cookie(&monitor, &value), HOURS * 3600);
            Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(next)).into_response())
        }
        Err(Refusal::NotLoggedIn) => Ok(again(StatusCode::UNAUTHORIZED, next, name, WRONG)),
        Err(Refusal::Forbidden(reason)) => Ok(again(StatusCode::FORBIDDEN, next, name, reason)),
        Err(refusal) => Err(refusal),
    }
}

fn again(status: StatusCode, next: &str, name: &str, trouble: &str) -> Response {
    (status, form(next, name, Some(trouble))).into_response()
}

/// Forgets the session.
pub(super) async fn leave(
    visitor: Visitor,
    State(monitor): State<Monitor>,
    fields: Fields,
) -> Result<Response, Refusal> {
    let session = visitor.leaves(fields.get("csrf"))?;
    login::leave(&monitor.app, session, &visitor.person).await?;
    let cookie = format!("{}; Max-Age=0", cookie(&monitor, ""));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/login")).into_response())
}

/// Where somebody who is not known yet comes from; a form of another site is refused.
pub(super) struct Stranger(Client);

impl FromRequestParts<Monitor> for Stranger {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, monitor: &Monitor) -> Result<Self, Refusal> {
        if is_from_another_site(&parts.headers) { Err(Refusal::Forged) } else { Ok(Self(client(parts, &monitor.app))) }
    }
}

/// Outside dev it is sent over TLS alone; browsers take localhost for as good.
fn cookie(monitor: &Monitor, value: &str) -> String {
    let secure = if monitor.app.config.environment.tier == Tier::Dev { "" } else { "; Secure" };
    format!("{SESSION}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// Browsers say where a form comes from; another site must not log anybody in as somebody else.
fn is_from_another_site(headers: &HeaderMap) -> bool {
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
                        label for="name" { "User name or e-mail" }
                        input #name name="name" value=(name) autocomplete="username" required autofocus[name.is_empty()];
                        label for="password" { "Password" }
                        input #password name="password" type="password" autocomplete="current-password" required
                            autofocus[!name.is_empty()];
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
