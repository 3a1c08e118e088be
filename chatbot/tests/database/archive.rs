use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use chatbot::store::conversations;

use crate::support::{
    Database, app, document, empty, eventually, migrated, migration_labels, newest_version, refusal, rows, run,
    stand_in, start, user, variables, with,
};

/// A user with a conversation and a document whose job waits.
pub(crate) async fn fill(database: &Database) {
    let owner = user(database).await;
    conversations::create(&database.pool, owner.id, "سلام \\ 'quoted'").await.unwrap();
    document(&app(database, "http://127.0.0.1:1"), &owner, b"text").await;
}

fn dump(database: &Database, folder: &Path) -> String {
    let file = folder.join("a.pgdump").display().to_string();
    let output = run(&format!("migrate dump {file}"), &variables(database));
    assert_eq!((output.code, output.stdout.trim_end()), (0, file.as_str()), "{output:?}");
    file
}

#[tokio::test]
async fn a_dump_restored_into_an_empty_database_gives_the_same_rows() {
    let (source, target) = (migrated().await, empty().await);
    let folder = tempfile::tempdir().unwrap();
    fill(&source).await;
    let file = dump(&source, folder.path());
    let output = run(&format!("migrate restore {file}"), &variables(&target));
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        output.stdout.trim_end(),
        format!(r#"{{"schema":"{}","applied":[],"message":"the dump is restored"}}"#, newest_version())
    );
    let restored = rows(&target.pool).await;
    assert_eq!(restored["documents"].len(), 1);
    assert_eq!(restored, rows(&source.pool).await);
    assert_eq!(run("migrate up", &variables(&target)).code, 0, "its migrations go on from there");
}

#[tokio::test]
async fn a_dump_is_its_owner_s_alone_to_read_and_leaves_nothing_beside_it() {
    let database = migrated().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pgdump"), "an older one").unwrap();
    let file = dump(&database, folder.path());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read(&file).unwrap().starts_with(b"PGDMP"), "the older one was replaced");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn outside_dev_what_loses_data_is_refused_with_what_to_do_instead() {
    let database = migrated().await;
    fill(&database).await;
    let before = rows(&database.pool).await;
    let cases = [
        ("migrate reset", "stage", "`chatbot migrate down N`"),
        ("migrate restore a.pgdump", "stage", "restore into a new database with pg_restore"),
        ("migrate reset", "prod", "`chatbot migrate down N`"),
        ("migrate restore a.pgdump", "prod", "restore into a new database with pg_restore"),
    ];
    let url = format!("{}&sslmode=require", database.url);
    for (command, tier, expected) in cases {
        let output = run(command, &with(&database, &[("ENVIRONMENT", tier), ("DATABASE_URL", &url)]));
        let line = refusal(&output);
        assert!(line.contains(&format!("ENVIRONMENT is {tier}")) && line.contains(expected), "{command}: {line}");
    }
    assert_eq!(rows(&database.pool).await, before);
}

#[tokio::test]
async fn a_database_with_tables_is_not_restored_into_until_it_is_emptied_as_the_refusal_says() {
    let (source, target) = (migrated().await, migrated().await);
    let folder = tempfile::tempdir().unwrap();
    fill(&source).await;
    let file = dump(&source, folder.path());
    let restore = format!("migrate restore {file}");
    let line = refusal(&run(&restore, &variables(&target)));
    assert!(line.contains("holds tables already (_sqlx_migrations, "), "{line}");
    let down = format!("migrate down {}", chatbot::migrate::embedded().unwrap().len());
    assert!(line.contains(&format!("`chatbot {down}`")), "{line}");
    assert_eq!(rows(&target.pool).await["users"], Vec::<String>::new(), "nothing was restored");

    assert_eq!(run(&down, &variables(&target)).code, 0);
    assert_eq!(run(&restore, &variables(&target)).code, 0);
    assert_eq!(rows(&target.pool).await, rows(&source.pool).await);
}

#[tokio::test]
async fn somebody_else_s_tables_are_not_restored_beside_and_not_touched() {
    let (source, target) = (migrated().await, empty().await);
    let folder = tempfile::tempdir().unwrap();
    let file = dump(&source, folder.path());
    sqlx::raw_sql("CREATE SCHEMA other; CREATE TABLE other.things ()").execute(&target.pool).await.unwrap();
    let line = refusal(&run(&format!("migrate restore {file}"), &variables(&target)));
    assert!(line.contains("(other.things): name an empty database in DATABASE_URL, then"), "{line}");
    assert_eq!(rows(&target.pool).await, BTreeMap::new());
}

#[tokio::test]
async fn a_restore_that_fails_half_way_leaves_nothing() {
    let (source, target) = (migrated().await, empty().await);
    let folder = tempfile::tempdir().unwrap();
    let file = dump(&source, folder.path());
    sqlx::raw_sql("CREATE FUNCTION job_workers_fence() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        .execute(&target.pool)
        .await
        .unwrap();
    let line = refusal(&run(&format!("migrate restore {file}"), &variables(&target)));
    assert!(line.contains("pg_restore failed (exit status: 1)") && line.contains("job_workers_fence"), "{line}");
    assert_eq!(rows(&target.pool).await, BTreeMap::new());
}

#[tokio::test]
async fn what_is_no_dump_is_named() {
    let database = empty().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "just text, and more of it than a header").unwrap();
    let line = refusal(&run(&format!("migrate restore {}", file.display()), &variables(&database)));
    assert!(line.contains("name a file that `chatbot migrate dump`"), "{line}");
    let line = refusal(&run("migrate restore /nowhere/a.pgdump", &variables(&database)));
    assert!(line.contains("/nowhere/a.pgdump cannot be read"), "{line}");
}

#[tokio::test]
async fn a_reset_leaves_the_newest_schema_and_no_rows() {
    let database = migrated().await;
    let before = rows(&database.pool).await;
    fill(&database).await;
    let output = run("migrate reset", &variables(&database));
    assert_eq!(output.code, 0, "{output:?}");
    let result: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(result["schema"], newest_version().as_str());
    assert_eq!(result["applied"].as_array().unwrap().len(), migration_labels().len());
    let after = rows(&database.pool).await;
    assert!(before.keys().eq(after.keys()));
    for table in ["users", "conversations", "documents", "river_job"] {
        assert_eq!(after[table], Vec::<String>::new(), "{table}");
    }
}

#[tokio::test]
async fn a_database_without_a_schema_is_reset_to_the_newest_one() {
    let database = empty().await;
    assert_eq!(run("migrate reset", &variables(&database)).code, 0);
    assert_eq!(run("migrate reset", &variables(&database)).code, 0, "again");
    assert!(rows(&database.pool).await.contains_key("users"));
}

#[tokio::test]
async fn the_password_is_in_the_program_s_environment_and_not_in_its_arguments() {
    let database = empty().await;
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let script =
        format!("printf '%s\\n' \"$@\" >{0}.arguments; printf %s \"$PGPASSWORD\" >{0}.password", heard.display());
    let url = database.url.replace("chatbot:chatbot@", "chatbot:s3cret-enough@");
    let path = stand_in(folder.path(), "pg_dump", &script);
    stand_in(folder.path(), "pg_restore", &script);
    let variables = with(&database, &[("PATH", &path), ("DATABASE_URL", &url)]);
    let file = folder.path().join("a.pgdump").display().to_string();
    for command in ["dump", "restore"] {
        let output = run(&format!("migrate {command} {file}"), &variables);
        assert_eq!(output.code, 0, "{output:?}");
        assert!(!output.stderr.contains("s3cret"), "{output:?}");
        let arguments = fs::read_to_string(heard.with_extension("arguments")).unwrap();
        assert!(arguments.contains("--dbname=") && !arguments.contains("s3cret"), "{arguments}");
        assert_eq!(fs::read_to_string(heard.with_extension("password")).unwrap(), "s3cret-enough");
        fs::remove_file(heard.with_extension("password")).unwrap();
    }
}

#[tokio::test]
async fn a_dump_that_fails_keeps_the_one_before() {
    let database = empty().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pgdump");
    fs::write(&file, "the one before").unwrap();
    let path =
        stand_in(folder.path(), "pg_dump", "echo half; echo 'pg_dump: error: server version mismatch' >&2; exit 1");
    let line = refusal(&run(&format!("migrate dump {}", file.display()), &with(&database, &[("PATH", &path)])));
    assert!(line.contains("postgresql-client-<major>"), "{line}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "the one before");
    assert!(!folder.path().join("a.pgdump.new").exists());
}

#[tokio::test]
async fn a_signal_ends_a_dump_without_a_trace_and_a_second_one_does_not_disturb_it() {
    let database = empty().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, unfinished) = (folder.path().join("a.pgdump"), folder.path().join("a.pgdump.new"));
    let path = stand_in(folder.path(), "pg_dump", "echo half; exec /bin/sleep 600");
    let command = format!("migrate dump {}", file.display());
    let variables = with(&database, &[("PATH", &path)]);
    let mut process = start(&command, &variables);
    eventually("the dump to begin", async || fs::read(&unfinished).ok().filter(|bytes| bytes == b"half\n")).await;
    let line = refusal(&run(&command, &variables));
    assert!(line.contains("another dump is writing it"), "{line}");
    assert!(unfinished.exists(), "the second dump leaves the first one's file alone");

    process.terminate();
    let code = eventually("the command to end", async || process.exit_code()).await;
    assert_eq!(code, 1);
    assert!(!unfinished.exists() && !file.exists());
}
