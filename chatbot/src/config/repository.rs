//! The repository that backups are kept in: a folder of a bucket, in the restic format.
//!
//! | variable | form | default |
//! |---|---|---|
//! | BACKUP_URL | `http://HOST:PORT` or `https://HOST` of any S3 server | MINIO_URL, with its access key, region and bucket |
//! | BACKUP_ACCESS_KEY, BACKUP_SECRET_KEY | the access key pair; required with BACKUP_URL | none |
//! | BACKUP_BUCKET | a bucket that exists; required with BACKUP_URL | OBJECTS_BUCKET |
//! | BACKUP_REGION | the bucket's region | OBJECTS_REGION |
//! | BACKUP_FOLDER | a folder in it: names of letters, digits, `.`, `_` and `-`, separated by `/` | `<RESOURCE_PREFIX>backups` |
//! | BACKUP_KEY | at least 16 characters: who has them reads every backup | SECRET_KEY |
//! | BACKUP_KEY_PREVIOUS | the key before that one: a repository that opens with it gets the new one in its place | none |
//!
//! Keep the key outside of the cluster too: without it nobody reads a backup, whoever made it.

use object_store::path::Path;
use secrecy::SecretString;

use super::{
    objects::{self, Objects, S3},
    reader::{Reader, parse},
};

const FOLDER: &str = "names of letters, digits, `.`, `_` and `-`, separated by single slashes";
const SHORTEST_KEY: usize = 16;

/// Where backups are kept, and what opens them.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The bucket, or a folder of this machine; Disabled where there is neither.
    pub objects: Objects,
    /// The folder in it.
    pub folder: Path,
    /// What the repository is opened with.
    pub key: SecretString,
    /// What it was opened with before.
    pub previous: Option<SecretString>,
}

impl Repository {
    /// `objects` is the environment's own store.
    pub(super) fn read(reader: &mut Reader<'_>, prefix: &str, objects: &Objects) -> Option<Self> {
        let folder = reader.or("BACKUP_FOLDER", FOLDER, Path::from(format!("{prefix}backups")), folder);
        let own = reader.optional("BACKUP_URL", "http://HOST:PORT or https://HOST", parse::http_url);
        let bucket = reader.optional("BACKUP_BUCKET", objects::BUCKET, objects::bucket);
        let region = reader.optional("BACKUP_REGION", objects::REGION, objects::region);
        let objects = match (own, objects) {
            (Some(endpoint), _) => {
                let bucket = bucket.or_else(|| reader.required("BACKUP_BUCKET", objects::BUCKET, objects::bucket));
                let because = "of the bucket's access key, because BACKUP_URL is set";
                let access_key = reader.required("BACKUP_ACCESS_KEY", because, |text| Some(text.to_owned()));
                let secret_key = reader.required("BACKUP_SECRET_KEY", because, |text| Some(SecretString::from(text)));
                let region = region.unwrap_or_else(|| objects::FIRST_REGION.to_owned());
                Objects::S3(S3 { endpoint, access_key: access_key?, secret_key: secret_key?, bucket: bucket?, region })
            }
            (None, Objects::S3(own)) => {
                let own = own.clone();
                Objects::S3(S3 { bucket: bucket.unwrap_or(own.bucket), region: region.unwrap_or(own.region), ..own })
            }
            (None, other @ (Objects::Folder(_) | Objects::Disabled)) => other.clone(),
        };
        let expected = "at least 16 characters";
        let key = reader.optional("BACKUP_KEY", expected, long).or_else(|| {
            reader.required("SECRET_KEY", "what backups are encrypted with, unless BACKUP_KEY is set", long)
        });
        let previous = reader.secret("BACKUP_KEY_PREVIOUS");
        Some(Self { objects, folder, key: key?, previous })
    }
}

fn long(text: &str) -> Option<SecretString> {
    (text.len() >= SHORTEST_KEY).then(|| SecretString::from(text))
}

fn folder(text: &str) -> Option<Path> {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    text.split('/').all(plain).then(|| Path::parse(text).ok()).flatten()
}
