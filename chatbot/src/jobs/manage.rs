//! What a person may do with a job. Each of these can be asked for twice: the second time does nothing, and says so.
//!
//! Trying again and cancelling are River's own; giving up is ours, because River has no word for it. All of it happens in the
//! caller's transaction, so that it is recorded exactly if it happened.

use sqlx::{PgConnection, Postgres, Transaction};

/// The transaction in which something is done, and recorded.
type Tx<'a> = Transaction<'a, Postgres>;

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
pub async fn retry(tx: &mut Tx<'_>, queue: &Queue, id: i64) -> Result<Effect, ManageError> {
    let before = state(tx, id).await?;
    Ok(match before.as_str() {
        "running" => Effect::InWork,
        "available" => Effect::WaitedAlready,
        _ => {
            queue.client().jobs().retry(id).tx(&mut *tx).await?;
            Effect::Waits
        }
    })
}

/// Makes the jobs available again that match, the oldest first, at most [`MOST_AT_ONCE`]; answers how many.
///
/// # Errors
/// See [`ManageError`]; then none was.
pub async fn retry_all(tx: &mut Tx<'_>, queue: &Queue, filter: &Filter) -> Result<usize, ManageError> {
    let ids = tasks::lock(&mut *tx, filter, MOST_AT_ONCE).await?;
    for id in &ids {
        queue.client().jobs().retry(*id).tx(&mut *tx).await?;
    }
    Ok(ids.len())
}

/// Cancels a job: one that waits is over at once, one in work when its worker has stopped.
///
/// # Errors
/// See [`ManageError`].
pub async fn cancel(tx: &mut Tx<'_>, queue: &Queue, id: i64) -> Result<Effect, ManageError> {
    let effect = match state(tx, id).await?.as_str() {
        "completed" | "cancelled" | "discarded" => return Ok(Effect::OverAlready),
        "running" if is_stopping(tx, id).await? => return Ok(Effect::StoppingAlready),
        "running" => Effect::Stopping,
        _ => Effect::Ended,
    };
    queue.client().jobs().cancel(id).tx(&mut *tx).await?;
    if effect == Effect::Ended {
        tell_owner(tx, id).await?;
    }
    Ok(effect)
}

/// Gives up a job that waits: it goes to the dead letters, with the reason.
///
/// # Errors
/// See [`ManageError`].
pub async fn discard(tx: &mut Tx<'_>, id: i64, reason: &str) -> Result<Effect, ManageError> {
    let effect = match state(tx, id).await?.as_str() {
        "completed" | "cancelled" | "discarded" => Effect::OverAlready,
        "running" => Effect::InWork,
        _ => {
            tasks::discard(&mut **tx, id, reason).await?;
            tell_owner(tx, id).await?;
            Effect::Ended
        }
    };
    Ok(effect)
}

/// Pauses a queue, from which nobody takes jobs then, or opens it again; those in work go on. Answers whether that is new; None
/// when no worker has ever opened the queue.
///
/// # Errors
/// See [`ManageError`].
pub async fn pause(tx: &mut Tx<'_>, queue: &Queue, name: &str, pause: bool) -> Result<Option<bool>, ManageError> {
    let was = sqlx::query_scalar::<_, bool>("SELECT paused_at IS NOT NULL FROM river_queue WHERE name = $1 FOR UPDATE")
        .bind(name);
    let Some(was_paused) = was.fetch_optional(&mut **tx).await? else { return Ok(None) };
    let queues = queue.client().queues();
    if pause {
        queues.pause(name).tx(&mut *tx).await?;
    } else {
        queues.resume(name).tx(&mut *tx).await?;
    }
    Ok(Some(pause != was_paused))
}

/// Locks the job until the transaction ends.
async fn state(tx: &mut Tx<'_>, id: i64) -> Result<String, ManageError> {
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
