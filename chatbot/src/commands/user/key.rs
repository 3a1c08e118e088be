//! `chatbot user key create | list | revoke`.

use std::process::ExitCode;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::PgPool;

use super::find;
use crate::{
    auth::{AuthError, Scopes, secret},
    cli::CreateKey,
    commands::{CommandError, output},
    store::{
        StoreError,
        api_keys::{self, ApiKey, NewKey},
        audit::{self, Action, Actor, Target},
        users,
    },
};

pub(super) async fn create(db: &PgPool, options: &CreateKey, now: Timestamp) -> Result<ExitCode, CommandError> {
    let expires_at = options.ttl.map(|ttl| expiry(now, ttl)).transpose()?;
    let user = find_or_create(db, &options.user).await?;
    let scopes = scopes(options, &user)?;
    let secret = api_keys::from_random(secret::random().map_err(AuthError::from)?);
    let new = NewKey { user_id: user.id, name: &options.name, key: secret.expose_secret(), scopes, expires_at };
    let mut tx = db.begin().await.map_err(StoreError::from)?;
    let key = api_keys::create_with(&mut *tx, &new).await?;
    let detail = json!({"scopes": scopes.names(), "expiresAt": expires_at, "of": user.name});
    let target = Target::new(key.id, &key.name);
    audit::record(&mut *tx, &Actor::COMMAND_LINE, Action::KeyCreated, target, detail).await?;
    tx.commit().await.map_err(StoreError::from)?;
    if options.json {
        let document = json!({ "id": key.id, "key": secret.expose_secret(), "user": user.name, "name": key.name, "expiresAt": key.expires_at });
        output::line(&document.to_string());
    } else {
        output::line(secret.expose_secret());
    }
    Ok(ExitCode::SUCCESS)
}

/// A scope that the user's role does not allow would be of no use.
fn scopes(options: &CreateKey, user: &users::User) -> Result<Scopes, CommandError> {
    if options.scopes.is_empty() {
        return Ok(Scopes::EVERYDAY);
    }
    let asked: Scopes = options.scopes.iter().copied().collect();
    let useless = asked.iter().find(|scope| !Scopes::of(user.role).contains(*scope));
    useless.map_or(Ok(asked), |scope| {
        let (name, role) = (&user.name, user.role);
        let message = format!("{name} is {role}, which does not allow {scope}: `chatbot user role {name} admin` does");
        Err(CommandError::Refused(message))
    })
}

/// Days count as 24 hours.
fn expiry(now: Timestamp, ttl: jiff::Span) -> Result<Timestamp, CommandError> {
    let refused = || CommandError::Refused("--ttl must be a time to come, such as 90d or 12h".to_owned());
    let length = ttl.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| refused())?;
    if !length.is_positive() {
        return Err(refused());
    }
    now.checked_add(length).map_err(|_| refused())
}

/// Two commands at once may both find no user: the slower one takes what the quicker one made.
async fn find_or_create(db: &PgPool, name: &str) -> Result<users::User, CommandError> {
    if let Some(user) = users::find_by_name(db, name).await? {
        return Ok(user);
    }
    match users::create(db, name).await {
        Err(StoreError::UserExists) => find(db, name).await,
        result => Ok(result?),
    }
}

pub(super) async fn list(
    db: &PgPool,
    user: Option<&str>,
    as_json: bool,
    now: Timestamp,
) -> Result<ExitCode, CommandError> {
    let owner = match user {
        Some(name) => Some(find(db, name).await?.id),
        None => None,
    };
    let keys = api_keys::list(db, owner).await?;
    if as_json {
        let documents: Vec<_> = keys.iter().map(|key| document(key, now)).collect();
        output::line(&output::json(&documents));
    } else {
        for key in &keys {
            output::line(&format!("{}  {}…  {:<24}  {}", key.id, key.prefix, key.name, state(key, now)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn document(key: &ApiKey, now: Timestamp) -> serde_json::Value {
    json!({
        "id": key.id, "prefix": key.prefix, "name": key.name, "userId": key.user_id, "scopes": key.scopes.names(), "state": state(key, now),
        "createdAt": key.created_at, "expiresAt": key.expires_at, "revokedAt": key.revoked_at, "lastUsedAt": key.last_used_at,
    })
}

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.expires_at.is_some_and(|at| at <= now) {
        "expired"
    } else {
        "active"
    }
}

pub(super) async fn revoke(db: &PgPool, key: &str, now: Timestamp) -> Result<ExitCode, CommandError> {
    let mut tx = db.begin().await.map_err(StoreError::from)?;
    let revoked = api_keys::revoke(&mut *tx, key, now).await?;
    for key in &revoked {
        let target = Target::new(key.id, &key.name);
        audit::record(&mut *tx, &Actor::COMMAND_LINE, Action::KeyRevoked, target, json!({})).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    if revoked.is_empty() {
        let message = format!("no active key has the id or prefix {key}: see `chatbot user key list`");
        return Err(CommandError::Refused(message));
    }
    output::line("revoked");
    Ok(ExitCode::SUCCESS)
}
