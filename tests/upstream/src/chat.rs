//! `/v1/chat/completions`: the script's step as a stream or as a whole.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::script::Step;
use crate::server::Shared;

/// Silence ends at last, so that a forgotten test does not hold a connection for ever.
const SILENCE: Duration = Duration::from_mins(10);

#[derive(Deserialize)]
struct Request {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

/// A text, or parts of which the texts are read.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().map(|part| part.text.as_str()).collect(),
        }
    }
}

/// What the stream does after its tokens.
enum Ending {
    Done { prompt_tokens: usize },
    Cut,
    Stall,
    Malformed,
    Failure(String),
}

pub(crate) async fn completions(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> Response {
    shared.stage.record(&body);
    let request: Request = match serde_json::from_value(body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string(), None),
    };
    let step = shared.stage.next(&request.model).unwrap_or_else(|| echo(&request));
    let prompt_tokens = request.messages.iter().map(|message| tokens(&message.text()).len()).sum();
    match step {
        Step::Answer { text, token_delay_ms } if request.stream => {
            let delay = Duration::from_millis(token_delay_ms);
            streamed(&request.model, &text, usize::MAX, delay, Ending::Done { prompt_tokens })
        }
        Step::Answer { text, .. } => whole(&request.model, &text, prompt_tokens),
        Step::ToolCall { name, arguments } if request.stream => tool_call_streamed(&request.model, &name, &arguments),
        Step::ToolCall { name, arguments } => tool_call(&request.model, &name, &arguments),
        Step::Status { status, message, retry_after } => {
            refuse(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &message, retry_after)
        }
        Step::Cut { text, after } => streamed(&request.model, &text, after, Duration::ZERO, Ending::Cut),
        Step::Stall { text, after } => streamed(&request.model, &text, after, Duration::ZERO, Ending::Stall),
        Step::Malformed { text, after } => streamed(&request.model, &text, after, Duration::ZERO, Ending::Malformed),
        Step::Failure { text, after, message } => {
            streamed(&request.model, &text, after, Duration::ZERO, Ending::Failure(message))
        }
        Step::Hang => {
            tokio::time::sleep(SILENCE).await;
            refuse(StatusCode::GATEWAY_TIMEOUT, "silence is over", None)
        }
    }
}

/// The answer when no script says anything.
fn echo(request: &Request) -> Step {
    let question = request.messages.iter().rev().find(|message| message.role == "user");
    let prompt = question.map(Message::text).unwrap_or_default();
    let (sources, question) = prompt.rsplit_once("</sources>").unwrap_or(("", &prompt));
    let mark = if sources.is_empty() { "" } else { " [1]" };
    Step::Answer { text: format!("You asked: {}{mark}", question.trim()), token_delay_ms: 0 }
}

/// Words with the space before them, as models cut them.
fn tokens(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}

fn whole(model: &str, text: &str, prompt_tokens: usize) -> Response {
    let usage = usage(prompt_tokens, tokens(text).len());
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let id = uuid::Uuid::new_v4();
    Json(json!({"id": id, "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}))
        .into_response()
}

fn tool_call(model: &str, name: &str, arguments: &str) -> Response {
    let call = json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    Json(json!({"id": "scripted", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage(1, 1)}))
        .into_response()
}

/// The name first, then the arguments, as models tell them.
fn tool_call_streamed(model: &str, name: &str, arguments: &str) -> Response {
    let begin = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}});
    let rest = json!({"index": 0, "function": {"arguments": arguments}});
    let mut last = chunk(model, &json!({}), Some("tool_calls"));
    last["usage"] = usage(1, 1);
    let parts =
        [chunk(model, &json!({"tool_calls": [begin]}), None), chunk(model, &json!({"tool_calls": [rest]}), None), last];
    let text: String = parts.iter().map(event).chain(["data: [DONE]\n\n".to_owned()]).collect();
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

fn streamed(model: &str, text: &str, after: usize, delay: Duration, ending: Ending) -> Response {
    let words: Vec<String> = tokens(text).into_iter().take(after).collect();
    let count = words.len();
    let model = model.to_owned();
    let said = {
        let model = model.clone();
        stream::iter(words).then(move |word| {
            let event = event(&chunk(&model, &json!({"content": word}), None));
            async move {
                tokio::time::sleep(delay).await;
                Ok(event)
            }
        })
    };
    let body = Body::from_stream(said.chain(closing(&model, count, ending)));
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

fn closing(model: &str, count: usize, ending: Ending) -> impl Stream<Item = Result<String, io::Error>> + use<> {
    let parts: Vec<Result<String, io::Error>> = match ending {
        Ending::Done { prompt_tokens } => {
            let mut last = chunk(model, &json!({}), Some("stop"));
            last["usage"] = usage(prompt_tokens, count);
            vec![Ok(event(&last)), Ok("data: [DONE]\n\n".to_owned())]
        }
        Ending::Cut => vec![Err(io::Error::other("cut by the script"))],
        Ending::Malformed => vec![Ok("data: {\"choices\": [oops\n\n".to_owned())],
        Ending::Failure(message) => {
            vec![Ok(event(&json!({"error": {"code": 502, "message": message}, "choices": []})))]
        }
        Ending::Stall => {
            let silence = stream::once(async {
                tokio::time::sleep(SILENCE).await;
                Ok(String::new())
            });
            return silence.boxed();
        }
    };
    // A pause lets what was said reach the client before the connection breaks.
    let pause = stream::once(async { tokio::time::sleep(Duration::from_millis(20)).await });
    pause.flat_map(|()| stream::empty()).chain(stream::iter(parts)).boxed()
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn chunk(model: &str, delta: &Value, finish_reason: Option<&str>) -> Value {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish_reason});
    json!({"id": "scripted", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]})
}

fn usage(prompt_tokens: usize, completion_tokens: usize) -> Value {
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    })
}

fn refuse(status: StatusCode, message: &str, retry_after: Option<u64>) -> Response {
    let body = Json(json!({"error": {"message": message, "code": status.as_u16()}}));
    let mut response = (status, body).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(crate) async fn models() -> Result<Json<Value>, Infallible> {
    Ok(Json(json!({"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "tests"}]})))
}
