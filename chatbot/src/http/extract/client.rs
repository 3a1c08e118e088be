//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;

use crate::app::App;
use crate::auth::Client;
use crate::auth::client::address;
use crate::cache::Limit;
use crate::http::connections::Peer;
use crate::http::problem::Problem;
use crate::metrics::LimitLabels;

const FORWARDED_FOR: &str = "x-forwarded-for";
const WINDOW: Duration = Duration::from_mins(1);

/// A client that need not be known; its requests are counted by its address.
pub(in crate::http) struct Anybody(pub(in crate::http) Client);

impl<S: Send + Sync> FromRequestParts<S> for Anybody
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let app = App::from_ref(state);
        let client = client(parts, &app);
        take(&app, "address", &[of_address(&app, &client)]).await?;
        Ok(Self(client))
    }
}

/// Where a request comes from, as far as it is to be believed.
pub(crate) fn client(parts: &Parts, app: &App) -> Client {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let forwarded = parts.headers.get_all(FORWARDED_FOR);
    let forwarded: Vec<&str> = forwarded.iter().filter_map(|value| value.to_str().ok()).collect();
    let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Client::new(address(peer, &forwarded, &app.config.server.trusted_proxies), agent)
}

/// What may come from one address in a minute.
pub(super) fn of_address(app: &App, client: &Client) -> Limit {
    Limit { key: format!("address:{}", client.counted()), most: app.config.server.rate_limit_per_ip, window: WINDOW }
}

/// What may come from one key or person in a minute.
pub(super) fn of_caller(app: &App, caller: &str) -> Limit {
    Limit { key: caller.to_owned(), most: app.config.server.rate_limit_per_minute, window: WINDOW }
}

/// Counts the request, or sends it away.
pub(super) async fn take(app: &App, by: &str, limits: &[Limit]) -> Result<(), Problem> {
    let taken = app.limits.take(limits).await;
    if taken.is_err() {
        app.metrics.requests_limited.get_or_create(&LimitLabels { by: by.to_owned() }).inc();
    }
    taken.map_err(Problem::RateLimited)
}
