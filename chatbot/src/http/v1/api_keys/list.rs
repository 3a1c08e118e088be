//! `GET /api/v1/api-keys`: newest first, without their secrets.

use axum::Json;
use axum::extract::State;

use super::ApiKey;
use crate::http::extract::{LoggedIn, Page, PageQuery};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::api_keys;

/// Your keys, newest first; withdrawn and expired ones too.
#[utoipa::path(get, path = "/api-keys", tag = "api-keys", security(("login" = [])), params(PageQuery), responses(
    (status = OK, body = Page<ApiKey>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(http): State<Http>,
    LoggedIn { caller, .. }: LoggedIn,
    page: PageQuery,
) -> Result<Json<Page<ApiKey>>, Problem> {
    let rows = api_keys::page(&http.app.db, caller.user_id, page.after(), page.rows()).await?;
    Ok(Json(Page::new(page, rows, api_keys::ApiKey::place)))
}
