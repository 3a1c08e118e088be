//! The object store for uploaded documents.
//!
//! | variable | form | default |
//! |---|---|---|
//! | MINIO_URL | `http://HOST:PORT` or `https://HOST` of any S3 server | none |
//! | MINIO_ROOT_USER, MINIO_ROOT_PASSWORD | the access key pair; required with MINIO_URL | none |
//! | OBJECTS_BUCKET | 3 to 63 lower-case letters, digits, `-` | `<RESOURCE_PREFIX without its last _, _ as ->-chatbot` |
//! | OBJECTS_REGION | the bucket's region, lower-case letters, digits, `-` | `us-east-1` |
//! | OBJECTS_DIR | a folder in place of S3, dev only | `data/objects` in dev without MINIO_URL |
//!
//! Outside dev without MINIO_URL, uploads are refused with a message that names it; everything else works.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::{
    environment::Tier,
    reader::{Reader, parse},
};

/// Where objects are kept.
#[derive(Clone, Debug)]
pub enum Objects {
    /// An S3 server, addressed by path style.
    S3(S3),
    /// A folder of this machine.
    Folder(PathBuf),
    /// Nowhere: uploads are refused.
    Disabled,
}

/// An S3 server's bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    /// The server's URL.
    pub endpoint: Url,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: SecretString,
    /// The bucket.
    pub bucket: String,
    /// Its region: requests are signed for it.
    pub region: String,
}

/// The form of a bucket's name.
pub(super) const BUCKET: &str = "3 to 63 lower-case letters, digits and -";
/// The form of a region.
pub(super) const REGION: &str = "lower-case letters, digits and -";
/// The region of whoever says none.
pub(super) const FIRST_REGION: &str = "us-east-1";

impl Objects {
    pub(super) fn read(reader: &mut Reader<'_>, prefix: &str, tier: Option<Tier>) -> Self {
        let endpoint = reader.optional("MINIO_URL", "http://HOST:PORT or https://HOST", parse::http_url);
        let bucket = reader.or("OBJECTS_BUCKET", BUCKET, default_bucket(prefix), bucket);
        let region = reader.or("OBJECTS_REGION", REGION, FIRST_REGION.to_owned(), region);
        let folder = reader.text("OBJECTS_DIR").map(PathBuf::from);
        if folder.is_some() && tier.is_some_and(|tier| tier != Tier::Dev) {
            reader.reject("OBJECTS_DIR", "nothing outside dev (set MINIO_URL: a folder is not shared between pods)");
        }
        match (folder, endpoint) {
            (Some(folder), _) => Self::Folder(folder),
            (None, Some(endpoint)) => s3(reader, endpoint, bucket, region).map_or(Self::Disabled, Self::S3),
            (None, None) if tier == Some(Tier::Dev) => Self::Folder(PathBuf::from("data/objects")),
            (None, None) => Self::Disabled,
        }
    }
}

fn s3(reader: &mut Reader<'_>, endpoint: Url, bucket: String, region: String) -> Option<S3> {
    let access_key =
        reader.required("MINIO_ROOT_USER", "the access key id, because MINIO_URL is set", |text| Some(text.to_owned()));
    let secret_key =
        reader.required("MINIO_ROOT_PASSWORD", "the secret access key, because MINIO_URL is set", |text| {
            Some(SecretString::from(text))
        });
    Some(S3 { endpoint, access_key: access_key?, secret_key: secret_key?, bucket, region })
}

fn default_bucket(prefix: &str) -> String {
    let name = prefix.trim_end_matches('_').replace('_', "-");
    if name.is_empty() { "chatbot".to_owned() } else { format!("{name}-chatbot") }
}

pub(super) fn region(text: &str) -> Option<String> {
    let characters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (characters && text.len() <= 63).then(|| text.to_owned())
}

pub(super) fn bucket(text: &str) -> Option<String> {
    let characters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'));
    let edges =
        text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    (characters && edges && (3..=63).contains(&text.len())).then(|| text.to_owned())
}
