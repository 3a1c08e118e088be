//! `chatbot user`: users, their passwords and their API keys.
//!
//! Whoever may run this may do anything; what they do is audited like what admins do over HTTP.

mod key;
mod password;
mod people;

use std::process::ExitCode;

use sqlx::PgPool;

use super::{CommandError, process};
use crate::{
    auth::{
        password::Passwords,
        people::{Change, People},
    },
    cli::{Key, User},
    clock::Clock,
    config::DatabaseConfig,
    store::{self, users},
};

pub(super) fn run(command: User, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = DatabaseConfig::from_env(env)?;
    process::runtime(1)?.block_on(async {
        let db = store::pool::lazy(&config.database, "chatbot-user");
        let (passwords, clock) = (Passwords::default(), Clock::system());
        let people = People { db: &db, passwords: &passwords, clock: &clock };
        let now = clock.now();
        match command {
            User::Create(options) => people::create(people, options).await,
            User::List { json } => people::list(&db, json).await,
            User::Password { name } => people::set_password(people, &name).await,
            User::Role { name, role } => {
                people::change(people, &name, Change { role: Some(role), ..Change::default() }).await
            }
            User::Disable { name } => {
                people::change(people, &name, Change { disabled: Some(true), ..Change::default() }).await
            }
            User::Enable { name } => {
                people::change(people, &name, Change { disabled: Some(false), ..Change::default() }).await
            }
            User::Key(Key::Create(options)) => key::create(&db, &options, now).await,
            User::Key(Key::List { user, json }) => key::list(&db, user.as_deref(), json, now).await,
            User::Key(Key::Revoke { key }) => key::revoke(&db, &key, now).await,
        }
    })
}

async fn find(db: &PgPool, name: &str) -> Result<users::User, CommandError> {
    let user = users::find_by_name(db, name).await?;
    user.ok_or_else(|| {
        CommandError::Refused(format!("there is no user {name}: create one with `chatbot user create {name}`"))
    })
}
