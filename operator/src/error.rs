//! What can go wrong while reconciling, how it is counted, and when it is tried again.

use std::time::Duration;

/// An error of one reconciliation. What the user can mend is no error but a condition; these are the cluster's or our own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused a call, or could not be reached.
    #[error("{doing} failed, it will be tried again: {source}")]
    Api {
        /// What was being done, to which object.
        doing: String,
        /// The client's error.
        source: Box<kube::Error>,
    },
    /// The API server did not answer in time.
    #[error("{doing} got no answer within {seconds}s, it will be tried again")]
    Timeout {
        /// What was being done, to which object.
        doing: String,
        /// The deadline.
        seconds: u64,
    },
    /// The resource was changed by somebody else since it was read.
    #[error("{doing} met a newer version of the resource, it will be looked at again")]
    Conflict {
        /// What was being done, to which object.
        doing: String,
    },
    /// The Lease ran out before: another process may lead by now.
    #[error("{doing} was left to the operator that leads now, because the Lease was not renewed in time")]
    Deposed {
        /// What was to be done, to which object.
        doing: String,
    },
    /// An object cannot be written as JSON, or read from it.
    #[error("{doing} failed, because the object is not what its kind says; report this as a bug: {source}")]
    Json {
        /// What was being done, to which object.
        doing: String,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// The operating system has no random numbers.
    #[error("no password can be made, because the operating system gives no random numbers; it will be tried again")]
    Random,
}

impl Error {
    /// The error of an API call; a conflict is told apart, because it is no trouble.
    #[must_use]
    pub fn api(doing: impl Into<String>, source: kube::Error) -> Self {
        let doing = doing.into();
        let is_conflict = matches!(&source, kube::Error::Api(status) if status.code == 409);
        if is_conflict { Self::Conflict { doing } } else { Self::Api { doing, source: Box::new(source) } }
    }

    /// The error of an object that does not fit its kind.
    #[must_use]
    pub fn json(doing: impl Into<String>, source: serde_json::Error) -> Self {
        Self::Json { doing: doing.into(), source }
    }

    /// The metric label, and how long the first retry waits; each further one waits twice as long, up to [`LONGEST_PAUSE`].
    #[must_use]
    pub fn handling(&self) -> (&'static str, Duration) {
        match self {
            Self::Api { .. } => ("api", Duration::from_secs(2)),
            Self::Timeout { .. } => ("timeout", Duration::from_secs(2)),
            Self::Conflict { .. } => ("conflict", Duration::from_millis(500)),
            Self::Deposed { .. } => ("deposed", Duration::from_secs(2)),
            Self::Json { .. } => ("json", LONGEST_PAUSE),
            Self::Random => ("random", LONGEST_PAUSE),
        }
    }

    /// The pause after the given number of failures in a row, counted from one.
    #[must_use]
    pub fn pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
        self.handling().1.saturating_mul(doubled).min(LONGEST_PAUSE)
    }
}

/// No retry waits longer, so that what was mended is seen soon.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Deadline of one call of the API server.
pub const CALL: Duration = Duration::from_secs(15);

/// Waits for an API call no longer than [`CALL`].
///
/// # Errors
/// The call's own error, or [`Error::Timeout`].
pub async fn within<T>(doing: impl Fn() -> String, call: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
    match tokio::time::timeout(CALL, call).await {
        Ok(answer) => answer.map_err(|source| Error::api(doing(), source)),
        Err(_elapsed) => Err(Error::Timeout { doing: doing(), seconds: CALL.as_secs() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_back_off_and_stay_within_half_a_minute() {
        let error = Error::Timeout { doing: "reading Secret chatbot".to_owned(), seconds: 15 };
        let pauses: Vec<u64> = [1, 2, 3, 4, 5, 6, u32::MAX].map(|failures| error.pause(failures).as_secs()).into();
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_conflict_is_told_from_other_refusals() {
        let refusal = |code| kube::Error::Api(kube::core::Status::failure("no", "No").with_code(code).boxed());
        assert_eq!(Error::api("writing", refusal(409)).handling().0, "conflict");
        assert_eq!(Error::api("writing", refusal(403)).handling().0, "api");
    }
}
