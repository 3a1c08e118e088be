//! Qdrant: the index over documents.
//!
//! | variable | form | default |
//! |---|---|---|
//! | QDRANT_URL | `http://HOST:6333` or `https://HOST` | required |
//! | QDRANT_API_KEY | the server's API key | none |

use secrecy::SecretString;
use url::Url;

use super::reader::{Reader, parse};

/// How to reach Qdrant.
#[derive(Clone, Debug)]
pub struct Qdrant {
    /// Base URL of the REST API.
    pub url: Url,
    /// Sent as `api-key` when set.
    pub api_key: Option<SecretString>,
}

impl Qdrant {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.required("QDRANT_URL", "http://HOST:6333 or https://HOST", parse::http_url);
        Some(Self { api_key: reader.secret("QDRANT_API_KEY"), url: url? })
    }
}
