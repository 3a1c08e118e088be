//! A worker's sign of life: one row, renewed every few seconds by the database's clock.

use std::{collections::BTreeMap, time::Duration};

use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

/// Between two signs of life.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// Without a sign of life for so long, a worker is taken for dead.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(20);
/// After an outage of the database whoever lives has given a sign of it by then: a beat, and the wait for a connection.
const GRACE: Duration = Duration::from_secs(12);
/// Between two looks for documents that no job will finish: it reads the whole table.
const STRANDED_INTERVAL: Duration = Duration::from_mins(1);

/// Why the beating ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// Another worker declared this one dead: it must stop working at once.
    DeclaredDead,
}

/// The sign of life of one worker process.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    db: PgPool,
    id: String,
}

impl Heartbeat {
    /// The heartbeat of the worker `id`.
    #[must_use]
    pub const fn new(db: PgPool, id: String) -> Self {
        Self { db, id }
    }

    /// Makes the worker known, and the kinds of job that it knows; before that it can claim nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn register(&self, release_id: &str, kinds: &[&str]) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO job_workers (id, release_id, kinds) VALUES ($1, $2, $3)")
            .bind(&self.id)
            .bind(release_id)
            .bind(kinds)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Tells how many jobs at a time it takes from which queue.
    ///
    /// # Errors
    /// The database's.
    pub async fn serves(&self, queues: &[(&str, usize)]) -> Result<(), StoreError> {
        let queues: BTreeMap<&str, usize> = queues.iter().copied().collect();
        sqlx::query("UPDATE job_workers SET queues = $2 WHERE id = $1")
            .bind(&self.id)
            .bind(sqlx::types::Json(queues))
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Ends the worker: from here it claims and completes nothing. It is forgotten when no job is left in its hands;
    /// otherwise it stays behind as a dead one, so that the next sweep of another worker takes those jobs back.
    ///
    /// # Errors
    /// The database's; the missing sign of life then does the same a little later.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let ended = sqlx::query("UPDATE job_workers SET dead_at = clock_timestamp() WHERE id = $1 AND dead_at IS NULL")
            .bind(&self.id)
            .execute(&self.db)
            .await?;
        // One that others declared dead before stays known: see `sweep`.
        if ended.rows_affected() == 1 {
            self.forget_without_jobs().await?;
        }
        Ok(())
    }

    async fn forget_without_jobs(&self) -> Result<(), StoreError> {
        let forgotten = sqlx::query(
            "DELETE FROM job_workers WHERE id = $1 AND NOT EXISTS (SELECT FROM river_job \
               WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1)",
        )
        .bind(&self.id)
        .execute(&self.db)
        .await?;
        if forgotten.rows_affected() == 0 {
            tracing::warn!(worker = self.id, "jobs are left in hand: another worker takes them back");
        }
        Ok(())
    }

    /// One sign of life; false when the worker was declared dead.
    ///
    /// # Errors
    /// The database's.
    pub async fn beat(&self) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE job_workers SET beaten_at = clock_timestamp() WHERE id = $1 AND dead_at IS NULL")
                .bind(&self.id)
                .execute(&self.db)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Beats until `stop`, and sweeps after dead workers once the database has been reachable for a while without a gap: an outage
    /// of the database is no sign of anybody's death.
    pub async fn run(&self, stop: CancellationToken, on_swept: impl Fn(u64)) -> Ended {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut reachable_since = Instant::now();
        let mut looked_for_stranded = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ended::Stopped,
                _ = ticks.tick() => {}
            }
            match self.beat().await {
                Ok(true) if reachable_since.elapsed() >= GRACE => {
                    on_swept(self.sweep().await);
                    if looked_for_stranded.elapsed() >= STRANDED_INTERVAL {
                        looked_for_stranded = Instant::now();
                        self.conclude_stranded().await;
                    }
                }
                Ok(true) => {}
                Ok(false) => return Ended::DeclaredDead,
                Err(error) => {
                    tracing::warn!(%error, "the worker's sign of life could not be written");
                    reachable_since = Instant::now();
                }
            }
        }
    }

    async fn sweep(&self) -> u64 {
        match super::sweep::run(&self.db, TIME_TO_LIVE).await {
            Ok(swept) => swept,
            Err(error) => {
                tracing::warn!(%error, "jobs of dead workers could not be handed back; the next sweep tries again");
                0
            }
        }
    }

    async fn conclude_stranded(&self) {
        if let Err(error) = super::sweep::conclude_stranded(&self.db).await {
            tracing::warn!(%error, "documents without a job could not be looked for; the next sweep tries again");
        }
    }
}
