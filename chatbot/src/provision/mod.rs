//! Makes what an environment needs on shared services: role, database, bucket, collection.
//!
//! Every step looks first and changes only what is missing, so that running it again is harmless. Nothing is ever
//! deleted. A database of another owner is refused before anything is changed, and so is a role that neither takes the
//! environment's password nor carries its mark; only one that carries it gets another password, when it refuses this one.

mod database;
mod error;
mod mark;

pub use error::ProvisionError;

use crate::{
    config::{objects::Objects, provision::ProvisionConfig},
    objects,
    vectors::Qdrant,
};

/// Makes what is missing; answers what was made.
///
/// # Errors
/// See [`ProvisionError`].
pub async fn run(config: &ProvisionConfig) -> Result<Vec<String>, ProvisionError> {
    let mark = config.secret_key.as_ref().map(|key| mark::mark(&config.environment.resource_prefix, key));
    let mut made = database::ensure(&config.admin, &config.database, mark.as_deref()).await?;
    if let Objects::S3(s3) = &config.objects {
        tracing::info!(bucket = s3.bucket, "looking for the bucket");
        if objects::ensure_bucket(s3).await? {
            made.push(format!("bucket {}", s3.bucket));
        }
    }
    let qdrant = Qdrant::from_parts(&config.qdrant, &config.environment.resource_prefix, &config.embedding)?;
    tracing::info!(collection = qdrant.collection(), "looking for the collection");
    if qdrant.ensure_collections().await.map_err(|error| ProvisionError::Qdrant(error.to_string()))? {
        made.push(format!("collection {}", qdrant.collection()));
    }
    Ok(made)
}
