//! Databases beside the live one: the restored one, and the one that it replaces. Nothing is ever overwritten: names are swapped.

use std::{collections::BTreeSet, io, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    Chosen, RestoreError,
    likeness::{self, Likeness},
    room,
};
use crate::config::{backup::BackupConfig, database::Database};

/// Longest wait for a connection.
const DEADLINE: Duration = Duration::from_secs(15);
/// Longest name of a database, in bytes.
const LONGEST: usize = 63;
/// Characters of a restore's name, which stand in those of its databases.
const SHORT: usize = 8;
/// How what we made begins to speak of itself.
const OURS: &str = "chatbot: ";
/// What a database says that is being filled.
const UNFINISHED: &str = "chatbot: being restored";
/// What a database says that is filled, checked and migrated.
const COMPLETE: &str = "chatbot: restored and checked, backup ";

/// The names of one restore: the live database, the restored one beside it, and the one that was live before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trio {
    /// The environment's.
    pub live: String,
    /// What is restored, until the swap.
    pub restored: String,
    /// What was live, after the swap.
    pub replaced: String,
    /// The restore: the beginning of its backup's name, unless it was given another one.
    pub name: String,
}

/// The database of a rehearsal, which is dropped at its end; one at a time, so that none is ever left for long.
pub(super) fn scratch(live: &str) -> String {
    const ENDING: &str = "_drill";
    format!("{}{ENDING}", &live[..live.floor_char_boundary(LONGEST - ENDING.len())])
}

impl Trio {
    /// For the restore `name`; the same ones each time, so that a restore that was cut off is found again.
    #[must_use]
    pub fn of(live: &str, name: &str) -> Self {
        let name = name.get(..SHORT).unwrap_or(name).to_owned();
        let beside = |word: &str| {
            let ending = format!("_{word}_{name}");
            format!("{}{ending}", &live[..live.floor_char_boundary(LONGEST - ending.len())])
        };
        Self { live: live.to_owned(), restored: beside("restored"), replaced: beside("replaced"), name }
    }

    /// The one whose `part` is called `name`, if that is one's.
    fn found(live: &str, name: &str, part: Part) -> Option<Self> {
        let trio = Self::of(live, name.get(name.len().checked_sub(SHORT)?..)?);
        (part(&trio) == name).then_some(trio)
    }
}

/// The databases of one server, as the one who may make and rename them sees them.
pub(super) struct Server<'a> {
    /// The environment's own.
    pub(super) own: &'a Database,
    /// Who acts, if not the environment's own role.
    pub(super) administrator: Option<&'a PgConnectOptions>,
}

impl<'a> Server<'a> {
    pub(super) fn of(config: &'a BackupConfig) -> Self {
        Self { own: &config.database, administrator: config.administrator.as_ref() }
    }

    fn live(&self) -> &'a str {
        self.own.name()
    }

    async fn connect(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        let options = self.administrator.unwrap_or(&self.own.options).clone();
        let options = options.database(database).application_name("chatbot-restore");
        let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer within fifteen seconds"));
        timeout(DEADLINE, PgConnection::connect_with(&options)).await.unwrap_or_else(|_| Err(late()))
    }

    /// In the middle of a swap one of the names is not there, or lets nobody in: then one that every server has is asked.
    async fn connect_to_any(&self, names: &[&str]) -> Result<PgConnection, sqlx::Error> {
        let mut last = None;
        for name in names.iter().chain(&["postgres", "template1"]) {
            match self.connect(name).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(sqlx::Error::RowNotFound))
    }

    /// Every database of the server.
    async fn names(&self) -> Result<BTreeSet<String>, RestoreError> {
        let mut connection = self.connect_to_any(&[self.live()]).await?;
        all(&mut connection).await
    }
}

/// One name of a trio.
type Part = fn(&Trio) -> &str;

/// Why the names cannot be swapped.
#[derive(Debug, thiserror::Error)]
pub enum Names {
    /// There is nothing to swap in.
    #[error("no restored database stands beside {0}: run chatbot restore prepare first")]
    NotPrepared(String),
    /// It was not finished.
    #[error("the database {0} is not complete: run chatbot restore prepare again")]
    Incomplete(String),
    /// The live one is between two names.
    #[error(
        "the database {0} is not there, as in the middle of a swap: run chatbot restore swap or undo to its end first"
    )]
    NotLive(String),
    /// There is nothing to swap back to.
    #[error("no replaced database stands beside {0} (any more): there is nothing to go back to")]
    NothingToUndo(String),
    /// There is more than one.
    #[error("more than one restore stands beside {live}: say which one with --name, of {restores}")]
    Several {
        /// The live database.
        live: String,
        /// Their names.
        restores: String,
    },
    /// Somebody else's.
    #[error("there is a database {0} that was not made by a restore: rename or drop it by hand")]
    Foreign(String),
    /// Nobody knows of which backup the live one is.
    #[error("{0} is no restored database: it does not say of which backup it is")]
    NotRestored(String),
    /// Two restores of one name would fill one database.
    #[error(
        "another process is filling the database {0}: wait for its end, or end it (pg_stat_activity, chatbot-restore)"
    )]
    AtWork(String),
    /// What is to be restored once more stands in the way.
    #[error(
        "{0} stands there since an earlier restore of that name: choose another one with --name, or run chatbot restore drop --replaced first"
    )]
    InTheWay(String),
}

/// The restore that is meant: the one of that `name`, else the only one. Of databases that wait to be `swapped`
/// in, else of those of a swap that was done: so that the step can be repeated. None where there is none.
fn meant(
    live: &str,
    names: &BTreeSet<String>,
    (waits, done): (Part, Part),
    name: Option<&str>,
) -> Result<Option<Trio>, Names> {
    for part in [waits, done] {
        let found = names.iter().filter_map(|database| Trio::found(live, database, part));
        let mut found: Vec<Trio> = found.filter(|trio| name.is_none_or(|name| trio.name == name)).collect();
        if found.len() > 1 {
            let restores = found.into_iter().map(|trio| trio.name).collect::<Vec<_>>().join(", ");
            return Err(Names::Several { live: live.to_owned(), restores });
        }
        if let Some(trio) = found.pop() {
            return Ok(Some(trio));
        }
    }
    Ok(None)
}

/// What the swap found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The live one steps aside.
    Aside,
    /// The restored one takes the name.
    Take,
    /// Both are done.
    Done,
}

/// Where a swap of `live` for `new`, which goes aside as `old`, stands among the databases that exist. None where `new` is
/// neither beside the live one nor in its place.
fn step(names: &BTreeSet<String>, live: &str, new: &str, old: &str) -> Option<Step> {
    match (names.contains(live), names.contains(new), names.contains(old)) {
        (true, true, _) => Some(Step::Aside),
        (false, true, _) => Some(Step::Take),
        (true, false, true) => Some(Step::Done),
        (_, false, _) => None,
    }
}

/// What [`make`] found or made.
pub(super) enum Made {
    /// It was complete already.
    Complete,
    /// It is empty; as long as this session is kept, nobody else fills it.
    Empty(PgConnection),
}

/// Makes the database `name` empty and ready to be filled for the backup, if the server has room for it. It is made like the live
/// one, where that is still there.
pub(super) async fn make(server: &Server<'_>, name: &str, chosen: &Chosen) -> Result<Made, RestoreError> {
    let mut connection = server.connect_to_any(&[server.live()]).await?;
    take_turn(&mut connection, name).await?;
    match comment(&mut connection, name).await? {
        Some(said) if said == format!("{COMPLETE}{}", chosen.id) => return Ok(Made::Complete),
        Some(said) if !said.starts_with(OURS) => return Err(Names::Foreign(name.to_owned()).into()),
        Some(_) | None => {}
    }
    room::check(&mut connection, server.live(), chosen.manifest.database.bytes).await?;
    run(&mut connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", &[name]).await?;
    let likeness = Likeness::of(&mut connection, server.live()).await?;
    let create = format!("CREATE DATABASE %I OWNER %I TEMPLATE template0{}", likeness.template);
    let owner = server.own.options.get_username();
    let arguments: Vec<&str> = [name, owner].into_iter().chain(likeness.arguments.iter().map(String::as_str)).collect();
    let made = run(&mut connection, &create, &arguments).await;
    made.map_err(|error| may_not_create(error, server.own))?;
    run(&mut connection, "COMMENT ON DATABASE %I IS %L", &[name, UNFINISHED]).await?;
    // As provision leaves the live one: environments that share a server do not see each other's data.
    run(&mut connection, "REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC", &[name]).await?;
    Ok(Made::Empty(connection))
}

/// Whoever fills a database holds a lock of its name, which ends with the session, however that ends.
async fn take_turn(connection: &mut PgConnection, name: &str) -> Result<(), RestoreError> {
    sqlx::raw_sql("SET idle_session_timeout = 0").execute(&mut *connection).await?;
    let lock = "SELECT pg_try_advisory_lock(hashtext('chatbot restore'), hashtext($1))";
    let is_ours: bool = sqlx::query_scalar(lock).bind(name).fetch_one(connection).await?;
    if is_ours { Ok(()) } else { Err(Names::AtWork(name.to_owned()).into()) }
}

/// Says of the database `name` that it is complete.
pub(super) async fn complete(server: &Server<'_>, name: &str, id: &str) -> Result<(), RestoreError> {
    let mut connection = server.connect_to_any(&[server.live()]).await?;
    likeness::settings(&mut connection, server.live(), name).await?;
    Ok(run(&mut connection, "COMMENT ON DATABASE %I IS %L", &[name, &format!("{COMPLETE}{id}")]).await?)
}

/// Drops a database that nobody is served from; nothing where there is none.
pub(super) async fn remove(server: &Server<'_>, name: &str) -> Result<(), RestoreError> {
    let mut connection = server.connect_to_any(&[server.live()]).await?;
    Ok(run(&mut connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", &[name]).await?)
}

/// Drops the database that a restore prepared, or the one that it replaced; answers its name, if it is there. What is between two
/// names may be the only one that holds the data.
pub(super) async fn remove_rest(
    server: &Server<'_>,
    name: Option<&str>,
    replaced: bool,
) -> Result<Option<String>, RestoreError> {
    let names = server.names().await?;
    if !names.contains(server.live()) {
        return Err(Names::NotLive(server.live().to_owned()).into());
    }
    let part = if replaced { REPLACED } else { RESTORED };
    let Some(trio) = meant(server.live(), &names, (part, part), name)? else { return Ok(None) };
    let database = part(&trio).to_owned();
    remove(server, &database).await?;
    Ok(Some(database))
}

/// The same access to another database of the server.
pub(super) fn beside(database: &Database, name: &str) -> Database {
    let mut url = database.clone();
    url.options = database.options.clone().database(name);
    url
}

const RESTORED: Part = |trio| &trio.restored;
const REPLACED: Part = |trio| &trio.replaced;

/// Swaps the restored one in. Safe to repeat; nobody but us may be connected when it ends.
pub(super) async fn swap_in(server: &Server<'_>, name: Option<&str>) -> Result<Trio, RestoreError> {
    let names = server.names().await?;
    let live = server.live();
    let trio = meant(live, &names, (RESTORED, REPLACED), name)?.ok_or_else(|| Names::NotPrepared(live.to_owned()))?;
    let said = comment_of(server, &trio, &trio.restored).await?;
    if said.is_some_and(|said| !said.starts_with(COMPLETE)) {
        return Err(Names::Incomplete(trio.restored).into());
    }
    // In the middle of a swap it is there, and so is not the live one.
    if [live, &trio.restored, &trio.replaced].into_iter().all(|name| names.contains(name)) {
        return Err(Names::InTheWay(trio.replaced).into());
    }
    exchange(server, &trio.restored, &trio.replaced).await?;
    Ok(trio)
}

/// Swaps the replaced one back; what was restored stands beside it again.
pub(super) async fn swap_back(server: &Server<'_>, name: Option<&str>) -> Result<Trio, RestoreError> {
    let (live, names) = (server.live(), server.names().await?);
    let Some(trio) = meant(live, &names, (REPLACED, REPLACED), name)? else {
        // It never came to the swap, or was taken back before.
        let beside = meant(live, &names, (RESTORED, RESTORED), name)?.filter(|_| names.contains(live));
        return beside.ok_or_else(|| Names::NothingToUndo(live.to_owned()).into());
    };
    exchange(server, &trio.replaced, &trio.restored).await?;
    Ok(trio)
}

/// The backup that was swapped in: the database itself says which one it is of, whatever it is called.
pub(super) async fn in_place(server: &Server<'_>) -> Result<String, RestoreError> {
    let mut connection = server.connect(server.live()).await?;
    let said = comment(&mut connection, server.live()).await?.unwrap_or_default();
    let backup = said.strip_prefix(COMPLETE).filter(|id| !id.is_empty());
    backup.map(str::to_owned).ok_or_else(|| Names::NotRestored(server.live().to_owned()).into())
}

async fn all(connection: &mut PgConnection) -> Result<BTreeSet<String>, RestoreError> {
    let names: Vec<String> = sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(connection).await?;
    Ok(names.into_iter().collect())
}

/// The replaced database that would come back, while the live one stands beside it.
pub(super) async fn waiting(server: &Server<'_>, name: Option<&str>) -> Result<Option<String>, RestoreError> {
    let names = server.names().await?;
    let trio = meant(server.live(), &names, (REPLACED, REPLACED), name)?;
    Ok(trio.filter(|_| names.contains(server.live())).map(|trio| trio.replaced))
}

/// The live one is called `old`, then `new` takes its name; goes on where it was cut off.
async fn exchange(server: &Server<'_>, new: &str, old: &str) -> Result<(), RestoreError> {
    let live = server.live();
    loop {
        let mut connection = server.connect_to_any(&[new, live, old]).await?;
        reopen(&mut connection, [live, new, old]).await?;
        match step(&all(&mut connection).await?, live, new, old) {
            None | Some(Step::Done) => return Ok(()),
            Some(Step::Aside) => rename(server, new, live, old).await?,
            Some(Step::Take) => rename(server, old, new, live).await?,
        }
    }
}

/// Who was cut off between two statements of [`rename`] left a database that nobody can connect to.
async fn reopen(connection: &mut PgConnection, names: [&str; 3]) -> Result<(), sqlx::Error> {
    let closed = "SELECT datname::text FROM pg_database WHERE NOT datallowconn AND datname = ANY($1)";
    let closed: Vec<String> = sqlx::query_scalar(closed).bind(&names[..]).fetch_all(&mut *connection).await?;
    for name in closed {
        run(connection, OPEN, &[&name]).await?;
    }
    Ok(())
}

const OPEN: &str = "ALTER DATABASE %I WITH ALLOW_CONNECTIONS true";

/// Renames a database from within another one. Nobody can connect to it from its last look until it has its new name.
async fn rename(server: &Server<'_>, from_within: &str, name: &str, new: &str) -> Result<(), RestoreError> {
    let mut connection = server.connect_to_any(&[from_within]).await?;
    run(&mut connection, "ALTER DATABASE %I WITH ALLOW_CONNECTIONS false", &[name]).await?;
    let renamed = match end_sessions(&mut connection, name).await {
        Ok(()) => run(&mut connection, "ALTER DATABASE %I RENAME TO %I", &[name, new]).await,
        Err(error) => Err(error),
    };
    let now = if renamed.is_ok() { new } else { name };
    run(&mut connection, OPEN, &[now]).await?;
    Ok(renamed?)
}

/// Ends those that may be ended. Whether somebody is left who keeps the database from its new name, renaming says.
async fn end_sessions(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let pids = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
    let pids: Vec<i32> = sqlx::query_scalar(pids).bind(name).fetch_all(&mut *connection).await?;
    for pid in pids {
        let ended = sqlx::query("SELECT pg_terminate_backend($1, 10000)").bind(pid).execute(&mut *connection).await;
        if let Err(error) = ended {
            tracing::warn!(%error, pid, name, "a session cannot be ended");
        }
    }
    Ok(())
}

async fn comment_of(server: &Server<'_>, trio: &Trio, name: &str) -> Result<Option<String>, RestoreError> {
    let mut connection = server.connect_to_any(&[&trio.restored, &trio.live, &trio.replaced]).await?;
    Ok(comment(&mut connection, name).await?)
}

/// What a database says of itself: empty for nothing, None where there is no such database.
async fn comment(connection: &mut PgConnection, name: &str) -> Result<Option<String>, sqlx::Error> {
    let query = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1";
    sqlx::query_scalar(query).bind(name).fetch_optional(connection).await
}

/// Runs a statement whose names (%I) and texts (%L) the server itself puts in.
pub(super) async fn run(connection: &mut PgConnection, template: &str, arguments: &[&str]) -> Result<(), sqlx::Error> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let statement: String = sqlx::query_scalar("SELECT format($1, VARIADIC $2::text[])")
        .bind(template)
        .bind(arguments)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

fn may_not_create(error: sqlx::Error, database: &Database) -> RestoreError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some("42501") {
        return RestoreError::MayNotCreate { role: database.options.get_username().to_owned() };
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_the_live_one_and_the_backup_and_fit() {
        let id = "0123456789abcdef";
        let trio = Trio::of("prod_chatbot", id);
        assert_eq!(
            (trio.restored.as_str(), trio.replaced.as_str()),
            ("prod_chatbot_restored_01234567", "prod_chatbot_replaced_01234567")
        );
        let long = Trio::of(&"ü".repeat(31), id);
        assert!(long.restored.len() <= LONGEST && long.restored.ends_with("ü_restored_01234567"), "{long:?}");
    }

    #[test]
    fn a_restore_is_found_by_what_it_left_and_must_be_named_where_there_are_several() {
        let names = |backups: &[(&str, &str)]| {
            let name = |(word, backup): &(&str, &str)| format!("prod_chatbot_{word}_{backup}");
            backups.iter().map(name).chain(["prod_chatbot".to_owned(), "other_restored_01234567".to_owned()]).collect()
        };
        let found = |backups: &[(&str, &str)], name| {
            let found = meant("prod_chatbot", &names(backups), (RESTORED, REPLACED), name);
            found.map(|trio| trio.map(|trio| trio.name)).map_err(|error| error.to_string())
        };
        let (one, two) = (("restored", "01234567"), ("restored", "89abcdef"));
        assert_eq!(found(&[], None), Ok(None));
        assert_eq!(found(&[one], None), Ok(Some("01234567".to_owned())));
        assert_eq!(found(&[("replaced", "89abcdef")], None), Ok(Some("89abcdef".to_owned())), "it was done before");
        assert_eq!(found(&[one, ("replaced", "89abcdef")], None), Ok(Some("01234567".to_owned())));
        assert_eq!(found(&[one, two], Some("89abcdef")), Ok(Some("89abcdef".to_owned())));
        assert_eq!(found(&[one], Some("ffff")), Ok(None));
        assert!(found(&[one, two], None).unwrap_err().contains("01234567, 89abcdef"));
    }

    #[test]
    fn a_swap_goes_on_where_it_was_cut_off() {
        let cases: [(&[&str], Option<Step>); 6] = [
            (&["live", "new"], Some(Step::Aside)),
            (&["new", "old"], Some(Step::Take)),
            (&["live", "old"], Some(Step::Done)),
            (&["live"], None),
            (&["live", "new", "old"], Some(Step::Aside)),
            (&[], None),
        ];
        for (there, expected) in cases {
            let names = there.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(step(&names, "live", "new", "old"), expected, "{there:?}");
        }
    }
}
