//! `POST /api/v1/api-keys`: the one answer that shows the key.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::ApiKey;
use crate::app::App;
use crate::auth::{Scope, Scopes, secret};
use crate::http::extract::{Json, LoggedIn};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::Http;
use crate::store::api_keys::{self, NewKey};
use crate::store::audit::{self, Action, Target};
use crate::store::users;

/// Keys of one person that work at a time.
const MOST: i64 = 100;
const NAME_CHARS: usize = 200;

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateApiKey {
    /// What it is for, 1 to 200 characters.
    name: String,
    /// What it may be used for; everything but `admin` without.
    scopes: Option<Vec<Scope>>,
    /// When it stops working; never without.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<jiff::Timestamp>,
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedApiKey {
    /// The key itself. It is shown this once.
    key: String,
    #[serde(flatten)]
    about: ApiKey,
}

/// Makes a key of yours. A key cannot make another one: log in for it.
#[utoipa::path(post, path = "/api-keys", tag = "api-keys", security(("login" = [])), request_body = CreateApiKey, responses(
    (status = CREATED, body = CreatedApiKey),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(http): State<Http>,
    LoggedIn { caller, actor, .. }: LoggedIn,
    Json(request): Json<CreateApiKey>,
) -> Result<(StatusCode, axum::Json<CreatedApiKey>), Problem> {
    let app = &http.app;
    let scopes = checked(app, &request, caller.scopes)?;
    let key = new_key()?;
    let mut tx = app.db.begin().await?;
    // Two requests at once cannot both take the last place.
    users::lock(&mut tx, caller.user_id).await?;
    if api_keys::count_active(&mut *tx, caller.user_id, app.clock.now()).await? >= MOST {
        return Err(Problem::Conflict("you have 100 keys that work: withdraw one first"));
    }
    let new = NewKey {
        user_id: caller.user_id,
        name: &request.name,
        key: key.expose_secret(),
        scopes,
        expires_at: request.expires_at,
    };
    let row = api_keys::create_with(&mut *tx, &new).await?;
    let detail = json!({"scopes": row.scopes.names(), "expiresAt": row.expires_at});
    audit::record(&mut *tx, &actor, Action::KeyCreated, Target::new(row.id, &row.name), detail).await?;
    tx.commit().await?;
    let created = CreatedApiKey { key: key.expose_secret().to_owned(), about: row.into() };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

/// The scopes, if all is well: none may go beyond what the person may do.
fn checked(app: &App, request: &CreateApiKey, allowed: Scopes) -> Result<Scopes, Problem> {
    let invalid = |field, detail: &str| Err(Problem::Invalid { field, detail: detail.to_owned() });
    let name = &request.name;
    if !(1..=NAME_CHARS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return invalid("name", "write 1 to 200 characters, none of them a control character");
    }
    if request.expires_at.is_some_and(|at| at <= app.clock.now()) {
        return invalid("expiresAt", "write a time to come");
    }
    let scopes = request.scopes.as_ref().map_or(Scopes::EVERYDAY, |scopes| scopes.iter().copied().collect());
    if scopes == Scopes::default() {
        return invalid("scopes", "a key without a scope is of no use: name one, or leave the field out");
    }
    if scopes.and(allowed) != scopes {
        return invalid("scopes", "your role does not allow all of these");
    }
    Ok(scopes)
}

fn new_key() -> Result<SecretString, Problem> {
    secret::random().map(api_keys::from_random).map_err(|error| {
        tracing::error!(%error, "no key can be made");
        Problem::Internal
    })
}
