//! Why an environment cannot be resolved: each problem with the condition's reason and what to do next.
//!
//! No message holds a value of a Secret, nor a part of one.

use std::fmt;

use crate::crd::{Tier, reasons};

/// Everything that keeps an environment from being resolved; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unresolved {
    problems: Vec<Problem>,
}

impl Unresolved {
    /// Fails where there is a problem.
    ///
    /// # Errors
    /// The problems, in the order in which they were found.
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// Every problem, the one to mend first at the front.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The reason that a condition gives: that of the first problem.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.problems.first().map_or(reasons::SECRET_VALUE_INVALID, Problem::reason)
    }
}

impl From<Problem> for Unresolved {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        formatter.write_str(&messages.join("; "))
    }
}

/// One thing that has to be mended before the environment can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The Secret of `spec.secretRef` does not exist.
    #[error("Secret {secret} does not exist in namespace {namespace}: create it with the keys {}", .keys.join(", "))]
    SecretNotFound {
        /// Name of the Secret.
        secret: String,
        /// Namespace of the environment.
        namespace: String,
        /// The keys that it needs.
        keys: Vec<&'static str>,
    },
    /// Required variables are nowhere to be found.
    #[error("Secret {secret} lacks {}: add the missing keys", .keys.join(", "))]
    KeysMissing {
        /// Name of the Secret.
        secret: String,
        /// The required variables that are missing or empty.
        keys: Vec<&'static str>,
    },
    /// A key that cannot be the name of a variable.
    #[error(
        "Secret {secret} has the key {key}, which is no name of a variable: rename it with letters, digits and underscores"
    )]
    KeyIsNoVariable {
        /// Name of the Secret.
        secret: String,
        /// The key.
        key: String,
    },
    /// A value that no variable can hold.
    #[error("Secret {secret} has a value in key {key} that is not text: write it as UTF-8 without zero bytes")]
    ValueIsNoText {
        /// Name of the Secret.
        secret: String,
        /// The key.
        key: String,
    },
    /// A variable that the spec decides has another value in the Secret or the settings.
    #[error("{variable} must be {expected:?}, as spec.{field} says: remove it from Secret and settings, or correct it")]
    Contradiction {
        /// The variable.
        variable: &'static str,
        /// What the spec makes of it.
        expected: String,
        /// The field that decides.
        field: &'static str,
    },
    /// Debugging is switched on where users are.
    #[error("DEBUG is on, which {tier} refuses: remove it, or set it to false")]
    DebugRefused {
        /// Tier of the environment.
        tier: Tier,
    },
    /// The log would hold users' words.
    #[error("LOG_LEVEL would write users' words into the log, which {tier} refuses: write INFO, WARNING or ERROR")]
    LogLevelRefused {
        /// Tier of the environment.
        tier: Tier,
    },
    /// The chatbot does not know the level.
    #[error("LOG_LEVEL is none that the chatbot knows: write DEBUG, INFO, WARNING, ERROR or CRITICAL")]
    LogLevelUnknown,
    /// The spec takes the Secret that the operator writes for one that a person wrote.
    #[error("spec.{field} names Secret {secret}, which the operator itself writes: name a Secret of your own there")]
    OwnSecret {
        /// The field of the spec.
        field: &'static str,
        /// Name of the Secret.
        secret: String,
    },
    /// `DATABASE_URL` cannot be read.
    #[error(
        "{variable} cannot be used, because {why}: write postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters percent-encoded"
    )]
    DatabaseUrl {
        /// The variable that holds it.
        variable: &'static str,
        /// What is wrong, without any part of the value.
        why: &'static str,
    },
    /// `DATABASE_URL` allows a connection without encryption.
    #[error(
        "DATABASE_URL allows a connection without TLS, which {tier} refuses: end it with ?sslmode=require, or better ?sslmode=verify-full"
    )]
    DatabaseTlsRequired {
        /// Tier of the environment.
        tier: Tier,
    },
    /// Another environment uses the same database.
    #[error(
        "DATABASE_URL names the database that belongs to ChatbotEnvironment {owner}: give this environment a database of its own (with spec.provision: delete it, and apply it again with another spec.resourcePrefix)"
    )]
    DatabaseShared {
        /// `namespace/name` of the environment that had it first.
        owner: String,
    },
    /// The Secret of `spec.provision.adminSecretRef` does not exist.
    #[error("Secret {secret} of spec.provision.adminSecretRef does not exist in namespace {namespace}: create it with the keys {}", .keys.join(", "))]
    AdminSecretNotFound {
        /// Name of the Secret.
        secret: String,
        /// Namespace of the environment.
        namespace: String,
        /// The keys that it needs.
        keys: Vec<&'static str>,
    },
    /// The administrator's Secret lacks keys.
    #[error("Secret {secret} of spec.provision.adminSecretRef lacks {}: add the missing keys", .keys.join(", "))]
    AdminKeysMissing {
        /// Name of the Secret.
        secret: String,
        /// The keys that are missing or empty.
        keys: Vec<&'static str>,
    },
    /// The credentials on shared services have not been made yet; the operator makes them.
    #[error("credentials on the shared services are being made in Secret {secret}: nothing to do")]
    NotProvisioned {
        /// Name of the Secret.
        secret: String,
    },
}

impl Problem {
    /// The reason that a condition gives for this problem.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SecretNotFound { .. } => reasons::SECRET_NOT_FOUND,
            Self::KeysMissing { .. } => reasons::SECRET_KEYS_MISSING,
            Self::KeyIsNoVariable { .. }
            | Self::ValueIsNoText { .. }
            | Self::Contradiction { .. }
            | Self::DebugRefused { .. }
            | Self::LogLevelRefused { .. }
            | Self::LogLevelUnknown
            | Self::OwnSecret { .. }
            | Self::DatabaseUrl { .. } => reasons::SECRET_VALUE_INVALID,
            Self::DatabaseTlsRequired { .. } => reasons::DATABASE_TLS_REQUIRED,
            Self::DatabaseShared { .. } => reasons::DATABASE_SHARED,
            Self::AdminSecretNotFound { .. } | Self::AdminKeysMissing { .. } => reasons::ADMIN_SECRET_NOT_READY,
            Self::NotProvisioned { .. } => reasons::PROVISIONING,
        }
    }
}
