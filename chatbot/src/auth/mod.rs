//! Who somebody is, and what they may do: passwords, logins, keys, roles and scopes. No axum in it.
//!
//! ```text
//! role, scope     what people and keys may do
//! password        what a password is, and its slow hash, few at a time
//! access_token    the short proof of a login (a JWT); hs256: its cryptography
//! secret          random texts of which the database keeps the hash alone
//! login           name and password become a session
//! session         refreshing one, and what a stolen token does to it
//! identity        who brings this key or token; client: from where
//! people          making, changing and deleting users
//! ```

pub mod access_token;
pub mod client;
mod error;
mod hs256;
mod identity;
pub mod login;
pub mod password;
pub mod people;
pub mod role;
pub mod scope;
pub mod secret;
pub mod session;

pub use client::Client;
pub use error::AuthError;
pub use identity::{Identity, Means, identify};
pub use role::Role;
pub use scope::{Scope, Scopes};

use crate::config::Config;

/// What logins need beside the database. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Hashes of passwords.
    pub passwords: password::Passwords,
    /// Access tokens of this environment.
    pub tokens: access_token::AccessTokens,
}

impl Auth {
    /// For the environment of this configuration.
    ///
    /// # Errors
    /// The token library's, about the key.
    pub fn new(config: &Config) -> Result<Self, access_token::TokenError> {
        let tokens = access_token::AccessTokens::new(&config.secret_key, &config.environment)?;
        Ok(Self { passwords: password::Passwords::default(), tokens })
    }
}
