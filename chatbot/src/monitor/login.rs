//! Who somebody is, and what they may do here.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    store::{StoreError, api_keys, users},
};

/// Nothing longer is a key of ours; it is not worth a hash and a look into the database.
const MAX_SECRET_BYTES: usize = 128;

/// Somebody who is welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// The user.
    pub(super) user_id: Uuid,
    /// The user's name.
    pub(super) name: String,
    /// What they may do.
    pub(super) may: May,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum May {
    /// Look and act.
    Act,
}

/// The user of this name, if the password is theirs: one of their API keys.
///
/// # Errors
/// The database's.
pub(super) async fn verify(app: &App, name: &str, password: &str) -> Result<Option<Person>, StoreError> {
    Ok(by_key(app, password).await?.filter(|person| person.name == name))
}

/// The user of this API key, if it works.
///
/// # Errors
/// The database's.
pub(super) async fn by_key(app: &App, key: &str) -> Result<Option<Person>, StoreError> {
    if !key.starts_with(api_keys::PREFIX) || key.len() > MAX_SECRET_BYTES {
        return Ok(None);
    }
    let caller = api_keys::authenticate(&app.db, key, app.clock.now()).await?;
    Ok(caller.map(|caller| Person { user_id: caller.user_id, name: caller.user_name, may: May::Act }))
}

/// The user of a session, if they are still welcome.
///
/// # Errors
/// The database's.
pub(super) async fn still_welcome(app: &App, user_id: Uuid) -> Result<Option<Person>, StoreError> {
    let user = users::find(&app.db, user_id).await?;
    Ok(user.map(|user| Person { user_id: user.id, name: user.name, may: May::Act }))
}
