//! What a person may do with a job. Each of these can be asked for twice: the second time does nothing, and says so.
//!
//! Trying again and cancelling are River's own; giving up is ours, because River has no word for it.

use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::{Queue, QueueError, ingest};
use crate::store::{
    StoreError,
    jobs::tasks::{self, Filter},
};

/// Jobs that are tried again at most at once.
pub const MOST_AT_ONCE: i64 = 500;

/// What the owner of a document is told whose job a person ended.
const ENDED: &str = "its processing was cancelled: upload it again";

/// A job cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// There is none with this id (any more).
    #[error("there is no such task (any more)")]
    NotFound,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// River.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<sqlx::Error> for ManageError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<riverqueue::Error> for ManageError {
    fn from(error: riverqueue::Error) -> Self {
        QueueError::from(error).into()
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It waits for a worker, from now on.
    Waits,
    /// Nothing: it waited already.
    WaitedAlready,
    /// Nothing: a worker is at it.
    InWork,
    /// It will not run again.
    Ended,
    /// Its worker was told to stop.
    Stopping,
    /// Nothing: its worker was told already.
    StoppingAlready,
    /// Nothing: it was over already.
    OverAlready,
}

impl Effect {
    /// Whether anything was changed.
    #[must_use]
    pub const fn changed(self) -> bool {
        match self {
            Self::Waits | Self::Ended | Self::Stopping => true,
            Self::WaitedAlready | Self::InWork | Self::StoppingAlready | Self::OverAlready => false,
        }
    }
}

/// Makes a job available again, with one attempt more if it had used all.
///
/// # Errors
/// See [`ManageError`].
pub async fn retry(db: &PgPool, queue: &Queue, id: i64) -> Result<Effect, ManageError> {
    let mut tx = db.begin().await?;
    let before = state(&mut tx, id).await?;
    let effect = match before.as_str() {
        "running" => Effect::InWork,
        "available" => Effect::WaitedAlready,
        _ => {
            queue.client().jobs().retry(id).tx(&mut tx).await?;
            Effect::Waits
        }
    };
    tx.commit().await?;
    Ok(effect)
}

/// Makes the jobs available again that match, the oldest first, at most [`MOST_AT_ONCE`]; answers how many.
///
/// # Errors
/// See [`ManageError`]; then none was.
pub async fn retry_all(db: &PgPool, queue: &Queue, filter: &Filter) -> Result<usize, ManageError> {
    let mut tx = db.begin().await?;
    let ids = tasks::lock(&mut tx, filter, MOST_AT_ONCE).await?;
    for id in &ids {
        queue.client().jobs().retry(*id).tx(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(ids.len())
}

/// Cancels a job: one that waits is over at once, one in work when its worker has stopped.
///
/// # Errors
/// See [`ManageError`].
pub async fn cancel(db: &PgPool, queue: &Queue, id: i64) -> Result<Effect, ManageError> {
    let mut tx = db.begin().await?;
    let effect = match state(&mut tx, id).await?.as_str() {
        "completed" | "cancelled" | "discarded" => return Ok(Effect::OverAlready),
        "running" if is_stopping(&mut tx, id).await? => return Ok(Effect::StoppingAlready),
        "running" => Effect::Stopping,
        _ => Effect::Ended,
    };
    queue.client().jobs().cancel(id).tx(&mut tx).await?;
    if effect == Effect::Ended {
        tell_owner(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(effect)
}

/// Gives up a job that waits: it goes to the dead letters, with the reason.
///
/// # Errors
/// See [`ManageError`].
pub async fn discard(db: &PgPool, id: i64, reason: &str) -> Result<Effect, ManageError> {
    let mut tx = db.begin().await?;
    let effect = match state(&mut tx, id).await?.as_str() {
        "completed" | "cancelled" | "discarded" => Effect::OverAlready,
        "running" => Effect::InWork,
        _ => {
            tasks::discard(&mut *tx, id, reason).await?;
            tell_owner(&mut tx, id).await?;
            Effect::Ended
        }
    };
    tx.commit().await?;
    Ok(effect)
}

/// Nobody takes jobs from a paused queue; those in work go on. False when no worker has ever opened the queue.
///
/// # Errors
/// See [`ManageError`].
pub async fn pause(queue: &Queue, name: &str, pause: bool) -> Result<bool, ManageError> {
    let queues = queue.client().queues();
    let asked = if pause { queues.pause(name).await } else { queues.resume(name).await };
    match asked {
        Ok(()) => Ok(true),
        Err(riverqueue::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Locks the job until the transaction ends.
async fn state(tx: &mut Transaction<'_, Postgres>, id: i64) -> Result<String, ManageError> {
    let state = sqlx::query_scalar("SELECT state::text FROM river_job WHERE id = $1 FOR UPDATE").bind(id);
    state.fetch_optional(&mut **tx).await?.ok_or(ManageError::NotFound)
}

/// Whether somebody has asked for its end.
async fn is_stopping(tx: &mut PgConnection, id: i64) -> Result<bool, ManageError> {
    let asked = sqlx::query_scalar("SELECT metadata ? 'cancel_attempted_at' FROM river_job WHERE id = $1").bind(id);
    Ok(asked.fetch_one(tx).await?)
}

/// The document behind the job, if there is one, says why nobody goes on with it.
async fn tell_owner(tx: &mut PgConnection, id: i64) -> Result<(), ManageError> {
    let job: Option<(String, serde_json::Value)> =
        sqlx::query_as("SELECT kind, args FROM river_job WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
    if let Some((kind, args)) = job {
        ingest::give_up(tx, &kind, &args, ENDED).await?;
    }
    Ok(())
}
