//! The upstream through real HTTP, as a client of the OpenAI API sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops; helpers are not seen as tests")]

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use test_upstream::{Running, Settings, start};

async fn upstream() -> (Running, Client) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let settings = Settings { address: SocketAddr::from(([127, 0, 0, 1], 0)), dimensions: 64 };
    let client = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    (start(settings).await.unwrap(), client)
}

async fn ask(running: &Running, client: &Client, stream: bool) -> Response {
    let messages =
        json!([{"role": "system", "content": "rules"}, {"role": "user", "content": "<sources>x</sources>\n\nWhen?"}]);
    let body = json!({"model": "m", "stream": stream, "messages": messages});
    client.post(format!("{}/chat/completions", running.base_url())).json(&body).send().await.unwrap()
}

async fn put_script(running: &Running, client: &Client, steps: Value) {
    let url = format!("http://{}/script", running.address);
    let response = client.put(url).json(&json!({"steps": steps})).send().await.unwrap();
    assert_eq!(response.status(), 204);
}

#[tokio::test]
async fn without_a_script_the_question_comes_back_with_a_mark() {
    let (running, client) = upstream().await;
    let answer: Value = ask(&running, &client, false).await.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "You asked: When? [1]");
    let streamed = ask(&running, &client, true).await.text().await.unwrap();
    assert!(streamed.contains("\"content\":\"You \"") && streamed.ends_with("data: [DONE]\n\n"), "{streamed}");
    assert_eq!(running.requests().len(), 2);
}

#[tokio::test]
async fn a_script_is_played_step_by_step() {
    let (running, client) = upstream().await;
    let steps = json!([
        {"kind": "status", "status": 429, "message": "slow down", "retry_after": 7},
        {"kind": "cut", "text": "one two three", "after": 2},
        {"kind": "malformed", "text": "one", "after": 1},
        {"kind": "failure", "text": "one", "after": 1, "message": "overloaded"},
        {"kind": "answer", "text": "done"}]);
    put_script(&running, &client, steps).await;
    let limited = ask(&running, &client, true).await;
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let cut = ask(&running, &client, true).await;
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err());
    assert!(ask(&running, &client, true).await.text().await.unwrap().contains("oops"));
    assert!(ask(&running, &client, true).await.text().await.unwrap().contains("overloaded"));
    for _ in 0..2 {
        assert!(ask(&running, &client, true).await.text().await.unwrap().contains("done"));
    }
}

#[tokio::test]
async fn embeddings_of_texts_that_share_words_are_near() {
    let (running, client) = upstream().await;
    let body = json!({"model": "m", "input": ["the cat sleeps", "a cat sleeps", "quarterly tax report"]});
    let url = format!("{}/embeddings", running.base_url());
    let answer: Value = client.post(url).json(&body).send().await.unwrap().json().await.unwrap();
    let vector =
        |place: usize| -> Vec<f64> { serde_json::from_value(answer["data"][place]["embedding"].clone()).unwrap() };
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (cat, other_cat, tax) = (vector(0), vector(1), vector(2));
    assert_eq!(cat.len(), 64);
    assert!(product(&cat, &other_cat) > product(&cat, &tax));
}
