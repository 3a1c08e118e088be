//! `chatbot user`: users and their API keys.

use std::process::ExitCode;

use jiff::Timestamp;
use rand::TryRng;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::PgPool;

use super::{CommandError, output, process};
use crate::{
    cli::{CreateKey, Key, User},
    clock::Clock,
    config::DatabaseConfig,
    store::{self, StoreError, api_keys, api_keys::ApiKey, users},
};

pub(super) fn run(command: User, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = DatabaseConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let db = store::pool::lazy(&config.database, "chatbot-user");
        let now = Clock::system().now();
        match command {
            User::Create { name } => create_user(&db, &name).await,
            User::Key(Key::Create(options)) => create_key(&db, &options, now).await,
            User::Key(Key::List { user, json }) => list_keys(&db, user.as_deref(), json, now).await,
            User::Key(Key::Revoke { key }) => revoke_key(&db, &key, now).await,
        }
    })
}

async fn create_user(db: &PgPool, name: &str) -> Result<ExitCode, CommandError> {
    let user = users::create(db, name).await?;
    output::line(&format!("{}  {}", user.id, user.name));
    Ok(ExitCode::SUCCESS)
}

async fn create_key(db: &PgPool, options: &CreateKey, now: Timestamp) -> Result<ExitCode, CommandError> {
    let expires_at = options.ttl.map(|ttl| expiry(now, ttl)).transpose()?;
    let user = find_or_create(db, &options.user).await?;
    let mut bits = [0; 32];
    let drawn = rand::rngs::SysRng.try_fill_bytes(&mut bits);
    drawn.map_err(|error| CommandError::Refused(format!("the system gives no random numbers: {error}")))?;
    let secret = api_keys::from_random(bits);
    let key = api_keys::create(db, user.id, &options.name, secret.expose_secret(), expires_at).await?;
    if options.json {
        let document = json!({ "id": key.id, "key": secret.expose_secret(), "user": user.name, "name": key.name, "expiresAt": key.expires_at });
        output::line(&document.to_string());
    } else {
        output::line(secret.expose_secret());
    }
    Ok(ExitCode::SUCCESS)
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

async fn find(db: &PgPool, name: &str) -> Result<users::User, CommandError> {
    let user = users::find_by_name(db, name).await?;
    user.ok_or_else(|| {
        CommandError::Refused(format!("there is no user {name}: create one with `chatbot user create {name}`"))
    })
}

async fn list_keys(db: &PgPool, user: Option<&str>, as_json: bool, now: Timestamp) -> Result<ExitCode, CommandError> {
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
        "id": key.id, "prefix": key.prefix, "name": key.name, "userId": key.user_id, "state": state(key, now),
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

async fn revoke_key(db: &PgPool, key: &str, now: Timestamp) -> Result<ExitCode, CommandError> {
    if api_keys::revoke(db, key, now).await? {
        output::line("revoked");
        return Ok(ExitCode::SUCCESS);
    }
    Err(CommandError::Refused(format!("no active key has the id or prefix {key}: see `chatbot user key list`")))
}
