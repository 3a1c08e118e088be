//! Who is calling: the API key in `Authorization: Bearer` or `X-API-Key`, counted against its limit.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use uuid::Uuid;

use crate::app::App;
use crate::cache::Decision;
use crate::http::problem::Problem;
use crate::store::api_keys::{self, PREFIX};

/// Nothing longer is a key of ours; it is not worth a hash and a look into the database.
const MAX_KEY_BYTES: usize = 128;

/// The user whose key came with the request.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Caller {
    pub(in crate::http) user_id: Uuid,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let app = App::from_ref(state);
        let key = key(&parts.headers).ok_or(Problem::Unauthorized)?;
        let caller = api_keys::authenticate(&app.db, key, app.clock.now()).await?.ok_or(Problem::Unauthorized)?;
        let limit = app.config.server.rate_limit_per_minute;
        match app.redis.allow(&caller.key_id.to_string(), limit).await {
            Decision::Allowed { .. } | Decision::Unknown => Ok(Self { user_id: caller.user_id }),
            Decision::Limited { retry_after } => Err(Problem::RateLimited(retry_after)),
        }
    }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || header(AUTHORIZATION.as_str())?.strip_prefix("Bearer ").map(str::trim);
    header("x-api-key").or_else(bearer).filter(|key| key.starts_with(PREFIX) && key.len() <= MAX_KEY_BYTES)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::key;

    #[test]
    fn a_key_is_read_from_both_headers_and_nothing_else_is_a_key() {
        let long = format!("Bearer cbk_{}", "x".repeat(200));
        let table = [
            ("authorization", "Bearer cbk_abc", Some("cbk_abc")),
            ("x-api-key", "cbk_abc", Some("cbk_abc")),
            ("authorization", "Basic cbk_abc", None),
            ("authorization", "Bearer sk-other", None),
            ("authorization", &long, None),
            ("cookie", "cbk_abc", None),
        ];
        for (name, value, expected) in table {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]);
            assert_eq!(key(&headers), expected, "{name}: {value}");
        }
    }
}
