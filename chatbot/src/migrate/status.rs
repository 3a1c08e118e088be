//! What is applied, what is pending, and what only a newer release knows.

use serde::Serialize;

use super::{Kind, Migration};

/// Where one migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In the database.
    Applied,
    /// In this release only.
    Pending,
    /// In the database only: a newer release applied it.
    Newer,
}

/// One line of `migrate status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Time in its file name.
    pub version: String,
    /// Rest of its file name; empty for a migration that this release does not know.
    pub name: String,
    /// What it may do; None for a migration that this release does not know.
    pub kind: Option<Kind>,
    /// Where it stands.
    pub state: State,
}

/// Every migration that is known or applied, oldest first.
#[must_use]
pub fn status(migrations: &[Migration], applied: &[i64]) -> Vec<Status> {
    let known = migrations.iter().map(|migration| Status {
        version: migration.version.to_string(),
        name: migration.name.replace(' ', "_"),
        kind: Some(migration.kind),
        state: if applied.contains(&migration.version) { State::Applied } else { State::Pending },
    });
    let is_known = |version: &i64| migrations.iter().any(|migration| migration.version == *version);
    let newer = applied.iter().filter(|version| !is_known(version)).map(|version| Status {
        version: version.to_string(),
        name: String::new(),
        kind: None,
        state: State::Newer,
    });
    let mut lines: Vec<Status> = known.chain(newer).collect();
    lines.sort_by(|a, b| a.version.cmp(&b.version));
    lines
}
