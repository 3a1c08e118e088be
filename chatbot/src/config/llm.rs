//! The language model: any upstream that speaks the OpenAI API.
//!
//! | variable | form | default |
//! |---|---|---|
//! | OPENROUTER_API_KEY | the upstream's key | required |
//! | LLM_BASE_URL | base URL that ends before `/chat/completions` | `https://openrouter.ai/api/v1` |
//! | LLM_MODEL | the model's name at the upstream | `openai/gpt-4o-mini` |
//! | LLM_TIMEOUT | seconds until the whole answer must be there, 1 to 600 | 120 |

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::reader::{Reader, parse};

const DEFAULT_BASE_URL: &str = "https://openrouter.ai/api/v1";

/// How to reach the language model.
#[derive(Clone, Debug)]
pub struct Llm {
    /// Base URL, without a trailing slash's meaning: `chat/completions` is appended.
    pub base_url: Url,
    /// Sent as bearer token.
    pub api_key: SecretString,
    /// Model asked for.
    pub model: String,
    /// Deadline of a whole answer.
    pub timeout: Duration,
}

impl Llm {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let api_key = reader.required(
            "OPENROUTER_API_KEY",
            "the upstream's API key (any text when LLM_BASE_URL asks for none)",
            |text| Some(SecretString::from(text)),
        );
        let base_url =
            reader.optional("LLM_BASE_URL", "an http or https URL such as http://model:8080/v1", parse::http_url);
        let timeout =
            reader.or("LLM_TIMEOUT", "seconds from 1 to 600", Duration::from_mins(2), parse::seconds(1.0..=600.0));
        let model = reader.text("LLM_MODEL").unwrap_or_else(|| "openai/gpt-4o-mini".to_owned());
        let base_url = base_url.or_else(|| Url::parse(DEFAULT_BASE_URL).ok());
        Some(Self { base_url: base_url?, api_key: api_key?, model, timeout })
    }
}
