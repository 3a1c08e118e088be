//! Pages of lists: `?limit=…&after=<id of the last item>`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::problem::Problem;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 200;

/// Which page is asked for.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct PageQuery {
    /// Items per page, 1 to 200; 50 by default.
    limit: Option<u16>,
    /// The `next` of the page before.
    pub(in crate::http) after: Option<Uuid>,
}

impl PageQuery {
    fn items(self) -> u16 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Rows to ask for: one more than the page shows says whether there is another page.
    pub(in crate::http) fn rows(self) -> i64 {
        i64::from(self.items()) + 1
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let query = Query::<Self>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|rejection: QueryRejection| Problem::BadRequest(rejection.body_text()))?;
        if (1..=MAX_LIMIT).contains(&query.items()) {
            return Ok(query);
        }
        Err(Problem::Invalid { field: "limit", detail: format!("ask for 1 to {MAX_LIMIT} items") })
    }
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Page<T> {
    /// The items, in order.
    items: Vec<T>,
    /// What to ask for as `after` to get the next page; null on the last.
    next: Option<Uuid>,
}

impl<T> Page<T> {
    /// The page of `rows`, which [`PageQuery::rows`] asked for.
    pub(in crate::http) fn new<R: Into<T>>(query: PageQuery, rows: Vec<R>, id: impl Fn(&R) -> Uuid) -> Self {
        let shown = usize::from(query.items());
        let next = if rows.len() > shown { rows.get(shown.saturating_sub(1)).map(id) } else { None };
        Self { items: rows.into_iter().take(shown).map(Into::into).collect(), next }
    }
}
