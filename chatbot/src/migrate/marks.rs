//! Kind and release of every applied migration, in columns of ours beside sqlx's: an older release sees by the kind that a contract it
//! does not know was applied, and by the release a downgrade finds what one release did.
//!
//! sqlx writes the row inside the migration's own transaction and knows nothing of the columns. So their defaults take what
//! the session announced, and kind and release are there exactly when the migration is.

use sqlx::PgConnection;

use super::{Kind, MigrateError, Migration, locks};

/// Each column, and how it is made. What is added without a default stays empty in the rows that are there.
const COLUMNS: [(&str, &str); 2] = [
    (
        "kind",
        "ALTER TABLE _sqlx_migrations ADD COLUMN kind text, \
         ALTER COLUMN kind SET DEFAULT current_setting('chatbot.migration_kind', true)",
    ),
    (
        "release",
        "ALTER TABLE _sqlx_migrations ADD COLUMN release text, \
         ALTER COLUMN release SET DEFAULT nullif(current_setting('chatbot.migration_release', true), '')",
    ),
];

/// Makes the columns, and fills in the kind of what was applied before it was written down.
pub(super) async fn prepare(connection: &mut PgConnection, migrations: &[Migration]) -> Result<(), MigrateError> {
    for (column, add) in COLUMNS {
        if !exists(connection, column).await? {
            locks::altering(connection, add).await?;
        }
    }
    let versions: Vec<i64> = migrations.iter().map(|migration| migration.version).collect();
    let kinds: Vec<String> = migrations.iter().map(|migration| migration.kind.to_string()).collect();
    let fill = "UPDATE _sqlx_migrations m SET kind = known.kind \
        FROM unnest($1::bigint[], $2::text[]) AS known (version, kind) \
        WHERE m.version = known.version AND m.kind IS NULL";
    sqlx::query(fill).bind(versions).bind(kinds).execute(connection).await?;
    Ok(())
}

async fn exists(connection: &mut PgConnection, column: &str) -> Result<bool, MigrateError> {
    let query = "SELECT EXISTS (SELECT FROM pg_attribute \
        WHERE attrelid = '_sqlx_migrations'::regclass AND attname = $1::text::name AND NOT attisdropped)";
    Ok(sqlx::query_scalar(query).bind(column).fetch_one(connection).await?)
}

/// Says of which kind the next migration is, and which release applies it.
pub(super) async fn announce(
    connection: &mut PgConnection,
    kind: Kind,
    release: Option<&str>,
) -> Result<(), MigrateError> {
    let announce = "SELECT set_config('chatbot.migration_kind', $1, false), \
        set_config('chatbot.migration_release', $2, false)";
    let announce = sqlx::query(announce).bind(kind.to_string()).bind(release.unwrap_or_default());
    announce.execute(connection).await?;
    Ok(())
}

/// One applied migration, as it was marked.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Applied {
    /// Time in its file name.
    pub(super) version: i64,
    /// The release that applied it; None when it had no name, or nobody wrote it down.
    pub(super) release: Option<String>,
    /// Whether it is marked as a contract.
    pub(super) is_contract: bool,
}

/// The applied migrations, newest first; by way of JSON, because the columns are younger than some databases.
pub(super) async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, MigrateError> {
    let query = "SELECT version, to_jsonb(m) ->> 'release' AS release, \
        coalesce(to_jsonb(m) ->> 'kind' = 'contract', false) AS is_contract \
        FROM _sqlx_migrations m ORDER BY version DESC";
    Ok(sqlx::query_as(query).fetch_all(connection).await?)
}
