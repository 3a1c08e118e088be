//! The fields of a form or a query.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::refusal::Refusal;

const FORM: &str = "application/x-www-form-urlencoded";

/// Fields by name; of a name that comes twice the last one counts, and an empty one is not there.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Those of an encoded form or query.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, typed.
    ///
    /// # Errors
    /// `Invalid`: an unknown name, or something that is not what it should be.
    pub(super) fn typed<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let fields = self.0.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let read = serde_json::from_value(serde_json::Value::Object(fields));
        read.map_err(|error| Refusal::Invalid(error.to_string()))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with(FORM)) {
            return Err(Refusal::Invalid(format!("send the form as {FORM}")));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|_| Refusal::Invalid("the form cannot be read, or is too large".to_owned()))?;
        Ok(Self::parse(&body))
    }
}
