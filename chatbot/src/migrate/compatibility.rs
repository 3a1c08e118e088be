//! Whether this release can work with the database's schema.
//!
//! It needs every expand migration that it knows. Contract migrations may be missing (the old release may still run),
//! and newer expands may be there (the next release may be starting): they keep the old release working. A contract that
//! this release does not know took away something that it may need.

use super::{Kind, Migration};
use crate::store::schema::Recorded;

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compatibility {
    /// Newest applied version; empty for a database without a schema.
    pub current: String,
    /// Newest version that this release needs.
    pub required: String,
    /// The first migration that is missing, by its label.
    pub missing: Option<String>,
    /// The newest contract that only a newer release knows.
    pub outlived_by: Option<i64>,
}

impl Compatibility {
    /// Compares what is applied with what this release needs.
    #[must_use]
    pub fn new(migrations: &[Migration], applied: &[Recorded]) -> Self {
        let needed = || migrations.iter().filter(|migration| migration.kind == Kind::Expand);
        let is_applied = |version| applied.iter().any(|recorded| recorded.version == version);
        let is_known = |version| migrations.iter().any(|migration| migration.version == version);
        let foreign = applied.iter().filter(|recorded| recorded.is_contract && !is_known(recorded.version));
        let newest = |versions: Option<i64>| versions.map(|version| version.to_string()).unwrap_or_default();
        Self {
            current: newest(applied.iter().map(|recorded| recorded.version).max()),
            required: newest(needed().map(|migration| migration.version).max()),
            missing: needed().find(|migration| !is_applied(migration.version)).map(Migration::label),
            outlived_by: foreign.map(|recorded| recorded.version).max(),
        }
    }

    /// Whether this release can serve.
    #[must_use]
    pub const fn is_compatible(&self) -> bool {
        self.missing.is_none() && self.outlived_by.is_none()
    }

    /// What to do about it.
    #[must_use]
    pub fn message(&self) -> String {
        match (&self.missing, self.outlived_by) {
            (_, Some(version)) => format!(
                "a newer release applied the contract migration {version}, which took away what this one may need: run that release, or revert the migration with its image"
            ),
            (Some(label), None) => {
                format!("the schema lacks migration {label}: run `chatbot migrate up --kind expand` with this release")
            }
            (None, None) => "the schema has all that this release needs".to_owned(),
        }
    }
}
