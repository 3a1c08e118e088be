//! Which migrations the database has.

use sqlx::PgExecutor;

use super::Result;

/// The newest applied expand migration's version, None for a database without our tables.
///
/// # Errors
/// The database's.
pub async fn applied(db: impl PgExecutor<'_> + Copy) -> Result<Vec<i64>> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(db).await?;
    if !exists {
        return Ok(Vec::new());
    }
    let versions =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version").fetch_all(db).await?;
    Ok(versions)
}
