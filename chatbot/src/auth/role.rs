//! What a person is in an environment.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[schema(as = UserRole)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    /// Chats, and keeps documents and conversations of their own.
    #[default]
    Member,
    /// A member who looks after what all see.
    Editor,
    /// Looks after people and the environment too.
    Admin,
}

impl Role {
    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
