//! Whether a job's arguments can be read by this release: another one may have written them.

use riverqueue::JobArgs;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    check_upload::CheckUpload, ingest::IngestDocument, remove::RemoveDocument, tidy::TidyHistory,
    unindex::UnindexDocument,
};

/// What is wrong with the arguments of a job of this kind; None when nothing is, or the kind is not known here.
#[must_use]
pub fn trouble(kind: &str, args: &Value) -> Option<String> {
    match kind {
        IngestDocument::KIND => unreadable::<IngestDocument>(args),
        RemoveDocument::KIND => unreadable::<RemoveDocument>(args),
        CheckUpload::KIND => unreadable::<CheckUpload>(args),
        TidyHistory::KIND => unreadable::<TidyHistory>(args),
        UnindexDocument::KIND => unreadable::<UnindexDocument>(args),
        _ => None,
    }
}

fn unreadable<T: DeserializeOwned>(args: &Value) -> Option<String> {
    T::deserialize(args).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_lack_something_are_named() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let table = [
            ("ingest_document", json!({ "document_id": id }), None),
            ("ingest_document", json!({ "document": id }), Some("missing field `document_id`")),
            ("remove_document", json!({ "document_id": id }), Some("missing field `object_key`")),
            ("of_another_release", json!([1]), None),
            ("tidy_history", json!({}), None),
        ];
        for (kind, args, expected) in table {
            assert_eq!(trouble(kind, &args).as_deref(), expected, "{kind} {args}");
        }
    }

    #[test]
    fn every_kind_of_this_release_is_looked_at() {
        for kind in super::super::KINDS {
            assert!(trouble(kind, &json!("no arguments")).is_some(), "{kind}");
        }
    }
}
