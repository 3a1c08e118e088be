//! `GET /api/v1/documents`: newest first.

use axum::Json;
use axum::extract::State;

use super::Document;
use crate::http::extract::{May, Page, PageQuery, ReadDocuments};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::documents;

/// Your documents, newest first.
#[utoipa::path(get, path = "/documents", tag = "documents", security(("apiKey" = ["documents:read"]), ("login" = [])), params(PageQuery), responses(
    (status = OK, body = Page<Document>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(http): State<Http>,
    May { caller, .. }: May<ReadDocuments>,
    page: PageQuery,
) -> Result<Json<Page<Document>>, Problem> {
    let rows = documents::list(&http.app.db, caller.user_id, page.after(), page.rows()).await?;
    Ok(Json(Page::new(page, rows, documents::Document::place)))
}
