//! `chatbot reindex`: the index from the database, with nothing but the two of them.

use std::collections::BTreeMap;

use chatbot::{
    app::App,
    store::{chunks, chunks::Chunk, documents},
};
use test_qdrant::Own;
use uuid::Uuid;

use crate::support::{Database, app_with, document, migrated, refusal, run, user, with};

/// Two documents that are ready, whose uploads and points are lost.
async fn lost(database: &Database, app: &App) -> Vec<Uuid> {
    let owner = user(database).await;
    let mut ids = Vec::new();
    for text in ["The harbour.", "The lighthouse."] {
        let document = document(app, &owner, text.as_bytes()).await;
        let chunk = Chunk {
            id: Uuid::now_v7(),
            document_id: document.id,
            ordinal: 0,
            heading: None,
            text: text.to_owned(),
            start_char: 0,
            end_char: 1,
        };
        chunks::replace(&mut app.db.acquire().await.unwrap(), document.id, &[chunk]).await.unwrap();
        documents::mark_ready(&app.db, document.id, 1).await.unwrap();
        app.objects.delete(&document.object_key).await.unwrap();
        ids.push(document.id);
    }
    ids
}

fn variables(database: &Database, qdrant: &Own, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let url = qdrant.url();
    let mut changes = vec![
        ("QDRANT_URL", url.as_str()),
        ("RESOURCE_PREFIX", qdrant.prefix()),
        ("QDRANT_API_KEY", qdrant.api_key().unwrap_or_default()),
    ];
    changes.extend_from_slice(more);
    with(database, &changes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_rebuilt_from_rows_and_a_whole_one_is_left_alone() {
    let (database, qdrant) = (migrated().await, Own::start(None).await);
    let app = app_with(
        &database,
        &qdrant.url(),
        &[("RESOURCE_PREFIX", qdrant.prefix()), ("QDRANT_API_KEY", qdrant.api_key().unwrap_or_default())],
    );
    let ids = lost(&database, &app).await;
    let variables = variables(&database, &qdrant, &[]);
    let rebuild = async |arguments: &'static str| {
        let variables = variables.clone();
        tokio::task::spawn_blocking(move || run(arguments, &variables)).await.unwrap()
    };
    let output = rebuild("reindex").await;
    assert_eq!(
        (output.code, output.stdout.trim()),
        (0, "2 documents looked at, 2 written anew with 2 passages"),
        "{output:?}"
    );
    for id in &ids {
        assert_eq!(app.qdrant.count_document(*id).await.unwrap(), 1);
    }
    let output = rebuild("reindex").await;
    assert_eq!(output.stdout.trim(), "2 documents looked at, 0 written anew with 0 passages", "{output:?}");
    app.qdrant.delete_document(ids[0], &[]).await.unwrap();
    let output = rebuild("reindex").await;
    assert_eq!(output.stdout.trim(), "2 documents looked at, 1 written anew with 1 passage", "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_model_is_made_anew_when_all_is_asked_for() {
    let (database, qdrant) = (migrated().await, Own::start(None).await);
    let app = app_with(
        &database,
        &qdrant.url(),
        &[("RESOURCE_PREFIX", qdrant.prefix()), ("QDRANT_API_KEY", qdrant.api_key().unwrap_or_default())],
    );
    lost(&database, &app).await;
    app.qdrant.ensure_collections().await.unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let upstream = test_upstream::start(test_upstream::Settings { address, dimensions: 64 }).await.unwrap();
    let base_url = upstream.base_url();
    let embedding =
        [("EMBEDDING_PROVIDER", "upstream"), ("EMBEDDING_BASE_URL", base_url.as_str()), ("EMBEDDING_DIMENSIONS", "64")];
    let variables = variables(&database, &qdrant, &embedding);
    let output = tokio::task::spawn_blocking(move || run("reindex --all", &variables)).await.unwrap();
    assert_eq!(output.code, 0, "{output:?}");
    let layout = app.qdrant.layout().await.unwrap();
    assert_eq!((layout.dense, layout.points), (Some(64), Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_away_is_said_with_the_next_step() {
    let database = migrated().await;
    let variables = with(&database, &[]);
    let output = tokio::task::spawn_blocking(move || run("reindex", &variables)).await.unwrap();
    assert!(refusal(&output).contains("run the command again"), "{output:?}");
}
