//! Which migrations the database has.

use sqlx::PgExecutor;

use super::Result;

/// Tables of users, those of extensions excepted.
pub(crate) const TABLES: &str = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
    ORDER BY 1";

/// One applied migration, as the database remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Recorded {
    /// Time in its file name.
    pub version: i64,
    /// Whether it took away what older releases need; false when nobody wrote down its kind.
    pub is_contract: bool,
}

/// The versions of the applied migrations, oldest first; none for a database without our tables.
///
/// # Errors
/// The database's.
pub async fn applied(db: impl PgExecutor<'_> + Copy) -> Result<Vec<i64>> {
    Ok(recorded(db).await?.into_iter().map(|migration| migration.version).collect())
}

/// The applied migrations, oldest first; none for a database without our tables.
///
/// # Errors
/// The database's.
pub async fn recorded(db: impl PgExecutor<'_> + Copy) -> Result<Vec<Recorded>> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(db).await?;
    if !exists {
        return Ok(Vec::new());
    }
    // By way of JSON, because the column `kind` is younger than some databases.
    let query = "SELECT version, coalesce(to_jsonb(m) ->> 'kind' = 'contract', false) AS is_contract \
        FROM _sqlx_migrations m WHERE success ORDER BY version";
    Ok(sqlx::query_as(query).fetch_all(db).await?)
}

/// The tables of every schema, as SQL, sqlx's own included.
///
/// # Errors
/// The database's.
pub async fn tables(db: impl PgExecutor<'_>) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(TABLES).fetch_all(db).await?)
}
