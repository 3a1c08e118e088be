//! `GET /api/v1/conversations/{id}/export`: a conversation to keep or to give away.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::transcript::{Format, Paper, What};
use crate::http::extract::{Chat, Id, May, Query};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::conversations;

/// How it is written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http::v1) struct ExportQuery {
    /// `json` (the default) or `markdown`.
    #[param(inline)]
    pub(super) format: Option<Format>,
}

/// One of your conversations, as JSON or Markdown.
///
/// JSON holds every message, answers that were replaced too; Markdown what stands.
#[utoipa::path(get, path = "/conversations/{id}/export", tag = "conversations", security(("apiKey" = ["chat"]), ("login" = [])), params(("id" = Uuid, Path), ExportQuery), responses(
    (status = OK, description = "The conversation with its messages", content(
        (serde_json::Value = "application/json"),
        (String = "text/markdown"),
    )),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn export(
    State(http): State<Http>,
    May { caller, .. }: May<Chat>,
    Id(id): Id,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let found = conversations::find(&http.app.db, caller.user_id, id).await?;
    let conversation = found.ok_or(Problem::NotFound("conversation"))?;
    Ok(Paper::written(&http, query.format.unwrap_or_default(), What::One(conversation)))
}
