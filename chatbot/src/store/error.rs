//! What a statement can end in, with PostgreSQL's constraint names turned into meanings.

/// A statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A user of this name exists.
    #[error("a user of this name exists already: choose another name")]
    UserExists,
    /// A user with this e-mail address exists.
    #[error("a user with this e-mail address exists already: choose another address")]
    EmailExists,
    /// A row that was named as parent (user, conversation, document) does not exist.
    #[error("the {0} that this belongs to does not exist (any more)")]
    ParentMissing(&'static str),
    /// The user already has a document with this content.
    #[error("this user already has a document with exactly this content")]
    DuplicateDocument,
    /// A value breaks a rule of the table.
    #[error("the database refused a value: it breaks the rule {0}")]
    Check(String),
    /// A table or column is missing.
    #[error("the database's schema is older than this release needs: run `chatbot migrate up`")]
    Schema(#[source] sqlx::Error),
    /// The database cannot be reached, or is too busy.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else.
    #[error("a database statement failed: {0}")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether trying again later can help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(database) = error.as_database_error() {
            if let Some(meaning) = database.constraint().and_then(meaning) {
                return meaning;
            }
            if database.is_check_violation() {
                return Self::Check(database.constraint().unwrap_or("of its type").to_owned());
            }
            let meaning = by_code(database.code().as_deref());
            return meaning(error);
        }
        if is_connection_trouble(&error) { Self::Unavailable(error) } else { Self::Database(error) }
    }
}

/// The constraints that a caller can do something about.
fn meaning(constraint: &str) -> Option<StoreError> {
    match constraint {
        "users_name_key" => Some(StoreError::UserExists),
        "users_email_key" => Some(StoreError::EmailExists),
        "documents_user_id_sha256_key" => Some(StoreError::DuplicateDocument),
        "api_keys_user_id_fkey" | "conversations_user_id_fkey" | "documents_user_id_fkey" | "sessions_user_id_fkey" => {
            Some(StoreError::ParentMissing("user"))
        }
        "messages_conversation_id_fkey" => Some(StoreError::ParentMissing("conversation")),
        "feedback_message_id_fkey" => Some(StoreError::ParentMissing("message")),
        "chunks_document_id_fkey" => Some(StoreError::ParentMissing("document")),
        _ => None,
    }
}

fn is_connection_trouble(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    matches!(error, Io(_) | Tls(_) | PoolTimedOut | PoolClosed | WorkerCrashed | Protocol(_))
}

fn by_code(code: Option<&str>) -> fn(sqlx::Error) -> StoreError {
    match code {
        Some("42P01" | "42703") => StoreError::Schema,
        code if is_transient(code) => StoreError::Unavailable,
        _ => StoreError::Database,
    }
}

/// Connection trouble, resources used up, shutdown, serialization failures and deadlocks.
fn is_transient(code: Option<&str>) -> bool {
    code.is_some_and(|code| ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class)))
}
