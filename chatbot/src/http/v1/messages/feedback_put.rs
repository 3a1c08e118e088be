//! `PUT /api/v1/messages/{id}/feedback`: rates an answer.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Feedback, Rating, answer};
use crate::http::extract::{Chat, Id, Json, May};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::feedback;

const MAX_COMMENT_CHARS: usize = 2000;

/// What you think of an answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::v1) struct FeedbackRequest {
    rating: Rating,
    /// Why, in at most 2000 characters.
    comment: Option<String>,
}

/// Rates an answer of one of your conversations, or changes its rating.
#[utoipa::path(put, path = "/messages/{id}/feedback", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path)),
    request_body = FeedbackRequest, responses(
    (status = OK, body = Feedback),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn feedback_put(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    Json(request): Json<FeedbackRequest>,
) -> Result<axum::Json<Feedback>, Problem> {
    let comment = request.comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty());
    if comment.is_some_and(|comment| comment.chars().count() > MAX_COMMENT_CHARS || comment.contains('\0')) {
        let detail = format!("write at most {MAX_COMMENT_CHARS} characters, none of them NUL");
        return Err(Problem::Invalid { field: "comment", detail });
    }
    let answer = answer(&http.app.db, caller.user_id, id).await?;
    let stored = feedback::put(&http.app.db, answer.id, request.rating.into(), comment).await?;
    Ok(axum::Json(stored.into()))
}
