//! Whether this release can work with the database's schema.
//!
//! It needs every expand migration that it knows. Contract migrations may be missing (the old release may still run),
//! and newer migrations may be there (the next release may be starting): expands keep the old release working.

use super::{Kind, Migration};

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compatibility {
    /// Newest applied version; empty for a database without a schema.
    pub current: String,
    /// Newest version that this release needs.
    pub required: String,
    /// The first migration that is missing, by its label.
    pub missing: Option<String>,
}

impl Compatibility {
    /// Compares what is applied with what this release needs.
    #[must_use]
    pub fn new(migrations: &[Migration], applied: &[i64]) -> Self {
        let needed = || migrations.iter().filter(|migration| migration.kind == Kind::Expand);
        Self {
            current: applied.iter().max().map(ToString::to_string).unwrap_or_default(),
            required: needed()
                .map(|migration| migration.version)
                .max()
                .map(|version| version.to_string())
                .unwrap_or_default(),
            missing: needed().find(|migration| !applied.contains(&migration.version)).map(Migration::label),
        }
    }

    /// Whether this release can serve.
    #[must_use]
    pub const fn is_compatible(&self) -> bool {
        self.missing.is_none()
    }

    /// What to do about it.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.missing {
            None => "the schema has all that this release needs".to_owned(),
            Some(label) => {
                format!("the schema lacks migration {label}: run `chatbot migrate up --kind expand` with this release")
            }
        }
    }
}
