//! Who did what, when, and from where. Rows are added by the transaction that does it, and never changed.

use std::net::IpAddr;

use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Place, Result};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Somebody logged in.
    LoginSucceeded,
    /// Somebody tried to.
    LoginFailed,
    /// Somebody logged out.
    Logout,
    /// A session was ended by its owner, from another one.
    SessionRevoked,
    /// An old refresh token came again: its session was ended.
    TokenReused,
    /// A password was set.
    PasswordSet,
    /// A key was made.
    KeyCreated,
    /// A key was withdrawn.
    KeyRevoked,
    /// A user was made.
    UserCreated,
    /// A user's role, address or right to come in was changed.
    UserChanged,
    /// A user was deleted.
    UserDeleted,
    /// A task was tried again.
    TaskRetried,
    /// A task was cancelled.
    TaskCancelled,
    /// A task was given up.
    TaskDiscarded,
    /// Many tasks were tried again at once.
    TasksRetried,
    /// A schedule was run out of its time.
    ScheduleRun,
    /// A queue was paused.
    QueuePaused,
    /// A queue was opened again.
    QueueResumed,
}

impl Action {
    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginSucceeded => "login.succeeded",
            Self::LoginFailed => "login.failed",
            Self::Logout => "logout",
            Self::SessionRevoked => "session.revoked",
            Self::TokenReused => "session.token_reused",
            Self::PasswordSet => "password.set",
            Self::KeyCreated => "api_key.created",
            Self::KeyRevoked => "api_key.revoked",
            Self::UserCreated => "user.created",
            Self::UserChanged => "user.changed",
            Self::UserDeleted => "user.deleted",
            Self::TaskRetried => "task.retried",
            Self::TaskCancelled => "task.cancelled",
            Self::TaskDiscarded => "task.discarded",
            Self::TasksRetried => "tasks.retried",
            Self::ScheduleRun => "schedule.run",
            Self::QueuePaused => "queue.paused",
            Self::QueueResumed => "queue.resumed",
        }
    }
}

/// By which way it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The HTTP API.
    Http,
    /// `chatbot user`, by somebody who may run it beside the server.
    CommandLine,
}

impl Via {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::CommandLine => "command-line",
        }
    }
}

/// Who does it. Nobody is known at a login that fails, nor at the command line.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Their id.
    pub id: Option<Uuid>,
    /// Their name.
    pub name: Option<String>,
    /// Where they are.
    pub ip: Option<IpAddr>,
    /// How they do it.
    pub via: Via,
}

impl Actor {
    /// Whoever runs a command.
    pub const COMMAND_LINE: Self = Self { id: None, name: None, ip: None, via: Via::CommandLine };

    /// Somebody whom nobody knows.
    #[must_use]
    pub const fn unknown(ip: IpAddr) -> Self {
        Self { id: None, name: None, ip: Some(ip), via: Via::Http }
    }

    /// Somebody who is known.
    #[must_use]
    pub const fn known(id: Uuid, name: String, ip: IpAddr) -> Self {
        Self { id: Some(id), name: Some(name), ip: Some(ip), via: Via::Http }
    }
}

/// What it was done to, by id and by the name of that time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// Its id.
    pub id: Option<Uuid>,
    /// Its name.
    pub name: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// This one.
    #[must_use]
    pub const fn new(id: Uuid, name: &'a str) -> Self {
        Self { id: Some(id), name: Some(name) }
    }

    /// Something that has a name alone.
    #[must_use]
    pub const fn named(name: &'a str) -> Self {
        Self { id: None, name: Some(name) }
    }
}

/// What was done, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// Identity.
    pub id: Uuid,
    /// When.
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub at: jiff::Timestamp,
    /// What; see [`Action`].
    pub action: String,
    /// Who.
    pub actor_id: Option<Uuid>,
    /// Their name then.
    pub actor: Option<String>,
    /// To whom or what.
    pub target_id: Option<Uuid>,
    /// Its name then.
    pub target: Option<String>,
    /// `http` or `command-line`.
    pub via: String,
    /// From where.
    pub ip: Option<String>,
    /// What else there is to say, as an object.
    pub detail: Value,
}

impl Event {
    /// Where it stands in lists.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place { at: self.at, id: self.id }
    }
}

/// Notes what is done, in the transaction that does it. `detail` is an object, and holds no secret.
///
/// # Errors
/// The database's.
pub async fn record(
    db: impl PgExecutor<'_>,
    actor: &Actor,
    action: Action,
    target: Target<'_>,
    detail: Value,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit (id, action, actor_id, actor, target_id, target, via, ip, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(Uuid::now_v7())
    .bind(action.as_str())
    .bind(actor.id)
    .bind(actor.name.as_deref())
    .bind(target.id)
    .bind(target.name)
    .bind(actor.via.as_str())
    .bind(actor.ip.map(|ip| ip.to_string()))
    .bind(detail)
    .execute(db)
    .await?;
    Ok(())
}

/// A page of all that was done, newest first: what is beyond the place `after`, or from the start.
///
/// # Errors
/// The database's.
pub async fn list(db: impl PgExecutor<'_>, after: Option<Place>, limit: i64) -> Result<Vec<Event>> {
    let events = sqlx::query_as(
        "SELECT id, at, action, actor_id, actor, target_id, target, via, ip, detail FROM audit \
         WHERE $1::timestamptz IS NULL OR (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3",
    )
    .bind(after.map(Place::time))
    .bind(after.map(|after| after.id))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(events)
}
