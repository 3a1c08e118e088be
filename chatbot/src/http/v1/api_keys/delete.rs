//! `DELETE /api/v1/api-keys/{id}`: it stops working at once; its line stays.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use crate::http::extract::{Id, LoggedIn};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::api_keys;
use crate::store::audit::{self, Action, Target};

/// Withdraws one of your keys.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "api-keys", security(("login" = [])), params(("id" = Uuid, Path)), responses(
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
    let revoked = api_keys::revoke_own(&mut *tx, caller.user_id, id, app.clock.now()).await?;
    let key = revoked.ok_or(Problem::NotFound("key that works"))?;
    audit::record(&mut *tx, &actor, Action::KeyRevoked, Target::new(key.id, &key.name), json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
