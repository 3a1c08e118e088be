//! The migrations inside the binary.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration as Sql, MigrationType, Migrator},
};

use super::{MigrateError, river};

static FILES: Migrator = sqlx::migrate!("./migrations");

/// What a migration may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Adds; the old release keeps working.
    Expand,
    /// Removes what only the old release needed.
    Contract,
}

impl Kind {
    /// The kind that a migration's first line says.
    #[must_use]
    pub fn of(first_line: &str) -> Option<Self> {
        match first_line.trim() {
            "-- expand" => Some(Self::Expand),
            "-- contract" => Some(Self::Contract),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        })
    }
}

/// Which migrations a command means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Selection {
    /// Only those that add.
    Expand,
    /// Only those that remove.
    Contract,
    /// Both.
    #[default]
    All,
}

impl Selection {
    /// Whether it includes this kind.
    #[must_use]
    pub fn includes(self, kind: Kind) -> bool {
        match self {
            Self::Expand => kind == Kind::Expand,
            Self::Contract => kind == Kind::Contract,
            Self::All => true,
        }
    }
}

/// One migration, there and back.
#[derive(Clone, Debug)]
pub struct Migration {
    /// Time in its file name.
    pub version: i64,
    /// Rest of its file name.
    pub name: String,
    /// What it may do.
    pub kind: Kind,
    /// There.
    pub up: Sql,
    /// Back.
    pub down: Sql,
}

impl Migration {
    /// `<version>_<name>`, as the files are called.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}_{}", self.version, self.name.replace(' ', "_"))
    }
}

/// The expands of this release that are not applied yet, as they were written: the text of each by the name of its file.
#[must_use]
pub(super) fn pending_expands(is_applied: impl Fn(i64) -> bool) -> BTreeMap<String, String> {
    let is_pending = |sql: &&Sql| sql.migration_type.is_up_migration() && !is_applied(sql.version);
    let is_expand = |sql: &&Sql| sql.sql.as_str().lines().next().and_then(Kind::of) == Some(Kind::Expand);
    let name = |sql: &Sql| format!("{}_{}.up.sql", sql.version, sql.description.replace(' ', "_"));
    let pending = FILES.iter().filter(is_pending).filter(is_expand);
    pending.map(|sql| (name(sql), sql.sql.as_str().to_owned())).collect()
}

/// All migrations of this release, oldest first.
///
/// # Errors
/// `Malformed`.
pub fn embedded() -> Result<Vec<Migration>, MigrateError> {
    let down_of = |version| {
        FILES.iter().find(|sql| sql.version == version && sql.migration_type == MigrationType::ReversibleDown)
    };
    let ups = FILES.iter().filter(|sql| sql.migration_type.is_up_migration());
    ups.map(|up| assemble(up, down_of(up.version))).collect()
}

fn assemble(up: &Sql, down: Option<&Sql>) -> Result<Migration, MigrateError> {
    let malformed = |reason: &str| MigrateError::Malformed {
        name: format!("{}_{}", up.version, up.description),
        reason: reason.to_owned(),
    };
    let kind = up.sql.as_str().lines().next().and_then(Kind::of);
    Ok(Migration {
        version: up.version,
        name: up.description.to_string(),
        kind: kind.ok_or_else(|| malformed("its first line must be `-- expand` or `-- contract`"))?,
        up: expand_river(up, river::Direction::Up)?,
        down: expand_river(down.ok_or_else(|| malformed("it has no .down.sql"))?, river::Direction::Down)?,
    })
}

/// `-- river: A-B` stands for River's SQL; the checksum stays that of our file, whatever a later River release reformats.
fn expand_river(sql: &Sql, direction: river::Direction) -> Result<Sql, MigrateError> {
    let Some(range) = river::range(sql.sql.as_str()) else {
        return Ok(sql.clone());
    };
    let text = river::sql(range, direction)
        .map_err(|reason| MigrateError::Malformed { name: sql.description.to_string(), reason })?;
    Ok(Sql { sql: AssertSqlSafe(text).into_sql_str(), description: Cow::clone(&sql.description), ..sql.clone() })
}
