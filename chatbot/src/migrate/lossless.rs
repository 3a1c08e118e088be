//! Reverts a migration if what it takes away holds no data.
//!
//! Counted and reverted in one transaction, which first locks the tables against everybody: between the count and the drop no
//! row can slip in.

use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, MigrateError as SqlxError},
};

use super::{
    Migration,
    locks::Done,
    losses::{self, Loss},
    run::TABLE,
};

/// What is committed while the locks are waited for must be counted too. A policy that hides rows must not make them look lost
/// already: PostgreSQL fails instead.
const SETTINGS: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL row_security TO off";

/// Counting stops here: the tables are locked meanwhile, and one row would be enough.
const MOST: i64 = 100_000;

/// River's tables in the search path, but its bookkeeping, which goes back with it.
const RIVER: &str = "SELECT c.oid::regclass::text FROM pg_class c \
    WHERE c.relname LIKE 'river\\_%' AND c.relname <> 'river_migration' AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) \
    ORDER BY 1";

/// Reverts `migration`, or says what it would have lost.
///
/// # Errors
/// The database's; nothing was changed then, and no table is locked any more.
pub(super) async fn revert(connection: &mut PgConnection, migration: &Migration) -> Result<Done, SqlxError> {
    let mut transaction = connection.begin().await?;
    let done = count_and_revert(&mut transaction, migration).await;
    match done {
        Ok(Done::Took(_)) => transaction.commit().await?,
        // Now, and not with the next statement: the locks are in everybody's way.
        Ok(Done::Kept(_)) => transaction.rollback().await?,
        Err(_) => drop(transaction.rollback().await),
    }
    done
}

/// Inside a transaction, sqlx reverts under a savepoint of it.
async fn count_and_revert(transaction: &mut PgConnection, migration: &Migration) -> Result<Done, SqlxError> {
    let losses = losses::of(migration.down.sql.as_str());
    if let Some(why) = losses.iter().find_map(|loss| untold(loss, migration)) {
        return Ok(Done::Kept(why));
    }
    sqlx::raw_sql(SETTINGS).execute(&mut *transaction).await?;
    let tables = tables(transaction, &losses).await?;
    lock(transaction, &tables).await?;
    for loss in &losses {
        if let Some(held) = held(transaction, loss).await? {
            return Ok(Done::Kept(held.to_text(&migration.label())));
        }
    }
    transaction.revert(TABLE, &migration.down).await.map(Done::Took)
}

fn untold(loss: &Loss, migration: &Migration) -> Option<String> {
    match loss {
        Loss::Unknown { statement, line } => Some(format!(
            "it cannot be counted what {statement} in line {line} of {}.down.sql takes away",
            migration.label()
        )),
        Loss::Table(_) | Loss::Column { .. } | Loss::River => None,
    }
}

/// The tables concerned that exist, as SQL.
async fn tables(connection: &mut PgConnection, losses: &[Loss]) -> Result<Vec<String>, sqlx::Error> {
    let named = losses.iter().filter_map(|loss| match loss {
        Loss::Table(table) | Loss::Column { table, .. } => Some(table.clone()),
        Loss::River | Loss::Unknown { .. } => None,
    });
    let exist = "SELECT to_regclass(name)::text FROM unnest($1::text[]) WITH ORDINALITY AS named (name, place) \
        WHERE to_regclass(name) IS NOT NULL ORDER BY place";
    let named: Vec<String> = named.collect();
    let mut tables: Vec<String> = sqlx::query_scalar(exist).bind(named).fetch_all(&mut *connection).await?;
    if losses.contains(&Loss::River) {
        tables.extend(sqlx::query_scalar::<_, String>(RIVER).fetch_all(connection).await?);
    }
    Ok(tables)
}

async fn lock(connection: &mut PgConnection, tables: &[String]) -> Result<(), sqlx::Error> {
    if tables.is_empty() {
        return Ok(());
    }
    let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables.join(", "));
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(connection).await?;
    Ok(())
}

/// Data that a loss would lose.
struct Held {
    what: String,
    count: i64,
    unit: &'static str,
}

impl Held {
    fn to_text(&self, label: &str) -> String {
        let Self { what, count, unit } = self;
        match *count {
            1 => format!("{what} ({label}) holds 1 {unit}"),
            count if count > MOST => format!("{what} ({label}) holds more than {MOST} {unit}s"),
            count => format!("{what} ({label}) holds {count} {unit}s"),
        }
    }
}

async fn held(connection: &mut PgConnection, loss: &Loss) -> Result<Option<Held>, sqlx::Error> {
    match loss {
        Loss::Table(table) => {
            let Some(table) = existing(connection, table).await? else { return Ok(None) };
            rows(connection, table).await
        }
        Loss::Column { table, column } => {
            let Some(table) = existing(connection, table).await? else { return Ok(None) };
            values(connection, &table, column).await
        }
        Loss::River => river_rows(connection).await,
        Loss::Unknown { .. } => Ok(None),
    }
}

async fn existing(connection: &mut PgConnection, table: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1)::text").bind(table).fetch_one(connection).await
}

async fn rows(connection: &mut PgConnection, table: String) -> Result<Option<Held>, sqlx::Error> {
    let count = count(connection, &format!("SELECT FROM {table}")).await?;
    Ok((count > 0).then(|| Held { what: format!("table {table}"), count, unit: "row" }))
}

async fn river_rows(connection: &mut PgConnection) -> Result<Option<Held>, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(RIVER).fetch_all(&mut *connection).await?;
    for table in tables {
        if let Some(held) = rows(connection, table).await? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Values that somebody wrote: there, and other than the default. As text, because some types (json) know no equality.
async fn values(connection: &mut PgConnection, table: &str, column: &str) -> Result<Option<Held>, sqlx::Error> {
    let query = "SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid) \
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
        WHERE a.attrelid = $1::text::regclass AND a.attname = $2::text::name AND a.attnum > 0 AND NOT a.attisdropped";
    let found: Option<(String, String, Option<String>)> =
        sqlx::query_as(query).bind(table).bind(column).fetch_optional(&mut *connection).await?;
    let Some((name, kind, default)) = found else { return Ok(None) };
    // With a default, somebody may have written that there is nothing.
    let differs = default.map_or_else(
        || format!("num_nonnulls({name}) = 1"),
        |default| format!("{name}::text IS DISTINCT FROM (({default})::{kind})::text"),
    );
    let count = count(connection, &format!("SELECT FROM {table} WHERE {differs}")).await?;
    Ok((count > 0).then(|| Held { what: format!("column {table}.{name}"), count, unit: "value" }))
}

/// How many rows a query has, up to one more than [`MOST`].
async fn count(connection: &mut PgConnection, query: &str) -> Result<i64, sqlx::Error> {
    let count = format!("SELECT count(*) FROM ({query} LIMIT {}) AS counted", MOST + 1);
    sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(connection).await
}
