//! Both providers: the model itself, and an upstream over real HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use test_upstream::Settings;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{EmbedError, Embedder};
use crate::config::embedding::Embedding;
use crate::error::Outage;

fn product(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The model's folder; `make` sets it after it has fetched the model.
fn model_dir() -> Option<PathBuf> {
    let folder = std::env::var_os("EMBEDDING_MODEL_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: EMBEDDING_MODEL_DIR is not set; `make test` fetches the model and sets it");
    }
    folder
}

#[tokio::test]
async fn the_model_in_the_process_tells_meanings_apart() {
    let Some(model_dir) = model_dir() else { return };
    let embedder = Embedder::new(&Embedding::Local { model_dir, dimensions: 384 }).unwrap();
    assert_eq!(embedder.ping().await, Ok(()));
    let sentences =
        texts(&["How do I get my money back?", "Refunds are paid within a week.", "The cat sleeps on the sofa."]);
    let vectors = embedder.embed(&sentences).await.unwrap().unwrap();
    let (near, far) = (product(&vectors[0], &vectors[1]), product(&vectors[0], &vectors[2]));
    assert!(near > far + 0.2, "{near} {far}");
    for vector in &vectors {
        assert!((product(vector, vector) - 1.0).abs() < 1e-4);
    }
    let alone = embedder.embed(&sentences[..1]).await.unwrap().unwrap();
    assert!(product(&alone[0], &vectors[0]) > 0.999, "padding changes nothing");
}

#[tokio::test]
async fn a_missing_model_is_named_with_its_variable() {
    let embedder = Embedder::new(&Embedding::Local { model_dir: "/nowhere".into(), dimensions: 384 }).unwrap();
    for message in
        [embedder.ping().await.unwrap_err().detail, embedder.embed(&texts(&["x"])).await.unwrap_err().to_string()]
    {
        assert!(message.contains("/nowhere") && message.contains("EMBEDDING_MODEL_DIR"), "{message}");
    }
}

#[tokio::test]
async fn an_upstream_gives_vectors_in_order_across_batches() {
    let (embedder, _running) = upstream(64, 64).await;
    let sentences: Vec<String> = (0..130).map(|number| format!("word{number} is here")).collect();
    let vectors = embedder.embed(&sentences).await.unwrap().unwrap();
    let alone = embedder.embed(&sentences[129..]).await.unwrap().unwrap();
    assert_eq!((vectors.len(), &vectors[129]), (130, &alone[0]));
}

#[tokio::test]
async fn vectors_of_another_length_than_configured_are_refused() {
    let (embedder, _running) = upstream(64, 32).await;
    let error = embedder.embed(&texts(&["x"])).await.unwrap_err();
    assert!(matches!(error, EmbedError::Dimensions { expected: 32, actual: 64 }), "{error}");
    assert!(error.to_string().contains("EMBEDDING_DIMENSIONS=64"));
}

#[tokio::test]
async fn without_a_provider_there_is_nothing_to_fail() {
    let embedder = Embedder::new(&Embedding::None).unwrap();
    assert_eq!(embedder.embed(&texts(&["x"])).await.unwrap(), None);
    assert_eq!((embedder.ping().await, embedder.dimensions()), (Ok(()), None));
}

async fn upstream(dimensions: usize, configured: usize) -> (Embedder, test_upstream::Running) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let settings = Settings { address: SocketAddr::from(([127, 0, 0, 1], 0)), dimensions };
    let running = test_upstream::start(settings).await.unwrap();
    let config = Embedding::Upstream {
        base_url: running.base_url().parse().unwrap(),
        model: "scripted".to_owned(),
        api_key: None,
        dimensions: configured,
    };
    (Embedder::new(&config).unwrap(), running)
}

fn embedder_at(base_url: &str) -> Embedder {
    drop(rustls::crypto::ring::default_provider().install_default());
    let (model, base_url) = ("any".to_owned(), base_url.parse().unwrap());
    Embedder::new(&Embedding::Upstream { base_url, model, api_key: None, dimensions: 8 }).unwrap()
}

#[tokio::test]
async fn a_check_names_the_cause_by_the_upstream_s_answer_and_remembers_it() {
    let table = [
        (401, Outage::Credentials),
        (402, Outage::Payment),
        (404, Outage::Missing),
        (429, Outage::Busy),
        (500, Outage::Failing),
    ];
    for (status, expected) in table {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        let embedder = embedder_at(&server.uri());
        for _ in 0..2 {
            assert_eq!(embedder.ping().await.unwrap_err().outage, expected, "{status}");
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
    }
    assert_eq!(embedder_at("http://127.0.0.1:1/v1").ping().await.unwrap_err().outage, Outage::Unreachable);
}

#[tokio::test]
async fn a_check_that_nobody_answers_ends_before_those_who_ask_lose_patience_and_is_remembered() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let embedder = embedder_at(&format!("http://{}/v1", silent.local_addr().unwrap()));
    let outage = tokio::time::timeout(Duration::from_secs(3), embedder.ping()).await.unwrap().unwrap_err().outage;
    drop(silent);
    assert_eq!(outage, Outage::TimedOut);
    assert_eq!(embedder.ping().await.unwrap_err().outage, outage, "nobody is asked again");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let server = MockServer::start().await;
    let flood = ResponseTemplate::new(200).set_body_raw(vec![b' '; 33 << 20], "application/json");
    Mock::given(any()).respond_with(flood).mount(&server).await;
    let error = embedder_at(&server.uri()).embed(&texts(&["x"])).await.unwrap_err();
    assert!(error.to_string().contains("exceeds"), "{error}");
}
