//! The server and its databases.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use chatbot::{config::DatabaseConfig, migrate};
use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};

/// Makes a cluster, says its folder when it takes connections, and removes it when the test process is gone (its end of
/// the pipe closes, however it ends). Members of the role `needs_password` need theirs; everybody else is let in.
const SCRIPT: &str = r#"
set -eu
folder=$(mktemp -d /tmp/chatbot-postgresql.XXXXXX)
trap 'rm -rf "$folder"' EXIT
"$1/initdb" -D "$folder/data" -U chatbot -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
{ echo "local all +needs_password scram-sha-256"; cat "$folder/data/pg_hba.conf"; } >"$folder/hba"
cat "$folder/hba" >"$folder/data/pg_hba.conf"
"$1/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-k $folder -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=200" start >/dev/null </dev/null || { cat "$folder/log" >&2; exit 1; }
echo "$folder"
cat >/dev/null
"$1/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null
"#;

struct Server {
    url: String,
    _script: Option<Child>,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

fn server() -> &'static Server {
    SERVER.get_or_init(|| match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => Server { url, _script: None },
        Err(_) => throwaway(),
    })
}

/// URL of the server's maintenance database, for an administrator.
pub(crate) fn server_url() -> &'static str {
    &server().url
}

fn throwaway() -> Server {
    let programs = programs();
    let mut command = unprivileged();
    command.args(["sh", "-c", SCRIPT, "postgresql"]).arg(&programs);
    let mut script = command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh starts");
    let mut folder = String::new();
    BufReader::new(script.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    let folder = folder.trim();
    assert!(!folder.is_empty(), "PostgreSQL did not start; see above, or set TEST_DATABASE_URL");
    Server { url: format!("postgresql://chatbot:chatbot@localhost/postgres?host={folder}"), _script: Some(script) }
}

/// PostgreSQL refuses to run as root.
fn unprivileged() -> Command {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    if id.stdout.trim_ascii() != b"0" {
        return Command::new("env");
    }
    let known = Command::new("id").arg("postgres").output().is_ok_and(|output| output.status.success());
    let mut command = Command::new("runuser");
    command.args(["-u", if known { "postgres" } else { "nobody" }, "--"]);
    command
}

/// Folder of initdb and pg_ctl: PG_BIN, or Debian's newest.
fn programs() -> PathBuf {
    if let Ok(folder) = std::env::var("PG_BIN") {
        return folder.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or_default());
    newest
        .expect("PostgreSQL is installed (apt-get install postgresql), or PG_BIN or TEST_DATABASE_URL is set")
        .path()
        .join("bin")
}

/// One test's database, and the folder of its objects, which goes with it.
pub(crate) struct Database {
    pub(crate) objects: tempfile::TempDir,
    pub(crate) url: String,
    pub(crate) options: PgConnectOptions,
    pub(crate) pool: PgPool,
}

/// A database without a schema.
pub(crate) async fn empty() -> Database {
    let name = format!("test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(server_url()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let url = server_url().replace("/postgres?", &format!("/{name}?"));
    let config = DatabaseConfig::from_env(|variable| match variable {
        "ENVIRONMENT" => Some("dev".to_owned()),
        "DATABASE_URL" => Some(url.clone()),
        _ => None,
    });
    let database = config.unwrap().database;
    let pool = chatbot::store::pool::lazy(&database, "test");
    let objects = tempfile::Builder::new().prefix("chatbot-objects-").tempdir().unwrap();
    Database { objects, url, options: database.options, pool }
}

impl Database {
    /// The URL of a role that may use the database, and make none.
    pub(crate) async fn role_without_rights(&self) -> String {
        let role = format!("{}_role", self.options.get_database().unwrap());
        let mut admin = PgConnection::connect(server_url()).await.unwrap();
        let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'plain'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(&mut admin).await.unwrap();
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some("plain")).unwrap();
        url.to_string()
    }
}

/// Every row of every table, as text.
pub(crate) async fn rows(pool: &PgPool) -> BTreeMap<String, Vec<String>> {
    let names = "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'";
    let mut rows = BTreeMap::new();
    for table in sqlx::query_scalar::<_, String>(names).fetch_all(pool).await.unwrap() {
        let query = format!("SELECT t::text FROM {table} t ORDER BY 1");
        let lines = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(pool).await.unwrap();
        rows.insert(table, lines);
    }
    rows
}

/// A database with the newest schema.
pub(crate) async fn migrated() -> Database {
    let database = empty().await;
    let migrations = migrate::embedded().unwrap();
    migrate::up(&database.options, &migrations, migrate::Selection::All, None).await.unwrap();
    database
}

/// The databases whose names begin like this one's.
pub(crate) async fn beside(database: &Database) -> Vec<String> {
    let mut admin = PgConnection::connect(server_url()).await.unwrap();
    let name = database.options.get_database().unwrap();
    let query = "SELECT substr(datname::text, length($1) + 1) FROM pg_database WHERE starts_with(datname::text, $1 || '_') ORDER BY 1";
    sqlx::query_scalar(query).bind(name).fetch_all(&mut admin).await.unwrap()
}

/// The program's own migrations, oldest first, each as `<version>_<name>`.
pub(crate) fn migration_labels() -> Vec<String> {
    chatbot::migrate::embedded().unwrap().iter().map(chatbot::migrate::Migration::label).collect()
}

/// The schema that the program has.
pub(crate) fn newest_version() -> String {
    chatbot::migrate::embedded().unwrap().last().unwrap().version.to_string()
}
