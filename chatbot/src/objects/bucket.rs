//! Makes the bucket. The client library has no call for it, so a request signed by it is sent by hand.

use std::time::Duration;

use object_store::{ClientOptions, aws::AmazonS3Builder, path::Path, signer::Signer};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;

use super::ObjectsError;
use crate::config::objects::S3;
use crate::upstream::refusal;

const DEADLINE: Duration = Duration::from_secs(10);
const FIRST_REGION: &str = "us-east-1";

/// How the bucket is reached.
pub(super) fn builder(config: &S3, options: ClientOptions) -> AmazonS3Builder {
    AmazonS3Builder::new()
        // First: it replaces what was said of the connection before.
        .with_client_options(options)
        .with_endpoint(config.endpoint.as_str().trim_end_matches('/'))
        .with_allow_http(config.endpoint.scheme() == "http")
        .with_virtual_hosted_style_request(false)
        .with_region(&config.region)
        .with_access_key_id(&config.access_key)
        .with_secret_access_key(config.secret_key.expose_secret())
        .with_bucket_name(&config.bucket)
}

/// Creates the bucket unless it exists; true when it was created now.
///
/// # Errors
/// `Bucket` with what the store said, `Deadline` when it is silent.
pub async fn ensure_bucket(config: &S3) -> Result<bool, ObjectsError> {
    let signer = builder(config, ClientOptions::new()).build()?;
    let url = signer.signed_url(Method::PUT, &Path::default(), Duration::from_mins(1)).await?;
    let failed = |reason: String| ObjectsError::Bucket { bucket: config.bucket.clone(), reason };
    let http = reqwest::Client::builder().timeout(DEADLINE).build().map_err(|error| failed(error.to_string()))?;
    let request = http.put(url).body(location(&config.region));
    let response = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
    match response.status() {
        StatusCode::OK => Ok(true),
        StatusCode::CONFLICT => conflict(&refusal(response).await).map_err(failed),
        status => {
            Err(failed(format!("the object store answered {status}: check MINIO_ROOT_USER and MINIO_ROOT_PASSWORD")))
        }
    }
}

/// Outside of its first region S3 makes a bucket only where the request says; there it must not say anything.
fn location(region: &str) -> String {
    if region == FIRST_REGION {
        return String::new();
    }
    format!("<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>")
}

/// A bucket of ours is fine, a stranger's is not.
fn conflict(body: &str) -> Result<bool, String> {
    if body.contains("BucketAlreadyOwnedByYou") {
        Ok(false)
    } else {
        Err("the name belongs to another owner: set OBJECTS_BUCKET to a free name".to_owned())
    }
}
