//! `GET /api/v1/audit`: newest first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::extract::{Administer, May, Page, PageQuery};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::audit::{self, Event as Row};

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::v1) struct AuditEvent {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// What, such as `login.failed` or `user.changed`.
    action: String,
    /// Who; null where nobody was known, and at the command line.
    actor_id: Option<Uuid>,
    /// Their name at that time.
    actor: Option<String>,
    /// To whom or what.
    target_id: Option<Uuid>,
    /// Its name at that time.
    target: Option<String>,
    /// `http` or `command-line`.
    via: String,
    /// From which address.
    ip: Option<String>,
    /// What else there is to say.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

impl From<Row> for AuditEvent {
    fn from(row: Row) -> Self {
        let Row { id, at, action, actor_id, actor, target_id, target, via, ip, detail } = row;
        Self { id, at, action, actor_id, actor, target_id, target, via, ip, detail }
    }
}

/// What was done to users, keys, passwords and sessions, and who tried to log in; newest first.
#[utoipa::path(get, path = "/audit", tag = "users", security(("apiKey" = ["admin"]), ("login" = ["admin"])), params(PageQuery), responses(
    (status = OK, body = Page<AuditEvent>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(in crate::http::v1) async fn list(
    State(http): State<Http>,
    _: May<Administer>,
    page: PageQuery,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    let rows = audit::list(&http.app.db, page.after(), page.rows()).await?;
    Ok(Json(Page::new(page, rows, Row::place)))
}
