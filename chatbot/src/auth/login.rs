//! Name and password become a session.
//!
//! Who guesses learns nothing: an unknown name, a wrong password, a user without one and a disabled user get the same
//! answer after the same work, and too many attempts are sent away before any.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::client::Client;
use super::error::AuthError;
use super::session::{self, Grant};
use super::{access_token, secret};
use crate::app::App;
use crate::cache::Limit;
use crate::metrics::LoginLabels;
use crate::store::audit::{self, Action, Actor, Target};
use crate::store::sessions;
use crate::store::users::{self, Credentials, User};

/// Failed attempts are counted for so long.
const WINDOW: Duration = Duration::from_mins(15);
/// Of one name from one address: a person who mistypes.
const OF_BOTH: u32 = 10;
/// Of one name from anywhere, or of one address for any name. It is so much larger that a stranger cannot easily keep
/// somebody out by guessing under their name.
const OF_ONE: u32 = 100;

/// Logs in by name or e-mail address.
///
/// # Errors
/// `Limited` and `Wrong`; those of making hash, session and token.
pub async fn login(app: &App, name: &str, password: &SecretString, client: &Client) -> Result<Grant, AuthError> {
    let result = attempt(app, name, password, client).await;
    let outcome = match &result {
        Ok(_) => "ok",
        Err(AuthError::Wrong) => "wrong",
        Err(AuthError::Limited(_)) => "limited",
        Err(_) => "error",
    };
    app.metrics.logins.get_or_create(&LoginLabels { outcome: outcome.to_owned() }).inc();
    result
}

async fn attempt(app: &App, name: &str, password: &SecretString, client: &Client) -> Result<Grant, AuthError> {
    let attempts = attempts(name, client);
    app.limits.take(&attempts).await.map_err(AuthError::Limited)?;
    let known = users::credentials(&app.db, name).await?;
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    let is_right = app.auth.passwords.verify(password, hash).await?;
    match known {
        Some(Credentials { user, .. }) if is_right && user.disabled_at.is_none() => {
            app.limits.give_back(&attempts).await;
            open(app, user, client).await
        }
        known => refuse(app, known.map(|known| known.user), client).await,
    }
}

/// Whether somebody who is in already knows their password; counted as an attempt to log in.
///
/// # Errors
/// `Limited` and `Wrong`; those of the hash.
pub(super) async fn confirm(app: &App, user: &User, password: &SecretString, client: &Client) -> Result<(), AuthError> {
    let attempts = attempts(&user.name, client);
    app.limits.take(&attempts).await.map_err(AuthError::Limited)?;
    let known = users::credentials(&app.db, &user.name).await?.filter(|known| known.user.id == user.id);
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    if !app.auth.passwords.verify(password, hash).await? {
        return Err(AuthError::Wrong);
    }
    app.limits.give_back(&attempts).await;
    Ok(())
}

/// Names are counted by their hash: Redis has no business with what people type there, and its keys stay short.
fn attempts(name: &str, client: &Client) -> [Limit; 3] {
    let (name, address) = (hex::encode(secret::hash(&name.to_lowercase())), client.counted());
    let limit = |key: String, most| Limit { key: format!("login:{key}"), most, window: WINDOW };
    [
        limit(format!("both:{name}:{address}"), OF_BOTH),
        limit(format!("name:{name}"), OF_ONE),
        limit(format!("address:{address}"), OF_ONE),
    ]
}

async fn open(app: &App, user: User, client: &Client) -> Result<Grant, AuthError> {
    let (now, refresh_token) = (app.clock.now(), secret::refresh_token()?);
    let hash = secret::hash(refresh_token.expose_secret());
    let ip = client.ip.to_string();
    let mut tx = app.db.begin().await?;
    let session_id = sessions::open(&mut tx, user.id, &hash, session::visit(client, &ip, now)).await?;
    let actor = Actor::known(user.id, user.name.clone(), client.ip);
    audit::record(&mut *tx, &actor, Action::LoginSucceeded, Target::default(), json!({"sessionId": session_id}))
        .await?;
    tx.commit().await?;
    Grant::new(app, user, session_id, refresh_token)
}

/// What was typed as a name is kept only where it is one: people type passwords there.
async fn refuse<T>(app: &App, known: Option<User>, client: &Client) -> Result<T, AuthError> {
    let target = known.as_ref().map(|user| Target::new(user.id, &user.name)).unwrap_or_default();
    audit::record(&app.db, &Actor::unknown(client.ip), Action::LoginFailed, target, json!({})).await?;
    Err(AuthError::Wrong)
}

/// For how long the access token of a grant is good, in seconds.
#[must_use]
pub const fn expires_in() -> u64 {
    access_token::LIFETIME.as_secs()
}
