//! `DELETE /api/v1/users/{id}`: with keys, sessions, conversations and documents.

use axum::extract::State;
use axum::http::StatusCode;

use crate::auth::people::People;
use crate::http::extract::{Administer, Id, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// Deletes a user with all that is theirs. The last admin who may come in stays.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", security(("apiKey" = ["admin"]), ("login" = ["admin"])),
    params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn delete(
    State(http): State<Http>,
    May { actor, .. }: May<Administer>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    People::from(&http.app).delete(&http.app.queue, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
