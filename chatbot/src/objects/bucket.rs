//! Makes the bucket. The client library has no call for it, so a request signed by it is sent by hand.

use std::time::Duration;

use object_store::{aws::AmazonS3Builder, path::Path, signer::Signer};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;

use super::ObjectsError;
use crate::config::objects::S3;

const DEADLINE: Duration = Duration::from_secs(10);

/// Creates the bucket unless it exists; true when it was created now.
///
/// # Errors
/// `Bucket` with what the store said, `Deadline` when it is silent.
pub async fn ensure_bucket(config: &S3) -> Result<bool, ObjectsError> {
    let signer = AmazonS3Builder::new()
        .with_endpoint(config.endpoint.as_str().trim_end_matches('/'))
        .with_allow_http(config.endpoint.scheme() == "http")
        .with_virtual_hosted_style_request(false)
        .with_region("us-east-1")
        .with_access_key_id(&config.access_key)
        .with_secret_access_key(config.secret_key.expose_secret())
        .with_bucket_name(&config.bucket)
        .build()?;
    let url = signer.signed_url(Method::PUT, &Path::default(), Duration::from_mins(1)).await?;
    let failed = |reason: String| ObjectsError::Bucket { bucket: config.bucket.clone(), reason };
    let http = reqwest::Client::builder().timeout(DEADLINE).build().map_err(|error| failed(error.to_string()))?;
    let response = http.put(url).send().await.map_err(|error| failed(error.without_url().to_string()))?;
    match response.status() {
        StatusCode::OK => Ok(true),
        StatusCode::CONFLICT => conflict(&response.text().await.unwrap_or_default()).map_err(failed),
        status => {
            Err(failed(format!("the object store answered {status}: check MINIO_ROOT_USER and MINIO_ROOT_PASSWORD")))
        }
    }
}

/// A bucket of ours is fine, a stranger's is not.
fn conflict(body: &str) -> Result<bool, String> {
    if body.contains("BucketAlreadyOwnedByYou") {
        Ok(false)
    } else {
        Err("the name belongs to another owner: set OBJECTS_BUCKET to a free name".to_owned())
    }
}
