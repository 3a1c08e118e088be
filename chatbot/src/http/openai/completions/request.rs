//! What can be asked for. What is not named here is ignored, and never reaches the upstream: there it could choose other
//! models, or spend more than the platform allows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::openai::error::Refusal;

/// Messages of one request.
const MAX_MESSAGES: usize = 1024;

/// A chat completion that is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(in crate::http::openai) struct CompletionRequest {
    /// `chatbot`, or the name of the upstream's model.
    pub(super) model: String,
    /// What was said, the question last.
    #[schema(min_items = 1, max_items = 1024)]
    pub(super) messages: Vec<Message>,
    /// Whether the answer comes as server-sent events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    /// Longest answer in tokens, at least 1; more than the platform allows means as many as it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u32>,
    /// The newer name of `max_tokens`, which it goes before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
    /// Words that end the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<Stop>,
    /// Functions that the model may ask to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Map<String, Value>>>,
    /// Which of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    /// The form of the answer: text, any JSON, or JSON of a schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_format: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_effort: Option<String>,
    /// Answers to choose from: 1.
    #[serde(skip_serializing)]
    pub(super) n: Option<u32>,
    /// Probabilities of words are not told.
    #[serde(skip_serializing)]
    pub(super) logprobs: Option<bool>,
    #[serde(skip_serializing)]
    pub(super) top_logprobs: Option<u32>,
    /// The old form of `tools`, which is not read.
    #[serde(skip_serializing)]
    pub(super) functions: Option<Vec<Map<String, Value>>>,
}

/// What a stream tells beside the words.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(super) struct StreamOptions {
    /// Whether the last chunk says how many tokens were used.
    #[serde(default)]
    pub(super) include_usage: Option<bool>,
}

/// One text, or several.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "`stop` must be a text or a list of texts")]
pub(super) enum Stop {
    One(String),
    Several(Vec<String>),
}

/// `none`, `auto`, `required`, or a tool by name.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "`tool_choice` must be a text or an object")]
pub(super) enum ToolChoice {
    Mode(String),
    Tool(Map<String, Value>),
}

/// One message.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct Message {
    pub(super) role: Role,
    /// What is said; none where tools are called instead.
    #[serde(default)]
    pub(super) content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Calls that the model asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<Vec<Map<String, Value>>>,
    /// The call that a tool's message answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

/// What is said: a text, or parts.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "`content` must be a text or a list of parts")]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of what is said: a text, a picture, and whatever the upstream reads.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

impl Content {
    /// The words; None when there is something else among them.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Parts(parts) => {
                let text =
                    |part: &Part| Some(part.rest.get("text")?.as_str()?.to_owned()).filter(|_| part.kind == "text");
                parts.iter().map(text).collect::<Option<Vec<String>>>().map(|texts| texts.join("\n"))
            }
        }
    }
}

impl CompletionRequest {
    /// What no model is asked for here.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(1..=MAX_MESSAGES).contains(&self.messages.len()) {
            return Err(Refusal::invalid("messages", format!("send 1 to {MAX_MESSAGES} messages")));
        }
        if self.max_completion_tokens.or(self.max_tokens) == Some(0) {
            return Err(Refusal::invalid("max_tokens", "ask for at least one token"));
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(Refusal::unsupported("n", "one answer is given to a request; ask again for another"));
        }
        if self.logprobs == Some(true) || self.top_logprobs.is_some_and(|count| count > 0) {
            return Err(Refusal::unsupported("logprobs", "probabilities of words are not told; leave it out"));
        }
        if self.functions.is_some() {
            return Err(Refusal::unsupported("functions", "send `tools` in its place"));
        }
        Ok(())
    }

    /// The longest answer that is wanted and allowed.
    pub(super) fn longest(&self, allowed: u32) -> u32 {
        self.max_completion_tokens.or(self.max_tokens).map_or(allowed, |wanted| wanted.min(allowed))
    }

    pub(super) fn is_stream(&self) -> bool {
        self.stream == Some(true)
    }

    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.unwrap_or_default().include_usage == Some(true)
    }
}
