//! Langfuse: traces of model calls.
//!
//! | variable | form | default |
//! |---|---|---|
//! | LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY | the project's key pair, both or neither | none: nothing is sent |
//! | LANGFUSE_HOST | URL of the server | `https://cloud.langfuse.com` |

use secrecy::SecretString;
use url::Url;

use super::reader::{Reader, parse};

/// How to reach Langfuse.
#[derive(Clone, Debug)]
pub struct Langfuse {
    /// The server's URL.
    pub host: Url,
    /// Public half of the key pair.
    pub public_key: String,
    /// Secret half of the key pair.
    pub secret_key: SecretString,
}

impl Langfuse {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.optional("LANGFUSE_HOST", "an http or https URL", parse::http_url);
        let host = host.or_else(|| Url::parse("https://cloud.langfuse.com").ok())?;
        match (reader.text("LANGFUSE_PUBLIC_KEY"), reader.secret("LANGFUSE_SECRET_KEY")) {
            (Some(public_key), Some(secret_key)) => Some(Self { host, public_key, secret_key }),
            (None, None) => None,
            (Some(_), None) => {
                reader.reject("LANGFUSE_SECRET_KEY", "the secret key that belongs to LANGFUSE_PUBLIC_KEY");
                None
            }
            (None, Some(_)) => {
                reader.reject("LANGFUSE_PUBLIC_KEY", "the public key that belongs to LANGFUSE_SECRET_KEY");
                None
            }
        }
    }
}
