//! An App on a test's database, and rows to work with.

use std::collections::BTreeMap;

use bytes::Bytes;
use chatbot::{
    app::App,
    config::Config,
    store::{
        documents::{self, Document, NewDocument},
        users::{self, User},
    },
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Database;

/// The variables of a dev environment on this database; its other services are not there unless changed.
pub(crate) fn variables(database: &Database) -> BTreeMap<String, String> {
    let pairs = [
        ("ENVIRONMENT", "dev"),
        ("DATABASE_URL", &database.url),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("QDRANT_URL", "http://127.0.0.1:1"),
        ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("OPENROUTER_API_KEY", "none"),
        ("LLM_BASE_URL", "http://127.0.0.1:1/v1"),
        ("EMBEDDING_PROVIDER", "none"),
        // What a test asks in a minute is not what a person does; those about limits set their own.
        ("RATE_LIMIT_PER_MINUTE", "1000000"),
        ("OBJECTS_DIR", database.objects.path().to_str().unwrap()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The same with some of them changed.
pub(crate) fn with(database: &Database, changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut variables = variables(database);
    variables.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    variables
}

pub(crate) fn app(database: &Database, qdrant: &str) -> App {
    app_with(database, qdrant, &[])
}

pub(crate) fn app_with(database: &Database, qdrant: &str, changes: &[(&str, &str)]) -> App {
    install_tls();
    let mut variables = variables(database);
    variables.insert("QDRANT_URL".to_owned(), qdrant.to_owned());
    variables.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let mut config = Config::from_env(|name| variables.get(name).cloned()).unwrap();
    // The program that runs is the test.
    config.worker.parse_program = env!("CARGO_BIN_EXE_chatbot").into();
    App::new(config, "test").unwrap()
}

/// As `main` does; the second time in a process is refused, and does no harm.
fn install_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

pub(crate) async fn user(database: &Database) -> User {
    users::create(&database.pool, "sara").await.unwrap()
}

/// An uploaded document with its object, and its job when `app` is given one to do.
pub(crate) async fn document(app: &App, owner: &User, content: &[u8]) -> Document {
    let id = Uuid::now_v7();
    let key = format!("documents/{id}");
    app.objects.put(&key, Bytes::copy_from_slice(content)).await.unwrap();
    let new = NewDocument {
        id,
        user_id: owner.id,
        title: &format!("notes of {id}.md"),
        media_type: "text/markdown",
        bytes: i64::try_from(content.len()).unwrap(),
        sha256: &hex::encode(Sha256::digest(content)),
        object_key: &key,
    };
    let mut tx = app.db.begin().await.unwrap();
    let document = documents::create(&mut *tx, &new).await.unwrap();
    app.queue.enqueue_ingest(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    document
}

#[tokio::test]
async fn the_objects_of_a_test_go_with_its_database() {
    let database = super::migrated().await;
    let folder = database.objects.path().to_owned();
    document(&app(&database, "http://127.0.0.1:1"), &user(&database).await, b"text").await;
    assert!(folder.join("documents").is_dir());
    drop(database);
    assert!(!folder.exists());
}
