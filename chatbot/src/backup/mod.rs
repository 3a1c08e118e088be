//! Backups: one moment of database and uploaded documents, as one snapshot of a [repository](crate::repository).
//!
//! Dump, counted rows and documents are of one snapshot of the server. Everything streams, so that memory stays flat whatever the
//! size, and nothing counts before it was read back.

pub(crate) mod consistent;
mod dump;
mod error;
mod feed;
pub(crate) mod files;
mod listing;
pub mod manifest;
mod thorough;
mod turn;

use std::sync::Arc;

pub use error::BackupError;
use jiff::Timestamp;
pub use thorough::{Thorough, thorough};
use tokio::{sync::mpsc, task::spawn_blocking};

use self::{
    consistent::Consistent,
    dump::Dumped,
    feed::Feed,
    manifest::{DatabaseManifest, Manifest, ObjectsManifest, Table, VectorsManifest},
};
use crate::{
    config::backup::BackupConfig,
    objects::{Objects, SILENCE},
    repository::{
        Content, Description, Entry, Keep, Keys, Listed, Part, Place, Repository, RepositoryError, Stored, Tally, Whose,
    },
};
pub use turn::Turn;

/// How many of the newest backups are kept, whatever else is.
const NEWEST: u16 = 10;

/// A backup that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its name in the repository.
    pub id: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes that were new to the repository, compressed.
    pub new_bytes: u64,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// The environment's backups, newest first; none without a store.
///
/// # Errors
/// The repository's.
pub async fn list(config: &BackupConfig) -> Result<Vec<Listed>, BackupError> {
    let Some(repository) = open(config, None).await? else { return Ok(Vec::new()) };
    let whose = whose(config);
    Ok(spawn_blocking(move || repository.list(&whose)).await??)
}

/// The newest backup of a database that has no table: what was in it is probably meant to come back. None where there are tables,
/// or no backup.
///
/// # Errors
/// The repository's, or the database's.
pub async fn lost(config: &BackupConfig) -> Result<Option<Listed>, BackupError> {
    if !consistent::is_empty(&config.database).await? {
        return Ok(None);
    }
    let newest = newest(config).await?;
    match (newest, config.offsite()) {
        (None, Some(second)) => self::newest(&second).await,
        (newest, _) => Ok(newest),
    }
}

/// None also where nobody has made a repository yet.
async fn newest(config: &BackupConfig) -> Result<Option<Listed>, BackupError> {
    match list(config).await {
        Ok(listed) => Ok(listed.into_iter().next()),
        Err(BackupError::Repository(RepositoryError::Missing { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Copies what the second repository lacks into it; answers how many backups. None where there is no second one, or no first.
///
/// # Errors
/// Those of either repository.
pub async fn copy(config: &BackupConfig, now: Timestamp) -> Result<Option<usize>, BackupError> {
    let Some(second) = config.offsite() else { return Ok(None) };
    let (Some(from), Some(to)) = (open(config, None).await?, open(&second, Some(now)).await?) else { return Ok(None) };
    let whose = whose(config);
    stoppable(move |tally| from.copy_to(&to, &whose, tally)).await.map(Some)
}

/// Looks for damage, and reads one part of the content. None without a store.
///
/// # Errors
/// `Damaged`, or the repository's.
pub async fn check(config: &BackupConfig, part: Part) -> Result<Option<()>, BackupError> {
    let Some(repository) = open(config, None).await? else { return Ok(None) };
    stoppable(move |tally| repository.check(part, tally)).await.map(Some)
}

/// Work on a thread that may be blocked; it ends at its next step when nobody waits for it any more.
async fn stoppable<T: Send + 'static>(
    work: impl FnOnce(&Arc<Tally>) -> Result<T, RepositoryError> + Send + 'static,
) -> Result<T, BackupError> {
    let guard = StopsWhenDropped(Arc::default());
    let tally = Arc::clone(&guard.0);
    Ok(spawn_blocking(move || work(&tally)).await??)
}

struct StopsWhenDropped(Arc<Tally>);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A backup that counts, and the turn of whoever made it: as long as that is held, no other one is made.
pub type Made = (Backup, Turn);

/// Makes a backup; `search_path` (as PATH is written) is where PostgreSQL's programs are looked for, `stop` gives up. None where
/// there is no place to keep it.
///
/// # Errors
/// See [`BackupError`]; what was written of it belongs to no snapshot then.
pub async fn run(
    config: &BackupConfig,
    search_path: Option<&str>,
    now: Timestamp,
    stop: impl Future<Output = ()>,
) -> Result<Option<Made>, BackupError> {
    let Some(repository) = open(config, Some(now)).await? else { return Ok(None) };
    tokio::pin!(stop);
    let turn = tokio::select! {
        turn = Turn::wait(&config.database) => turn?,
        () = &mut stop => return Err(BackupError::Interrupted),
    };
    let stopper = StopsWhenDropped(Arc::default());
    let made = tokio::select! {
        made = Box::pin(make(config, &repository, search_path, &stopper.0)) => made?,
        () = &mut stop => return Err(BackupError::Interrupted),
    };
    // It counts, whatever becomes of the older ones, and whoever wants to stop now.
    tokio::select! {
        () = tidy(config, repository, &made.id, now) => {}
        () = &mut stop => {}
    }
    Ok(Some((made, turn)))
}

/// That older ones cannot be removed is said, and tried again with the next backup.
async fn tidy(config: &BackupConfig, repository: Repository, made: &str, now: Timestamp) {
    let keep = Keep { last: NEWEST, hourly: config.retention.hourly, daily: config.retention.daily };
    let (whose, made) = (whose(config), made.to_owned());
    match stoppable(move |tally| repository.forget((&whose, &made), keep, now, tally)).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "older backups were removed"),
        Err(error) => tracing::warn!(%error, "older backups cannot be removed; the next backup tries again"),
    }
}

/// The repository, made where there is none if `make` says what time it is; None without a store.
///
/// # Errors
/// As of [`Repository::open`].
pub async fn open(config: &BackupConfig, make: Option<Timestamp>) -> Result<Option<Repository>, BackupError> {
    let place = &config.repository;
    let Some(objects) = Objects::for_streams(&place.objects)?.into_store() else { return Ok(None) };
    let keys = Keys { current: place.key.clone(), previous: place.previous.clone() };
    let place = Place { objects, folder: place.folder.clone(), name: place.to_string() };
    Ok(Some(Repository::open(place, keys, make).await?))
}

async fn make(
    config: &BackupConfig,
    repository: &Repository,
    search_path: Option<&str>,
    tally: &Arc<Tally>,
) -> Result<Backup, BackupError> {
    let mut moment = Consistent::begin(&config.database).await?;
    let documents = Objects::for_streams(&config.objects)?;
    let (mut files, objects) = files::referenced(&documents, moment.objects().await?).await?;
    let ((dump_feed, dump), (manifest_feed, manifest)) = (feed::pair(), feed::pair());
    files.push(streamed(dump::FILE, moment.taken_at, Box::new(dump)));
    files.push(streamed(manifest::FILE, moment.taken_at, Box::new(manifest)));
    let (description, repository, tally) = (description(config, &moment), repository.clone(), Arc::clone(tally));
    let writing = spawn_blocking(move || repository.write(&description, files, &tally));
    let describing = describe(config, &mut moment, objects, search_path, (dump_feed, manifest_feed));
    let (described, written) = tokio::join!(describing, writing);
    finished(described, written.map_err(BackupError::from).and_then(|written| Ok(written?)))
}

/// Who reads or writes tells why it stopped; the other one only that there is nobody any more.
fn finished(
    described: Result<Manifest, BackupError>,
    written: Result<Stored, BackupError>,
) -> Result<Backup, BackupError> {
    match (described, written) {
        (Ok(manifest), Ok(Stored { id, bytes, new_bytes })) => Ok(Backup { id, bytes, new_bytes, manifest }),
        (Err(BackupError::Unwanted) | Ok(_), Err(error)) | (Err(error), _) => Err(error),
    }
}

/// Dumps, counts and lists at once, then writes down what was found.
async fn describe(
    config: &BackupConfig,
    moment: &mut Consistent,
    objects: ObjectsManifest,
    search_path: Option<&str>,
    (dump, manifest): (Feed, Feed),
) -> Result<Manifest, BackupError> {
    let snapshot = moment.snapshot.clone();
    let (passing, looking) = mpsc::channel(1);
    let dumping = dump::run(&config.database, &snapshot, search_path, (dump, passing));
    let listing = listing::tables(looking, search_path);
    // Why a dump failed is not what is made of the half of it.
    let dumping = async {
        let (dumped, found) = tokio::join!(dumping, listing);
        Ok((dumped?, found?))
    };
    let ((dumped, found), tables) = tokio::try_join!(dumping, moment.tables())?;
    if found < tables.len() {
        return Err(BackupError::Incomplete { expected: tables.len(), found });
    }
    let found = assemble(config, moment, objects, dumped, tables);
    let text = serde_json::to_vec_pretty(&found).map_err(BackupError::Manifest)?;
    manifest.give(text.into()).await.map_err(|_| BackupError::Unwanted)?;
    manifest.end().await.map_err(|_| BackupError::Unwanted)?;
    Ok(found)
}

fn assemble(
    config: &BackupConfig,
    moment: &Consistent,
    objects: ObjectsManifest,
    dumped: Dumped,
    tables: Vec<Table>,
) -> Manifest {
    let Dumped { bytes, sha256 } = dumped;
    Manifest {
        format: Manifest::format(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: config.environment.resource_prefix.clone(),
        release: config.environment.release.clone(),
        taken_at: moment.taken_at,
        database: DatabaseManifest {
            name: config.database.name().to_owned(),
            server_version: moment.server_version,
            schema: moment.schema.clone(),
            file: dump::FILE.to_owned(),
            bytes,
            sha256,
            tables,
        },
        objects,
        vectors: VectorsManifest { rebuilt: true },
    }
}

fn description(config: &BackupConfig, moment: &Consistent) -> Description {
    let release = config.environment.release.as_ref().map(|id| format!("release={id}"));
    Description { whose: whose(config), tags: release.into_iter().collect(), time: moment.taken_at }
}

fn whose(config: &BackupConfig) -> Whose {
    of_environment(&config.environment.resource_prefix)
}

/// Those of the environment with this RESOURCE_PREFIX.
pub(crate) fn of_environment(prefix: &str) -> Whose {
    Whose { host: prefix.trim_end_matches('_').to_owned(), tag: "chatbot" }
}

fn streamed(path: &str, changed: Timestamp, content: Content) -> Entry {
    Entry { path: path.into(), changed, size: 0, open: Box::new(move || Ok(content)) }
}
