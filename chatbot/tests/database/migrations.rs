use std::time::Duration;

use chatbot::{
    migrate::{self, Compatibility, Kind, MigrateError, Migration, Selection, embedded},
    store::schema::{self, Recorded},
};
use sqlx::{
    PgPool, SqlSafeStr,
    migrate::{Migration as Sql, MigrationType},
};
use tokio::task::JoinSet;

use crate::support::{Database, empty, eventually, migrated, start, user, variables};

/// Everything that makes up the schema, one line each, in a stable order.
async fn shape(pool: &PgPool) -> Vec<String> {
    let query = "SELECT format('column %s.%s %s %s %s', table_name, column_name, udt_name, is_nullable, column_default) AS line \
          FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' \
        UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) \
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> '_sqlx_migrations' \
        UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations' \
        UNION ALL SELECT format('function %s', pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
        UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal \
        UNION ALL SELECT format('type %s %s', t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)) \
          FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname \
        ORDER BY line";
    sqlx::query_scalar(query).fetch_all(pool).await.unwrap()
}

fn extra(version: i64, kind: Kind, up: &'static str) -> Migration {
    let sql = |migration_type, text: &'static str| {
        Sql::new(version, "extra".into(), migration_type, text.into_sql_str(), false)
    };
    let (up, down) = (sql(MigrationType::ReversibleUp, up), sql(MigrationType::ReversibleDown, "SELECT 1"));
    Migration { version, name: "extra".to_owned(), kind, up, down }
}

async fn recorded(database: &Database) -> Vec<Recorded> {
    schema::recorded(&database.pool).await.unwrap()
}

async fn applied(database: &Database) -> Vec<i64> {
    schema::applied(&database.pool).await.unwrap()
}

#[tokio::test]
async fn every_migration_down_and_up_again_leaves_the_schema_as_it_was() {
    let database = empty().await;
    let migrations = embedded().unwrap();
    let mut shapes = vec![shape(&database.pool).await];
    for count in 1..=migrations.len() {
        migrate::up(&database.options, &migrations[..count], Selection::All, None).await.unwrap();
        shapes.push(shape(&database.pool).await);
        migrate::down(&database.options, &migrations, 1).await.unwrap();
        let label = migrations[count - 1].label();
        assert_eq!(shape(&database.pool).await, shapes[count - 1], "{label} does not go back");
        migrate::up(&database.options, &migrations[..count], Selection::All, None).await.unwrap();
        assert_eq!(shape(&database.pool).await, shapes[count], "{label} does not come again");
    }
    migrate::down(&database.options, &migrations, migrations.len()).await.unwrap();
    assert_eq!(shape(&database.pool).await, Vec::<String>::new());
}

#[tokio::test]
async fn going_back_and_forth_keeps_the_rows_of_what_stays() {
    let database = migrated().await;
    let before = user(&database).await;
    migrate::down(&database.options, &embedded().unwrap(), 4).await.unwrap();
    migrate::up(&database.options, &embedded().unwrap(), Selection::Expand, None).await.unwrap();
    let after = chatbot::store::users::find(&database.pool, before.id).await.unwrap();
    assert_eq!(after, Some(before));
}

#[tokio::test]
async fn two_migrators_at_once_apply_everything_exactly_once() {
    let database = empty().await;
    let migrations = embedded().unwrap();
    let run = || migrate::up(&database.options, &migrations, Selection::All, None);
    let (one, two, three) = tokio::join!(run(), run(), run());
    let mut labels = [one.unwrap(), two.unwrap(), three.unwrap()].concat();
    labels.sort();
    assert_eq!(labels, migrations.iter().map(Migration::label).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_contract_migration_waits_until_it_is_asked_for() {
    let database = migrated().await;
    let mut migrations = embedded().unwrap();
    migrations.push(extra(29_990_101_000_000, Kind::Contract, "DROP TABLE chunks"));
    let up = |selection| migrate::up(&database.options, &migrations, selection, None);
    assert_eq!(up(Selection::Expand).await.unwrap(), Vec::<String>::new());
    assert!(Compatibility::new(&migrations, &recorded(&database).await).is_compatible(), "it is not needed to serve");
    assert_eq!(up(Selection::Contract).await.unwrap(), ["29990101000000_extra"]);
    assert_eq!(up(Selection::All).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_migration_is_named_and_leaves_nothing_behind() {
    let database = migrated().await;
    let before = shape(&database.pool).await;
    let mut migrations = embedded().unwrap();
    migrations.push(extra(29_990_101_000_000, Kind::Expand, "CREATE TABLE half (id int); SELECT 1 / 0;"));
    let error = migrate::up(&database.options, &migrations, Selection::All, None).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("29990101000000_extra failed and was rolled back: division by zero; mend"), "{said}");
    assert_eq!(shape(&database.pool).await, before);
    assert!(!applied(&database).await.contains(&29_990_101_000_000));
    migrate::up(&database.options, &embedded().unwrap(), Selection::All, None).await.expect("the lock is free again");
}

#[tokio::test]
async fn an_applied_migration_that_was_edited_is_refused() {
    let database = migrated().await;
    let mut migrations = embedded().unwrap();
    migrations.push(extra(29_990_101_000_000, Kind::Expand, "SELECT 1"));
    migrate::up(&database.options, &migrations, Selection::All, None).await.unwrap();
    migrations.pop();
    migrations.push(extra(29_990_101_000_000, Kind::Expand, "SELECT 2"));
    let error = migrate::up(&database.options, &migrations, Selection::All, None).await.unwrap_err();
    assert!(matches!(error, MigrateError::Changed(_)), "{error}");
}

#[tokio::test]
async fn more_than_what_is_applied_cannot_be_reverted() {
    let database = migrated().await;
    let migrations = embedded().unwrap();
    let error = migrate::down(&database.options, &migrations, migrations.len() + 1).await.unwrap_err();
    assert!(matches!(error, MigrateError::TooMany { .. }), "{error}");
    assert_eq!(applied(&database).await.len(), migrations.len(), "nothing was touched");
}

#[tokio::test]
async fn what_a_newer_release_applied_is_reverted_by_that_release_only() {
    let database = migrated().await;
    let mut newer = embedded().unwrap();
    newer.push(extra(29_990_101_000_000, Kind::Expand, "CREATE TABLE later (id int)"));
    migrate::up(&database.options, &newer, Selection::All, None).await.unwrap();
    let error = migrate::down(&database.options, &embedded().unwrap(), 1).await.unwrap_err();
    assert!(matches!(error, MigrateError::Unknown(29_990_101_000_000)), "{error}");
}

#[tokio::test]
async fn a_release_serves_on_its_own_schema_and_on_the_next_one_but_not_on_an_older_one() {
    let database = migrated().await;
    let migrations = embedded().unwrap();
    let verdict = async || Compatibility::new(&migrations, &recorded(&database).await);
    assert!(verdict().await.is_compatible());
    let mut newer = embedded().unwrap();
    newer.push(extra(29_990_101_000_000, Kind::Expand, "CREATE TABLE later (id int)"));
    migrate::up(&database.options, &newer, Selection::Expand, None).await.unwrap();
    assert!(verdict().await.is_compatible());
    migrate::down(&database.options, &newer, 2).await.unwrap();
    assert!(verdict().await.message().contains("run `chatbot migrate up --kind expand`"));
    assert!(!verdict().await.is_compatible());
}

#[tokio::test]
async fn a_release_does_not_serve_after_a_newer_one_s_contract() {
    let database = migrated().await;
    let migrations = embedded().unwrap();
    let mut newer = embedded().unwrap();
    newer.push(extra(29_990_101_000_000, Kind::Contract, "DROP TABLE chunks"));
    migrate::up(&database.options, &newer, Selection::All, None).await.unwrap();
    let verdict = Compatibility::new(&migrations, &recorded(&database).await);
    assert!(!verdict.is_compatible() && verdict.message().contains("29990101000000"), "{verdict:?}");
    assert!(Compatibility::new(&newer, &recorded(&database).await).is_compatible(), "its own release serves");
}

#[tokio::test]
async fn kinds_are_filled_in_for_what_was_applied_before_they_were_written_down() {
    let database = migrated().await;
    sqlx::raw_sql("ALTER TABLE _sqlx_migrations DROP COLUMN kind").execute(&database.pool).await.unwrap();
    let mut migrations = embedded().unwrap();
    migrations.push(extra(29_990_101_000_000, Kind::Contract, "SELECT 1"));
    assert!(
        recorded(&database).await.iter().all(|migration| !migration.is_contract),
        "the column is not needed to read"
    );
    migrate::up(&database.options, &migrations, Selection::All, None).await.unwrap();
    let kinds: Vec<Option<String>> = sqlx::query_scalar("SELECT kind FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    let expected: Vec<_> = migrations.iter().map(|migration| Some(migration.kind.to_string())).collect();
    assert_eq!(kinds, expected);
}

/// An expand with this text on its way, once it waits for a table that somebody else has.
async fn waiting(database: &Database, table: &str, up: &'static str) -> JoinSet<Result<Vec<String>, MigrateError>> {
    let mut migrations = embedded().unwrap();
    migrations.push(extra(29_990_101_000_000, Kind::Expand, up));
    let options = database.options.clone();
    let mut migrating = JoinSet::new();
    migrating.spawn(async move { migrate::up(&options, &migrations, Selection::All, None).await });
    let waits = "SELECT pid FROM pg_locks WHERE relation = $1::text::regclass AND NOT granted";
    eventually("the migration's wait", async || {
        sqlx::query_scalar::<_, i32>(waits).bind(table).fetch_optional(&database.pool).await.unwrap()
    })
    .await;
    migrating
}

#[tokio::test]
async fn a_migration_that_waits_for_a_table_gives_way_to_others_and_tries_again() {
    let database = migrated().await;
    let mut reading = database.pool.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM users").execute(&mut *reading).await.unwrap();
    let mut migrating = waiting(&database, "users", "ALTER TABLE users ADD COLUMN age integer").await;
    // Behind the migration in the queue, while the transaction before it goes on.
    sqlx::query("SELECT count(*) FROM users").execute(&database.pool).await.unwrap();
    reading.commit().await.unwrap();
    assert_eq!(migrating.join_next().await.unwrap().unwrap().unwrap(), ["29990101000000_extra"]);
}

/// The old release's transaction holds what the migration wants, and then wants what the migration holds: one of them must give way.
#[tokio::test]
async fn a_migration_that_would_meet_the_old_release_in_a_circle_has_given_way_before() {
    let database = migrated().await;
    let mut old = database.pool.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM messages").execute(&mut *old).await.unwrap();
    let both = "ALTER TABLE users ADD COLUMN age integer; ALTER TABLE messages ADD COLUMN note text";
    let mut migrating = waiting(&database, "messages", both).await;
    // Whoever closed the circle now would be the one that PostgreSQL ends, a second later.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    sqlx::query("SELECT count(*) FROM users").execute(&mut *old).await.expect("the old release's transaction goes on");
    old.commit().await.unwrap();
    assert_eq!(migrating.join_next().await.unwrap().unwrap().unwrap(), ["29990101000000_extra"]);
}

#[tokio::test]
async fn a_signal_ends_a_migration_that_waits_and_leaves_the_schema_as_it_was() {
    let database = empty().await;
    let mut reading = database.pool.begin().await.unwrap();
    sqlx::raw_sql("CREATE TABLE users (id integer)").execute(&mut *reading).await.unwrap();
    let mut process = start("migrate up", &variables(&database));
    let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the migration's wait", async || {
        sqlx::query_scalar::<_, i32>(waiting).fetch_optional(&database.pool).await.unwrap()
    })
    .await;
    process.terminate();
    assert_eq!(eventually("the command to end", async || process.exit_code()).await, 1);
    reading.rollback().await.unwrap();
    migrate::up(&database.options, &embedded().unwrap(), Selection::All, None).await.expect("nothing is in its way");
}

#[tokio::test]
async fn river_finds_its_own_bookkeeping() {
    let database = migrated().await;
    let river = riverqueue::migrate::PostgresMigrator::new(database.pool.clone());
    assert!(river.validate(None).await.unwrap().is_valid());
}
