//! The client against the scripted upstream, over real HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use secrecy::SecretString;
use test_upstream::{Running, Script, Settings, Step};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Client, Delta, End, Listed, LlmError, Message, Request, Role, Usage, endpoint};
use crate::config::llm::Llm;
use crate::error::Outage;

/// Whether an error is the one that a test wants.
type Expected = fn(&LlmError) -> bool;

async fn upstream(steps: Vec<Step>) -> (Running, Client) {
    let settings = Settings { address: SocketAddr::from(([127, 0, 0, 1], 0)), dimensions: 8 };
    let running = test_upstream::start(settings).await.unwrap();
    running.script(Script { model: "any".to_owned(), steps });
    let client = client(&running.base_url(), Duration::from_secs(30));
    (running, client)
}

fn client(base_url: &str, timeout: Duration) -> Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = Llm {
        base_url: base_url.parse().unwrap(),
        api_key: SecretString::from("key"),
        model: "scripted".to_owned(),
        max_tokens: 10,
        frequency_penalty: 0.0,
        timeout,
    };
    Client::new(&config).unwrap()
}

fn question() -> Request {
    let message = Message { role: Role::User, content: "When?".to_owned() };
    Request { messages: vec![message], temperature: 0.0, max_tokens: None }
}

fn says(text: &str) -> Step {
    Step::Answer { text: text.to_owned(), token_delay_ms: 0 }
}

fn status(status: u16, retry_after: Option<u64>) -> Step {
    Step::Status { status, message: "the script says so".to_owned(), retry_after }
}

/// What was said, and how it ended.
async fn hear(client: &Client) -> (String, Result<End, LlmError>) {
    let mut said = String::new();
    let mut deltas = match client.chat(&question()).await {
        Ok(deltas) => deltas,
        Err(error) => return (said, Err(error)),
    };
    while let Some(delta) = deltas.next().await {
        match delta {
            Ok(Delta::Text(text)) => said.push_str(&text),
            Ok(Delta::End(end)) => return (said, Ok(end)),
            Err(error) => return (said, Err(error)),
        }
    }
    (said, Err(LlmError::Interrupted))
}

#[tokio::test]
async fn words_come_in_order_and_the_end_says_why_and_how_many() {
    let (upstream, client) = upstream(vec![says("At nine, سلام.")]).await;
    let (said, end) = hear(&client).await;
    assert_eq!(said, "At nine, سلام.");
    let usage = Some(Usage { prompt_tokens: 1, completion_tokens: 3 });
    assert_eq!(end.unwrap(), End { finish_reason: "stop".to_owned(), usage, model: Some("scripted".to_owned()) });
    let request = &upstream.requests()[0];
    assert_eq!((&request["stream"], &request["stream_options"]["include_usage"]), (&true.into(), &true.into()));
}

#[tokio::test]
async fn trouble_before_the_first_word_is_asked_again_and_nobody_notices() {
    let cut = Step::Cut { text: String::new(), after: 0 };
    for trouble in [status(503, None), status(429, None), status(500, Some(0)), cut] {
        let (upstream, client) = upstream(vec![trouble.clone(), says("done")]).await;
        let (said, end) = hear(&client).await;
        assert!(end.is_ok(), "{trouble:?}: {end:?}");
        assert_eq!((said.as_str(), upstream.requests().len()), ("done", 2), "{trouble:?}");
    }
}

#[tokio::test]
async fn what_another_attempt_cannot_mend_is_said_at_once() {
    let table: [(Step, Expected); 7] = [
        (status(401, None), |error| matches!(error, LlmError::Unauthorized)),
        (status(402, None), |error| matches!(error, LlmError::PaymentRequired)),
        (status(404, None), |error| matches!(error, LlmError::NotFound(_))),
        (status(400, None), |error| matches!(error, LlmError::Refused { status: 400, .. })),
        // It asks for more patience than a person has.
        (status(429, Some(60)), |error| matches!(error, LlmError::RateLimited { retry_after: Some(_) })),
        (Step::Malformed { text: String::new(), after: 0 }, |error| matches!(error, LlmError::Protocol(_))),
        (Step::Hang, |error| matches!(error, LlmError::Timeout { .. })),
    ];
    for (step, expected) in table {
        let (upstream, _) = upstream(vec![step.clone()]).await;
        let impatient = client(&upstream.base_url(), Duration::from_secs(1));
        let (said, end) = hear(&impatient).await;
        let error = end.unwrap_err();
        assert!(expected(&error), "{step:?}: {error}");
        assert_eq!((said.as_str(), upstream.requests().len()), ("", 1), "{step:?}");
    }
}

#[tokio::test]
async fn no_word_is_said_twice_when_the_answer_breaks_in_the_middle() {
    let text = "one two three".to_owned();
    let table: [(Step, Expected); 4] = [
        (Step::Cut { text: text.clone(), after: 2 }, |error| matches!(error, LlmError::Interrupted)),
        (Step::Malformed { text: text.clone(), after: 2 }, |error| matches!(error, LlmError::Protocol(_))),
        (
            Step::Failure { text: text.clone(), after: 2, message: "overloaded".to_owned() },
            |error| matches!(error, LlmError::Server { status: 502, message } if message == "overloaded"),
        ),
        (Step::Stall { text, after: 2 }, |error| matches!(error, LlmError::Timeout { what: "no whole answer", .. })),
    ];
    for (step, expected) in table {
        let (upstream, _) = upstream(vec![step.clone()]).await;
        let impatient = client(&upstream.base_url(), Duration::from_secs(2));
        let (said, end) = hear(&impatient).await;
        let error = end.unwrap_err();
        assert!(expected(&error), "{step:?}: {error}");
        assert_eq!((said.as_str(), upstream.requests().len()), ("one two ", 1), "{step:?}");
    }
}

#[tokio::test]
async fn an_outage_is_not_answered_with_a_multiple_of_the_load() {
    let (upstream, client) = upstream(vec![status(503, None)]).await;
    let heard = join_all((0..60).map(|_| hear(&client))).await;
    assert!(heard.iter().all(|(_, end)| end.is_err()));
    let asked = upstream.requests().len();
    // Ten retries in reserve, and one more on ten requests.
    assert!((61..=60 + 10 + 6).contains(&asked), "{asked}");
}

#[tokio::test]
async fn an_upstream_that_does_not_stream_is_understood() {
    let server = MockServer::start().await;
    let body = serde_json::json!({
        "model": "plain",
        "choices": [{"message": {"role": "assistant", "content": "At nine."}, "finish_reason": "length"}],
    });
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    let (said, end) = hear(&client(&server.uri(), Duration::from_secs(5))).await;
    assert_eq!((said.as_str(), end.unwrap().finish_reason.as_str()), ("At nine.", "length"));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let server = MockServer::start().await;
    let flood = ResponseTemplate::new(200).set_body_raw(vec![b'x'; 9 << 20], "text/event-stream");
    Mock::given(any()).respond_with(flood).mount(&server).await;
    let (_, end) = hear(&client(&server.uri(), Duration::from_secs(20))).await;
    assert!(matches!(end, Err(LlmError::TooLong(_))), "{end:?}");
}

#[tokio::test]
async fn a_check_lists_models_and_says_what_is_wrong() {
    let (_upstream, reachable) = upstream(Vec::new()).await;
    assert_eq!(reachable.ping().await, Ok(Listed::Yes));
    let gone = client("http://127.0.0.1:1/v1", Duration::from_secs(5));
    assert!(gone.ping().await.unwrap_err().detail.contains("LLM_BASE_URL"));
}

#[tokio::test]
async fn a_check_that_nobody_answers_ends_before_those_who_ask_lose_patience_and_is_remembered() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let waiting = client(&format!("http://{}/v1", silent.local_addr().unwrap()), Duration::from_secs(5));
    let outage = tokio::time::timeout(Duration::from_secs(3), waiting.ping()).await.unwrap().unwrap_err().outage;
    drop(silent);
    assert_eq!(outage, Outage::TimedOut);
    assert_eq!(waiting.ping().await.unwrap_err().outage, outage, "nobody is asked again");
}

#[tokio::test]
async fn a_key_that_is_refused_only_when_something_is_asked_is_told_until_an_answer_comes() {
    let (upstream, client) = upstream(vec![status(401, None)]).await;
    assert_eq!(client.ping().await, Ok(Listed::Yes), "anybody may read the list");
    drop(hear(&client).await);
    assert_eq!(client.ping().await.unwrap_err().outage, Outage::Credentials);
    upstream.script(Script { model: "any".to_owned(), steps: vec![says("At nine.")] });
    drop(hear(&client).await);
    assert_eq!(client.ping().await, Ok(Listed::Yes));
}

#[tokio::test]
async fn a_list_is_looked_through_for_the_model_and_one_that_names_none_says_nothing() {
    let table = [
        (r#"{"data": [{"id": "other"}, {"id": "scripted"}]}"#, Listed::Yes),
        (r#"{"data": [{"id": "other"}]}"#, Listed::No),
        (r#"{"data": []}"#, Listed::Unknown),
        (r#"{"models": 3}"#, Listed::Unknown),
        ("no JSON", Listed::Unknown),
    ];
    for (list, expected) in table {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(list)).mount(&server).await;
        assert_eq!(client(&server.uri(), Duration::from_secs(5)).ping().await, Ok(expected), "{list}");
    }
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_told_from_every_other_refusal() {
    let table = [
        (400, "This model's maximum context length is 4096 tokens. Please reduce the length of the messages.", true),
        (400, "the request exceeds the available context size, try increasing it", true),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", true),
        (413, "Request Entity Too Large", true),
        (400, "max_tokens is too large: 32768. This model supports at most 4096 completion tokens.", false),
        (400, "temperature must be between 0 and 2", false),
        (409, "context length", false),
    ];
    for (status, message, expected) in table {
        let step = Step::Status { status, message: message.to_owned(), retry_after: None };
        let (_upstream, client) = upstream(vec![step]).await;
        let error = hear(&client).await.1.unwrap_err();
        assert_eq!(matches!(error, LlmError::PromptTooLong(_)), expected, "{message}: {error}");
        assert_eq!(client.ping().await, Ok(Listed::Yes), "a question that is refused is no outage");
    }
}

#[test]
fn endpoints_do_not_depend_on_a_slash_at_the_end_of_the_base_url() {
    for base in ["https://host/api/v1", "https://host/api/v1/"] {
        let url = endpoint(&base.parse().unwrap(), &["chat", "completions"]).unwrap();
        assert_eq!(url.as_str(), "https://host/api/v1/chat/completions");
    }
    assert_eq!(endpoint(&"mailto:x".parse().unwrap(), &["models"]), None);
}

#[tokio::test]
async fn an_upstream_that_does_not_stream_or_does_not_say_that_it_is_done_is_passed_on_all_the_same() {
    let whole = r#"{"choices":[{"index":0,"message":{"content":"At nine."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#;
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"At nine."},"finish_reason":"stop"}]}"#;
    let cut = r#"{"choices":[{"index":0,"delta":{"content":"At"}}]}"#;
    let table = [
        ("application/json", whole.to_owned(), 1, true),
        ("text/event-stream", format!("data: {chunk}\n\n"), 1, true),
        ("text/event-stream", format!("data: {cut}\n\n"), 2, false),
    ];
    for (kind, body, count, is_whole) in table {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_raw(body.clone(), kind);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let client = client(&server.uri(), Duration::from_secs(30));
        let parts: Vec<_> = client.pass_stream(&serde_json::json!({})).await.unwrap().collect().await;
        assert_eq!((parts.len(), parts.iter().all(Result::is_ok)), (count, is_whole), "{body}: {parts:?}");
        let first = parts[0].as_ref().unwrap();
        assert!(first["choices"][0]["delta"]["content"].as_str().unwrap().starts_with("At"), "{first:?}");
    }
}
