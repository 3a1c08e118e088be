//! What everyone may read about a service that is out of order: fixed words that name what to check, and never a host, a
//! key or what the service itself said.

use object_store::client::{HttpError, HttpErrorKind};
use redis::RedisError;
use sqlx::error::DatabaseError;

use crate::{
    cache::CacheError,
    error::{CheckError, Outage},
    objects::ObjectsError,
    store::StoreError,
    vectors::VectorError,
};

/// A service, and what to look at when it is out of order.
pub(super) struct Subject {
    pub(super) name: &'static str,
    what: &'static str,
    address: &'static str,
    credentials: &'static str,
    when_missing: &'static str,
}

pub(super) const POSTGRESQL: Subject = Subject {
    name: "postgresql",
    what: "PostgreSQL",
    address: "DATABASE_URL",
    credentials: "DATABASE_URL",
    when_missing: "run `chatbot provision` and `chatbot migrate up`",
};
pub(super) const REDIS: Subject = Subject {
    name: "redis",
    what: "Redis",
    address: "REDIS_URL",
    credentials: "REDIS_URL",
    when_missing: "check REDIS_URL",
};
pub(super) const QDRANT: Subject = Subject {
    name: "qdrant",
    what: "Qdrant",
    address: "QDRANT_URL",
    credentials: "QDRANT_API_KEY",
    when_missing: "its index was lost; within minutes workers begin to make it again from the uploaded documents, and until then questions find nothing or less",
};
pub(super) const OBJECTS: Subject = Subject {
    name: "objects",
    what: "the object store",
    address: "MINIO_URL",
    credentials: "MINIO_ROOT_USER and MINIO_ROOT_PASSWORD",
    when_missing: "run `chatbot provision`, or correct OBJECTS_BUCKET",
};
pub(super) const LLM: Subject = Subject {
    name: "llm",
    what: "the language model",
    address: "LLM_BASE_URL",
    credentials: "OPENROUTER_API_KEY",
    when_missing: "correct LLM_MODEL or LLM_BASE_URL",
};
pub(super) const EMBEDDING: Subject = Subject {
    name: "embedding",
    what: "the embedding model",
    address: "EMBEDDING_BASE_URL or EMBEDDING_MODEL_DIR",
    credentials: "EMBEDDING_API_KEY",
    when_missing: "correct EMBEDDING_MODEL",
};

impl Subject {
    /// The outage in words.
    pub(super) fn words(&self, outage: Outage) -> String {
        let Self { what, address, credentials, when_missing, .. } = self;
        match outage {
            Outage::Unreachable => format!("{what} cannot be reached: check {address} and the network policy"),
            Outage::TimedOut => format!("{what} timed out: look at its load, and check {address}"),
            Outage::Credentials => format!("{what} refused the credentials: check {credentials}"),
            Outage::Missing => format!("{what} lacks what is needed: {when_missing}"),
            Outage::Busy => format!("{what} is overloaded or limits requests: try again later, or give it more room"),
            Outage::Payment => format!("{what} asks for payment: add credit to the account of {credentials}"),
            Outage::Failing => {
                format!("{what} answered with an error: check {address}; the log and `chatbot doctor` say more")
            }
        }
    }
}

/// Errors that belong to a class.
pub(super) trait Classified {
    fn outage(&self) -> Outage;
}

impl Classified for CheckError {
    fn outage(&self) -> Outage {
        self.outage
    }
}

impl Classified for StoreError {
    fn outage(&self) -> Outage {
        match self {
            Self::Unavailable(source) | Self::Database(source) => database(source),
            Self::Schema(_) => Outage::Missing,
            Self::UserExists
            | Self::EmailExists
            | Self::ParentMissing(_)
            | Self::DuplicateDocument
            | Self::Check(_) => Outage::Failing,
        }
    }
}

/// By PostgreSQL's class of the error; what has no code is trouble on the way.
fn database(error: &sqlx::Error) -> Outage {
    let Some(code) = error.as_database_error().and_then(DatabaseError::code) else { return Outage::Unreachable };
    match code.as_ref() {
        "57014" => Outage::TimedOut,
        "42501" => Outage::Credentials,
        code if code.starts_with("28") => Outage::Credentials,
        code if code.starts_with("3D") => Outage::Missing,
        code if code.starts_with("53") => Outage::Busy,
        code if code.starts_with("08") || code.starts_with("57P") => Outage::Unreachable,
        _ => Outage::Failing,
    }
}

impl Classified for CacheError {
    fn outage(&self) -> Outage {
        match self {
            Self::Url | Self::Resting => Outage::Unreachable,
            Self::Deadline(_) => Outage::TimedOut,
            Self::Redis(error) => redis(error),
        }
    }
}

fn redis(error: &RedisError) -> Outage {
    let refused = matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    if refused || error.kind() == redis::ErrorKind::AuthenticationFailed {
        Outage::Credentials
    } else if error.is_timeout() {
        Outage::TimedOut
    } else if error.is_io_error() || error.is_connection_dropped() {
        Outage::Unreachable
    } else {
        Outage::Failing
    }
}

impl Classified for VectorError {
    fn outage(&self) -> Outage {
        match self {
            Self::Unreachable { .. } | Self::BaseUrl => Outage::Unreachable,
            Self::Timeout { .. } | Self::Resting { .. } => Outage::TimedOut,
            Self::Unauthorized => Outage::Credentials,
            Self::CollectionMissing(_) | Self::Lost(_) => Outage::Missing,
            Self::Server { .. } | Self::Refused { .. } | Self::Answer { .. } => Outage::Failing,
        }
    }
}

impl Classified for ObjectsError {
    fn outage(&self) -> Outage {
        match self {
            Self::Deadline(_) => Outage::TimedOut,
            Self::NoBucket | Self::NotFound | Self::Disabled => Outage::Missing,
            Self::Refused => Outage::Credentials,
            Self::Store(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }) => {
                Outage::Credentials
            }
            Self::Store(error) => on_the_way(error).unwrap_or(Outage::Failing),
            Self::Key(_) | Self::Folder { .. } | Self::Bucket { .. } => Outage::Failing,
        }
    }
}

/// What happened before the store could answer: the client library has no variant for it, but names it among the causes.
fn on_the_way(error: &object_store::Error) -> Option<Outage> {
    let causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    let kind = causes.filter_map(|cause| cause.downcast_ref::<HttpError>()).last()?.kind();
    if kind == HttpErrorKind::Timeout {
        return Some(Outage::TimedOut);
    }
    let is_connection = matches!(kind, HttpErrorKind::Connect | HttpErrorKind::Request | HttpErrorKind::Interrupted);
    is_connection.then_some(Outage::Unreachable)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::config::objects::{Objects as Config, S3};
    use crate::objects::Objects;

    async fn outage(endpoint: &str) -> Outage {
        drop(rustls::crypto::ring::default_provider().install_default());
        let s3 = S3 {
            endpoint: endpoint.parse().unwrap(),
            access_key: "user".to_owned(),
            secret_key: SecretString::from("password"),
            bucket: "dev-chatbot".to_owned(),
            region: "us-east-1".to_owned(),
        };
        Objects::new(&Config::S3(s3)).unwrap().ping().await.unwrap_err().outage()
    }

    #[tokio::test]
    async fn an_object_store_that_cannot_be_reached_is_told_from_one_that_refuses() {
        assert_eq!(outage("http://127.0.0.1:1").await, Outage::Unreachable);
        for (status, expected) in [(403, Outage::Credentials), (400, Outage::Failing)] {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
            assert_eq!(outage(&server.uri()).await, expected, "{status}");
        }
    }
}
