//! `POST /api/v1/auth/refresh`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Granted, cookie, granted};
use crate::auth::session;
use crate::http::extract::{Anybody, SameOrigin};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// Gets the next access token.
///
/// Each refresh token works once; the answer sets the next one. One that comes again later than ten seconds after it was
/// used ends the session: it was stolen, or is used twice.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(("refreshCookie" = [])), responses(
    (status = OK, body = Granted, headers(("Set-Cookie" = String, description = "The next refresh token"))),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn refresh(
    State(http): State<Http>,
    Anybody(client): Anybody,
    _: SameOrigin,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let token = cookie::read(&headers).ok_or(Problem::SessionEnded)?;
    granted(&http, session::refresh(&http.app, token, &client).await?)
}
