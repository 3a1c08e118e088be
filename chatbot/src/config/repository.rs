//! The repositories that backups are kept in: each a folder of a bucket, in the restic format.
//!
//! | variable | form | default |
//! |---|---|---|
//! | BACKUP_URL | `http://HOST:PORT` or `https://HOST` of any S3 server | MINIO_URL, with its access key, region and bucket |
//! | BACKUP_ACCESS_KEY, BACKUP_SECRET_KEY | the access key pair; required with BACKUP_URL | none |
//! | BACKUP_BUCKET | a bucket that exists; required with BACKUP_URL | OBJECTS_BUCKET |
//! | BACKUP_REGION | the bucket's region | OBJECTS_REGION; `us-east-1` with BACKUP_URL |
//! | BACKUP_FOLDER | a folder in it: names of letters, digits, `.`, `_` and `-`, separated by `/` | `<RESOURCE_PREFIX>backups` |
//! | BACKUP_KEY | at least 16 characters: who has them reads every backup | SECRET_KEY |
//! | BACKUP_KEY_PREVIOUS | the key before that one: a repository that opens with it gets the new one in its place | none |
//! | BACKUP_KEEP_HOURLY | of how many hours that have any the last backup is kept, 1 to 8760 | none |
//! | BACKUP_KEEP_DAILY | of how many days, 1 to 3650 | none |
//! | OFFSITE_URL and its kin | the same for a second repository, into which backups are copied; without OFFSITE_URL there is none | its key: BACKUP_KEY |
//! | SOURCE_URL and its kin | the same for the repository of another environment, which `restore --source` reads: see [`super::source`] | its key has none |
//!
//! Keep the key outside of the cluster too: without it nobody reads a backup, whoever made it.

use std::fmt;

use object_store::path::Path;
use secrecy::SecretString;
use url::Url;

use super::{
    objects::{self, Objects, S3},
    reader::{Reader, parse},
};

const FOLDER: &str = "names of letters, digits, `.`, `_` and `-`, separated by single slashes";
const SHORTEST_KEY: usize = 16;

/// The names of one repository's variables.
struct Names {
    url: &'static str,
    access_key: &'static str,
    secret_key: &'static str,
    bucket: &'static str,
    region: &'static str,
    folder: &'static str,
    key: &'static str,
    previous: &'static str,
}

const BACKUP: Names = Names {
    url: "BACKUP_URL",
    access_key: "BACKUP_ACCESS_KEY",
    secret_key: "BACKUP_SECRET_KEY",
    bucket: "BACKUP_BUCKET",
    region: "BACKUP_REGION",
    folder: "BACKUP_FOLDER",
    key: "BACKUP_KEY",
    previous: "BACKUP_KEY_PREVIOUS",
};
const OFFSITE: Names = Names {
    url: "OFFSITE_URL",
    access_key: "OFFSITE_ACCESS_KEY",
    secret_key: "OFFSITE_SECRET_KEY",
    bucket: "OFFSITE_BUCKET",
    region: "OFFSITE_REGION",
    folder: "OFFSITE_FOLDER",
    key: "OFFSITE_KEY",
    previous: "OFFSITE_KEY_PREVIOUS",
};

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

impl fmt::Display for Repository {
    /// As people write it: server, bucket and folder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.objects {
            Objects::S3(S3 { endpoint, bucket, .. }) => {
                write!(f, "{}/{bucket}/{}", endpoint.as_str().trim_end_matches('/'), self.folder)
            }
            Objects::Folder(folder) => write!(f, "{}/{}", folder.display(), self.folder),
            Objects::Disabled => f.write_str("nowhere"),
        }
    }
}

/// How many backups are kept beside the newest ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Of so many hours that have any, the last one.
    pub hourly: Option<u32>,
    /// Of so many days that have any, the last one.
    pub daily: Option<u32>,
}

impl Retention {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let hourly = reader.optional("BACKUP_KEEP_HOURLY", "a whole number from 1 to 8760", parse::number(1..=8760));
        let daily = reader.optional("BACKUP_KEEP_DAILY", "a whole number from 1 to 3650", parse::number(1..=3650));
        Self { hourly, daily }
    }
}

const SOURCE: Names = Names {
    url: "SOURCE_URL",
    access_key: "SOURCE_ACCESS_KEY",
    secret_key: "SOURCE_SECRET_KEY",
    bucket: "SOURCE_BUCKET",
    region: "SOURCE_REGION",
    folder: "SOURCE_FOLDER",
    key: "SOURCE_KEY",
    previous: "SOURCE_KEY_PREVIOUS",
};

impl Repository {
    /// The first one; `own` is the environment's store.
    pub(super) fn read(reader: &mut Reader<'_>, prefix: &str, own: &Objects) -> Option<Self> {
        let key = reader.optional(BACKUP.key, KEY, long).or_else(|| {
            reader.required("SECRET_KEY", "what backups are encrypted with, unless BACKUP_KEY is set", long)
        });
        let url = reader.optional(BACKUP.url, URL, parse::http_url);
        let objects = match (url, own) {
            (Some(url), _) => s3(reader, &BACKUP, url),
            (None, Objects::S3(own)) => {
                let bucket = reader.or(BACKUP.bucket, objects::BUCKET, own.bucket.clone(), objects::bucket);
                let region = reader.or(BACKUP.region, objects::REGION, own.region.clone(), objects::region);
                Some(Objects::S3(S3 { bucket, region, ..own.clone() }))
            }
            (None, own @ (Objects::Folder(_) | Objects::Disabled)) => Some(own.clone()),
        };
        Some(Self {
            folder: folder_of(reader, &BACKUP, prefix),
            previous: reader.secret(BACKUP.previous),
            objects: objects?,
            key: key?,
        })
    }

    /// The second one, if there is to be one; it opens with `key` unless it has one of its own.
    pub(super) fn read_offsite(reader: &mut Reader<'_>, prefix: &str, key: &SecretString) -> Option<Self> {
        let url = reader.optional(OFFSITE.url, URL, parse::http_url)?;
        let key = reader.or(OFFSITE.key, KEY, key.clone(), long);
        let folder = folder_of(reader, &OFFSITE, prefix);
        Some(Self { objects: s3(reader, &OFFSITE, url)?, folder, key, previous: reader.secret(OFFSITE.previous) })
    }

    /// That of the environment with this `prefix`, if there is to be one. It is only read: a key that was the one before opens
    /// nothing, since it would be replaced on the way.
    pub(super) fn read_source(reader: &mut Reader<'_>, prefix: &str) -> Option<Self> {
        let url = reader.required(SOURCE.url, URL, parse::http_url);
        let key = reader.required(SOURCE.key, KEY, long);
        let folder = folder_of(reader, &SOURCE, prefix);
        Some(Self { objects: s3(reader, &SOURCE, url?)?, folder, key: key?, previous: None })
    }
}

const URL: &str = "http://HOST:PORT or https://HOST";
const KEY: &str = "at least 16 characters";

fn s3(reader: &mut Reader<'_>, names: &Names, endpoint: Url) -> Option<Objects> {
    let bucket = reader.required(names.bucket, objects::BUCKET, objects::bucket);
    let region = reader.or(names.region, objects::REGION, objects::FIRST_REGION.to_owned(), objects::region);
    let because = "of the bucket's access key, because its URL is set";
    let access_key = reader.required(names.access_key, because, |text| Some(text.to_owned()));
    let secret_key = reader.required(names.secret_key, because, |text| Some(SecretString::from(text)));
    Some(Objects::S3(S3 { endpoint, access_key: access_key?, secret_key: secret_key?, bucket: bucket?, region }))
}

fn folder_of(reader: &mut Reader<'_>, names: &Names, prefix: &str) -> Path {
    reader.or(names.folder, FOLDER, Path::from(format!("{prefix}backups")), folder)
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
