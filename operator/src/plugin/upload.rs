//! `kubectl chatbot upload`: a document goes in, and is waited for until answers can cite it.

use std::{ffi::OsStr, path::Path, time::Duration};

use clap::Args;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{
    PluginError,
    chatbot::{KeyOptions, Session},
    output::Output,
    target::Target,
    words::name_and,
};
use crate::crd;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Options of `upload`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A document (HTML, PDF, DOCX, Markdown or text); before it the environment, which may be left out where the namespace has only one
    #[arg(value_names = ["[NAME] FILE"], required = true, num_args = 1..)]
    words: Vec<String>,
    /// How long to wait until the document can be found; 0s for not at all
    #[arg(long, default_value = "60s")]
    wait: crd::Duration,
    #[command(flatten)]
    key: KeyOptions,
}

/// A document as the chatbot describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: String,
    title: String,
    status: Status,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    chunks: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Processing,
    Ready,
    Failed,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let (name, file) = name_and("file", &arguments.words)?;
    let path = Path::new(&file);
    let failed = |source| PluginError::File { path: path.display().to_string(), source };
    let content = tokio::fs::read(path).await.map_err(failed)?;
    let environment = target.environment(name.as_deref()).await?;
    let session = Session::open(target, &environment, &arguments.key).await?;
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("title", &title(path)).finish();
    let request = session.post(&format!("/api/v1/documents?{query}"));
    let document = session.json(request.header(CONTENT_TYPE, media_type(path)).body(content)).await?;
    let document = wait(&session, document, arguments.wait.to_std()).await?;
    Ok(output.line(&told(&document)?)?)
}

fn title(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    if extension.is_some_and(|extension| extension == "md" || extension == "markdown") {
        "text/markdown"
    } else {
        "text/plain"
    }
}

async fn wait(session: &Session, mut document: Document, longest: Duration) -> Result<Document, PluginError> {
    let end = Instant::now() + longest;
    while matches!(document.status, Status::Pending | Status::Processing) && Instant::now() < end {
        sleep(LOOK).await;
        document = session.json(session.get(&format!("/api/v1/documents/{}", document.id))).await?;
    }
    Ok(document)
}

fn told(document: &Document) -> Result<String, PluginError> {
    let Document { id, title, status, error, chunks } = document;
    match status {
        Status::Ready => Ok(format!("{title} can be found; passages: {chunks}, document: {id}")),
        Status::Pending | Status::Processing => Err(PluginError::Document(format!(
            "{title} is kept (document {id}), but no worker has finished it yet: wait longer with --wait, or see kubectl chatbot logs --component worker"
        ))),
        Status::Failed => {
            let cause = error.as_deref().unwrap_or("no cause is given");
            Err(PluginError::Document(format!("{title} cannot be made findable: {cause}; mend it and upload it again")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(status: Status) -> Document {
        Document { id: "1".to_owned(), title: "a.md".to_owned(), status, error: None, chunks: 3 }
    }

    #[test]
    fn a_document_is_called_as_its_file() {
        assert_eq!(title(Path::new("/tmp/guide.md")), "guide.md");
        assert_eq!(media_type(Path::new("guide.MD")), "text/markdown");
        assert_eq!(media_type(Path::new("notes")), "text/plain");
    }

    #[test]
    fn only_a_ready_document_is_a_success() {
        assert_eq!(told(&document(Status::Ready)).unwrap(), "a.md can be found; passages: 3, document: 1");
        for status in [Status::Pending, Status::Processing, Status::Failed] {
            assert!(told(&document(status)).is_err(), "{status:?}");
        }
    }
}
