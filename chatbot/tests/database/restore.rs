//! A backup comes back beside what runs, and takes its place only when it is whole.

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::archive::fill;
use crate::support::{
    Database, Output, beside, empty, migrated, newest_version, refusal, rows, run, server_url, variables, with,
};

fn outcome(output: &Output) -> Value {
    assert_eq!(output.code, 0, "{output:?}");
    serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap()
}

fn said(output: &Output) -> String {
    outcome(output)["message"].as_str().unwrap().to_owned()
}

/// A backed-up database whose rows were all lost afterwards.
async fn lost() -> (Database, std::collections::BTreeMap<String, Vec<String>>) {
    let database = migrated().await;
    fill(&database).await;
    let before = rows(&database.pool).await;
    assert_eq!(run("backup", &variables(&database)).code, 0);
    sqlx::query("TRUNCATE users CASCADE").execute(&database.pool).await.unwrap();
    std::fs::remove_dir_all(database.objects.path().join("documents")).unwrap();
    database.pool.close().await;
    (database, before)
}

async fn now(database: &Database) -> std::collections::BTreeMap<String, Vec<String>> {
    let pool = sqlx::PgPool::connect_lazy_with(database.options.clone());
    let rows = rows(&pool).await;
    pool.close().await;
    rows
}

#[tokio::test]
async fn rows_and_documents_are_back_and_what_was_replaced_can_be_had_again() {
    let (database, before) = lost().await;
    let lost = now(&database).await;
    let variables = variables(&database);

    let prepared = run("restore prepare", &variables);
    assert!(said(&prepared).ends_with("as the manifest says"), "{prepared:?}");
    assert_eq!(now(&database).await, lost, "until the swap everything is as it was");
    assert!(said(&run("restore prepare", &variables)).contains("was prepared before"));
    // A newer backup takes nothing away from the restore that is under way.
    assert_eq!(run("backup", &variables).code, 0);

    for _ in 0..2 {
        assert!(said(&run("restore swap", &variables)).contains("is what the backup holds"));
        assert_eq!(now(&database).await, before);
    }
    assert_eq!(said(&run("restore documents", &variables)), "1 document put back");
    assert_eq!(said(&run("restore documents", &variables)), "0 documents put back");
    let id = outcome(&prepared)["backup"].as_str().unwrap()[..8].to_owned();
    assert_eq!(beside(&database).await, [format!("_replaced_{id}")]);

    assert!(said(&run("restore undo", &variables)).contains("is again what it was"));
    assert_eq!(now(&database).await, lost);
    assert_eq!(beside(&database).await, [format!("_restored_{id}")]);
}

#[tokio::test]
async fn a_plan_changes_nothing_and_tells_what_would_come_back() {
    let (database, _) = lost().await;
    let said = said(&run("restore plan", &variables(&database)));
    assert!(said.contains(&format!("tables of schema {}", newest_version())), "{said}");
    assert_eq!(beside(&database).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date() {
    let database = empty().await;
    assert_eq!(run("migrate up", &variables(&database)).code, 0);
    assert_eq!(run("migrate down 1", &variables(&database)).code, 0);
    assert_eq!(run("backup", &variables(&database)).code, 0);
    let prepared = run("restore prepare", &variables(&database));
    assert_eq!(outcome(&prepared)["applied"].as_array().unwrap().len(), 1, "{prepared:?}");
}

#[tokio::test]
async fn nothing_is_swapped_that_was_not_prepared_to_its_end() {
    let (database, _) = lost().await;
    let line = refusal(&run("restore swap", &variables(&database)));
    assert!(line.contains("run chatbot restore prepare first"), "{line}");
    let line = refusal(&run("restore undo", &variables(&database)));
    assert!(line.contains("nothing to go back to"), "{line}");

    let listed = run("backup list --json", &variables(&database));
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let id = &listed[0]["id"].as_str().unwrap()[..8];
    let mut admin = PgConnection::connect(server_url()).await.unwrap();
    let half = format!("{}_restored_{id}", database.options.get_database().unwrap());
    let create = format!("CREATE DATABASE {half}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut admin).await.unwrap();
    let line = refusal(&run("restore swap", &variables(&database)));
    assert!(line.contains("is not complete"), "{line}");
    let line = refusal(&run("restore prepare", &variables(&database)));
    assert!(line.contains("was not made by a restore"), "{line}");
    let ours = format!("COMMENT ON DATABASE {half} IS 'chatbot: being restored'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(ours)).execute(&mut admin).await.unwrap();
    assert_eq!(run("restore prepare", &variables(&database)).code, 0, "it is made anew");
}

#[tokio::test]
async fn a_backup_of_another_environment_is_refused() {
    let (database, _) = lost().await;
    let other = with(&database, &[("RESOURCE_PREFIX", "other_"), ("BACKUP_FOLDER", "dev_backups")]);
    let line = refusal(&run("restore prepare", &other));
    assert!(line.contains("there is no backup of this environment"), "{line}");
}

#[tokio::test]
async fn a_damaged_repository_gives_back_nothing_half() {
    let (database, _) = lost().await;
    let data = database.objects.path().join("dev_backups/data");
    for folder in std::fs::read_dir(data).unwrap() {
        for pack in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = pack.unwrap().path();
            let mut content = std::fs::read(&path).unwrap();
            content[100] ^= 1;
            std::fs::write(path, content).unwrap();
        }
    }
    let line = refusal(&run("restore prepare", &variables(&database)));
    assert!(line.contains("nothing was restored"), "{line}");
    refusal(&run("restore swap", &variables(&database)));
    assert!(!beside(&database).await.iter().any(|name| name.contains("replaced")), "nothing is swapped");
}

#[tokio::test]
async fn a_rehearsal_says_what_came_back_and_leaves_nothing() {
    let (database, _) = lost().await;
    let lost = now(&database).await;
    let drill = run("restore drill", &variables(&database));
    assert!(said(&drill).ends_with("as the manifest says"), "{drill:?}");
    assert!(outcome(&drill)["drill"]["rows"].as_u64().unwrap() > 0, "{drill:?}");
    assert_eq!((now(&database).await, beside(&database).await), (lost, Vec::new()));

    std::fs::remove_dir_all(database.objects.path().join("dev_backups/data")).unwrap();
    refusal(&run("restore drill", &variables(&database)));
    assert_eq!(beside(&database).await, Vec::<String>::new(), "one that failed leaves nothing either");
}

#[tokio::test]
async fn what_a_restore_left_is_dropped_when_it_is_asked_for_and_the_live_one_never() {
    let (database, before) = lost().await;
    let variables = variables(&database);
    let nothing = "nothing of that kind stands beside the live database";
    assert_eq!(said(&run("restore drop", &variables)), nothing);
    assert_eq!(run("restore prepare", &variables).code, 0);
    assert!(said(&run("restore drop", &variables)).ends_with("dropped"));
    assert_eq!(beside(&database).await, Vec::<String>::new());

    assert_eq!(run("restore prepare", &variables).code, 0);
    assert_eq!(run("restore swap", &variables).code, 0);
    assert_eq!(said(&run("restore drop", &variables)), nothing, "what was replaced is not meant");
    assert!(said(&run("restore drop --replaced", &variables)).contains("_replaced_"));
    assert_eq!((now(&database).await, beside(&database).await), (before, Vec::new()));
}

#[tokio::test]
async fn a_role_that_may_not_make_databases_restores_with_the_administrator_s_access() {
    let (database, before) = lost().await;
    let own = database.role_without_rights().await;
    let line = refusal(&run("restore prepare", &with(&database, &[("DATABASE_URL", &own)])));
    assert!(line.contains("CREATEDB, or name an administrator's URL in ADMIN_DATABASE_URL"), "{line}");

    let variables = with(&database, &[("DATABASE_URL", &own), ("ADMIN_DATABASE_URL", server_url())]);
    assert_eq!(run("restore prepare", &variables).code, 0);
    assert!(said(&run("restore swap", &variables)).contains("is what the backup holds"));
    assert_eq!(now(&database).await, before);
}

#[tokio::test]
async fn the_same_backup_can_be_restored_again_while_the_first_restore_can_still_be_undone() {
    let (database, before) = lost().await;
    let (lost, variables) = (now(&database).await, variables(&database));
    for name in ["aaaaaaaa", "bbbbbbbb"] {
        assert_eq!(run(&format!("restore prepare --name {name}"), &variables).code, 0);
        assert_eq!(run(&format!("restore swap --name {name}"), &variables).code, 0);
        assert_eq!(now(&database).await, before, "{name}");
    }
    assert_eq!(said(&run("restore documents", &variables)), "1 document put back");
    assert_eq!(beside(&database).await, ["_replaced_aaaaaaaa", "_replaced_bbbbbbbb"]);
    assert_eq!(run("restore undo --name bbbbbbbb", &variables).code, 0);
    assert_eq!(run("restore undo --name aaaaaaaa", &variables).code, 0);
    assert_eq!(now(&database).await, lost);

    assert_eq!(run("restore swap --name aaaaaaaa", &variables).code, 0);
    assert_eq!(run("restore prepare --name aaaaaaaa", &variables).code, 0);
    let line = refusal(&run("restore swap --name aaaaaaaa", &variables));
    assert!(line.contains("_replaced_aaaaaaaa stands there since an earlier restore"), "{line}");
    assert_eq!(now(&database).await, before, "what is live stays");
}

async fn as_administrator(statement: &str, database: &Database) {
    let statement = statement.replace("LIVE", database.options.get_database().unwrap());
    let mut admin = PgConnection::connect(server_url()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_gone_altogether_comes_back() {
    let (database, before) = lost().await;
    as_administrator("DROP DATABASE LIVE WITH (FORCE)", &database).await;
    for step in ["prepare", "swap", "documents"] {
        assert_eq!(run(&format!("restore {step}"), &variables(&database)).code, 0, "{step}");
    }
    assert_eq!(now(&database).await, before);
}

#[tokio::test]
async fn a_swap_that_was_cut_off_while_a_database_was_closed_opens_it_again() {
    let (database, before) = lost().await;
    let variables = variables(&database);
    let id = outcome(&run("restore prepare", &variables))["backup"].as_str().unwrap()[..8].to_owned();
    as_administrator("ALTER DATABASE LIVE WITH ALLOW_CONNECTIONS false", &database).await;
    assert_eq!(run("restore swap", &variables).code, 0);
    as_administrator("ALTER DATABASE LIVE WITH ALLOW_CONNECTIONS false", &database).await;
    let replaced = format!("ALTER DATABASE LIVE_replaced_{id} WITH ALLOW_CONNECTIONS false");
    as_administrator(&replaced, &database).await;
    assert_eq!(run("restore swap", &variables).code, 0, "it was done, and is repeated");
    assert_eq!(now(&database).await, before);
    assert_eq!(run("restore undo", &variables).code, 0);
}

#[tokio::test]
async fn what_comes_back_by_an_undo_has_the_migrations_that_were_applied_since() {
    let database = empty().await;
    let variables = variables(&database);
    assert_eq!(run("migrate up", &variables).code, 0);
    assert_eq!(run("backup", &variables).code, 0);
    assert_eq!(run("migrate down 1", &variables).code, 0);
    assert_eq!(run("restore prepare", &variables).code, 0);
    assert_eq!(run("restore swap", &variables).code, 0);
    assert_eq!(run("restore undo", &variables).code, 0);
    let status = run("migrate status --json", &variables);
    assert!(!status.stdout.contains("pending"), "{status:?}");
}

#[tokio::test]
async fn what_comes_back_has_the_settings_and_limits_of_what_was_lost() {
    let (database, _) = lost().await;
    for setting in ["SET work_mem TO '7MB'", "SET search_path TO \"$user\", public", "CONNECTION LIMIT 17"] {
        as_administrator(&format!("ALTER DATABASE LIVE {setting}"), &database).await;
    }
    assert_eq!(run("restore prepare", &variables(&database)).code, 0);
    assert_eq!(run("restore swap", &variables(&database)).code, 0);
    let mut own = PgConnection::connect_with(&database.options).await.unwrap();
    let query = "SELECT current_setting('work_mem'), current_setting('search_path'), datconnlimit FROM pg_database WHERE datname = current_database()";
    let found: (String, String, i32) = sqlx::query_as(query).fetch_one(&mut own).await.unwrap();
    assert_eq!(found, ("7MB".to_owned(), "\"$user\", public".to_owned(), 17));
}
