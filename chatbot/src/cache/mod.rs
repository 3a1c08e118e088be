//! Redis: only what may be lost. Every call has a deadline, and no answer of the program waits for Redis beyond it.

mod answers;
mod limits;
mod local;

use std::{
    fmt,
    time::{Duration, Instant},
};

use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::ExposeSecret;

pub use answers::{AnswerId, KeptEvent, Wishes};
pub use limits::{Limit, Limits};

use crate::config::redis::Redis as Config;
use crate::upstream::Rest;

/// Longest wait for one command.
const DEADLINE: Duration = Duration::from_millis(500);
/// Longest wait for a connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// A connection to Redis that is made when first used and made anew when it breaks.
#[derive(Clone)]
pub struct Redis {
    manager: ConnectionManager,
    prefix: String,
    rest: Rest,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Redis cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The URL is no Redis URL.
    #[error("REDIS_URL cannot be used: expected redis://HOST:PORT or rediss://HOST:PORT")]
    Url,
    /// No answer in time.
    #[error("Redis did not answer within {0:?}: check REDIS_URL and the network policy")]
    Deadline(Duration),
    /// It failed a moment ago.
    #[error("Redis failed a moment ago and is left alone for a few seconds")]
    Resting,
    /// Redis refused.
    #[error("Redis failed: {0}")]
    Redis(#[from] redis::RedisError),
}

impl Redis {
    /// A connection for keys beneath `prefix`; nothing is contacted yet.
    ///
    /// # Errors
    /// `Url`.
    pub fn new(config: &Config, prefix: &str) -> Result<Self, CacheError> {
        let client = Client::open(config.url.expose_secret()).map_err(|_| CacheError::Url)?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_DEADLINE))
            .set_response_timeout(Some(DEADLINE))
            .set_number_of_retries(1);
        let manager = ConnectionManager::new_lazy_with_config(client, settings)?;
        Ok(Self { manager, prefix: prefix.to_owned(), rest: Rest::default() })
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// Redis' own, or no answer in time.
    pub async fn ping(&self) -> Result<(), CacheError> {
        self.ask::<String>(&redis::cmd("PING")).await.map(drop)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, CacheError> {
        let mut connection = self.manager.clone();
        in_time(command.query_async(&mut connection)).await
    }

    /// The same of several commands at once, and only while Redis is not left alone after a failure.
    async fn ask_together<T: redis::FromRedisValue>(&self, commands: &redis::Pipeline) -> Result<T, CacheError> {
        if !self.rest.may_ask(Instant::now()) {
            return Err(CacheError::Resting);
        }
        let mut connection = self.manager.clone();
        let answer = in_time(commands.query_async(&mut connection)).await;
        match &answer {
            Ok(_) => self.rest.end(),
            Err(_) => self.rest.begin(Instant::now()),
        }
        answer
    }
}

async fn in_time<T>(answer: impl Future<Output = redis::RedisResult<T>>) -> Result<T, CacheError> {
    let limit = CONNECT_DEADLINE + DEADLINE;
    Ok(tokio::time::timeout(limit, answer).await.map_err(|_| CacheError::Deadline(limit))??)
}
