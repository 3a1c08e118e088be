//! Google Cloud (speech, images).
//!
//! | variable | form | default |
//! |---|---|---|
//! | GOOGLE_CLOUD_PROJECT_ID | the project's id | none: the features that need it are off |
//! | GOOGLE_APPLICATION_CREDENTIALS | path of the service account's JSON file | none |

use std::path::PathBuf;

use super::reader::Reader;

/// A Google Cloud project.
#[derive(Clone, Debug)]
pub struct Google {
    /// The project's id.
    pub project_id: String,
    /// The service account's key file.
    pub credentials_file: Option<PathBuf>,
}

impl Google {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let credentials_file = reader.text("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
        let project_id = reader.text("GOOGLE_CLOUD_PROJECT_ID")?;
        Some(Self { project_id, credentials_file })
    }
}
