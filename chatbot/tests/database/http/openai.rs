//! The OpenAI API as bytes; tests/clients asks through the official clients.

use reqwest::Method;
use serde_json::{Value, json};
use test_upstream::Step;

use super::world::{World, read};
use crate::support::eventually;

const GUIDE: &str = "# Guide\n\n## Backups\n\nBackups are kept for thirty days. Every night a full one is made.\n";

fn question(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "How long are backups kept?"}]})
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The documents of a stream; the last line is `[DONE]` or the last document is an error.
fn chunks(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let read = |data: &str| serde_json::from_str(data).unwrap_or_else(|_| json!(data));
    data.map(read).collect()
}

async fn stream(world: &World, body: &Value) -> Vec<Value> {
    let response = world.request(Method::POST, "/v1/chat/completions").json(body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    chunks(&response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chatbot_answers_from_documents_in_openai_s_shape_and_keeps_nothing() {
    let world = World::new().await;
    world.upload("guide.md", GUIDE).await;
    world.says("They are kept for thirty days [1].");
    let body = json!({"model": "chatbot", "max_tokens": 50, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": [{"type": "text", "text": "How long are backups kept?"}]},
    ]});
    let (status, answer) = world.post("/v1/chat/completions", &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], "They are kept for thirty days [1].");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!((&answer["sources"][0]["title"], &answer["sources"][0]["cited"]), (&json!("guide.md"), &json!(true)));
    let usage = &answer["usage"];
    let sum = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"].as_u64(), Some(sum));
    let asked = world.upstream.requests().pop().unwrap();
    assert!(asked["messages"][0]["content"].as_str().unwrap().ends_with("Be brief."), "{asked}");
    assert_eq!(asked["max_tokens"], 50);
    assert!(asked.to_string().contains("Good day."), "what was said before is part of the prompt: {asked}");
    let (_, kept) = world.get("/api/v1/conversations").await;
    assert_eq!(kept["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_the_chatbot_has_role_words_end_usage_and_done() {
    let world = World::new().await;
    world.upload("guide.md", GUIDE).await;
    world.says("Thirty days [1].");
    let body = with(question("chatbot"), &json!({"stream": true, "stream_options": {"include_usage": true}}));
    let told = stream(&world, &body).await;
    assert_eq!(told.last(), Some(&json!("[DONE]")));
    assert_eq!(
        (&told[0]["choices"][0]["delta"]["role"], &told[0]["sources"][0]["number"]),
        (&json!("assistant"), &json!(1))
    );
    let words: String = told.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(words, "Thirty days [1].");
    let [.., end, usage, _] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&end["choices"][0]["finish_reason"], &end["cited"]), (&json!("stop"), &json!([1])));
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(3)));
    let told = stream(&world, &with(question("chatbot"), &json!({"stream": true}))).await;
    assert!(told.iter().all(|chunk| chunk.get("usage").is_none()), "nobody asked for it: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_s_model_is_asked_with_the_caller_s_request_and_nothing_that_could_cost_more() {
    let world = World::with(&[("LLM_MAX_TOKENS", "100")]).await;
    world.play(vec![Step::ToolCall { name: "weather".to_owned(), arguments: r#"{"city":"Tehran"}"#.to_owned() }]);
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
    let more = json!({"tools": tools, "tool_choice": "auto", "temperature": 0.5, "max_completion_tokens": 9000,
        "provider": {"order": ["dear"]}, "models": ["dearer"]});
    let (status, answer) = world.post("/v1/chat/completions", &with(question("scripted"), &more)).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!((status, &call["function"]["arguments"]), (200, &json!(r#"{"city":"Tehran"}"#)), "{answer}");
    let asked = world.upstream.requests().pop().unwrap();
    assert_eq!((&asked["tools"], &asked["temperature"], &asked["max_tokens"]), (&tools, &json!(0.5), &json!(100)));
    for unknown in ["provider", "models", "max_completion_tokens"] {
        assert!(asked.get(unknown).is_none(), "{unknown}: {asked}");
    }
    let messages = json!([
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]);
    world.says("It is sunny.");
    let (status, answer) =
        world.post("/v1/chat/completions", &json!({"model": "scripted", "messages": messages})).await;
    assert_eq!((status, &answer["choices"][0]["message"]["content"]), (200, &json!("It is sunny.")));
    assert_eq!(world.upstream.requests().pop().unwrap()["messages"], messages);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_the_upstream_comes_as_it_is_with_usage_for_who_asks() {
    let world = World::new().await;
    world.says("one two three");
    let asks = with(question("scripted"), &json!({"stream": true, "stream_options": {"include_usage": true}}));
    let told = stream(&world, &asks).await;
    let words: String = told.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!((words.as_str(), told.last()), ("one two three", Some(&json!("[DONE]"))));
    assert!(told.iter().any(|chunk| chunk["usage"]["completion_tokens"] == 3), "{told:?}");
    let told = stream(&world, &with(question("scripted"), &json!({"stream": true}))).await;
    assert!(told.iter().all(|chunk| chunk.get("usage").is_none()), "{told:?}");
    let (_, metrics) = world.get("/metrics").await;
    let line = r#"chat_tokens_total{direction="completion"} 6"#;
    assert!(metrics.as_str().unwrap().contains(line), "both were counted: {metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_s_troubles_have_the_status_that_clients_go_by() {
    let world = World::new().await;
    let status = |status, message: &str| Step::Status { status, message: message.to_owned(), retry_after: None };
    let table = [
        (status(400, "tools are not known here"), 400, "upstream_refused"),
        (status(400, "maximum context length is 4096"), 400, "context_length_exceeded"),
        (status(401, "no"), 502, "upstream_failed"),
        (status(429, "slow down"), 429, "upstream_rate_limited"),
        (status(500, "oops"), 502, "upstream_failed"),
    ];
    for (step, expected, code) in table {
        world.play(vec![step.clone()]);
        for stream in [false, true] {
            let body = with(question("scripted"), &json!({"stream": stream}));
            let (status, error) = world.post("/v1/chat/completions", &body).await;
            assert_eq!((status, &error["error"]["code"]), (expected, &json!(code)), "{step:?} {stream}: {error}");
        }
    }
    world.play(vec![Step::Cut { text: "one two three".to_owned(), after: 2 }]);
    for model in ["scripted", "chatbot"] {
        let told = stream(&world, &with(question(model), &json!({"stream": true}))).await;
        let last = told.last().unwrap();
        assert_eq!(last["error"]["type"], "server_error", "{model}: an answer that broke off says so: {told:?}");
    }
    let (status, error) = world.post("/v1/chat/completions", &question("chatbot")).await;
    assert_eq!((status, &error["error"]["code"]), (503, &json!("model_unavailable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_says_nothing_in_time_is_a_timeout() {
    let world = World::with(&[("LLM_TIMEOUT", "1")]).await;
    world.play(vec![Step::Hang]);
    for stream in [false, true] {
        let body = with(question("scripted"), &json!({"stream": stream}));
        let (status, error) = world.post("/v1/chat/completions", &body).await;
        assert_eq!((status, &error["error"]["code"]), (504, &json!("upstream_timeout")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_answer() {
    let world = World::with(&[("MAX_CONCURRENT_REQUESTS", "1")]).await;
    for model in ["scripted", "chatbot"] {
        world.play(vec![Step::Stall { text: "one two".to_owned(), after: 1 }]);
        let body = with(question(model), &json!({"stream": true}));
        let mut response = world.request(Method::POST, "/v1/chat/completions").json(&body).send().await.unwrap();
        response.chunk().await.unwrap().unwrap();
        let (status, error) = world.get("/v1/models").await;
        assert_eq!((status, &error["error"]["code"]), (503, &json!("server_busy")), "{model}");
        drop(response);
        eventually("the slot", async || (world.get("/v1/models").await.0 == 200).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_and_found_by_name() {
    let world = World::with(&[("LLM_MODEL", "owner/scripted"), ("EMBEDDING_MODEL", "vectors")]).await;
    let (_, list) = world.get("/v1/models").await;
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["chatbot", "owner/scripted", "vectors"]);
    for path in ["/v1/models/chatbot", "/v1/models/owner/scripted", "/v1/models/owner%2Fscripted"] {
        assert_eq!(world.get(path).await.0, 200, "{path}");
    }
    let (status, error) = world.get("/v1/models/gpt-9").await;
    assert_eq!((status, &error["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_come_as_numbers_or_in_base64_and_are_the_same() {
    let world = World::with(&[("EMBEDDING_MODEL", "vectors")]).await;
    let ask = async |more: Value| world.post("/v1/embeddings", &with(json!({"model": "vectors"}), &more)).await.1;
    let numbers = ask(json!({"input": ["harbour", "lighthouse"]})).await;
    assert_eq!(
        (numbers["data"][1]["index"].as_u64(), numbers["data"][1]["object"].as_str()),
        (Some(1), Some("embedding"))
    );
    let text = ask(json!({"input": "lighthouse", "encoding_format": "base64", "dimensions": 1024})).await;
    let bytes =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text["data"][0]["embedding"].as_str().unwrap());
    let read: Vec<f64> =
        bytes.unwrap().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()).into()).collect();
    let numbers: Vec<f64> =
        numbers["data"][1]["embedding"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
    assert_eq!(read.len(), 1024);
    assert!(read.iter().zip(&numbers).all(|(one, other)| (one - other).abs() < 1e-6), "{read:?} {numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_is_refused_in_openai_s_shape_and_reaches_no_model() {
    let world = World::with(&[("EMBEDDING_MODEL", "vectors")]).await;
    let chat = "/v1/chat/completions";
    let own = |more: Value| with(question("chatbot"), &more);
    let passed = |more: Value| with(question("scripted"), &more);
    let embed = |more: Value| with(json!({"model": "vectors", "input": "x"}), &more);
    let function = json!([{"type": "function", "function": {"name": "f"}}]);
    let table = [
        (chat, own(json!({"model": "gpt-9"})), 404, "model_not_found"),
        (chat, passed(json!({"n": 2})), 400, "unsupported_parameter"),
        (chat, passed(json!({"logprobs": true})), 400, "unsupported_parameter"),
        (chat, passed(json!({"functions": []})), 400, "unsupported_parameter"),
        (chat, passed(json!({"max_tokens": 0})), 400, "invalid_value"),
        (chat, passed(json!({"max_tokens": -1})), 400, "invalid_request"),
        (chat, passed(json!({"messages": []})), 400, "invalid_value"),
        (chat, passed(json!({"messages": "Hi"})), 400, "invalid_request"),
        (chat, passed(json!({"messages": [{"role": "king", "content": "Hi"}]})), 400, "invalid_request"),
        (chat, passed(json!({"messages": [{"role": "user", "content": 7}]})), 400, "invalid_request"),
        (chat, passed(json!({"temperature": "hot"})), 400, "invalid_request"),
        (chat, own(json!({"tools": function})), 400, "unsupported_parameter"),
        (chat, own(json!({"response_format": {"type": "json_object"}})), 400, "unsupported_parameter"),
        (chat, own(json!({"messages": [{"role": "assistant", "content": "Hi"}]})), 400, "invalid_value"),
        (chat, own(json!({"messages": [{"role": "user", "content": " "}]})), 400, "invalid_value"),
        (chat, own(json!({"messages": [{"role": "user", "content": "x".repeat(8001)}]})), 400, "invalid_value"),
        (
            chat,
            own(json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})),
            400,
            "unsupported_parameter",
        ),
        ("/v1/embeddings", embed(json!({"model": "other"})), 404, "model_not_found"),
        ("/v1/embeddings", embed(json!({"input": [1, 2, 3]})), 400, "invalid_value"),
        ("/v1/embeddings", embed(json!({"input": []})), 400, "invalid_value"),
        ("/v1/embeddings", embed(json!({"input": [""]})), 400, "invalid_value"),
        ("/v1/embeddings", embed(json!({"input": vec!["x"; 257]})), 400, "invalid_value"),
        ("/v1/embeddings", embed(json!({"input": 7})), 400, "invalid_request"),
        ("/v1/embeddings", embed(json!({"dimensions": 3})), 400, "invalid_value"),
        ("/v1/embeddings", embed(json!({"encoding_format": "hex"})), 400, "invalid_request"),
    ];
    for (path, body, expected, code) in table {
        let (status, error) = world.post(path, &body).await;
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!((status, &error["error"]["code"]), (expected, &json!(code)), "{shown}: {error}");
        assert!(error["error"]["message"].is_string() && error["error"]["type"].is_string(), "{error}");
    }
    assert_eq!(world.upstream.requests().len(), 0, "nothing was asked of the model");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_layer_refuses_the_shape_is_openai_s() {
    let world = World::new().await;
    let post = |kind: &str, body: Vec<u8>| {
        world.request(Method::POST, "/v1/chat/completions").header("content-type", kind).body(body)
    };
    let table = [
        (post("application/json", b"{".to_vec()), 400, "invalid_request"),
        (post("application/json", vec![b'"', 0xff, b'"']), 400, "invalid_request"),
        (post("text/plain", b"{}".to_vec()), 415, "unsupported_media_type"),
        (post("application/json", vec![b' '; 2 << 20]), 413, "request_too_large"),
        (world.anonymous(Method::GET, "/v1/models"), 401, "invalid_api_key"),
        (world.request(Method::PUT, "/v1/models"), 405, "method_not_allowed"),
        (world.request(Method::GET, "/v1/assistants"), 404, "not_found"),
    ];
    for (request, expected, code) in table {
        let (status, error) = read(request).await;
        assert_eq!((status, &error["error"]["code"]), (expected, &json!(code)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_embedding_model_vectors_are_an_error_of_the_server() {
    let world = World::with(&[("EMBEDDING_BASE_URL", "http://127.0.0.1:1/v1"), ("EMBEDDING_MODEL", "vectors")]).await;
    let (status, error) = world.post("/v1/embeddings", &json!({"model": "vectors", "input": "x"})).await;
    assert_eq!((status, &error["error"]["code"]), (503, &json!("model_unavailable")));
}
