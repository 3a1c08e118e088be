//! The client against Qdrant over real HTTP, and against made-up trouble.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::json;
use test_qdrant::Own;
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Point, Qdrant, Query, SparseVector, VectorError};
use crate::config::embedding::Embedding;
use crate::config::qdrant::Qdrant as Server;

struct World {
    client: Qdrant,
    server: Own,
}

async fn world(dimensions: Option<usize>) -> World {
    let server = Own::start(Some("sesame")).await;
    let client = client_of(&server.url(), server.api_key(), server.prefix(), dimensions);
    World { client, server }
}

fn client(url: &str, key: &str, dimensions: Option<usize>) -> Qdrant {
    client_of(url, Some(key), "dev_", dimensions)
}

fn client_of(url: &str, key: Option<&str>, prefix: &str, dimensions: Option<usize>) -> Qdrant {
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = Server { url: url.parse().unwrap(), api_key: key.map(SecretString::from) };
    let embedding =
        dimensions.map_or(Embedding::None, |dimensions| Embedding::Local { model_dir: "/".into(), dimensions });
    Qdrant::from_parts(&server, prefix, &embedding).unwrap()
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
    let World { client, server: _server } = world(Some(2)).await;
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
    let World { client, server: _server } = world(Some(2)).await;
    client.ensure_collections().await.unwrap();
    client.upsert(&[point(1, Some([0.0, 1.0]), &[7], SARA, GUIDE)]).await.unwrap();
    assert_eq!(found(&client, &query(Some([1.0, 0.0]), &[9], SARA)).await, [0_u8; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_again_replaces_and_deleting_keeps_what_is_named() {
    let World { client, server: _server } = world(None).await;
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
    let World { client, server: _server } = world(Some(2)).await;
    assert!(matches!(client.layout().await, Err(VectorError::CollectionMissing(name)) if name == client.collection()));
    client.delete_document(GUIDE, &[]).await.unwrap();
    let (one, other) = tokio::join!(client.ensure_collections(), client.ensure_collections());
    assert!(one.unwrap() || other.unwrap());
    assert!(!client.ensure_collections().await.unwrap());
    assert_eq!(client.layout().await.unwrap().dense, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_named() {
    let world = world(None).await;
    assert_eq!(world.client.ping().await.unwrap(), None, "there is no collection yet");
    if world.server.api_key().is_none() {
        println!("skipped: the server of QDRANT_TEST_URL asks for no key");
        return;
    }
    let stranger = client(&world.server.url(), "wrong", None);
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

#[tokio::test(flavor = "multi_thread")]
async fn indexes_that_are_missing_are_made_and_those_that_are_there_are_left_alone() {
    let World { client: own, server: shared } = world(None).await;
    let body = json!({"vectors": {}, "sparse_vectors": {"bm25": {"modifier": "idf"}}});
    let url = format!("{}/collections/{}", shared.url(), own.collection());
    let key = shared.api_key().unwrap_or_default();
    let half_made = reqwest::Client::builder().build().unwrap().put(url).header("api-key", key).json(&body);
    half_made.send().await.unwrap().error_for_status().unwrap();
    assert!(!own.ensure_collections().await.unwrap(), "somebody else made it");
    assert_eq!(own.layout().await.unwrap().indexed, ["document_id", "user_id"].map(str::to_owned).into());
    let server = MockServer::start().await;
    let schema = json!({"document_id": {}, "user_id": {}});
    let result = json!({"result": {"exists": true, "payload_schema": schema}, "status": "ok", "time": 0.0});
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(result)).mount(&server).await;
    client(&server.uri(), "key", None).ensure_collections().await.unwrap();
    let written = server.received_requests().await.unwrap().into_iter().filter(|request| request.method != "GET");
    assert_eq!(written.count(), 0);
}

#[tokio::test]
async fn an_outage_is_not_answered_with_a_multiple_of_the_load() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(503)).mount(&server).await;
    let client = client(&server.uri(), "key", None);
    let counts = futures::future::join_all((0..60).map(|_| client.count_document(GUIDE))).await;
    assert!(counts.iter().all(Result::is_err));
    let asked = server.received_requests().await.unwrap().len();
    // Ten retries in reserve, and one more on ten requests.
    assert!((61..=60 + 10 + 6).contains(&asked), "{asked}");
}

#[tokio::test]
async fn after_a_search_without_an_answer_nobody_waits_for_a_while_and_writing_goes_on() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
    Mock::given(any()).respond_with(late).mount(&server).await;
    let client = client(&server.uri(), "key", None);
    let first = client.search(&query(None, &[7], SARA)).await;
    assert!(matches!(first, Err(VectorError::Timeout { .. })), "{first:?}");
    let started = Instant::now();
    let second = client.search(&query(None, &[7], SARA)).await;
    assert!(matches!(second, Err(VectorError::Resting { .. })), "{second:?}");
    assert!(started.elapsed() < Duration::from_secs(1));
    server.reset().await;
    let body = json!({"result": {"count": 3}});
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    assert_eq!(client.count_document(GUIDE).await.unwrap(), 3);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let server = MockServer::start().await;
    let flood = ResponseTemplate::new(200).set_body_raw(vec![b' '; 5 << 20], "application/json");
    Mock::given(any()).respond_with(flood).mount(&server).await;
    let error = client(&server.uri(), "key", None).count_document(GUIDE).await.unwrap_err();
    assert!(error.to_string().contains("exceeds 4194304 bytes"), "{error}");
}
