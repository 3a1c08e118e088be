use std::collections::BTreeMap;

use chatbot::migrate::{self, Kind, MigrateError, Migration, Selection, Undo, Undone, embedded};
use serde_json::{Value, json};
use sqlx::{
    SqlSafeStr,
    migrate::{Migration as Sql, MigrationType},
};
use tokio::task::JoinSet;

use crate::support::{
    Database, empty, eventually, migrated, migration_labels, newest_version, run, user, variables, with,
};

const FIRST: i64 = 29_990_101_000_000;
const SECOND: i64 = 29_990_102_000_000;

fn expand(version: i64, up: &'static str, down: &'static str) -> Migration {
    let sql = |migration_type, text: &'static str| {
        Sql::new(version, "extra".into(), migration_type, text.into_sql_str(), false)
    };
    let (up, down) = (sql(MigrationType::ReversibleUp, up), sql(MigrationType::ReversibleDown, down));
    Migration { version, name: "extra".to_owned(), kind: Kind::Expand, up, down }
}

fn opinions() -> Migration {
    expand(FIRST, "CREATE TABLE opinions (id integer)", "DROP TABLE opinions;")
}

fn nickname() -> Migration {
    expand(SECOND, "ALTER TABLE users ADD COLUMN nickname text", "ALTER TABLE users DROP COLUMN nickname;")
}

fn undo(release: &str, lossless: bool) -> Undo<'_> {
    Undo { release, above: None, lossless }
}

/// Migrations of this release, and these.
fn with_extra(extra: impl IntoIterator<Item = Migration>) -> Vec<Migration> {
    embedded().unwrap().into_iter().chain(extra).collect()
}

async fn up(database: &Database, migrations: &[Migration], release: Option<&str>) -> Result<Vec<String>, MigrateError> {
    migrate::up(&database.options, migrations, Selection::All, release).await
}

async fn lossless(database: &Database, migrations: &[Migration], release: &str) -> Undone {
    migrate::down_of_release(&database.options, migrations, undo(release, true)).await.unwrap()
}

/// A database of an earlier release, on which release `new` has applied these.
async fn upgraded(extra: impl IntoIterator<Item = Migration>) -> (Database, Vec<Migration>) {
    let (database, migrations) = (migrated().await, with_extra(extra));
    up(&database, &migrations, Some("new")).await.unwrap();
    (database, migrations)
}

async fn execute(database: &Database, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&database.pool).await.unwrap();
}

async fn newest(database: &Database) -> i64 {
    *chatbot::store::schema::applied(&database.pool).await.unwrap().last().unwrap()
}

async fn releases(database: &Database) -> Vec<Option<String>> {
    sqlx::query_scalar("SELECT release FROM _sqlx_migrations ORDER BY version").fetch_all(&database.pool).await.unwrap()
}

#[tokio::test]
async fn every_migration_is_marked_with_the_release_that_applied_it() {
    let (database, _) = upgraded([opinions()]).await;
    let mut expected = vec![None; embedded().unwrap().len()];
    expected.push(Some("new".to_owned()));
    assert_eq!(releases(&database).await, expected);
}

#[tokio::test]
async fn a_database_from_before_the_mark_is_marked_from_now_on() {
    let database = migrated().await;
    execute(&database, "ALTER TABLE _sqlx_migrations DROP COLUMN release").await;
    let old = lossless(&database, &embedded().unwrap(), "new").await;
    assert_eq!((old.reverted.len(), old.message.as_str()), (0, "nothing to revert"));
    let migrations = with_extra([opinions()]);
    up(&database, &migrations, Some("new")).await.unwrap();
    assert_eq!(releases(&database).await.iter().flatten().collect::<Vec<_>>(), ["new"]);
    assert_eq!(lossless(&database, &migrations, "new").await.reverted, ["29990101000000_extra"]);
}

#[tokio::test]
async fn what_a_release_added_goes_where_it_holds_nothing() {
    let (database, migrations) = upgraded([opinions(), nickname()]).await;
    user(&database).await;
    let undone = lossless(&database, &migrations, "new").await;
    assert_eq!(undone.message, "reverted 2 migrations");
    assert_eq!(undone.reverted, ["29990102000000_extra", "29990101000000_extra"]);
    assert_eq!(newest(&database).await, embedded().unwrap().last().unwrap().version);
    assert_eq!(lossless(&database, &migrations, "new").await.message, "nothing to revert");
    up(&database, &migrations, Some("newer")).await.expect("it can come again");
}

#[tokio::test]
async fn what_holds_data_stays_with_everything_before_it_and_is_named() {
    let (database, migrations) = upgraded([opinions(), nickname()]).await;
    execute(&database, "INSERT INTO opinions VALUES (1), (2), (3)").await;
    let undone = lossless(&database, &migrations, "new").await;
    assert_eq!(undone.reverted, ["29990102000000_extra"], "the newer one is reverted all the same");
    assert_eq!(
        undone.message,
        "reverted 1 migration; the schema stays at 29990101000000: table opinions (29990101000000_extra) holds 3 rows"
    );
    let undone = migrate::down_of_release(&database.options, &migrations, undo("new", false)).await.unwrap();
    assert_eq!(undone.message, "reverted 1 migration", "without --lossless the rows do not count");
}

#[tokio::test]
async fn a_column_s_values_hold_it_and_its_defaults_do_not() {
    let cases = [
        ("text", "NULL", None),
        ("text", "'Sasa'", Some("holds 1 value")),
        ("text DEFAULT 'none'", "DEFAULT", None),
        ("text NOT NULL DEFAULT 'none'", "'none'", None),
        ("text NOT NULL DEFAULT 'none'", "'some'", Some("holds 1 value")),
        ("numeric(10, 2) DEFAULT 0", "DEFAULT", None),
        ("numeric(10, 2) DEFAULT 0", "0.01", Some("holds 1 value")),
        ("json NOT NULL DEFAULT '{}'", "DEFAULT", None),
        ("json NOT NULL DEFAULT '{}'", "'[]'", Some("holds 1 value")),
        ("text[] NOT NULL DEFAULT '{}'", "DEFAULT", None),
        ("boolean NOT NULL DEFAULT false", "true", Some("holds 1 value")),
        ("text GENERATED ALWAYS AS (lower(name)) STORED", "DEFAULT", None),
        ("bigint GENERATED ALWAYS AS IDENTITY", "DEFAULT", Some("holds 1 value")),
        ("timestamptz NOT NULL DEFAULT clock_timestamp()", "DEFAULT", Some("holds 1 value")),
    ];
    for (definition, value, expected) in cases {
        let up = format!("ALTER TABLE users ADD COLUMN \"Nick name\" {definition}");
        let down = "ALTER TABLE users DROP COLUMN \"Nick name\"";
        let (database, migrations) = upgraded([expand(FIRST, up.leak(), down)]).await;
        let insert = format!("INSERT INTO users (id, name, \"Nick name\") VALUES (gen_random_uuid(), 'Sara', {value})");
        execute(&database, insert.leak()).await;
        let undone = lossless(&database, &migrations, "new").await;
        assert_eq!(undone.reverted.is_empty(), expected.is_some(), "{definition} {value}: {undone:?}");
        let expected = expected.map(|held| format!("column users.\"Nick name\" (29990101000000_extra) {held}"));
        assert!(undone.message.ends_with(&expected.unwrap_or_default()), "{definition} {value}: {undone:?}");
    }
}

#[tokio::test]
async fn a_release_whose_second_migration_fails_is_taken_back_by_its_first() {
    let database = migrated().await;
    let broken = expand(SECOND, "CREATE TABLE half (id integer); SELECT 1 / 0;", "DROP TABLE half;");
    let migrations = with_extra([opinions(), broken]);
    up(&database, &migrations, Some("new")).await.unwrap_err();
    assert_eq!(newest(&database).await, FIRST);
    assert_eq!(lossless(&database, &migrations, "new").await.message, "reverted 1 migration");
    assert_eq!(newest(&database).await, embedded().unwrap().last().unwrap().version);
}

#[tokio::test]
async fn what_another_release_applied_is_not_touched() {
    let (database, mut migrations) = upgraded([opinions()]).await;
    migrations.push(nickname());
    up(&database, &migrations, Some("newer")).await.unwrap();
    let undone = lossless(&database, &migrations, "new").await;
    let expected = "the schema stays at 29990102000000: 29990102000000_extra is newer, and release newer applied it";
    assert_eq!((undone.reverted.len(), undone.message.as_str()), (0, expected));
    assert_eq!(lossless(&database, &migrations, "newer").await.reverted, ["29990102000000_extra"]);
    assert_eq!(lossless(&database, &migrations, "other").await.message, "nothing to revert");
    assert_eq!(newest(&database).await, FIRST);
}

#[tokio::test]
async fn a_contract_stays_and_is_named() {
    let contract =
        Migration { kind: Kind::Contract, ..expand(SECOND, "ALTER TABLE users DROP CONSTRAINT users_name_length", "") };
    let (database, migrations) = upgraded([opinions(), contract]).await;
    for lossless in [true, false] {
        let undone = migrate::down_of_release(&database.options, &migrations, undo("new", lossless)).await.unwrap();
        assert!(undone.message.contains("29990102000000_extra is a contract"), "{undone:?}");
        assert_eq!(undone.reverted, Vec::<String>::new());
    }
    assert_eq!(newest(&database).await, SECOND);
}

#[tokio::test]
async fn what_cannot_be_counted_stays_and_its_line_is_named() {
    let (database, migrations) = upgraded([expand(FIRST, "SELECT 1", "-- back\nDELETE FROM users;")]).await;
    let undone = lossless(&database, &migrations, "new").await;
    let expected = "it cannot be counted what DELETE FROM in line 2 of 29990101000000_extra.down.sql takes away";
    assert!(undone.message.ends_with(expected), "{undone:?}");
}

#[tokio::test]
async fn river_s_tables_are_counted_whole() {
    let database = empty().await;
    let migrations = embedded().unwrap();
    up(&database, &migrations[..2], Some("new")).await.unwrap();
    execute(&database, "INSERT INTO river_job (kind, max_attempts, args) VALUES ('a', 1, '{}')").await;
    let undone = lossless(&database, &migrations, "new").await;
    assert!(
        undone.message.ends_with("table river_job (20260101000200_river_queue_unique_jobs) holds 1 row"),
        "{undone:?}"
    );
    execute(&database, "DELETE FROM river_job").await;
    assert_eq!(lossless(&database, &migrations, "new").await.message, "reverted 2 migrations");
}

/// Counted before the lock, the row of a transaction that ends in between would be lost.
#[tokio::test]
async fn a_row_that_is_being_written_cannot_slip_in_between_count_and_drop() {
    let (database, migrations) = upgraded([opinions()]).await;
    let mut insert = database.pool.begin().await.unwrap();
    sqlx::query("INSERT INTO opinions VALUES (1)").execute(&mut *insert).await.unwrap();
    let options = database.options.clone();
    let mut reverting = JoinSet::new();
    reverting.spawn(async move { migrate::down_of_release(&options, &migrations, undo("new", true)).await });
    let waiting = "SELECT pid FROM pg_locks WHERE relation = 'opinions'::regclass AND NOT granted \
        AND mode = 'AccessExclusiveLock'";
    eventually("the downgrade's wait", async || {
        sqlx::query_scalar::<_, i32>(waiting).fetch_optional(&database.pool).await.unwrap()
    })
    .await;
    insert.commit().await.unwrap();
    let undone = reverting.join_next().await.unwrap().unwrap().unwrap();
    assert!(undone.message.ends_with("table opinions (29990101000000_extra) holds 1 row"), "{undone:?}");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM opinions").fetch_one(&database.pool).await.unwrap();
    assert_eq!(kept, 1);
    execute(&database, "INSERT INTO opinions VALUES (2)").await;
}

#[tokio::test]
async fn a_downgrade_that_is_refused_holds_no_lock_afterwards() {
    let (database, migrations) = upgraded([opinions()]).await;
    execute(&database, "INSERT INTO opinions VALUES (1)").await;
    lossless(&database, &migrations, "new").await;
    let held = "SELECT count(*) FROM pg_locks WHERE relation = 'opinions'::regclass AND mode = 'AccessExclusiveLock'";
    assert_eq!(sqlx::query_scalar::<_, i64>(held).fetch_one(&database.pool).await.unwrap(), 0);
    up(&database, &migrations, None).await.expect("the migrators' lock is free");
}

#[tokio::test]
async fn the_command_answers_one_line_that_says_what_was_done() {
    let database = empty().await;
    let said = |command: &str, variables: &BTreeMap<String, String>| {
        let output = run(command, variables);
        assert_eq!(output.code, 0, "{output:?}");
        assert_eq!(output.stdout.trim_end(), output.termination);
        serde_json::from_str::<Value>(&output.stdout).unwrap()
    };
    let new = with(&database, &[("RELEASE_ID", "new")]);
    let first = said("migrate up", &new);
    let (newest, applied) = (newest_version(), format!("{} migrations applied", migration_labels().len()));
    assert_eq!((&first["schema"], &first["message"]), (&json!(newest), &json!(applied)));
    assert_eq!(said("migrate up", &new)["message"], "nothing to apply");
    user(&database).await;

    let other = said("migrate down --of-release other --lossless", &variables(&database));
    assert_eq!(other, json!({"schema": newest, "applied": [], "message": "nothing to revert"}));
    let refused = said("migrate down --of-release new --lossless", &new);
    assert_eq!(refused["schema"], "20260101000400");
    let mut later: Vec<String> =
        migration_labels().into_iter().skip_while(|it| it != "20260101000400_users").skip(1).collect();
    later.reverse();
    let expected = format!(
        "reverted {} migrations; the schema stays at 20260101000400: table users (20260101000400_users) holds 1 row",
        later.len()
    );
    assert_eq!((&refused["message"], &refused["applied"]), (&json!(expected), &json!(later)));
    let all = said("migrate down --of-release new", &new);
    assert_eq!(
        all,
        json!({
            "schema": "",
            "applied": ["20260101000400_users", "20260101000300_job_workers", "20260101000200_river_queue_unique_jobs", "20260101000100_river_queue"],
            "message": "reverted 4 migrations",
        })
    );
}

#[tokio::test]
async fn what_another_release_needs_stays_though_this_one_applied_it_long_ago() {
    let (database, migrations) = upgraded([opinions(), nickname()]).await;
    let above = Undo { above: Some(FIRST), ..undo("new", false) };
    let undone = migrate::down_of_release(&database.options, &migrations, above).await.unwrap();
    assert_eq!((undone.reverted.len(), newest(&database).await), (1, FIRST));
    let again = migrate::down_of_release(&database.options, &migrations, above).await.unwrap();
    assert_eq!(again.message, "nothing to revert");
}

#[tokio::test]
async fn a_null_that_somebody_wrote_over_a_default_counts_as_data() {
    let up = "ALTER TABLE users ADD COLUMN notify boolean DEFAULT true";
    let (database, migrations) = upgraded([expand(FIRST, up, "ALTER TABLE users DROP COLUMN notify;")]).await;
    user(&database).await;
    execute(&database, "UPDATE users SET notify = NULL").await;
    let undone = lossless(&database, &migrations, "new").await;
    assert!(undone.reverted.is_empty() && undone.message.contains("users.notify"), "{}", undone.message);
}
