//! The language model, as `chat` sees it, with the time to its first word measured.

use std::time::Instant;

use crate::chat::ports::Model;
use crate::llm::{Client, Deltas, LlmError, Request};
use crate::metrics::Metrics;

/// The configured model.
#[derive(Clone, Debug)]
pub(in crate::http) struct Measured {
    pub(in crate::http) client: Client,
    pub(in crate::http) metrics: Metrics,
}

impl Model for Measured {
    fn name(&self) -> &str {
        self.client.model()
    }

    async fn ask(&self, request: &Request) -> Result<Deltas, LlmError> {
        let started = Instant::now();
        let deltas = self.client.chat(request).await?;
        self.metrics.chat_first_token.observe(started.elapsed().as_secs_f64());
        Ok(deltas)
    }
}
