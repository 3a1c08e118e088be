//! Sessions: each refresh gives a new token, and the use of an old one ends the session.
//!
//! Two tabs that refresh at once both show the same token; the slower one shows an old one without being a thief. So an
//! old token still works for [`GRACE`] after its rotation. A thief could use these seconds too, and would be found out at
//! the next refresh of either side, because their tokens are of one session.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::client::Client;
use super::error::AuthError;
use super::secret;
use crate::app::App;
use crate::store::audit::{self, Action, Actor, Target};
use crate::store::sessions::{self, Shown, Visit};
use crate::store::users::User;

/// A session that is not refreshed ends after so long.
pub const LIFETIME: Duration = Duration::from_hours(30 * 24);
/// An old token still works for so long after it was rotated.
pub const GRACE: Duration = Duration::from_secs(10);
/// Nothing longer is a token of ours.
const MAX_TOKEN_BYTES: usize = 128;

/// What somebody who is in gets.
#[derive(Debug)]
pub struct Grant {
    /// Shows who they are, for minutes.
    pub access_token: SecretString,
    /// Gets the next grant.
    pub refresh_token: SecretString,
    /// Who they are.
    pub user: User,
}

impl Grant {
    pub(super) fn new(app: &App, user: User, session_id: Uuid, refresh_token: SecretString) -> Result<Self, AuthError> {
        let access_token = app.auth.tokens.issue(user.id, user.role, session_id, app.clock.now())?;
        Ok(Self { access_token, refresh_token, user })
    }
}

pub(super) fn visit<'a>(client: &'a Client, ip: &'a str, now: Timestamp) -> Visit<'a> {
    Visit { user_agent: client.user_agent.as_deref(), ip, at: now, expires_at: now + LIFETIME }
}

/// Gives the next token for this one.
///
/// # Errors
/// `Ended` when the token is none, its session ended, or its user may not come in; and when it was rotated before, which
/// ends the session.
pub async fn refresh(app: &App, token: &str, client: &Client) -> Result<Grant, AuthError> {
    let (now, old) = (app.clock.now(), known_form(token)?);
    let mut tx = app.db.begin().await?;
    let shown = sessions::show(&mut tx, &old, now).await?.ok_or(AuthError::Ended)?;
    if !shown.stands || shown.user.disabled_at.is_some() {
        return Err(AuthError::Ended);
    }
    if shown.rotated_at.is_some_and(|rotated_at| now > rotated_at + GRACE) {
        end_stolen(&mut tx, &shown, client, now).await?;
        tx.commit().await?;
        app.metrics.refresh_tokens_reused.inc();
        return Err(AuthError::Ended);
    }
    let new = secret::refresh_token()?;
    let (hash, ip) = (secret::hash(new.expose_secret()), client.ip.to_string());
    sessions::rotate(&mut tx, shown.session_id, &old, &hash, visit(client, &ip, now)).await?;
    tx.commit().await?;
    Grant::new(app, shown.user, shown.session_id, new)
}

async fn end_stolen(
    db: &mut sqlx::PgConnection,
    shown: &Shown,
    client: &Client,
    now: Timestamp,
) -> Result<(), AuthError> {
    let user = &shown.user;
    tracing::warn!(user_id = %user.id, session_id = %shown.session_id, "an old refresh token came again: its session is ended");
    sessions::revoke(&mut *db, user.id, shown.session_id, now).await?;
    let detail = json!({"sessionId": shown.session_id});
    let target = Target::new(user.id, &user.name);
    Ok(audit::record(db, &Actor::unknown(client.ip), Action::TokenReused, target, detail).await?)
}

/// Ends the session of this token; a token that is none is as good as logged out.
///
/// # Errors
/// The database's.
pub async fn logout(app: &App, token: &str, client: &Client) -> Result<(), AuthError> {
    let (now, Ok(hash)) = (app.clock.now(), known_form(token)) else { return Ok(()) };
    let mut tx = app.db.begin().await?;
    let Some(shown) = sessions::show(&mut tx, &hash, now).await? else { return Ok(()) };
    if sessions::revoke(&mut *tx, shown.user.id, shown.session_id, now).await? {
        let actor = Actor::known(shown.user.id, shown.user.name, client.ip);
        let detail = json!({"sessionId": shown.session_id});
        audit::record(&mut *tx, &actor, Action::Logout, Target::default(), detail).await?;
    }
    Ok(tx.commit().await?)
}

fn known_form(token: &str) -> Result<Vec<u8>, AuthError> {
    let has_form = token.starts_with(secret::REFRESH_PREFIX) && token.len() <= MAX_TOKEN_BYTES;
    if has_form { Ok(secret::hash(token)) } else { Err(AuthError::Ended) }
}
