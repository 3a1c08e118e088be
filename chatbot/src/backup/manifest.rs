//! What a backup says of itself: the file `manifest.json` of its snapshot. A restore is held against it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The file's name in the snapshot.
pub(crate) const FILE: &str = "/manifest.json";
/// The form that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// Everything about one backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The form of this file.
    pub format: u32,
    /// The chatbot's version that wrote it.
    pub version: String,
    /// The RESOURCE_PREFIX of the environment.
    pub environment: String,
    /// The release that asked for it, if one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub release: Option<String>,
    /// When what it shows was so.
    pub taken_at: Timestamp,
    /// The database.
    pub database: DatabaseManifest,
    /// Uploaded documents.
    pub objects: ObjectsManifest,
    /// The search index.
    pub vectors: VectorsManifest,
}

/// As much of a manifest as tells whether the rest can be read.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Head {
    format: u32,
    /// The chatbot's version that wrote it.
    pub(crate) version: String,
}

impl Head {
    /// Whether this version reads it.
    pub(crate) const fn is_known(&self) -> bool {
        self.format <= FORMAT
    }
}

/// The database at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseManifest {
    /// Its name.
    pub name: String,
    /// The server's version, as `SHOW server_version_num` says it.
    pub server_version: u32,
    /// Newest applied migration; empty for none.
    pub schema: String,
    /// The dump's file in the snapshot.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Every table, sorted.
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name, as SQL.
    pub name: String,
    /// How many rows it had.
    pub rows: u64,
}

/// The objects that rows refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectsManifest {
    /// How many are in the snapshot, below `/objects`.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Keys that rows refer to and that the store did not have.
    pub missing: Vec<String>,
}

/// The search index, which is made again from the database's passages at a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VectorsManifest {
    /// Whether a restore has to make it again.
    pub rebuilt: bool,
}

impl Manifest {
    /// The form that this version writes.
    pub(super) const fn format() -> u32 {
        FORMAT
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.database.tables.iter().map(|table| table.rows).sum()
    }
}
