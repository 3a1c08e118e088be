//! `GET /api/v1/auth/me`.

use axum::Json;
use axum::extract::State;

use super::Person;
use crate::http::extract::Caller;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::users;

/// Who you are; any key may ask.
#[utoipa::path(get, path = "/auth/me", tag = "auth", security(("apiKey" = []), ("login" = [])), responses(
    (status = OK, body = Person),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn me(State(http): State<Http>, caller: Caller) -> Result<Json<Person>, Problem> {
    let user = users::find(&http.app.db, caller.user_id).await?;
    Ok(Json(user.ok_or(Problem::Unauthorized)?.into()))
}
