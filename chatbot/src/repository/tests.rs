//! What is stored comes back, nothing half-made is listed, and restic agrees.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor, Read},
    path::Path as FilePath,
    process::Command,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use object_store::{local::LocalFileSystem, path::Path};
use secrecy::SecretString;

use super::{Description, Entry, Keep, Keys, Place, Repository, RepositoryError, Stored, Tally, Whose};

const KEY: &str = "a-key-for-tests-0123456789";
const NOW: &str = "2026-03-04T05:06:07Z";

async fn open(folder: &FilePath, key: &str) -> Result<Repository, RepositoryError> {
    open_at(folder, &keys(key, None), Some(NOW)).await
}

fn keys(current: &str, previous: Option<&str>) -> Keys {
    Keys { current: SecretString::from(current), previous: previous.map(SecretString::from) }
}

async fn open_at(folder: &FilePath, keys: &Keys, now: Option<&str>) -> Result<Repository, RepositoryError> {
    let objects = Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap());
    let now = now.map(|now| now.parse().unwrap());
    let place = Place { objects, folder: Path::from("backups"), name: "a bucket/backups".to_owned() };
    Repository::open(place, keys.clone(), now).await
}

fn entry(path: &str, content: impl Read + Send + 'static) -> Entry {
    Entry { path: path.into(), changed: NOW.parse().unwrap(), size: 0, open: Box::new(move || Ok(Box::new(content))) }
}

async fn write(repository: &Repository, time: &str, files: Vec<Entry>) -> Result<Stored, RepositoryError> {
    let description = Description {
        whose: Whose { host: "dev".to_owned(), tag: "chatbot" },
        tags: vec!["kind=full".to_owned()],
        time: time.parse::<Timestamp>().unwrap(),
    };
    let repository = repository.clone();
    tokio::task::spawn_blocking(move || repository.write(&description, files, &Arc::new(Tally::default())))
        .await
        .unwrap()
}

/// Bytes that no chunker finds twice.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

/// Gives a few bytes at a time, as a pipe does.
struct Drops(Cursor<Vec<u8>>);

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1000);
        self.0.read(&mut buffer[..room])
    }
}

/// Fails after some bytes.
struct Broken(Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the pipe broke")),
            count => Ok(count),
        }
    }
}

fn snapshots(folder: &FilePath) -> usize {
    fs::read_dir(folder.join("backups/snapshots")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn what_is_streamed_has_its_true_size_and_the_second_time_costs_next_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let repository = open(folder.path(), KEY).await.unwrap();
    let content = noise(5 << 20, 1);
    let files = |content: &[u8]| {
        vec![
            entry("/manifest.json", Cursor::new(b"{}".to_vec())),
            entry("/database.pgdump", Drops(Cursor::new(content.to_vec()))),
            entry("/objects/documents/1", Cursor::new(b"a document".to_vec())),
            entry("/empty", io::empty()),
        ]
    };
    let first = write(&repository, NOW, files(&content)).await.unwrap();
    assert_eq!(first.bytes, (5 << 20) + 12);
    assert!(first.new_bytes > 5 << 20, "{first:?}");

    let grown = [content, noise(50_000, 2)].concat();
    let second = write(&repository, "2026-03-04T06:06:07Z", files(&grown)).await.unwrap();
    assert!(second.new_bytes < 1 << 20, "one per cent more costs a few chunks: {second:?}");
    assert_ne!(first.id, second.id);
    assert_eq!(snapshots(folder.path()), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_makes_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let repository = open(folder.path(), KEY).await.unwrap();
    let broken = entry("/database.pgdump", Broken(Cursor::new(noise(3 << 20, 1))));
    let error = write(&repository, NOW, vec![broken]).await.unwrap_err().to_string();
    assert_eq!(error, "/database.pgdump could not be read to its end: the pipe broke");
    let gone: Entry = Entry {
        path: "/objects/documents/1".into(),
        changed: NOW.parse().unwrap(),
        size: 0,
        open: Box::new(|| Err(io::Error::other("it does not exist any more"))),
    };
    let error = write(&repository, NOW, vec![gone]).await.unwrap_err().to_string();
    assert_eq!(error, "/objects/documents/1 could not be read to its end: it does not exist any more");
    assert_eq!(snapshots(folder.path()), 0);
}

#[tokio::test]
async fn a_repository_opens_with_its_key_alone_and_is_made_but_once() {
    let folder = tempfile::tempdir().unwrap();
    let missing = open_at(folder.path(), &keys(KEY, None), None).await.unwrap_err();
    assert!(matches!(missing, RepositoryError::Missing { .. }), "{missing}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "looking makes nothing");

    open(folder.path(), KEY).await.unwrap();
    open_at(folder.path(), &keys(KEY, None), None).await.unwrap();
    let wrong = open(folder.path(), "another-key").await.unwrap_err();
    assert!(matches!(wrong, RepositoryError::Key { .. }), "{wrong}");
    assert!(!wrong.to_string().contains("another-key"), "{wrong}");
}

#[tokio::test]
async fn who_names_the_key_before_beside_the_new_one_has_it_replaced() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), KEY).await.unwrap();
    let both = keys("the-new-key-0123456789", Some(KEY));
    for _ in 0..2 {
        open_at(folder.path(), &both, None).await.unwrap();
    }
    open(folder.path(), "the-new-key-0123456789").await.unwrap();
    let old = open(folder.path(), KEY).await.unwrap_err();
    assert!(matches!(old, RepositoryError::Key { .. }), "{old}");
    let neither = open_at(folder.path(), &keys("a", Some("b")), None).await.unwrap_err();
    assert!(matches!(neither, RepositoryError::Key { .. }), "{neither}");
}

#[tokio::test]
async fn files_of_something_else_are_left_alone_and_a_killed_making_is_begun_anew_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let id = "ab".repeat(32);
    for kind in ["data/ab", "index", "snapshots"] {
        let path = folder.path().join("backups").join(kind);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(&id), "").unwrap();
        let error = open(folder.path(), KEY).await.unwrap_err();
        assert!(matches!(error, RepositoryError::NotEmpty { .. }), "{kind}: {error}");
        fs::remove_dir_all(folder.path().join("backups")).unwrap();
    }

    let made = folder.path().join("backups/keys");
    fs::create_dir_all(&made).unwrap();
    fs::write(made.join(&id), "").unwrap();
    let now = crate::clock::Clock::system().now();
    let soon = now.to_string();
    let error = open_at(folder.path(), &keys(KEY, None), Some(&soon)).await.unwrap_err();
    assert!(matches!(error, RepositoryError::BeingMade { .. }), "{error}");
    let later = (now + jiff::SignedDuration::from_mins(11)).to_string();
    open_at(folder.path(), &keys(KEY, None), Some(&later)).await.unwrap();
    open(folder.path(), KEY).await.unwrap();
}

/// Work on the repository that may be cut off: at which operation of the store it stops is left to chance.
async fn work<T: Send + 'static>(cut_off: Option<Duration>, work: impl FnOnce(&Arc<Tally>) -> T + Send + 'static) -> T {
    let tally = Arc::new(Tally::default());
    let running = tokio::task::spawn_blocking({
        let tally = Arc::clone(&tally);
        move || work(&tally)
    });
    if let Some(after) = cut_off {
        tokio::time::sleep(after).await;
        tally.stop();
    }
    running.await.unwrap()
}

fn assert_restic_finds_no_fault(folder: &FilePath) {
    let repository = folder.join("backups");
    let checked = Command::new("restic")
        .args(["--no-cache", "--no-lock", "--repo", repository.to_str().unwrap(), "check", "--read-data"])
        .env("RESTIC_PASSWORD", KEY)
        .output()
        .expect("restic runs: apt-get install restic");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// A database of half a megabyte that changes a little from one operation to the next; backups, removals and copies, a third of
/// them cut off somewhere. SEED repeats one of these lives.
#[tokio::test(flavor = "multi_thread")]
async fn after_two_hundred_operations_many_of_them_cut_off_restic_finds_no_fault_and_every_backup_is_whole() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (here, there) = (open(folder.path(), KEY).await.unwrap(), open(elsewhere.path(), KEY).await.unwrap());
    let whose = || Whose { host: "dev".to_owned(), tag: "chatbot" };
    let (mut content, mut made) = (noise(500_000, seed), BTreeMap::<Timestamp, Vec<u8>>::new());
    let start: Timestamp = NOW.parse().unwrap();
    for hour in 0..200 {
        let (now, cut_off) = (start + SignedDuration::from_hours(hour), random.u8(..3) == 0);
        let cut_off = cut_off.then(|| Duration::from_micros(random.u64(..40_000)));
        let (first, second) = (here.clone(), there.clone());
        match random.u8(..5) {
            0..=2 => {
                let at = random.usize(..content.len() - 1000);
                content[at..at + 1000].copy_from_slice(&noise(1000, random.u64(..)));
                let description = Description { whose: whose(), tags: Vec::new(), time: now };
                let file = entry("/database.pgdump", Cursor::new(content.clone()));
                let stored = work(cut_off, move |tally| first.write(&description, vec![file], tally)).await;
                made.extend(stored.ok().map(|_| (now, content.clone())));
            }
            3 => {
                let keep = Keep { last: 3, hourly: Some(4), daily: None };
                drop(work(cut_off, move |tally| first.forget((&whose(), ""), keep, now, tally)).await);
            }
            _ => drop(work(cut_off, move |tally| first.copy_to(&second, &whose(), tally)).await),
        }
    }
    for (repository, folder) in [(here, folder), (there, elsewhere)] {
        let made = made.clone();
        let listed = work(None, move |_| {
            let listed = repository.list(&Whose { host: "dev".to_owned(), tag: "chatbot" }).unwrap();
            for backup in &listed {
                let mut back = Vec::new();
                repository.snapshot(&backup.id).unwrap().copy("/database.pgdump", &mut back).unwrap();
                // One that was cut off after its last word was written counts, and nobody heard of it.
                assert!(made.get(&backup.time).is_none_or(|content| *content == back), "{}", backup.time);
                assert_eq!(back.len(), 500_000);
            }
            listed.len()
        });
        assert!(listed.await > 0, "something was kept");
        assert_restic_finds_no_fault(folder.path());
    }
}
