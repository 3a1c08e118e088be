//! Limits: how often somebody may do something in a window of time.
//!
//! They are counted in Redis, so that all pods count together. While Redis is down each process counts for itself.

use std::time::{Duration, Instant};

use super::local::Local;
use super::{CacheError, Redis};

/// Counts each key and starts its window, in one step; answers (count, milliseconds until its window ends) of each. A key
/// that lost its end, which a person or a restored copy can cause, gets one: else its owner would be refused for ever.
const TAKE: &str = "local answer = {} \
    for i, key in ipairs(KEYS) do \
      answer[2 * i - 1] = redis.call('INCR', key) \
      if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[i]) end \
      answer[2 * i] = redis.call('PTTL', key) \
    end \
    return answer";

/// Uncounts once; a window that ended meanwhile stays ended.
const GIVE_BACK: &str =
    "for _, key in ipairs(KEYS) do if redis.call('EXISTS', key) == 1 then redis.call('DECR', key) end end return 1";

/// So many times in so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Who or what is counted; together with other limits' it is unique.
    pub key: String,
    /// Most times.
    pub most: u32,
    /// In this time from the first on.
    pub window: Duration,
}

/// Counts. Clones share what the process counts for itself.
#[derive(Clone, Debug)]
pub struct Limits {
    redis: Redis,
    local: Local,
}

impl Limits {
    /// Limits counted in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis, local: Local::default() }
    }

    /// Counts once against every limit.
    ///
    /// # Errors
    /// One of them is passed: when the window ends that ends last.
    pub async fn take(&self, limits: &[Limit]) -> Result<(), Duration> {
        let now = Instant::now();
        if !self.redis.rest.may_ask(now) {
            return self.local.take(limits, now);
        }
        match self.count(limits).await {
            Ok(counted) => {
                self.redis.rest.end();
                decide(limits, &counted)
            }
            Err(error) => {
                self.redis.rest.begin(Instant::now());
                tracing::warn!(%error, "while Redis is down each process counts requests for itself");
                self.local.take(limits, now)
            }
        }
    }

    /// Uncounts what [`Limits::take`] counted. That it cannot is no reason to refuse anybody: the window ends.
    pub async fn give_back(&self, limits: &[Limit]) {
        self.local.give_back(limits);
        if self.redis.rest.may_ask(Instant::now())
            && let Err(error) = self.redis.ask::<i64>(&self.script(GIVE_BACK, limits)).await
        {
            self.redis.rest.begin(Instant::now());
            tracing::debug!(%error, "a count is kept until its window ends");
        }
    }

    async fn count(&self, limits: &[Limit]) -> Result<Vec<i64>, CacheError> {
        let mut command = self.script(TAKE, limits);
        for limit in limits {
            command.arg(u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX));
        }
        self.redis.ask(&command).await
    }

    fn script(&self, script: &str, limits: &[Limit]) -> redis::Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(limits.len());
        for limit in limits {
            command.arg(format!("{}rate:{}", self.redis.prefix, limit.key));
        }
        command
    }
}

/// What is left of a window is at most the window; a key that ended between two looks has none.
fn decide(limits: &[Limit], counted: &[i64]) -> Result<(), Duration> {
    let passed = limits.iter().zip(counted.chunks(2)).filter_map(|(limit, counted)| {
        let (count, left) = (*counted.first()?, *counted.get(1)?);
        let left = u64::try_from(left).map_or(limit.window, Duration::from_millis);
        (count > i64::from(limit.most)).then_some(left.min(limit.window))
    });
    passed.max().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn limit(most: u32) -> Limit {
        Limit { key: most.to_string(), most, window: MINUTE }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_the_next_time_is_not() {
        let table = [
            (vec![3, 500], Ok(())),
            (vec![4, 500], Err(Duration::from_millis(500))),
            (vec![4, -1], Err(MINUTE)),
            (vec![4, 90_000], Err(MINUTE)),
        ];
        for (counted, expected) in table {
            assert_eq!(decide(&[limit(3)], &counted), expected, "{counted:?}");
        }
    }

    #[test]
    fn of_several_limits_the_one_that_ends_last_says_when_to_come_back() {
        let limits = [limit(1), limit(2)];
        assert_eq!(decide(&limits, &[1, 900, 3, 700]), Err(Duration::from_millis(700)));
        assert_eq!(decide(&limits, &[2, 900, 3, 700]), Err(Duration::from_millis(900)));
        assert_eq!(decide(&limits, &[1, 900, 2, 700]), Ok(()));
    }
}
