//! The client against Qdrant's engine over real HTTP, and against made-up trouble.

use std::net::SocketAddr;

use secrecy::SecretString;
use serde_json::json;
use test_qdrant::{Running, Settings};
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Layout, Point, Qdrant, Query, SparseVector, VectorError};
use crate::config::embedding::Embedding;
use crate::config::qdrant::Qdrant as Server;

struct World {
    client: Qdrant,
    running: Running,
    _storage: tempfile::TempDir,
}

async fn world(dimensions: Option<usize>) -> World {
    let storage = tempfile::tempdir().unwrap();
    let settings = Settings {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        storage: storage.path().to_owned(),
        api_key: Some("sesame".to_owned()),
    };
    let running = test_qdrant::start(settings).await.unwrap();
    World { client: client(&running.url(), "sesame", dimensions), running, _storage: storage }
}

fn client(url: &str, key: &str, dimensions: Option<usize>) -> Qdrant {
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = Server { url: url.parse().unwrap(), api_key: Some(SecretString::from(key)) };
    let embedding =
        dimensions.map_or(Embedding::None, |dimensions| Embedding::Local { model_dir: "/".into(), dimensions });
    Qdrant::from_parts(&server, "dev_", &embedding).unwrap()
}

fn sparse(indices: &[u32]) -> SparseVector {
    SparseVector { indices: indices.to_vec(), values: vec![1.0; indices.len()] }
}

fn point(ordinal: u8, dense: Option<[f32; 2]>, words: &[u32], user: Uuid, document: Uuid) -> Point {
    Point {
        id: Uuid::from_bytes([ordinal; 16]),
        dense: dense.map(Vec::from),
        sparse: sparse(words),
        document_id: document,
        user_id: user,
        ordinal: ordinal.into(),
    }
}

fn query(dense: Option<[f32; 2]>, words: &[u32], user_id: Uuid) -> Query {
    Query { dense: dense.map(Vec::from), sparse: sparse(words), user_id, limit: 10 }
}

async fn found(client: &Qdrant, query: &Query) -> Vec<u8> {
    client.search(query).await.unwrap().iter().map(|nearest| nearest.id.as_bytes()[0]).collect()
}

const SARA: Uuid = Uuid::from_bytes([0xaa; 16]);
const OMID: Uuid = Uuid::from_bytes([0xbb; 16]);
const GUIDE: Uuid = Uuid::from_bytes([0x11; 16]);
const NOTES: Uuid = Uuid::from_bytes([0x22; 16]);

#[tokio::test(flavor = "multi_thread")]
async fn what_both_legs_find_comes_first_and_other_users_stay_unseen() {
    let World { client, running: _running, _storage } = world(Some(2)).await;
    assert!(client.ensure_collections().await.unwrap());
    let points = [
        point(1, Some([1.0, 0.0]), &[7], SARA, GUIDE),
        point(2, Some([0.9, 0.1]), &[7, 9], SARA, GUIDE),
        point(3, Some([0.0, 1.0]), &[8], SARA, NOTES),
        point(4, Some([1.0, 0.0]), &[9], OMID, NOTES),
    ];
    client.upsert(&points).await.unwrap();
    assert_eq!(found(&client, &query(Some([1.0, 0.1]), &[9], SARA)).await, [2, 1]);
    assert_eq!(found(&client, &query(None, &[8], SARA)).await, [3]);
    assert_eq!(found(&client, &query(None, &[9], OMID)).await, [4]);
    assert_eq!(found(&client, &query(None, &[12345], SARA)).await, [0_u8; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dense_vector_far_from_the_question_is_not_found_for_its_own_sake() {
    let World { client, running: _running, _storage } = world(Some(2)).await;
    client.ensure_collections().await.unwrap();
    client.upsert(&[point(1, Some([0.0, 1.0]), &[7], SARA, GUIDE)]).await.unwrap();
    assert_eq!(found(&client, &query(Some([1.0, 0.0]), &[9], SARA)).await, [0_u8; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_again_replaces_and_deleting_keeps_what_is_named() {
    let World { client, running: _running, _storage } = world(None).await;
    client.ensure_collections().await.unwrap();
    let points: Vec<Point> = (1..=130).map(|ordinal| point(ordinal, None, &[7], SARA, GUIDE)).collect();
    client.upsert(&points).await.unwrap();
    client.upsert(&points).await.unwrap();
    client.upsert(&[point(200, None, &[7], SARA, NOTES)]).await.unwrap();
    assert_eq!(client.count_document(GUIDE).await.unwrap(), 130);
    client.delete_document(GUIDE, &[points[0].id, points[1].id]).await.unwrap();
    assert_eq!((client.count_document(GUIDE).await.unwrap(), client.count_document(NOTES).await.unwrap()), (2, 1));
    client.delete_document(GUIDE, &[]).await.unwrap();
    assert_eq!((client.count_document(GUIDE).await.unwrap(), client.count_document(NOTES).await.unwrap()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collection_is_made_once_and_says_what_it_can_hold() {
    let World { client, running: _running, _storage } = world(Some(2)).await;
    assert!(matches!(client.layout().await, Err(VectorError::CollectionMissing(name)) if name == "dev_chunks"));
    client.delete_document(GUIDE, &[]).await.unwrap();
    let (one, other) = tokio::join!(client.ensure_collections(), client.ensure_collections());
    assert!(one.unwrap() || other.unwrap());
    assert!(!client.ensure_collections().await.unwrap());
    assert_eq!(client.layout().await.unwrap(), Layout { dense: Some(2) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_named() {
    let world = world(None).await;
    assert!(world.client.ping().await.is_ok());
    let stranger = client(&world.running.url(), "wrong", None);
    assert!(matches!(stranger.ping().await, Err(VectorError::Unauthorized)));
}

#[tokio::test]
async fn trouble_that_may_pass_is_tried_three_times_and_anything_else_once() {
    let table = [(503, 3), (500, 3), (429, 3), (400, 1), (401, 1)];
    for (status, attempts) in table {
        let server = MockServer::start().await;
        let body = json!({"status": {"error": "the test says so"}, "time": 0.0});
        Mock::given(any()).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
        let error = client(&server.uri(), "key", None).count_document(GUIDE).await.unwrap_err();
        assert_eq!(server.received_requests().await.unwrap().len(), attempts, "{status}: {error}");
        assert!(status == 401 || error.to_string().contains("the test says so"), "{error}");
    }
}

#[tokio::test]
async fn messages_name_the_variable_and_never_the_key() {
    let gone = client("http://user:secret@127.0.0.1:1", "sesame", None);
    let message = gone.ping().await.unwrap_err().to_string();
    assert!(message.contains("QDRANT_URL"), "{message}");
    assert!(!message.contains("secret") && !message.contains("sesame"), "{message}");
    assert!(!format!("{gone:?}").contains("sesame"));
}
