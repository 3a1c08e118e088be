//! A backup comes back beside what runs, is checked and brought up to date there, and only then takes its place.
//!
//! Each step can be repeated, and goes on where it was cut off. Until [`swap`] everything runs as it did; after it [`undo`] gives
//! the former database back.

mod choose;
mod database;
mod documents;
mod error;
mod fill;
mod likeness;
mod room;
mod scrub;

use bytes::Bytes;
pub use choose::{From, NoChoice};
pub use database::Trio;
pub use error::RestoreError;
use sqlx::{Connection, PgConnection};
use tokio::task::spawn_blocking;

use self::{
    database::{Made, Server},
    documents::Names,
    fill::Filled,
};
use crate::{
    backup::{
        self, consistent,
        manifest::{self, Manifest},
    },
    config::backup::BackupConfig,
    migrate::{self, Selection},
    repository::{Listed, Repository, Snapshot},
};

/// A backup that was found, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its name in the repository.
    pub id: String,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// A database beside the live one that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What is in it.
    pub chosen: Chosen,
    /// The names.
    pub trio: Trio,
    /// The migrations that it lacked.
    pub applied: Vec<String>,
    /// Of another environment's backup: how many rows the removal of what is personal changed.
    pub scrubbed: Option<u64>,
    /// Whether an earlier run had made it.
    pub was_there: bool,
}

/// Finds the backup that is meant, and looks whether it can be restored here.
///
/// # Errors
/// See [`RestoreError`].
pub async fn find(config: &BackupConfig, from: &From) -> Result<Chosen, RestoreError> {
    let repository = open(config).await?;
    chosen(config, &repository, from).await
}

/// Fills a database beside the live one, holds it against the manifest, and applies the migrations that it lacks. The restore is
/// called `name`, or as its backup.
///
/// # Errors
/// See [`RestoreError`]; what runs was not touched.
pub async fn prepare(
    config: &BackupConfig,
    from: &From,
    name: Option<&str>,
    search_path: Option<&str>,
) -> Result<Prepared, RestoreError> {
    let repository = open(config).await?;
    let chosen = chosen(config, &repository, from).await?;
    let (server, trio) = (Server::of(config), Trio::of(config.database.name(), name.unwrap_or(&chosen.id)));
    let Made::Empty(_turn) = database::make(&server, &trio.restored, &chosen).await? else {
        return Ok(Prepared { chosen, trio, applied: Vec::new(), scrubbed: None, was_there: true });
    };
    let filled = fill(config, &repository, &chosen, &trio.restored, search_path).await;
    if filled.is_err() && config.source.is_some() {
        // Nothing of another environment's users is left behind.
        database::remove(&server, &trio.restored).await?;
    }
    let Contents { applied, scrubbed } = filled?;
    database::complete(&server, &trio.restored, &chosen.id).await?;
    Ok(Prepared { chosen, trio, applied, scrubbed, was_there: false })
}

/// What was done to a restored database, before it is complete.
struct Contents {
    applied: Vec<String>,
    scrubbed: Option<u64>,
}

/// Fills an empty database, holds it against the manifest, applies the migrations that it lacks, and removes what is personal where
/// the backup is another environment's.
async fn fill(
    config: &BackupConfig,
    repository: &Repository,
    chosen: &Chosen,
    name: &str,
    search_path: Option<&str>,
) -> Result<Contents, RestoreError> {
    let target = database::beside(&config.database, name);
    let snapshot = snapshot(repository, &chosen.id).await?;
    let filled = fill::run(snapshot, chosen.manifest.database.file.clone(), &target, search_path).await?;
    check(chosen, &filled, &target.options).await?;
    let release = config.environment.release.as_deref();
    let applied = migrate::up(&target.options, &migrate::embedded()?, Selection::All, release).await?;
    let scrubbed = match &config.source {
        Some(source) => Some(scrub::run(&target.options, source, &config.environment.resource_prefix).await?),
        None => None,
    };
    Ok(Contents { applied, scrubbed })
}

/// A rehearsed restore: a scratch database is filled, checked, brought up to date, and dropped.
///
/// # Errors
/// See [`RestoreError`]; then the backup would not have come back. The scratch database is dropped in any case.
pub async fn drill(config: &BackupConfig, from: &From, search_path: Option<&str>) -> Result<Chosen, RestoreError> {
    let repository = open(config).await?;
    let chosen = chosen(config, &repository, from).await?;
    let (server, scratch) = (Server::of(config), database::scratch(config.database.name()));
    let _turn = database::make(&server, &scratch, &chosen).await?;
    let filled = fill(config, &repository, &chosen, &scratch, search_path).await;
    let dropped = database::remove(&server, &scratch).await;
    filled?;
    dropped?;
    Ok(chosen)
}

/// Drops the database that a restore prepared, or else the one that it replaced; answers its name, if it was there.
///
/// # Errors
/// See [`RestoreError`].
pub async fn drop(config: &BackupConfig, name: Option<&str>, replaced: bool) -> Result<Option<String>, RestoreError> {
    database::remove_rest(&Server::of(config), name, replaced).await
}

/// Puts the prepared database in the live one's place: that of the restore `name`, else the only one. Every
/// session of both ends; nothing of ours should be running. The repository is not asked.
///
/// # Errors
/// See [`RestoreError`].
pub async fn swap(config: &BackupConfig, name: Option<&str>) -> Result<Trio, RestoreError> {
    database::swap_in(&Server::of(config), name).await
}

/// Gives the database back that was live before the swap, with the migrations that were applied since. The repository is not asked.
///
/// # Errors
/// See [`RestoreError`].
pub async fn undo(config: &BackupConfig, name: Option<&str>) -> Result<Trio, RestoreError> {
    if let Some(replaced) = database::waiting(&Server::of(config), name).await? {
        let target = database::beside(&config.database, &replaced);
        let release = config.environment.release.as_deref();
        migrate::up(&target.options, &migrate::embedded()?, Selection::All, release).await?;
    }
    database::swap_back(&Server::of(config), name).await
}

/// Puts the documents of the backup that was swapped in, and that the store lacks or has otherwise, into it; answers which backup,
/// and how many.
///
/// # Errors
/// See [`RestoreError`].
pub async fn documents(config: &BackupConfig) -> Result<(String, usize), RestoreError> {
    let backup = database::in_place(&Server::of(config)).await?;
    let repository = open(config).await?;
    let chosen = chosen(config, &repository, &From::Name(backup)).await?;
    let names = match &config.source {
        Some(source) => scrub::names(&config.database.options, source, &config.environment.resource_prefix).await?,
        None => Names::AsTheyAre,
    };
    let restored = documents::restore(&config.objects, snapshot(&repository, &chosen.id).await?, names).await?;
    Ok((chosen.id, restored))
}

async fn open(config: &BackupConfig) -> Result<Repository, RestoreError> {
    backup::open(config, None).await.map_err(RestoreError::Open)?.ok_or(RestoreError::NoStore)
}

async fn chosen(config: &BackupConfig, repository: &Repository, from: &From) -> Result<Chosen, RestoreError> {
    let ours = config.source.as_ref().map_or(&config.environment.resource_prefix, |source| &source.prefix);
    let listed = spawn_blocking({
        let (repository, whose) = (repository.clone(), backup::of_environment(ours));
        move || repository.list(&whose)
    });
    let Listed { id, .. } = choose::choose(&listed.await??, from)?.clone();
    let manifest = read_manifest(repository, &id).await?;
    if manifest.environment != *ours {
        return Err(RestoreError::Foreign { id, theirs: manifest.environment, ours: ours.clone() });
    }
    Ok(Chosen { id, manifest })
}

async fn snapshot(repository: &Repository, id: &str) -> Result<Snapshot, RestoreError> {
    let (repository, id) = (repository.clone(), id.to_owned());
    Ok(spawn_blocking(move || repository.snapshot(&id)).await??)
}

async fn read_manifest(repository: &Repository, id: &str) -> Result<Manifest, RestoreError> {
    let snapshot = snapshot(repository, id).await?;
    let read = move || {
        let mut text = Vec::new();
        snapshot.copy(manifest::FILE, &mut text).map(|()| Bytes::from(text))
    };
    let text = spawn_blocking(read).await??;
    let unreadable = |error: serde_json::Error| RestoreError::Manifest { id: id.to_owned(), said: error.to_string() };
    let head: manifest::Head = serde_json::from_slice(&text).map_err(unreadable)?;
    if !head.is_known() {
        let own = env!("CARGO_PKG_VERSION");
        return Err(RestoreError::Newer { id: id.to_owned(), version: head.version, own });
    }
    serde_json::from_slice(&text).map_err(unreadable)
}

/// The dump must be the one that was written, and hold every row that was counted.
async fn check(
    chosen: &Chosen,
    filled: &Filled,
    options: &sqlx::postgres::PgConnectOptions,
) -> Result<(), RestoreError> {
    let said = &chosen.manifest.database;
    let different = |what: String| RestoreError::Different { id: chosen.id.clone(), what };
    if (filled.bytes, &filled.sha256) != (said.bytes, &said.sha256) {
        return Err(different(format!(
            "its dump has {} bytes that hash otherwise than those of the manifest",
            filled.bytes
        )));
    }
    let mut connection = PgConnection::connect_with(options).await?;
    let found = consistent::count(&mut connection).await?;
    for table in &said.tables {
        let rows = found.iter().find(|found| found.name == table.name).map(|found| found.rows);
        if rows != Some(table.rows) {
            let rows = rows.map_or_else(|| "is not there".to_owned(), |rows| format!("has {rows} rows"));
            return Err(different(format!("the table {} {rows}, and had {}", table.name, table.rows)));
        }
    }
    // The planner knows nothing of what was just filled.
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
    Ok(())
}
