//! The App: everything that handlers and jobs share, made once at start.
//!
//! Making it reaches for nothing: every client connects when first used, so that a process is up at once and says by
//! `/health` what it cannot reach.

use std::sync::Arc;

use sqlx::PgPool;

use crate::{
    auth, cache, clock::Clock, config::Config, error::StartError, health, jobs, llm, metrics::Metrics, objects,
    retrieval, store, vectors,
};

/// Pools, clients, clock and configuration. Cloning is cheap.
#[derive(Clone)]
pub struct App {
    /// What the program was told from outside.
    pub config: Arc<Config>,
    /// PostgreSQL.
    pub db: PgPool,
    /// Redis: what may be lost.
    pub redis: cache::Redis,
    /// How often somebody may do something.
    pub limits: cache::Limits,
    /// Passwords and access tokens.
    pub auth: auth::Auth,
    /// Qdrant: the index.
    pub qdrant: vectors::Qdrant,
    /// The language model.
    pub llm: llm::Client,
    /// Dense vectors.
    pub embedder: retrieval::embed::Embedder,
    /// Uploaded documents.
    pub objects: objects::Objects,
    /// Jobs, from the side of those who want one done.
    pub queue: jobs::Queue,
    /// Metrics.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    /// Whether this process is being stopped.
    pub draining: Draining,
    /// PostgreSQL, for health checks alone.
    pub(crate) db_checks: PgPool,
    /// The last health report.
    pub(crate) health: health::Cache,
}

impl App {
    /// Makes every client; none connects yet. `application` names the process in PostgreSQL's list of sessions.
    ///
    /// # Errors
    /// A client that cannot be made from its configuration.
    pub fn new(config: Config, application: &str) -> Result<Self, StartError> {
        let db = store::pool::lazy(&config.database, application);
        let db_checks = store::pool::for_checks(&config.database, application);
        let queue = jobs::Queue::new(db.clone())?;
        let redis = cache::Redis::new(&config.redis, &config.environment.resource_prefix)?;
        Ok(Self {
            limits: cache::Limits::new(redis.clone()),
            redis,
            auth: auth::Auth::new(&config)?,
            qdrant: vectors::Qdrant::new(&config)?,
            llm: llm::Client::new(&config.llm)?,
            embedder: retrieval::embed::Embedder::new(&config.embedding)?,
            objects: objects::Objects::new(&config.objects)?,
            queue,
            db,
            db_checks,
            metrics: Metrics::new(),
            clock: Clock::system(),
            draining: Draining::default(),
            health: health::Cache::default(),
            config: Arc::new(config),
        })
    }
}

/// Whether the process is being stopped: readiness says no, work in hand is finished.
#[derive(Clone, Debug, Default)]
pub struct Draining(tokio_util::sync::CancellationToken);

impl Draining {
    /// From now on the process is being stopped.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether it is.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}
