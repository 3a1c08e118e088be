//! `DELETE /api/v1/conversations`: all of them.

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::extract::{Chat, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

/// Conversations that go at once: few enough for a short transaction.
const BATCH: i64 = 200;

/// Deletes all your conversations with all their messages.
#[utoipa::path(delete, path = "/conversations", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn delete_all(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
) -> Result<StatusCode, Problem> {
    // What begins meanwhile stays, or a busy caller would never come to an end.
    let until = http.app.clock.now();
    while conversations::delete_some(&http.app.db, caller.user_id, until, BATCH).await? > 0 {}
    Ok(StatusCode::NO_CONTENT)
}
