//! The stand-in through real HTTP, as a client of Qdrant sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops; helpers are not seen as tests")]

use std::net::SocketAddr;
use std::path::Path;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use test_qdrant::{Running, Settings, start};

struct Server {
    running: Running,
    client: Client,
}

impl Server {
    async fn on(storage: &Path, api_key: Option<&str>) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let settings = Settings {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            storage: storage.to_owned(),
            api_key: api_key.map(str::to_owned),
        };
        let client = Client::builder().timeout(std::time::Duration::from_secs(30)).build().unwrap();
        Self { running: start(settings).await.unwrap(), client }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.running.url())).json(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn with_three_points(&self) {
        let collection = json!({"vectors": {"dense": {"size": 2, "distance": "Cosine"}}, "sparse_vectors": {"bm25": {"modifier": "idf"}}});
        assert_eq!(self.call(Method::PUT, "/collections/dev_chunks", &collection).await.0, 200);
        let index = json!({"field_name": "document", "field_schema": "keyword"});
        assert_eq!(self.call(Method::PUT, "/collections/dev_chunks/index?wait=true", &index).await.0, 200);
        let points = json!({"points": [
            {"id": 1, "vector": {"dense": [1.0, 0.0], "bm25": {"indices": [7, 9], "values": [1.0, 1.0]}}, "payload": {"document": "a"}},
            {"id": 2, "vector": {"dense": [0.0, 1.0], "bm25": {"indices": [7], "values": [1.0]}}, "payload": {"document": "b"}},
            {"id": "5c56c793-69f3-4fbf-87e6-c4bf54c28c26", "vector": {"dense": [0.7, 0.7]}, "payload": {"document": "b"}}]});
        let (status, answer) = self.call(Method::PUT, "/collections/dev_chunks/points?wait=true", &points).await;
        assert_eq!((status, &answer["result"]["status"]), (200, &json!("completed")));
    }

    async fn count(&self, filter: Value) -> Value {
        let body = json!({"filter": filter, "exact": true});
        self.call(Method::POST, "/collections/dev_chunks/points/count", &body).await.1["result"]["count"].take()
    }
}

fn ids(answer: &Value) -> Vec<Value> {
    answer["result"]["points"].as_array().unwrap().iter().map(|point| point["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hybrid_query_ranks_the_point_that_both_legs_find_first() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), None).await;
    server.with_three_points().await;
    let query = json!({
        "prefetch": [
            {"query": [1.0, 0.1], "using": "dense", "limit": 3},
            {"query": {"indices": [9], "values": [1.0]}, "using": "bm25", "limit": 3}],
        "query": {"fusion": "rrf"}, "limit": 2, "with_payload": true});
    let (status, answer) = server.call(Method::POST, "/collections/dev_chunks/points/query", &query).await;
    assert_eq!(status, 200);
    assert_eq!(ids(&answer), [json!(1), json!("5c56c793-69f3-4fbf-87e6-c4bf54c28c26")]);
    assert_eq!(answer["result"]["points"][0]["payload"], json!({"document": "a"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_word_weighs_more_than_a_common_one() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), None).await;
    server.with_three_points().await;
    let score = async |index: u32| {
        let query = json!({"query": {"indices": [index], "values": [1.0]}, "using": "bm25"});
        let (_, answer) = server.call(Method::POST, "/collections/dev_chunks/points/query", &query).await;
        answer["result"]["points"][0]["score"].as_f64().unwrap()
    };
    assert!(score(9).await > score(7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_bounds_queries_counts_and_deletes() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), None).await;
    server.with_three_points().await;
    let only_b = json!({"must": [{"key": "document", "match": {"value": "b"}}]});
    let query = json!({"query": [1.0, 0.0], "using": "dense", "filter": only_b});
    let (_, answer) = server.call(Method::POST, "/collections/dev_chunks/points/query", &query).await;
    assert_eq!(ids(&answer).len(), 2);
    assert_eq!(server.count(only_b.clone()).await, json!(2));
    let (status, _) =
        server.call(Method::POST, "/collections/dev_chunks/points/delete?wait=true", &json!({"filter": only_b})).await;
    assert_eq!((status, server.count(only_b).await, server.count(json!({})).await), (200, json!(0), json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn points_written_before_a_restart_are_found_after_it() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), None).await;
    server.with_three_points().await;
    server.running.stop().await;
    let server = Server::on(storage.path(), None).await;
    assert_eq!(server.count(json!({})).await, json!(3));
    let (_, scroll) = server
        .call(Method::POST, "/collections/dev_chunks/points/scroll", &json!({"limit": 2, "with_payload": true}))
        .await;
    assert_eq!((ids(&scroll).len(), scroll["result"]["next_page_offset"].is_null()), (2, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_lives_from_put_to_delete() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), None).await;
    let exists = async || {
        server.call(Method::GET, "/collections/dev_chunks/exists", &json!({})).await.1["result"]["exists"].take()
    };
    assert_eq!(exists().await, json!(false));
    server.with_three_points().await;
    assert_eq!(exists().await, json!(true));
    let (_, description) = server.call(Method::GET, "/collections/dev_chunks", &json!({})).await;
    assert_eq!(description["result"]["points_count"], json!(3));
    assert_eq!(description["result"]["config"]["params"]["vectors"]["dense"], json!({"size": 2, "distance": "Cosine"}));
    assert_eq!(description["result"]["config"]["params"]["sparse_vectors"]["bm25"]["modifier"], json!("idf"));
    assert_eq!(description["result"]["payload_schema"]["document"]["data_type"], json!("keyword"));
    let (_, list) = server.call(Method::GET, "/collections", &json!({})).await;
    assert_eq!(list["result"]["collections"], json!([{"name": "dev_chunks"}]));
    let (_, removed) = server.call(Method::DELETE, "/collections/dev_chunks", &json!({})).await;
    assert_eq!((removed["result"].take_bool(), exists().await), (true, json!(false)));
}

trait TakeBool {
    fn take_bool(&self) -> bool;
}

impl TakeBool for Value {
    fn take_bool(&self) -> bool {
        self.as_bool().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_the_words_of_the_server() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), None).await;
    server.with_three_points().await;
    let vectors = json!({"vectors": {"dense": {"size": 2, "distance": "Cosine"}}});
    let table = [
        (
            Method::PUT,
            "/collections/dev_chunks",
            vectors.clone(),
            409,
            "Wrong input: Collection `dev_chunks` already exists!",
        ),
        (Method::PUT, "/collections/.hidden", vectors, 400, "Wrong input: collection name"),
        (Method::GET, "/collections/none", json!({}), 404, "Not found: Collection `none` doesn't exist!"),
        (Method::PUT, "/collections/x", json!({"vectors": 3}), 400, "Format error in JSON body"),
        (
            Method::PUT,
            "/collections/dev_chunks/points",
            json!({"points": [{"id": 9, "vector": {"dense": [1.0, 2.0, 3.0]}}]}),
            400,
            "Wrong input: Vector dimension error: expected dim: 2, got 3",
        ),
        (
            Method::POST,
            "/collections/dev_chunks/points/query",
            json!({"query": [1.0, 2.0], "using": "other"}),
            400,
            "Wrong input: Not existing vector name error: other",
        ),
        (
            Method::POST,
            "/collections/dev_chunks/points/query",
            json!({"query": {"fusion": "rrf"}}),
            400,
            "Wrong input: cannot apply Fusion",
        ),
        (
            Method::POST,
            "/collections/dev_chunks/points/query",
            json!({"query": "an id"}),
            400,
            "Format error in JSON body",
        ),
    ];
    for (method, path, body, expected_status, expected_text) in table {
        let (status, answer) = server.call(method.clone(), path, &body).await;
        let text = answer["status"]["error"].as_str().unwrap_or_default();
        assert_eq!(status, expected_status, "{method} {path} {body}: {answer}");
        assert!(text.starts_with(expected_text), "{method} {path} {body}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_guards_everything_but_the_health_checks() {
    let storage = tempfile::tempdir().unwrap();
    let server = Server::on(storage.path(), Some("sesame")).await;
    let status = async |path: &str, key: Option<&str>| {
        let mut request = server.client.get(format!("{}{path}", server.running.url()));
        if let Some(key) = key {
            request = request.header("api-key", key);
        }
        request.send().await.unwrap().status().as_u16()
    };
    for open in ["/", "/healthz", "/readyz", "/livez"] {
        assert_eq!(status(open, None).await, 200, "{open}");
    }
    assert_eq!(status("/collections", None).await, 401);
    assert_eq!(status("/collections", Some("wrong")).await, 401);
    assert_eq!(status("/collections", Some("sesame")).await, 200);
}
