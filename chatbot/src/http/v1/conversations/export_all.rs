//! `GET /api/v1/conversations/export`: every conversation of the caller.

use axum::extract::State;
use axum::response::Response;

use super::export::ExportQuery;
use super::transcript::{Paper, What};
use crate::http::extract::{Chat, May, Query};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;

/// All your conversations, as JSON or Markdown.
///
/// They are written as they are read; a connection that breaks before the end is the sign that something was missing.
#[utoipa::path(get, path = "/conversations/export", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(ExportQuery), responses(
    (status = OK, description = "The conversations with their messages, latest first", content(
        (serde_json::Value = "application/json"),
        (String = "text/markdown"),
    )),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn export_all(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let what = What::All { user_id: caller.user_id };
    Ok(Paper::written(&http, query.format.unwrap_or_default(), what))
}
