//! Why somebody does not come in, or may not change what they wanted to.

use std::time::Duration;

use super::access_token::TokenError;
use super::password::{PasswordError, Weak};
use super::secret::NoRandomness;
use crate::jobs::QueueError;
use crate::store::StoreError;

/// A login, or a change to one, did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Too many attempts; the time to wait.
    #[error("too many attempts: wait {0:?}")]
    Limited(Duration),
    /// Name or password is wrong; nobody is told which.
    #[error("name or password is wrong")]
    Wrong,
    /// The session ended, was revoked, or never was.
    #[error("the session has ended")]
    Ended,
    /// This may not be a password.
    #[error("this may not be a password: {0}")]
    Weak(#[from] Weak),
    /// This may not be a name.
    #[error(
        "this may not be a name: write 1 to 200 characters without @ and control characters, and no space around them"
    )]
    Name,
    /// This is no e-mail address.
    #[error("this is no e-mail address")]
    Email,
    /// There is no such user.
    #[error("there is no such user")]
    NoUser,
    /// It would leave nobody who looks after people.
    #[error("this is the last admin who may come in: make another one first")]
    LastAdmin,
    /// A hash was not made.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A token was not made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What a deleted user leaves cannot be removed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<sqlx::Error> for AuthError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
