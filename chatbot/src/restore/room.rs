//! Whether the server has room for a second database, and connections for who fills it: a full disk would end the live one too.

use bytesize::ByteSize;
use sqlx::PgConnection;

use super::RestoreError;

/// pg_restore, who counts and migrates, and who swaps names.
const CONNECTIONS: i64 = 3;
/// A dump has no indexes, and what is written goes through the server's log first: so many halves of a dump's size are needed.
const HALVES: u64 = 5;

/// Refuses what would not fit beside the database `live`. `dump` is the size of the dump, in bytes.
pub(super) async fn check(connection: &mut PgConnection, live: &str, dump: u64) -> Result<(), RestoreError> {
    enough_connections(connection).await?;
    let Some(free) = free(connection).await else { return Ok(()) };
    let needed = needed(dump, database_size(connection, live).await?);
    if free < needed { Err(RestoreError::NoRoom { free: ByteSize(free), needed: ByteSize(needed) }) } else { Ok(()) }
}

/// The live one may hold less than the backup, which is why it is restored, or be bloated: the larger guess counts.
fn needed(dump: u64, live: u64) -> u64 {
    (dump / 2 * HALVES).max(live)
}

async fn enough_connections(connection: &mut PgConnection) -> Result<(), RestoreError> {
    let query = "SELECT current_setting('max_connections')::bigint, \
          CASE WHEN rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::bigint END, \
          (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') \
        FROM pg_roles WHERE rolname = current_user";
    let (all, reserved, taken): (i64, i64, i64) = sqlx::query_as(query).fetch_one(connection).await?;
    let free = (all - reserved - taken).max(0);
    if free < CONNECTIONS { Err(RestoreError::NoConnections { free, all, needed: CONNECTIONS }) } else { Ok(()) }
}

/// Nothing where there is no live database.
async fn database_size(connection: &mut PgConnection, live: &str) -> Result<u64, RestoreError> {
    let query = "SELECT coalesce((SELECT pg_database_size(oid) FROM pg_database WHERE datname = $1), 0)";
    let bytes: i64 = sqlx::query_scalar(query).bind(live).fetch_one(connection).await?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// Bytes that are free where the server keeps its data. Only a role that may run programs of the server can ask for it
/// (`pg_execute_server_program`, as an administrator may); others are told nothing, and the restore goes on.
async fn free(connection: &mut PgConnection) -> Option<u64> {
    let may = "SELECT pg_has_role(current_user, 'pg_execute_server_program', 'MEMBER')";
    let may: bool = sqlx::query_scalar(may).fetch_one(&mut *connection).await.unwrap_or(false);
    if !may {
        return None;
    }
    let asked =
        sqlx::raw_sql("CREATE TEMPORARY TABLE chatbot_room (line text); COPY chatbot_room FROM PROGRAM 'df -P -k .'");
    if let Err(error) = asked.execute(&mut *connection).await {
        tracing::info!(%error, "how much room the database server has is not known");
        return None;
    }
    let lines: Vec<String> = sqlx::query_scalar("SELECT line FROM chatbot_room").fetch_all(connection).await.ok()?;
    parse(lines.last()?)
}

/// The fourth word of what `df -P -k` says (POSIX): kibibytes available.
fn parse(line: &str) -> Option<u64> {
    line.split_whitespace().nth(3)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_df_says_is_understood_or_left_alone() {
        for (line, bytes) in [
            ("/dev/vda 263174212 145932112 40345678 79% /var/lib/postgresql/data", Some(41_313_974_272)),
            ("overlay 1 1 0 100% /", Some(0)),
            ("Filesystem 1024-blocks Used Available Capacity Mounted on", None),
            ("df: nothing", None),
        ] {
            assert_eq!(parse(line), bytes, "{line}");
        }
    }

    #[test]
    fn indexes_and_the_servers_log_need_room_too() {
        for (dump, live, expected) in [(100, 0, 250), (100, 1000, 1000), (0, 8, 8)] {
            assert_eq!(needed(dump, live), expected, "a dump of {dump} beside {live}");
        }
    }
}
