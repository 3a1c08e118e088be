//! `GET /api/v1/documents/{id}`: how far it is.

use axum::Json;
use axum::extract::State;

use super::Document;
use crate::http::extract::{Id, May, ReadDocuments};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::documents;

/// One of your documents.
#[utoipa::path(get, path = "/documents/{id}", tag = "documents", security(("apiKey" = ["documents:read"]), ("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = OK, body = Document),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn get(
    State(http): State<Http>,
    May { caller, .. }: May<ReadDocuments>,
    Id(id): Id,
) -> Result<Json<Document>, Problem> {
    let row = documents::find(&http.app.db, caller.user_id, id).await?;
    Ok(Json(row.ok_or(Problem::NotFound("document"))?.into()))
}
