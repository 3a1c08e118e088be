//! Making, changing and deleting users, by an admin over HTTP or by whoever runs `chatbot user`. What is done is audited in
//! the same transaction.

use secrecy::SecretString;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::client::Client;
use super::error::AuthError;
use super::password::{Password, Passwords};
use super::{Role, login};
use crate::app::App;
use crate::clock::Clock;
use crate::jobs::Queue;
use crate::store::audit::{self, Action, Actor, Target};
use crate::store::users::{self, NewUser, User};
use crate::store::{documents, sessions};

/// Documents whose removal is asked for at a time.
const DOCUMENTS_AT_A_TIME: i64 = 200;
const NAME_CHARS: usize = 200;
/// What mail servers take at most.
const EMAIL_CHARS: usize = 254;

/// What users are kept in.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// Makes hashes.
    pub passwords: &'a Passwords,
    /// The time.
    pub clock: &'a Clock,
}

/// Somebody to make.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Unique name.
    pub name: String,
    /// Unique address.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Without one they come in by keys alone.
    pub password: Option<SecretString>,
}

/// What to change of a user; None leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Their address, or that they have none.
    pub email: Option<Option<String>>,
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they may not come in.
    pub disabled: Option<bool>,
    /// Their password; it ends their sessions.
    pub password: Option<SecretString>,
}

impl<'a> From<&'a App> for People<'a> {
    fn from(app: &'a App) -> Self {
        Self { db: &app.db, passwords: &app.auth.passwords, clock: &app.clock }
    }
}

impl People<'_> {
    /// Makes a user.
    ///
    /// # Errors
    /// `Name`, `Email`, `Weak`; `UserExists` and `EmailExists` of the store.
    pub async fn create(&self, actor: &Actor, newcomer: &Newcomer) -> Result<User, AuthError> {
        let Newcomer { name, email, role, password } = newcomer;
        check_name(name)?;
        email.as_deref().map_or(Ok(()), check_email)?;
        let names: Vec<&str> = std::iter::once(name.as_str()).chain(email.as_deref()).collect();
        let hash = self.hash(password.as_ref(), &names).await?;
        let new = NewUser { name, email: email.as_deref(), role: *role, password_hash: hash.as_deref() };
        let mut tx = self.db.begin().await?;
        let user = users::create_with(&mut *tx, &new).await?;
        let detail = json!({"role": role, "password": hash.is_some()});
        audit::record(&mut *tx, actor, Action::UserCreated, Target::new(user.id, name), detail).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes a user. Who is disabled or gets another password is out of all sessions.
    ///
    /// # Errors
    /// `NoUser`, `LastAdmin`, `Email`, `Weak`; `EmailExists` of the store.
    pub async fn change(&self, actor: &Actor, id: Uuid, change: Change) -> Result<User, AuthError> {
        if let Some(Some(email)) = &change.email {
            check_email(email)?;
        }
        let before = users::find(self.db, id).await?.ok_or(AuthError::NoUser)?;
        let hash = self.hash(change.password.as_ref(), &names(&before, &change)).await?;
        let mut tx = self.db.begin().await?;
        let admins = users::other_admins(&mut tx, id).await?;
        let before = users::lock(&mut tx, id).await?.ok_or(AuthError::NoUser)?;
        let after = self.changed(&before, &change);
        if admins == 0 && is_admin(&before) && !is_admin(&after) {
            return Err(AuthError::LastAdmin);
        }
        self.keep(&mut tx, actor, &before, &after, hash.as_deref()).await?;
        tx.commit().await?;
        Ok(after)
    }

    fn changed(&self, before: &User, change: &Change) -> User {
        let disabled_at = match change.disabled {
            Some(true) => before.disabled_at.or_else(|| Some(self.clock.now())),
            Some(false) => None,
            None => before.disabled_at,
        };
        User {
            email: change.email.clone().unwrap_or_else(|| before.email.clone()),
            role: change.role.unwrap_or(before.role),
            disabled_at,
            ..before.clone()
        }
    }

    async fn keep(
        &self,
        db: &mut PgConnection,
        actor: &Actor,
        before: &User,
        after: &User,
        hash: Option<&str>,
    ) -> Result<(), AuthError> {
        let target = Target::new(after.id, &after.name);
        if before != after {
            users::update(&mut *db, after).await?;
            let detail = difference(before, after);
            audit::record(&mut *db, actor, Action::UserChanged, target, detail).await?;
        }
        if let Some(hash) = hash {
            users::set_password(&mut *db, after.id, hash).await?;
            audit::record(&mut *db, actor, Action::PasswordSet, target, json!({})).await?;
        }
        if hash.is_some() || after.disabled_at.is_some() {
            sessions::revoke_others(db, after.id, None, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Deletes a user with all that is theirs; what is left of their documents is removed by jobs.
    ///
    /// # Errors
    /// `NoUser` and `LastAdmin`.
    pub async fn delete(&self, queue: &Queue, actor: &Actor, id: Uuid) -> Result<(), AuthError> {
        let mut tx = self.db.begin().await?;
        let admins = users::other_admins(&mut tx, id).await?;
        let user = users::lock(&mut tx, id).await?.ok_or(AuthError::NoUser)?;
        if admins == 0 && is_admin(&user) {
            return Err(AuthError::LastAdmin);
        }
        loop {
            let removed = documents::delete_some(&mut *tx, id, DOCUMENTS_AT_A_TIME).await?;
            if removed.is_empty() {
                break;
            }
            for document in removed {
                queue.enqueue_remove(&mut tx, document.id, document.object_key).await?;
            }
        }
        users::delete(&mut *tx, id).await?;
        audit::record(&mut *tx, actor, Action::UserDeleted, Target::new(id, &user.name), json!({})).await?;
        Ok(tx.commit().await?)
    }

    async fn hash(&self, password: Option<&SecretString>, names: &[&str]) -> Result<Option<String>, AuthError> {
        let Some(password) = password else { return Ok(None) };
        Ok(Some(self.passwords.hash(Password::new(password, names)?).await?))
    }
}

/// Changes one's own password; every session but this one ends.
///
/// # Errors
/// `Limited` and `Wrong` for the current password, `Weak` for the new one.
pub async fn change_password(
    app: &App,
    (user_id, session_id): (Uuid, Uuid),
    (current, new): (&SecretString, &SecretString),
    client: &Client,
) -> Result<(), AuthError> {
    let user = users::find(&app.db, user_id).await?.ok_or(AuthError::Ended)?;
    let password = Password::new(new, &names(&user, &Change::default()))?;
    login::confirm(app, &user, current, client).await?;
    let hash = app.auth.passwords.hash(password).await?;
    let actor = Actor::known(user.id, user.name.clone(), client.ip);
    let mut tx = app.db.begin().await?;
    users::set_password(&mut *tx, user.id, &hash).await?;
    sessions::revoke_others(&mut *tx, user.id, Some(session_id), app.clock.now()).await?;
    audit::record(&mut *tx, &actor, Action::PasswordSet, Target::new(user.id, &user.name), json!({})).await?;
    Ok(tx.commit().await?)
}

fn names<'a>(user: &'a User, change: &'a Change) -> Vec<&'a str> {
    let new = change.email.as_ref().and_then(Option::as_deref);
    std::iter::once(user.name.as_str()).chain(user.email.as_deref()).chain(new).collect()
}

fn is_admin(user: &User) -> bool {
    user.role == Role::Admin && user.disabled_at.is_none()
}

/// What became of what; addresses are not repeated where everybody's deeds are read.
fn difference(before: &User, after: &User) -> serde_json::Value {
    let mut detail = serde_json::Map::new();
    if before.role != after.role {
        detail.insert("role".to_owned(), json!({"from": before.role, "to": after.role}));
    }
    if before.disabled_at != after.disabled_at {
        detail.insert("disabled".to_owned(), json!(after.disabled_at.is_some()));
    }
    if before.email != after.email {
        detail.insert("email".to_owned(), json!("changed"));
    }
    detail.into()
}

/// Names without @ cannot be taken for somebody's address at a login.
fn check_name(name: &str) -> Result<(), AuthError> {
    let is_one = (1..=NAME_CHARS).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(|character| character == '@' || character.is_control());
    if is_one { Ok(()) } else { Err(AuthError::Name) }
}

/// Whether mail arrives there only mail can tell.
fn check_email(email: &str) -> Result<(), AuthError> {
    let parts = email.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let is_one = parts.is_some_and(|(_, domain)| !domain.contains('@'))
        && email.chars().count() <= EMAIL_CHARS
        && !email.chars().any(|character| character.is_whitespace() || character.is_control());
    if is_one { Ok(()) } else { Err(AuthError::Email) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_nobody_s_address_and_an_address_has_two_parts() {
        for (name, expected) in
            [("sara", true), ("سارا", true), ("", false), ("a@b", false), (" a", false), ("a\nb", false)]
        {
            assert_eq!(check_name(name).is_ok(), expected, "{name:?}");
        }
        for (email, expected) in [
            ("s@example.org", true),
            ("s", false),
            ("@example.org", false),
            ("s@", false),
            ("a@b@c", false),
            ("a b@c", false),
        ] {
            assert_eq!(check_email(email).is_ok(), expected, "{email:?}");
        }
    }
}
