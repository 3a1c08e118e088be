use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::archive::fill;
use crate::support::{
    Database, Output, S3, empty, eventually, migrated, refusal, rows, run, s3, stand_in, start, variables, with,
};

/// What a finished backup says; its log stands before it, on the other stream.
fn outcome(output: &Output) -> Value {
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(output.stdout.trim_end(), output.termination, "the pod's status shows the same");
    serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap()
}

/// What is in the folder of backups, sorted.
fn files(database: &Database) -> Vec<PathBuf> {
    let entries = fs::read_dir(database.objects.path().join("dev_backups")).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What a backup says that fails because pg_dump is this script; nothing of it is left.
async fn refused_with(pg_dump: &str) -> (Database, String) {
    let database = migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let path = stand_in(folder.path(), "pg_dump", pg_dump);
    let line = refusal(&run("backup", &with(&database, &[("PATH", &path)])));
    assert_eq!(files(&database), Vec::<PathBuf>::new());
    (database, line)
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
async fn a_backup_is_named_after_its_release_and_gives_the_same_rows_when_it_is_restored() {
    let (source, target) = (migrated().await, empty().await);
    fill(&source).await;
    let output = run("backup", &with(&source, &[("RELEASE_ID", "0a1b")]));
    let said = outcome(&output);
    assert_eq!((&said["schema"], &said["applied"]), (&json!("20260101000600"), &json!([])));
    assert_eq!(said.get("skipped"), None);
    let tables = rows(&source.pool).await.len();
    let message = said["message"].as_str().unwrap();
    assert!(message.ends_with(&format!(" KiB, {tables} tables, read back")), "{message}");

    let [file] = <[PathBuf; 1]>::try_from(files(&source)).unwrap();
    assert!(file.to_str().unwrap().ends_with("Z-0a1b.pgdump"), "{file:?}");
    assert_eq!(run(&format!("migrate restore {}", file.display()), &variables(&target)).code, 0);
    assert_eq!(rows(&target.pool).await, rows(&source.pool).await);
}

#[tokio::test]
async fn a_database_without_a_table_has_a_backup_too() {
    let database = empty().await;
    let said = outcome(&run("backup", &variables(&database)));
    assert_eq!(said["schema"], "");
    assert!(said["message"].as_str().unwrap().ends_with(", 0 tables, read back"), "{said}");
    assert!(files(&database)[0].to_str().unwrap().ends_with("Z-manual.pgdump"), "no release asked for it");
}

#[tokio::test]
async fn a_backup_goes_into_s3_in_parts_and_leaves_no_upload_open() {
    let (database, server) = (migrated().await, s3().await);
    for day in 10..20 {
        server.put(&format!("dev_backups/202501{day}T000000Z-old.pgdump"));
    }
    server.put("dev_backups/notes.txt");
    let output = run("backup", &in_s3(&database, &server));
    assert!(outcome(&output)["message"].as_str().unwrap().ends_with("read back"), "{output:?}");
    assert!(!output.stderr.contains("pass-word"), "{output:?}");
    let keys = server.keys();
    assert!(keys.iter().any(|key| key.starts_with("dev_backups/") && key.ends_with("Z-0a1b.pgdump")), "{keys:?}");
    assert_eq!(server.uploads(), (1, 0));
    assert_eq!(keys.len(), 11, "the oldest of eleven dumps is gone, and what is none stays: {keys:?}");
    assert!(!keys.contains(&"dev_backups/20250110T000000Z-old.pgdump".to_owned()), "{keys:?}");
}

#[tokio::test]
async fn what_comes_back_otherwise_than_it_was_written_does_not_count_and_is_removed() {
    let (database, server) = (migrated().await, s3().await);
    server.corrupt();
    server.put("dev_backups/20250110T000000Z-old.pgdump");
    let line = refusal(&run("backup", &in_s3(&database, &server)));
    assert!(line.contains("does not count") && line.contains("look at the object store"), "{line}");
    assert_eq!(server.keys(), ["dev_backups/20250110T000000Z-old.pgdump"], "the one before is still there");
}

#[tokio::test]
async fn what_pg_restore_cannot_read_does_not_count_and_is_removed() {
    let (_, line) = refused_with("echo no archive at all").await;
    assert!(line.contains("pg_restore cannot read it"), "{line}");
}

#[tokio::test]
async fn a_dump_that_lacks_tables_does_not_count() {
    // As pg_dump, but for one table.
    let script = "PATH=/usr/bin:/bin; exec $(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/pg_dump --exclude-table=chunks \"$@\"";
    let (database, line) = refused_with(script).await;
    let tables = rows(&database.pool).await.len();
    assert!(line.contains(&format!("the database has {tables} tables, and the backup {}", tables - 1)), "{line}");
}

#[tokio::test]
async fn a_dump_that_fails_says_why_and_leaves_nothing() {
    let script = "echo half; echo 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1";
    let (_, line) = refused_with(script).await;
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
        let expected = r#"{"schema":"20260101000600","applied":[],"skipped":true,"message":"no backup was made: MINIO_URL names no object store"}"#;
        assert_eq!(output.stdout.trim_end(), expected);
    }
}

#[tokio::test]
async fn only_the_newest_backups_are_kept_and_strangers_are_left_alone() {
    let database = migrated().await;
    let folder = database.objects.path().join("dev_backups");
    fs::create_dir_all(&folder).unwrap();
    for day in 10..22 {
        fs::write(folder.join(format!("202501{day}T000000Z-old.pgdump")), "").unwrap();
    }
    fs::write(folder.join("notes.txt"), "").unwrap();
    outcome(&run("backup", &variables(&database)));
    let names: Vec<String> =
        files(&database).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), 11, "{names:?}");
    assert_eq!(names[0], "20250113T000000Z-old.pgdump");
    assert!(names[9].ends_with("Z-manual.pgdump") && names[10] == "notes.txt", "{names:?}");
}

#[tokio::test]
async fn a_signal_ends_a_backup_without_a_trace() {
    let (database, server) = (migrated().await, s3().await);
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let script = format!("echo half; : >{}; exec /bin/sleep 600", begun.display());
    let path = stand_in(folder.path(), "pg_dump", &script);
    let mut variables = in_s3(&database, &server);
    variables.insert("PATH".to_owned(), path);
    let mut process = start("backup", &variables);
    eventually("the dump to begin", async || begun.exists().then_some(())).await;
    assert_eq!(server.uploads(), (1, 1));
    tokio::time::sleep(Duration::from_millis(200)).await;

    process.terminate();
    assert_eq!(eventually("the command to end", async || process.exit_code()).await, 1);
    assert_eq!(server.uploads(), (1, 0), "the upload was aborted");
    assert_eq!(server.keys(), Vec::<String>::new());
}
