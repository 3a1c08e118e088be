//! Requests per caller and minute, counted in Redis so that all pods count together.
//!
//! With Redis down nobody is refused: the limit protects against excess, and refusing everyone would be the larger harm.

use std::time::{Duration, Instant};

use super::{CacheError, Redis};

/// Counts and starts the minute in one step; answers (count, milliseconds until the minute ends). A key that lost its end,
/// which a person or a restored copy can cause, gets one: else its caller would be refused for ever.
const SCRIPT: &str = "local count = redis.call('INCR', KEYS[1]) \
    if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end \
    return {count, redis.call('PTTL', KEYS[1])}";

const WINDOW: Duration = Duration::from_mins(1);

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Within the limit.
    Allowed {
        /// Requests left in this minute.
        remaining: u32,
    },
    /// Over the limit.
    Limited {
        /// When the next minute starts.
        retry_after: Duration,
    },
    /// Redis cannot say: let it pass; the log says so.
    Unknown,
}

impl Redis {
    /// Counts one request of `caller` against `per_minute`.
    pub async fn allow(&self, caller: &str, per_minute: u32) -> Decision {
        if !self.rest.may_ask(Instant::now()) {
            return Decision::Unknown;
        }
        match self.count(caller).await {
            Ok((count, left)) => {
                self.rest.end();
                decide(count, left, per_minute)
            }
            Err(error) => {
                self.rest.begin(Instant::now());
                tracing::warn!(%error, "requests are not counted while Redis is down");
                Decision::Unknown
            }
        }
    }

    async fn count(&self, caller: &str) -> Result<(u32, i64), CacheError> {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1).arg(format!("{}rate:{caller}", self.prefix)).arg(WINDOW.as_millis());
        self.ask(&command).await
    }
}

/// `left` is at most the window; a key that ended between two looks has none.
fn decide(count: u32, left: i64, per_minute: u32) -> Decision {
    if count <= per_minute {
        return Decision::Allowed { remaining: per_minute - count };
    }
    let left = u64::try_from(left).map_or(WINDOW, Duration::from_millis);
    Decision::Limited { retry_after: left.min(WINDOW) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed_and_the_next_request_is_not() {
        assert_eq!(decide(3, 500, 3), Decision::Allowed { remaining: 0 });
        assert_eq!(decide(4, 500, 3), Decision::Limited { retry_after: Duration::from_millis(500) });
        assert_eq!(decide(4, -1, 3), Decision::Limited { retry_after: WINDOW });
    }
}
