//! `GET /api/v1/users`: newest first.

use axum::Json;
use axum::extract::State;

use super::User;
use crate::http::extract::{Administer, May, Page, PageQuery};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::users;

/// All users, newest first.
#[utoipa::path(get, path = "/users", tag = "users", security(("apiKey" = ["admin"]), ("login" = ["admin"])), params(PageQuery), responses(
    (status = OK, body = Page<User>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(http): State<Http>,
    _: May<Administer>,
    page: PageQuery,
) -> Result<Json<Page<User>>, Problem> {
    let rows = users::list(&http.app.db, page.after(), page.rows()).await?;
    Ok(Json(Page::new(page, rows, users::User::place)))
}
