//! `GET /api/v1/auth/sessions` and `DELETE /api/v1/auth/sessions/{id}`: where one is logged in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::extract::{Id, LoggedIn, Page, PageQuery};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::audit::{self, Action, Target};
use crate::store::sessions::{self, Session as Row};

/// A login on a device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    id: Uuid,
    /// What the device says about itself.
    user_agent: Option<String>,
    /// Where it was last refreshed from.
    ip: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: jiff::Timestamp,
    /// When it ends unless it is refreshed.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

/// A session, and the one that asks.
struct Seen(Row, Uuid);

impl From<Seen> for Session {
    fn from(Seen(row, asking): Seen) -> Self {
        Self {
            current: row.id == asking,
            id: row.id,
            user_agent: row.user_agent,
            ip: row.ip,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
        }
    }
}

/// Where you are logged in, last seen first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("login" = [])), params(PageQuery), responses(
    (status = OK, body = Page<Session>),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(http): State<Http>,
    LoggedIn { caller, session_id, .. }: LoggedIn,
    page: PageQuery,
) -> Result<Json<Page<Session>>, Problem> {
    let app = &http.app;
    let rows = sessions::list(&app.db, caller.user_id, app.clock.now(), page.after(), page.rows()).await?;
    let seen = rows.into_iter().map(|row| Seen(row, session_id)).collect();
    Ok(Json(Page::new(page, seen, |Seen(row, _)| row.place())))
}

/// Ends one of your sessions; its access tokens end with it.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", security(("login" = [])), params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn delete(
    State(http): State<Http>,
    LoggedIn { caller, actor, .. }: LoggedIn,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let app = &http.app;
    let mut tx = app.db.begin().await?;
    if !sessions::revoke(&mut *tx, caller.user_id, id, app.clock.now()).await? {
        return Err(Problem::NotFound("session"));
    }
    audit::record(&mut *tx, &actor, Action::SessionRevoked, Target::default(), json!({"sessionId": id})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
