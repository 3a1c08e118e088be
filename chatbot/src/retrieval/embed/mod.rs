//! Dense vectors: what a text means, as numbers of unit length.
//!
//! Three providers: a model inside the process, an OpenAI-compatible upstream, or none, with which search is by words
//! alone.

mod error;
mod local;
#[cfg(test)]
mod tests;
mod upstream;

use crate::config::embedding::Embedding;
use crate::error::{CheckError, StartError};

pub use error::EmbedError;
use local::Local;
use upstream::Upstream;

/// Makes dense vectors. Cheap to clone; clones share the model and its limits.
#[derive(Clone, Debug)]
pub enum Embedder {
    /// No dense vectors.
    None,
    /// A model inside this process, read when it is first used.
    Local(Local),
    /// An OpenAI-compatible upstream.
    Upstream(Upstream),
}

impl Embedder {
    /// The configured provider; nothing is read or contacted yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: &Embedding) -> Result<Self, StartError> {
        Ok(match config {
            Embedding::None => Self::None,
            Embedding::Local { model_dir, dimensions } => Self::Local(Local::new(model_dir.clone(), *dimensions)),
            Embedding::Upstream { base_url, model, api_key, dimensions } => {
                Self::Upstream(Upstream::new(base_url, model.clone(), api_key.clone(), *dimensions)?)
            }
        })
    }

    /// Length of a vector; None without dense vectors.
    #[must_use]
    pub const fn dimensions(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Local(local) => Some(local.dimensions()),
            Self::Upstream(upstream) => Some(upstream.dimensions()),
        }
    }

    /// The model's name; None without dense vectors.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Local(local) => Some(local.model()),
            Self::Upstream(upstream) => Some(upstream.model()),
        }
    }

    /// One vector per text, in order; None without dense vectors.
    ///
    /// # Errors
    /// When the model or the upstream fails, or gives vectors of another length than configured.
    pub async fn embed(&self, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, EmbedError> {
        match self {
            Self::None => Ok(None),
            Self::Local(local) => local.embed(texts).await.map(Some),
            Self::Upstream(upstream) => upstream.embed(texts).await.map(Some),
        }
    }

    /// Whether vectors can be made: the model can be read, or the upstream answers. Without dense vectors there is
    /// nothing to go wrong.
    ///
    /// # Errors
    /// What is wrong, when they cannot.
    pub async fn ping(&self) -> Result<(), CheckError> {
        match self {
            Self::None => Ok(()),
            Self::Local(local) => local.ping().await,
            Self::Upstream(upstream) => upstream.ping().await,
        }
    }
}

/// Scales a vector to length one, so that cosine is a plain product; zero stays zero.
fn to_unit_length(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > f32::EPSILON {
        for value in vector {
            *value /= length;
        }
    }
}
