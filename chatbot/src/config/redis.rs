//! Redis: only what may be lost (rate limits, caches).
//!
//! | variable | form | default |
//! |---|---|---|
//! | REDIS_URL | `redis://[:PASSWORD@]HOST:PORT[/DB]`, or `rediss://` for TLS | required |

use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::reader::Reader;

/// How to reach Redis.
#[derive(Clone)]
pub struct Redis {
    /// The whole URL.
    pub url: SecretString,
    /// Host and port, for messages.
    pub address: String,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Redis {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required("REDIS_URL", "redis://HOST:PORT, redis://:PASSWORD@HOST:PORT/0 or rediss://…", parse)
    }
}

fn parse(text: &str) -> Option<Redis> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "redis" | "rediss"))?;
    let address = format!("{}:{}", url.host_str().filter(|host| !host.is_empty())?, url.port().unwrap_or(6379));
    Some(Redis { url: SecretString::from(text), address })
}
