//! The trial's PostgreSQL, asked and held up by psql in its own pod.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::cluster::SERVICES_NAMESPACE;
use crate::shell::kubectl;
use crate::until;

/// Longest wait for a lock that nobody else wants for long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a statement answers, unaligned; it must succeed.
pub async fn sql(database: &str, statement: &str) -> String {
    kubectl(&[&psql(database)[..], &["-v", "ON_ERROR_STOP=1", "-Atqc", statement]].concat()).await.trim().to_owned()
}

/// `kubectl` with these arguments runs psql as the administrator.
fn psql(database: &str) -> [&str; 9] {
    ["--namespace", SERVICES_NAMESPACE, "exec", "statefulset/postgresql", "--", "psql", "-U", "postgres", database]
}

/// The key of the advisory lock under which the migrations of a database run: sqlx derives it from the database's name.
#[must_use]
pub fn migration_lock(database: &str) -> i64 {
    0x3d32_ad9e * i64::from(crc32(database.as_bytes()))
}

fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}

/// A lock in somebody's hands: whoever needs it waits until it is released.
#[derive(Debug)]
pub struct Lock {
    database: String,
    session: String,
    _psql: Child,
}

impl Lock {
    /// Takes the lock `key` of a database, and keeps it.
    ///
    /// # Panics
    /// When it cannot be had.
    pub async fn hold(database: &str, key: i64) -> Self {
        let take = format!("select pg_advisory_lock({key})");
        Self::take(database, &format!("e2e-lock-{key}"), &take, "advisory").await
    }

    /// Takes a table for itself alone, and keeps it: not even a dump may read it.
    ///
    /// # Panics
    /// When it cannot be had.
    pub async fn hold_table(database: &str, table: &str) -> Self {
        let take = format!("begin; lock table {table} in access exclusive mode");
        Self::take(database, &format!("e2e-lock-{table}"), &take, "relation").await
    }

    /// Reads a table in a transaction that does not end: who only reads and writes goes on, who alters it waits.
    ///
    /// # Panics
    /// When it cannot be had.
    pub async fn share_table(database: &str, table: &str) -> Self {
        let take = format!("begin; lock table {table} in row share mode");
        Self::take(database, &format!("e2e-lock-{table}"), &take, "relation").await
    }

    async fn take(database: &str, session: &str, take: &str, kind: &str) -> Self {
        let session = session.to_owned();
        let connection = format!("dbname={database} application_name={session}");
        let psql = Command::new("kubectl")
            .args(psql(&connection))
            .args(["-c", &format!("{take}; select pg_sleep(3600)")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("starting kubectl");
        let granted = format!(
            "select count(*) from pg_stat_activity join pg_locks using (pid) \
             where application_name = '{session}' and locktype = '{kind}' and granted and mode <> 'AccessShareLock'"
        );
        until("the lock is held", PATIENCE, || sql(database, &granted), |count| count != "0").await;
        Self { database: database.to_owned(), session, _psql: psql }
    }

    /// Gives it back. The session in the pod outlives kubectl, so it is ended in the server.
    pub async fn release(self) {
        let end = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{}'",
            self.session
        );
        sql(&self.database, &end).await;
    }
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_checksum_is_the_one_that_zip_and_sqlx_use() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
