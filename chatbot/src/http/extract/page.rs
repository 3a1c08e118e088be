//! Pages of lists: `?limit=…&after=<next of the page before>`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Query;
use super::cursor::{Cursor, encode};
use crate::http::problem::Problem;
use crate::store::Place;

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
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
}

impl PageQuery {
    /// The page of these parts of a query; for lists that take more than a page.
    ///
    /// # Errors
    /// `Invalid`, when there is no such page.
    pub(in crate::http) fn new(limit: Option<u16>, after: Option<Cursor>) -> Result<Self, Problem> {
        let query = Self { limit, after };
        if !(1..=MAX_LIMIT).contains(&query.items()) {
            return Err(Problem::Invalid { field: "limit", detail: format!("ask for 1 to {MAX_LIMIT} items") });
        }
        if query.after.is_some() && query.after().is_none() {
            let detail = "send the `next` of the page before, or leave `after` out to begin with the first page";
            return Err(Problem::Invalid { field: "after", detail: detail.to_owned() });
        }
        Ok(query)
    }

    fn items(self) -> u16 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Where the page before ended.
    pub(in crate::http) fn after(self) -> Option<Place> {
        self.after.and_then(Cursor::place)
    }

    /// Rows to ask for: one more than the page shows says whether there is another page.
    pub(in crate::http) fn rows(self) -> i64 {
        i64::from(self.items()) + 1
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Query(Self { limit, after }) = Query::<Self>::from_request_parts(parts, state).await?;
        Self::new(limit, after)
    }
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Page<T> {
    /// The items, in order.
    items: Vec<T>,
    /// What to ask for as `after` to get the next page; null on the last.
    next: Option<String>,
}

impl<T> Page<T> {
    /// The page of `rows`, which [`PageQuery::rows`] asked for.
    pub(in crate::http) fn new<R: Into<T>>(query: PageQuery, rows: Vec<R>, place: impl Fn(&R) -> Place) -> Self {
        let shown = usize::from(query.items());
        let last = if rows.len() > shown { rows.get(shown.saturating_sub(1)) } else { None };
        let next = last.map(|row| encode(&place(row)));
        Self { items: rows.into_iter().take(shown).map(Into::into).collect(), next }
    }
}
