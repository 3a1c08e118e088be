//! A sentence model of the BERT family in this process (all-MiniLM-L6-v2): mean of the word vectors, scaled to unit
//! length.
//!
//! It is read when it is first used, once, and runs on blocking threads, few at a time, because each run takes whole
//! processors.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};
use tokio::sync::{OnceCell, Semaphore};

use super::{EmbedError, to_unit_length};
use crate::error::CheckError;

/// Texts per run: enough to fill the processor, few enough to let a question pass in between.
const BATCH: usize = 16;
/// Word pieces that the model looks at; what a text says beyond is left to BM25.
const MAX_PIECES: usize = 256;
/// Runs at once.
const RUNS: usize = 2;
/// Longest wait for one batch, reading the model included.
const DEADLINE: Duration = Duration::from_mins(1);

/// The model inside this process.
#[derive(Clone)]
pub struct Local {
    folder: PathBuf,
    dimensions: usize,
    model: Arc<OnceCell<Arc<Model>>>,
    runs: Arc<Semaphore>,
}

struct Model {
    bert: BertModel,
    tokenizer: Tokenizer,
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("folder", &self.folder)
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

impl Local {
    pub(super) fn new(folder: PathBuf, dimensions: usize) -> Self {
        Self { folder, dimensions, model: Arc::default(), runs: Arc::new(Semaphore::new(RUNS)) }
    }

    pub(super) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The name of the model's folder.
    pub(super) fn model(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or("local")
    }

    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            let run = tokio::time::timeout(DEADLINE, self.run(batch.to_vec()));
            vectors.extend(run.await.map_err(|_| EmbedError::Timeout(DEADLINE))??);
        }
        Ok(vectors)
    }

    /// Looks for the files only: a health check must not cost the memory of a model that nobody uses.
    pub(super) async fn ping(&self) -> Result<(), CheckError> {
        for file in ["model.safetensors", "tokenizer.json", "config.json"] {
            let path = self.folder.join(file);
            tokio::fs::metadata(&path).await.map_err(|error| self.unusable(file, &error).into_check())?;
        }
        Ok(())
    }

    async fn run(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let model = Arc::clone(self.model.get_or_try_init(|| self.load()).await?);
        let Ok(permit) = Arc::clone(&self.runs).acquire_owned().await else {
            return Err(EmbedError::Inference("the process is being stopped".to_owned()));
        };
        let vectors = blocking(move || {
            // Held by the run itself: whoever gives up waiting does not make room for more work than the machine can
            // do.
            let _permit = permit;
            model.embed(&texts).map_err(|error| EmbedError::Inference(error.to_string()))
        })
        .await?;
        match vectors.iter().find(|vector| vector.len() != self.dimensions) {
            Some(vector) => Err(EmbedError::Dimensions { expected: self.dimensions, actual: vector.len() }),
            None => Ok(vectors),
        }
    }

    async fn load(&self) -> Result<Arc<Model>, EmbedError> {
        let folder = self.folder.clone();
        let loaded = blocking(move || Ok(Model::load(&folder).map_err(|error| error.to_string()))).await?;
        match loaded {
            Ok(model) => Ok(Arc::new(model)),
            Err(reason) => Err(EmbedError::Model { folder: self.folder.clone(), reason }),
        }
    }

    fn unusable(&self, file: &str, error: &std::io::Error) -> EmbedError {
        EmbedError::Model { folder: self.folder.clone(), reason: format!("{file}: {error}") }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbedError> + Send + 'static,
) -> Result<T, EmbedError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(EmbedError::Inference(error.to_string())),
    }
}

impl Model {
    fn load(folder: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let config: Config = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
        let weights = std::fs::read(folder.join("model.safetensors"))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"))?;
        tokenizer.with_truncation(Some(TruncationParams { max_length: MAX_PIECES, ..TruncationParams::default() }))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        Ok(Self { bert: BertModel::load(weights, &config)?, tokenizer })
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Box<dyn std::error::Error + Send + Sync>> {
        let encodings = self.tokenizer.encode_batch(texts.to_vec(), true)?;
        let ids: Vec<Vec<u32>> = encodings.iter().map(|encoding| encoding.get_ids().to_vec()).collect();
        let mask: Vec<Vec<u32>> = encodings.iter().map(|encoding| encoding.get_attention_mask().to_vec()).collect();
        let ids = Tensor::new(ids, &Device::Cpu)?;
        let mask = Tensor::new(mask, &Device::Cpu)?;
        let words = self.bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let mut vectors = mean(&words, &mask)?.to_vec2::<f32>()?;
        for vector in &mut vectors {
            to_unit_length(vector);
        }
        Ok(vectors)
    }
}

/// The mean of the word vectors that are not padding.
fn mean(words: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
    let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
    let sum = words.broadcast_mul(&mask)?.sum(1)?;
    sum.broadcast_div(&mask.sum(1)?)
}
