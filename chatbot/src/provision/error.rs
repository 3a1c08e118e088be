//! What keeps an environment from being provisioned.

use crate::{error::StartError, objects::ObjectsError};

/// Provisioning failed. It can be run again: what was made stays and is found.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// PostgreSQL.
    #[error("{doing} failed: {source}; check ADMIN_DATABASE_URL and that its role may create roles and databases")]
    Database {
        /// What was being done.
        doing: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database has another owner.
    #[error(
        "database {database} belongs to role {owner}, not to {role}: give this environment another spec.resourcePrefix"
    )]
    ForeignDatabase {
        /// The database.
        database: String,
        /// Its owner.
        owner: String,
        /// The role that wants it.
        role: String,
    },
    /// Whose the role is cannot be found out.
    #[error(
        "logging in as the role of DATABASE_URL failed: {0}; check DATABASE_URL, and that the server lets the role in"
    )]
    Login(#[source] sqlx::Error),
    /// The role exists, and nothing shows that it is this environment's.
    #[error(
        "role {0} exists, refuses the password of DATABASE_URL and was not made by this environment: give this environment another spec.resourcePrefix, or, if the role is its own, give the role that password (ALTER ROLE … PASSWORD …)"
    )]
    ForeignRole(String),
    /// DATABASE_URL has no password for the new role.
    #[error("DATABASE_URL names no password: the role {0} needs one")]
    NoPassword(String),
    /// The object store.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// Qdrant.
    #[error("the collection cannot be made: {0}; check QDRANT_URL")]
    Qdrant(String),
    /// A client.
    #[error(transparent)]
    Start(#[from] StartError),
}
