//! The language model: any upstream that speaks the OpenAI API.
//!
//! | variable | form | default |
//! |---|---|---|
//! | OPENROUTER_API_KEY | the upstream's key | required |
//! | LLM_BASE_URL | base URL that ends before `/chat/completions` | `https://openrouter.ai/api/v1` |
//! | LLM_MODEL | the model's name at the upstream | `openai/gpt-4o-mini` |
//! | LLM_MAX_TOKENS | longest answer in tokens, 1 to 32768 | 1024 |
//! | LLM_FREQUENCY_PENALTY | from -2 to 2; above 0 keeps a small model from repeating itself | 0 |
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
    /// Longest answer, in tokens.
    pub max_tokens: u32,
    /// How strongly words that were said already are avoided, from -2 to 2.
    pub frequency_penalty: f32,
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
        let max_tokens = reader.or("LLM_MAX_TOKENS", "a whole number from 1 to 32768", 1024, parse::number(1..=32768));
        let frequency_penalty =
            reader.or("LLM_FREQUENCY_PENALTY", "a number from -2 to 2", 0.0, parse::number(-2.0..=2.0));
        let model = reader.text("LLM_MODEL").unwrap_or_else(|| "openai/gpt-4o-mini".to_owned());
        let base_url = base_url.or_else(|| Url::parse(DEFAULT_BASE_URL).ok());
        Some(Self { base_url: base_url?, api_key: api_key?, model, max_tokens, frequency_penalty, timeout })
    }
}
