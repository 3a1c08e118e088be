//! `POST /api/v1/auth/logout`.

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::cookie;
use crate::auth::session;
use crate::config::environment::Tier;
use crate::http::extract::{Anybody, SameOrigin};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// Logs out: the session and its access tokens end at once.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("refreshCookie" = [])), responses(
    (status = NO_CONTENT, description = "Whether or not somebody was logged in",
        headers(("Set-Cookie" = String, description = "Takes the cookie away"))),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn logout(
    State(http): State<Http>,
    Anybody(client): Anybody,
    _: SameOrigin,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    if let Some(token) = cookie::read(&headers) {
        session::logout(&http.app, token, &client).await?;
    }
    let gone = cookie::forget(http.app.config.environment.tier != Tier::Dev)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]))
}
