//! A backup holds one moment of database and documents, counts only when all of it came back, and opens with restic.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::archive::fill;
use crate::support::{
    Database, Output, S3, empty, eventually, migrated, newest_version, refusal, rows, run, s3, stand_in, start,
    variables, with,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// What a finished backup says; its log stands before it, on the other stream.
fn outcome(output: &Output) -> Value {
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(output.stdout.trim_end(), output.termination, "the pod's status shows the same");
    serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap()
}

fn message(output: &Output) -> String {
    outcome(output)["message"].as_str().unwrap().to_owned()
}

fn repository(database: &Database) -> PathBuf {
    database.objects.path().join("dev_backups")
}

/// How many snapshots are listed.
fn snapshots(database: &Database) -> usize {
    fs::read_dir(repository(database).join("snapshots")).map_or(0, Iterator::count)
}

/// Debian's restic, on the repository of a database; it must succeed.
fn restic(database: &Database, arguments: &[&str]) -> String {
    let output = Command::new("restic")
        .arg("--repo")
        .arg(repository(database))
        .args(["--no-cache"])
        .args(arguments)
        .env("RESTIC_PASSWORD", KEY)
        .output()
        .expect("restic is installed: apt-get install restic");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn restored(database: &Database, folder: &Path) -> Value {
    restic(database, &["restore", "latest", "--target", &folder.display().to_string()]);
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// What a backup says that fails because pg_dump is this script; no snapshot is listed.
async fn refused_with(pg_dump: &str) -> String {
    let database = migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let path = stand_in(folder.path(), "pg_dump", pg_dump);
    let line = refusal(&run("backup", &with(&database, &[("PATH", &path)])));
    assert_eq!(snapshots(&database), 0);
    line
}

/// The variables of an environment that keeps its objects in this store.
fn in_s3(database: &Database, server: &S3) -> BTreeMap<String, String> {
    let url = server.url();
    let mut variables = with(
        database,
        &[
            ("MINIO_URL", &url),
            ("MINIO_ROOT_USER", "user"),
            ("MINIO_ROOT_PASSWORD", "pass-word"),
            ("RELEASE_ID", "0a1b"),
        ],
    );
    variables.remove("OBJECTS_DIR");
    variables
}

#[tokio::test]
async fn restic_finds_no_fault_and_gives_back_the_same_rows_and_documents() {
    let (source, target) = (migrated().await, empty().await);
    fill(&source).await;
    let output = run("backup", &with(&source, &[("RELEASE_ID", "0a1b")]));
    let said = outcome(&output);
    assert_eq!((&said["schema"], &said["applied"]), (&json!(newest_version()), &json!([])));
    assert_eq!(said.get("skipped"), None);
    let all = rows(&source.pool).await;
    let message = message(&output);
    assert!(message.ends_with(&format!(" of it new, {} tables, 1 document, read back", all.len())), "{message}");
    assert!(!format!("{output:?}").contains(KEY), "{output:?}");

    let listed: Value = serde_json::from_str(&restic(&source, &["snapshots", "--json"])).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["hostname"]), (1, &json!("dev")));
    assert_eq!(listed[0]["tags"], json!(["chatbot", "release=0a1b"]));
    assert!(message.starts_with(listed[0]["short_id"].as_str().unwrap()), "{message}: {listed}");
    assert!(restic(&source, &["check", "--read-data"]).contains("no errors were found"));

    let folder = tempfile::tempdir().unwrap();
    let manifest = restored(&source, folder.path());
    let dump = folder.path().join("database.pgdump");
    assert_eq!(manifest["database"]["bytes"], json!(fs::metadata(&dump).unwrap().len()));
    assert_eq!(manifest["objects"], json!({"count": 1, "bytes": 4, "missing": []}));
    let documents = folder.path().join("objects/documents");
    let document = fs::read_dir(documents).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(document).unwrap(), "text");
    assert_eq!(run(&format!("migrate restore {}", dump.display()), &variables(&target)).code, 0);
    assert_eq!(rows(&target.pool).await, all);
}

#[tokio::test]
async fn the_manifest_counts_what_the_dump_holds() {
    let database = migrated().await;
    fill(&database).await;
    outcome(&run("backup", &variables(&database)));
    let folder = tempfile::tempdir().unwrap();
    let manifest = restored(&database, folder.path());
    let counted: BTreeMap<String, usize> =
        rows(&database.pool).await.into_iter().map(|(table, rows)| (table, rows.len())).collect();
    let tables = manifest["database"]["tables"].as_array().unwrap();
    let said: BTreeMap<String, usize> = tables
        .iter()
        .map(|table| (table["name"].as_str().unwrap().to_owned(), table["rows"].as_u64().unwrap().try_into().unwrap()))
        .collect();
    assert_eq!(said, counted);
    assert_eq!(manifest["environment"], "dev_");
    assert_eq!(manifest["release"], Value::Null, "no release asked for it");
}

#[tokio::test]
async fn a_table_of_a_hostile_name_is_counted_and_dumped_like_any_other() {
    let database = migrated().await;
    let hostile = r#"CREATE TABLE "a; DROP TABLE users; -- \ ""quoted"" سلام" (i int); INSERT INTO "a; DROP TABLE users; -- \ ""quoted"" سلام" VALUES (1), (2)"#;
    sqlx::raw_sql(hostile).execute(&database.pool).await.unwrap();
    outcome(&run("backup", &variables(&database)));
    let folder = tempfile::tempdir().unwrap();
    let manifest = restored(&database, folder.path());
    let tables = manifest["database"]["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["name"].as_str().unwrap().contains("DROP TABLE") && table["rows"] == 2));
    assert!(rows(&database.pool).await.contains_key("users"));
}

#[tokio::test]
async fn the_next_backup_stores_what_is_new_and_is_whole() {
    let database = migrated().await;
    fill(&database).await;
    for _ in 0..2 {
        outcome(&run("backup", &variables(&database)));
    }
    let stored = |files: &str| {
        let folder = tempfile::tempdir().unwrap();
        restic(&database, &["restore", files, "--target", &folder.path().display().to_string()]);
        folder.path().join("database.pgdump").exists()
    };
    let listed: Value = serde_json::from_str(&restic(&database, &["snapshots", "--json"])).unwrap();
    let ids = listed.as_array().unwrap();
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|snapshot| stored(snapshot["id"].as_str().unwrap())));
    assert!(restic(&database, &["check", "--read-data"]).contains("no errors were found"));
}

#[tokio::test]
async fn a_document_that_is_not_there_is_named_and_keeps_nothing_else_away() {
    let database = migrated().await;
    fill(&database).await;
    fs::remove_dir_all(database.objects.path().join("documents")).unwrap();
    let output = run("backup", &variables(&database));
    assert!(message(&output).ends_with("0 documents, 1 missing, read back"), "{output:?}");
    let folder = tempfile::tempdir().unwrap();
    let missing = restored(&database, folder.path())["objects"]["missing"].clone();
    assert!(missing[0].as_str().unwrap().starts_with("documents/"), "{missing}");
}

#[tokio::test]
async fn a_database_without_a_table_has_a_backup_too() {
    let database = empty().await;
    let output = run("backup", &variables(&database));
    assert_eq!(outcome(&output)["schema"], "");
    assert!(message(&output).ends_with(", 0 tables, 0 documents, read back"), "{output:?}");
}

#[tokio::test]
async fn a_backup_goes_into_s3_and_leaves_strangers_alone() {
    let (database, server) = (migrated().await, s3().await);
    server.put("dev_backups/notes.txt");
    let output = run("backup", &in_s3(&database, &server));
    assert!(message(&output).ends_with("read back"), "{output:?}");
    assert!(!output.stderr.contains("pass-word"), "{output:?}");
    let keys = server.keys();
    assert_eq!(keys.iter().filter(|key| key.starts_with("dev_backups/snapshots/")).count(), 1, "{keys:?}");
    assert!(keys.contains(&"dev_backups/config".to_owned()) && keys.contains(&"dev_backups/notes.txt".to_owned()));
}

#[tokio::test]
async fn what_comes_back_otherwise_than_it_was_written_does_not_count() {
    let (database, server) = (migrated().await, s3().await);
    server.corrupt();
    let line = refusal(&run("backup", &in_s3(&database, &server)));
    assert!(line.contains("look at the object store"), "{line}");
    assert!(!server.keys().iter().any(|key| key.starts_with("dev_backups/snapshots/")), "{:?}", server.keys());
}

#[tokio::test]
async fn a_repository_of_another_key_is_told_with_the_way_to_change_it() {
    let database = migrated().await;
    outcome(&run("backup", &variables(&database)));
    let changed = [("BACKUP_KEY", "another-key-0123456789")];
    let line = refusal(&run("backup", &with(&database, &changed)));
    assert!(line.contains("BACKUP_KEY_PREVIOUS") && !line.contains("another-key"), "{line}");
    let both = [changed[0], ("BACKUP_KEY_PREVIOUS", KEY)];
    outcome(&run("backup", &with(&database, &both)));
    outcome(&run("backup", &with(&database, &changed)));
    assert_eq!(snapshots(&database), 3);
}

#[tokio::test]
async fn what_pg_restore_cannot_read_does_not_count() {
    let line = refused_with("echo no archive at all").await;
    assert!(line.contains("pg_restore cannot read what pg_dump wrote"), "{line}");
}

#[tokio::test]
async fn a_dump_that_lacks_tables_does_not_count() {
    // As pg_dump, but for one table.
    let script = "PATH=/usr/bin:/bin; exec $(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/pg_dump --exclude-table=chunks \"$@\"";
    let line = refused_with(script).await;
    let tables = rows(&migrated().await.pool).await.len();
    assert!(line.contains(&format!("the database has {tables} tables, and the dump {}", tables - 1)), "{line}");
}

#[tokio::test]
async fn a_dump_that_fails_says_why_and_leaves_no_snapshot() {
    let script = "echo half; echo 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1";
    let line = refused_with(script).await;
    assert!(line.contains("postgresql-client-<major>"), "{line}");
}

#[tokio::test]
async fn without_an_object_store_there_is_no_backup_and_no_error() {
    let database = migrated().await;
    let mut stage = with(&database, &[("ENVIRONMENT", "stage")]);
    stage.remove("OBJECTS_DIR");
    let in_a_pod = with(&database, &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    for variables in [stage, in_a_pod] {
        let output = run("backup", &variables);
        assert_eq!(output.code, 0, "{output:?}");
        let message = "no backup was made: neither MINIO_URL nor BACKUP_URL names an object store";
        let expected =
            format!(r#"{{"schema":"{}","applied":[],"skipped":true,"message":"{message}"}}"#, newest_version());
        assert_eq!(output.stdout.trim_end(), expected);
    }
}

#[tokio::test]
async fn only_the_newest_ten_are_kept_and_strangers_are_left_alone() {
    let database = migrated().await;
    outcome(&run("backup", &variables(&database)));
    restic(&database, &["backup", "--quiet", "--host", "stranger", "/etc/hostname"]);
    for _ in 0..11 {
        outcome(&run("backup", &variables(&database)));
    }
    assert_eq!(snapshots(&database), 11);
    let listed: Value = serde_json::from_str(&restic(&database, &["snapshots", "--json"])).unwrap();
    assert!(listed.as_array().unwrap().iter().any(|snapshot| snapshot["hostname"] == "stranger"), "{listed}");
    assert!(restic(&database, &["check", "--read-data"]).contains("no errors were found"));
}

#[tokio::test]
async fn a_signal_ends_a_backup_without_a_snapshot() {
    let database = migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let script = format!("echo half; : >{}; exec /bin/sleep 600", begun.display());
    let path = stand_in(folder.path(), "pg_dump", &script);
    let mut process = start("backup", &with(&database, &[("PATH", &path)]));
    eventually("the dump to begin", async || begun.exists().then_some(())).await;
    tokio::time::sleep(Duration::from_millis(200)).await;

    process.terminate();
    assert_eq!(eventually("the command to end", async || process.exit_code()).await, 1);
    assert_eq!(snapshots(&database), 0);
}

/// The variables of an environment with a second repository in this store.
fn with_second(database: &Database, server: &S3) -> BTreeMap<String, String> {
    let second = [
        ("OFFSITE_URL", server.url()),
        ("OFFSITE_ACCESS_KEY", "user".to_owned()),
        ("OFFSITE_SECRET_KEY", "pass-word".to_owned()),
        ("OFFSITE_BUCKET", "elsewhere".to_owned()),
        ("OFFSITE_KEY", "a-key-of-its-own-0123456789".to_owned()),
    ];
    let mut variables = variables(database);
    variables.extend(second.map(|(name, value)| (name.to_owned(), value)));
    variables
}

fn listed(output: &Output) -> Vec<Value> {
    assert_eq!(output.code, 0, "{output:?}");
    serde_json::from_str(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_second_repository_has_what_the_first_one_had_and_serves_when_that_is_gone() {
    let (database, server) = (migrated().await, s3().await);
    fill(&database).await;
    let variables = with_second(&database, &server);
    for _ in 0..2 {
        outcome(&run("backup", &variables));
    }
    assert_eq!(message(&run("backup copy", &variables)), "2 backups copied, read back");
    assert_eq!(message(&run("backup copy", &variables)), "0 backups copied, read back");
    let (first, second) = (run("backup list --json", &variables), run("backup list --json --offsite", &variables));
    let times = |output: &Output| listed(output).iter().map(|line| line["time"].clone()).collect::<Vec<_>>();
    assert_eq!(times(&first), times(&second));

    fs::remove_dir_all(repository(&database)).unwrap();
    assert!(message(&run("backup check --offsite", &variables)).starts_with("no damage was found"));
    let prepared = run("restore prepare --offsite", &variables);
    assert!(message(&prepared).ends_with("as the manifest says"), "{prepared:?}");
    let line = refusal(&run("backup list --offsite", &crate::support::variables(&database)));
    assert!(line.contains("OFFSITE_URL names none"), "{line}");
}

#[tokio::test]
async fn a_copy_that_comes_back_otherwise_is_not_listed() {
    let (database, server) = (migrated().await, s3().await);
    let variables = with_second(&database, &server);
    outcome(&run("backup", &variables));
    server.corrupt();
    let line = refusal(&run("backup copy", &variables));
    assert!(line.contains("/elsewhere/dev_backups"), "the repository is named: {line}");
    assert!(!server.keys().iter().any(|key| key.contains("/snapshots/")), "{:?}", server.keys());
}

#[tokio::test]
async fn seven_checks_read_everything_and_find_a_flipped_bit() {
    let database = migrated().await;
    fill(&database).await;
    outcome(&run("backup", &variables(&database)));
    let check = |number: u32| run(&format!("backup check --read {number}/7"), &variables(&database));
    assert!((1..=7).all(|number| message(&check(number)).starts_with("no damage was found")));

    let packs = fs::read_dir(repository(&database).join("data")).unwrap();
    let files = packs.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap()).map(|file| file.unwrap().path());
    let largest = files.max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let mut content = fs::read(&largest).unwrap();
    content[10] ^= 1;
    fs::write(&largest, content).unwrap();
    let found: Vec<String> =
        (1..=7).map(check).filter(|output| output.code != 0).map(|output| refusal(&output)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("is damaged in 1 places"), "{found:?}");
}

#[tokio::test]
async fn how_many_hours_and_days_are_kept_is_a_number_of_them() {
    let database = migrated().await;
    let refused = run("backup", &with(&database, &[("BACKUP_KEEP_HOURLY", "0")]));
    assert!(refusal(&refused).contains("BACKUP_KEEP_HOURLY cannot be used: expected a whole number from 1 to 8760"));
    outcome(&run("backup", &with(&database, &[("BACKUP_KEEP_HOURLY", "48"), ("BACKUP_KEEP_DAILY", "30")])));
}

#[tokio::test]
async fn an_empty_database_whose_backups_are_there_is_asked_about_and_not_backed_up() {
    let before = migrated().await;
    let made = run("backup --unless-empty", &variables(&before));
    assert_eq!((made.code, outcome(&made)["question"].is_null()), (0, true), "it has tables: {made:?}");

    let lost = empty().await;
    let same_place = before.objects.path().display().to_string();
    let variables = with(&lost, &[("OBJECTS_DIR", &same_place)]);
    let asked = run("backup --unless-empty", &variables);
    assert_eq!(outcome(&asked)["question"], true, "{asked:?}");
    let listed: Value = serde_json::from_str(&run("backup list --json", &variables).stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1, "it does not become the newest backup");

    let fresh = empty().await;
    let made = run("backup --unless-empty", &crate::support::variables(&fresh));
    assert!(outcome(&made)["question"].is_null(), "nothing was ever there: {made:?}");
}
