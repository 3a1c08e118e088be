//! Where dense vectors come from.
//!
//! | variable | form | default |
//! |---|---|---|
//! | EMBEDDING_PROVIDER | local, upstream or none | upstream when EMBEDDING_BASE_URL is set, else local when EMBEDDING_MODEL_DIR holds a model, else none |
//! | EMBEDDING_BASE_URL | base URL of an OpenAI-compatible upstream | none |
//! | EMBEDDING_MODEL | the model's name at the upstream | `text-embedding-3-small` |
//! | EMBEDDING_API_KEY | the upstream's key | none |
//! | EMBEDDING_DIMENSIONS | 1 to 8192 | 384 for local, 1536 for upstream |
//! | EMBEDDING_MODEL_DIR | folder with `model.safetensors`, `tokenizer.json`, `config.json` | `/usr/share/chatbot/models/all-minilm-l6-v2` |
//!
//! With `none`, search is by words alone (BM25).

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::reader::{Reader, parse};

const DEFAULT_MODEL_DIR: &str = "/usr/share/chatbot/models/all-minilm-l6-v2";

/// The chosen source of dense vectors.
#[derive(Clone, Debug)]
pub enum Embedding {
    /// No dense vectors.
    None,
    /// A model inside this process.
    Local {
        /// Folder of the model's files.
        model_dir: PathBuf,
        /// Length of one vector.
        dimensions: usize,
    },
    /// An OpenAI-compatible upstream.
    Upstream {
        /// Base URL; `embeddings` is appended.
        base_url: Url,
        /// Model asked for.
        model: String,
        /// Sent as bearer token when set.
        api_key: Option<SecretString>,
        /// Length of one vector.
        dimensions: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider {
    None,
    Local,
    Upstream,
}

impl Embedding {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let provider = reader.optional("EMBEDDING_PROVIDER", "local, upstream or none", provider);
        let base_url =
            reader.optional("EMBEDDING_BASE_URL", "an http or https URL such as https://HOST/v1", parse::http_url);
        let dimensions =
            reader.optional("EMBEDDING_DIMENSIONS", "a whole number from 1 to 8192", parse::number(1..=8192));
        let model = reader.text("EMBEDDING_MODEL").unwrap_or_else(|| "text-embedding-3-small".to_owned());
        let model_dir =
            PathBuf::from(reader.text("EMBEDDING_MODEL_DIR").unwrap_or_else(|| DEFAULT_MODEL_DIR.to_owned()));
        let chosen = provider.unwrap_or_else(|| default_provider(base_url.is_some(), &model_dir));
        match (chosen, base_url) {
            (Provider::None, _) => Self::None,
            (Provider::Local, _) => Self::Local { model_dir, dimensions: dimensions.unwrap_or(384) },
            (Provider::Upstream, Some(base_url)) => {
                let api_key = reader.secret("EMBEDDING_API_KEY");
                Self::Upstream { base_url, model, api_key, dimensions: dimensions.unwrap_or(1536) }
            }
            (Provider::Upstream, None) => {
                reader.reject("EMBEDDING_BASE_URL", "an http or https URL, because EMBEDDING_PROVIDER is upstream");
                Self::None
            }
        }
    }

    /// Length of one dense vector; None without dense vectors.
    #[must_use]
    pub const fn dimensions(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Local { dimensions, .. } | Self::Upstream { dimensions, .. } => Some(*dimensions),
        }
    }
}

fn provider(text: &str) -> Option<Provider> {
    match text {
        "none" => Some(Provider::None),
        "local" => Some(Provider::Local),
        "upstream" => Some(Provider::Upstream),
        _ => None,
    }
}

fn default_provider(has_upstream: bool, model_dir: &std::path::Path) -> Provider {
    if has_upstream {
        Provider::Upstream
    } else if model_dir.join("model.safetensors").exists() {
        Provider::Local
    } else {
        Provider::None
    }
}
