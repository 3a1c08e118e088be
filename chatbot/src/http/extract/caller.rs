//! Who is calling: a key in `Authorization: Bearer` or `X-API-Key`, or the access token of a login as the former.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use uuid::Uuid;

use super::client::{client, of_address, of_caller, take};
use crate::app::App;
use crate::auth::{Client, Identity, Means, Role, Scopes, identify};
use crate::http::problem::Problem;

/// The user whose key or token came with the request. What a request needs, its handler says with [`super::May`].
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Caller {
    pub(in crate::http) user_id: Uuid,
    /// What the user is.
    pub(in crate::http) role: Role,
    /// What they may do here and now.
    pub(in crate::http) scopes: Scopes,
}

impl From<&Identity> for Caller {
    fn from(identity: &Identity) -> Self {
        let Identity { user_id, role, scopes, .. } = *identity;
        Self { user_id, role, scopes }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let (identity, _) = known(parts, &App::from_ref(state)).await?;
        Ok(Self::from(&identity))
    }
}

/// Who it is, and where. Who is not known is counted by address, so that nobody guesses without end; who is, by key or
/// person too.
pub(super) async fn known(parts: &Parts, app: &App) -> Result<(Identity, Client), Problem> {
    let client = client(parts, app);
    let identity = match credential(&parts.headers) {
        Some(credential) => identify(app, credential).await?,
        None => None,
    };
    let Some(identity) = identity else {
        take(app, "address", &[of_address(app, &client)]).await?;
        return Err(Problem::Unauthorized);
    };
    let caller = match identity.means {
        Means::Key(id) => format!("key:{id}"),
        Means::Session(_) => format!("user:{}", identity.user_id),
    };
    take(app, "caller", &[of_caller(app, &caller), of_address(app, &client)]).await?;
    Ok((identity, client))
}

fn credential(headers: &HeaderMap) -> Option<&str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || header(AUTHORIZATION.as_str())?.strip_prefix("Bearer ");
    header("x-api-key").or_else(bearer).map(str::trim).filter(|credential| !credential.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::credential;

    #[test]
    fn a_key_is_read_from_both_headers_and_from_nothing_else() {
        let table = [
            ("authorization", "Bearer cbk_abc", Some("cbk_abc")),
            ("authorization", "Bearer a.b.c", Some("a.b.c")),
            ("x-api-key", "cbk_abc", Some("cbk_abc")),
            ("authorization", "Basic cbk_abc", None),
            ("authorization", "Bearer ", None),
            ("authorization", "cbk_abc", None),
            ("cookie", "cbk_abc", None),
        ];
        for (name, value, expected) in table {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]);
            assert_eq!(credential(&headers), expected, "{name}: {value}");
        }
    }
}
