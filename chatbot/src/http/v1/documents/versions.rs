//! `GET /api/v1/documents/{id}/versions`: what was uploaded under the same title.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Document;
use crate::http::extract::{Id, May, ReadDocuments};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::document_versions;

/// Versions that are listed; nobody looks at more.
const MOST: i64 = 1000;

/// Versions of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Versions {
    /// Newest first, at most 1000.
    items: Vec<Document>,
}

/// All versions of one of your documents, newest first: those that were superseded, the one that answers, and those that are
/// not ready yet.
#[utoipa::path(get, path = "/documents/{id}/versions", tag = "documents", security(("apiKey" = ["documents:read"]), ("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = OK, body = Versions),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn versions(
    State(http): State<Http>,
    May { caller, .. }: May<ReadDocuments>,
    Id(id): Id,
) -> Result<Json<Versions>, Problem> {
    let rows = document_versions::list(&http.app.db, caller.user_id, id, MOST).await?;
    if rows.is_empty() {
        return Err(Problem::NotFound("document"));
    }
    Ok(Json(Versions { items: rows.into_iter().map(Document::from).collect() }))
}
