//! The kind of every applied migration, in a column of ours beside sqlx's: an older release sees by it that a contract it
//! does not know was applied.
//!
//! sqlx writes the row inside the migration's own transaction and knows nothing of the column. So its default takes what
//! the session announced, and the kind is there exactly when the migration is.

use sqlx::PgConnection;

use super::{Kind, MigrateError, Migration};

/// Makes the column, and fills it for what was applied before it was there.
pub(super) async fn prepare(connection: &mut PgConnection, migrations: &[Migration]) -> Result<(), MigrateError> {
    let exists: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_attribute \
         WHERE attrelid = '_sqlx_migrations'::regclass AND attname = 'kind' AND NOT attisdropped)",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !exists {
        let add = "ALTER TABLE _sqlx_migrations ADD COLUMN kind text, \
            ALTER COLUMN kind SET DEFAULT current_setting('chatbot.migration_kind', true)";
        sqlx::raw_sql(add).execute(&mut *connection).await?;
    }
    let versions: Vec<i64> = migrations.iter().map(|migration| migration.version).collect();
    let kinds: Vec<String> = migrations.iter().map(|migration| migration.kind.to_string()).collect();
    let fill = "UPDATE _sqlx_migrations m SET kind = known.kind \
        FROM unnest($1::bigint[], $2::text[]) AS known (version, kind) \
        WHERE m.version = known.version AND m.kind IS NULL";
    sqlx::query(fill).bind(versions).bind(kinds).execute(connection).await?;
    Ok(())
}

/// Says of which kind the next migration is.
pub(super) async fn announce(connection: &mut PgConnection, kind: Kind) -> Result<(), MigrateError> {
    let announce = sqlx::query("SELECT set_config('chatbot.migration_kind', $1, false)").bind(kind.to_string());
    announce.execute(connection).await?;
    Ok(())
}
