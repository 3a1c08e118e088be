//! Another environment's backup comes back here without what is personal, or not at all.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgPool;

use crate::archive::fill;
use crate::support::{Database, Output, S3, beside, migrated, refusal, run, s3, with};

const SCRUB: &str = "UPDATE users SET name = 'user ' || id; UPDATE conversations SET title = '';";

fn said(output: &Output) -> String {
    assert_eq!(output.code, 0, "{output:?}");
    let words: Value = serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap();
    words["message"].as_str().unwrap().to_owned()
}

/// Prod, with a user, her key, her document, a job that waits, and a backup in this store.
async fn prod(server: &S3) -> Database {
    let database = migrated().await;
    fill(&database).await;
    let key: String = sqlx::query_scalar("SELECT object_key FROM documents").fetch_one(&database.pool).await.unwrap();
    let store = database.objects.path();
    std::fs::create_dir_all(store.join("prod_documents")).unwrap();
    std::fs::rename(store.join(&key), store.join(format!("prod_{key}"))).unwrap();
    let rows = "UPDATE documents SET object_key = 'prod_' || object_key; \
        UPDATE users SET email = 'sara@example.org', password_hash = '$argon2id$'; \
        INSERT INTO audit (id, action, actor, via, ip) VALUES (gen_random_uuid(), 'login', 'sara', 'http', '192.0.2.7'); \
        INSERT INTO api_keys (id, user_id, name, prefix, hash) SELECT gen_random_uuid(), id, 'laptop', 'cbk_', '\\x00' FROM users; \
        INSERT INTO river_job (kind, args, max_attempts) VALUES ('ingest_document', '{}', 3)";
    sqlx::raw_sql(rows).execute(&database.pool).await.unwrap();
    let variables = with(&database, &[("RESOURCE_PREFIX", "prod_")]).into_iter().chain(repository("BACKUP", server));
    let output = run("backup", &variables.collect());
    assert_eq!(output.code, 0, "{output:?}");
    database
}

fn repository(which: &str, server: &S3) -> [(String, String); 4] {
    [
        ("URL", server.url()),
        ("ACCESS_KEY", "user".into()),
        ("SECRET_KEY", "pass-word".into()),
        ("BUCKET", "prod".into()),
    ]
    .map(|(name, value)| (format!("{which}_{name}"), value))
}

/// Another environment that knows where prod's backups are.
fn stage(database: &Database, server: &S3, scrub: &str) -> BTreeMap<String, String> {
    let source = [
        ("RESOURCE_PREFIX", "stage_"),
        ("SOURCE_PREFIX", "prod_"),
        ("SOURCE_KEY", "0123456789abcdef0123456789abcdef"),
        ("SCRUB_SQL", scrub),
    ];
    with(database, &source).into_iter().chain(repository("SOURCE", server)).collect()
}

async fn texts(pool: &PgPool, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn rows_and_documents_come_without_what_is_personal_without_keys_and_without_jobs() {
    let (server, database) = (s3().await, migrated().await);
    let _prod = prod(&server).await;
    let variables = stage(&database, &server, SCRUB);
    database.pool.close().await;

    let prepared = said(&run("restore prepare --source", &variables));
    assert!(prepared.ends_with("as the manifest says; SCRUB_SQL changed 2 rows"), "{prepared}");
    said(&run("restore swap", &variables));
    assert_eq!(said(&run("restore documents --source", &variables)), "1 document put back");
    assert_eq!(said(&run("restore documents --source", &variables)), "0 documents put back");

    let pool = PgPool::connect_lazy_with(database.options.clone());
    assert_eq!(texts(&pool, "SELECT name FROM users WHERE name <> 'user ' || id").await, Vec::<String>::new());
    assert_eq!(texts(&pool, "SELECT title FROM conversations").await, [""]);
    let logins = "SELECT id::text FROM users WHERE email IS NOT NULL OR password_hash IS NOT NULL";
    for query in ["SELECT name FROM api_keys", "SELECT kind FROM river_job", "SELECT ip FROM audit", logins] {
        assert_eq!(texts(&pool, query).await, Vec::<String>::new(), "{query}");
    }
    let keys = texts(&pool, "SELECT object_key FROM documents").await;
    assert!(keys.len() == 1 && keys[0].starts_with("stage_documents/"), "{keys:?}");
    assert!(database.objects.path().join(&keys[0]).exists(), "{keys:?}");
    pool.close().await;
}

#[tokio::test]
async fn without_a_script_nothing_of_another_environment_comes_back() {
    let (server, database) = (s3().await, migrated().await);
    let _prod = prod(&server).await;
    for scrub in ["", "-- later"] {
        let line = refusal(&run("restore prepare --source", &stage(&database, &server, scrub)));
        assert!(line.contains("SCRUB_SQL") && line.contains("personal"), "{line}");
    }
    let line = refusal(&run("restore prepare --source", &with(&database, &[])));
    assert!(line.contains("SOURCE_PREFIX names none"), "{line}");
    assert_eq!(beside(&database).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_script_that_fails_leaves_nothing_of_the_other_environment_behind() {
    let (server, database) = (s3().await, migrated().await);
    let _prod = prod(&server).await;
    let scripts = [
        ("UPDATE nobody SET name = ''", "relation \"nobody\" does not exist"),
        ("UPDATE users SET name = repeat('x', 300)", "users_name_length"),
        ("UPDATE", "syntax error"),
    ];
    for (scrub, why) in scripts {
        let line = refusal(&run("restore prepare --source", &stage(&database, &server, scrub)));
        assert!(line.contains("SCRUB_SQL failed") && line.contains(why) && !line.contains("sara"), "{line}");
        assert_eq!(beside(&database).await, Vec::<String>::new(), "{scrub}");
    }
}

#[tokio::test]
async fn the_other_environments_repository_is_read_and_never_written() {
    let (server, database) = (s3().await, migrated().await);
    let _prod = prod(&server).await;
    let before = server.keys();
    said(&run("restore plan --source", &stage(&database, &server, SCRUB)));
    said(&run("restore prepare --source", &stage(&database, &server, SCRUB)));
    assert_eq!(server.keys(), before);
}
