//! Who brings this key or access token.
//!
//! Both are looked up in the database at every request, by a primary key or a unique hash: a revoked key, an ended session,
//! a disabled user and a new role count at once, and not when a token ends.

use uuid::Uuid;

use super::{Role, Scopes};
use crate::app::App;
use crate::store::{StoreError, api_keys, sessions};

/// Nothing longer is a key of ours; it is not worth a hash and a look into the database.
const MAX_KEY_BYTES: usize = 128;

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A key, by its id.
    Key(Uuid),
    /// A login's session.
    Session(Uuid),
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: Uuid,
    /// Their name.
    pub user_name: String,
    /// Their role.
    pub role: Role,
    /// What they may do here and now: what the role allows, and of a key no more than it was made for.
    pub scopes: Scopes,
    /// By what they are known.
    pub means: Means,
}

/// Who brings this: a key (`cbk_…`) or an access token. None when it does not work, for whatever reason.
///
/// # Errors
/// The database's.
pub async fn identify(app: &App, credential: &str) -> Result<Option<Identity>, StoreError> {
    if credential.starts_with(api_keys::PREFIX) {
        by_key(app, credential).await
    } else {
        by_token(app, credential).await
    }
}

async fn by_key(app: &App, key: &str) -> Result<Option<Identity>, StoreError> {
    if key.len() > MAX_KEY_BYTES {
        return Ok(None);
    }
    let caller = api_keys::authenticate(&app.db, key, app.clock.now()).await?;
    Ok(caller.map(|caller| Identity {
        user_id: caller.user_id,
        user_name: caller.user_name,
        role: caller.role,
        scopes: Scopes::of(caller.role).and(caller.scopes),
        means: Means::Key(caller.key_id),
    }))
}

async fn by_token(app: &App, token: &str) -> Result<Option<Identity>, StoreError> {
    let now = app.clock.now();
    let Some(claims) = app.auth.tokens.verify(token, now) else { return Ok(None) };
    let holder = sessions::holder(&app.db, claims.sid, claims.sub, now).await?;
    Ok(holder.map(|holder| Identity {
        user_id: holder.user_id,
        user_name: holder.user_name,
        role: holder.role,
        scopes: Scopes::of(holder.role),
        means: Means::Session(claims.sid),
    }))
}
