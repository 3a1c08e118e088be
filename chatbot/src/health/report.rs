//! The document that `/health` answers with.

use serde::Serialize;
use utoipa::ToSchema;

/// How the whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// All services answer.
    Ok,
    /// It serves, less well than it could.
    Degraded,
    /// It cannot serve.
    Unavailable,
}

/// The database's schema against what this release needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Schema {
    /// Newest applied migration; empty when unknown or none.
    pub current: String,
    /// Newest migration that this release needs.
    pub required: String,
    /// Whether this release can work with it.
    pub compatible: bool,
}

/// One outside service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// postgresql, redis, qdrant, objects, llm or embedding.
    pub name: &'static str,
    /// Whether it answers.
    pub healthy: bool,
    /// Whether the program cannot serve without it.
    pub required: bool,
    /// What was found, and what to check when it is wrong; in fixed words, because everyone may read it.
    pub message: String,
    /// What exactly was found wrong, for `doctor` and the log; not part of the document.
    #[serde(skip)]
    pub detail: Option<String>,
    /// How long the answer took, in milliseconds.
    pub latency_ms: f64,
}

/// How the process is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The whole.
    pub status: Overall,
    /// The program's version.
    pub version: &'static str,
    /// The release it belongs to.
    pub release_id: String,
    /// The schema.
    pub schema: Schema,
    /// What the schema lacks and what to do; not part of the document.
    #[serde(skip)]
    pub schema_message: String,
    /// The services.
    pub services: Vec<Service>,
}

impl Report {
    /// The report on what was found.
    #[must_use]
    pub fn new(release_id: String, required: Required, others: Vec<Service>) -> Self {
        let status = overall(&required, &others);
        let Required { postgresql, schema, schema_message } = required;
        let services = std::iter::once(postgresql).chain(others).collect();
        Self { status, version: env!("CARGO_PKG_VERSION"), release_id, schema, schema_message, services }
    }
}

/// What the program cannot serve without.
#[derive(Clone, Debug, PartialEq)]
pub struct Required {
    /// The database.
    pub postgresql: Service,
    /// Its schema.
    pub schema: Schema,
    /// What the schema lacks and what to do.
    pub schema_message: String,
}

impl Required {
    /// Whether traffic may come, else why not.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn readiness(&self) -> Result<(), String> {
        if !self.postgresql.healthy {
            return Err(format!("postgresql: {}", self.postgresql.message));
        }
        if self.schema.compatible { Ok(()) } else { Err(self.schema_message.clone()) }
    }
}

fn overall(required: &Required, others: &[Service]) -> Overall {
    if required.readiness().is_err() {
        Overall::Unavailable
    } else if others.iter().all(|service| service.healthy) {
        Overall::Ok
    } else {
        Overall::Degraded
    }
}
