//! `chatbot reindex`: the index from the database.
//!
//! Passages are rows, so that neither uploads nor workers are needed. It can be stopped and started again, and run beside
//! workers: a passage's point has the same id whoever writes it.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use sqlx::PgPool;
use uuid::Uuid;

use super::{CommandError, output, process, words::counted};
use crate::{
    app::App,
    cli::Reindex,
    config::Config,
    retrieval::{IndexError, Indexer},
    store::{StoreError, chunks, document_index, documents, documents::Document},
    telemetry,
    vectors::{Qdrant, VectorError},
};

/// Documents that are asked for at a time.
const BATCH: i64 = 100;

/// The index cannot be rebuilt. What was written stays, and need not be written again.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Qdrant.
    #[error("{0}; run the command again once it works: it goes on with what the index still lacks")]
    Vectors(#[from] VectorError),
    /// A document.
    #[error("{0}; run the command again once it works: it goes on with what the index still lacks")]
    Index(#[from] IndexError),
}

pub(super) fn run(options: &Reindex, env: impl Fn(&str) -> Option<String>) -> Result<ExitCode, CommandError> {
    let config = Config::from_env(env)?;
    process::runtime(config.server.threads)?.block_on(async {
        let observability = process::verbose(&config.observability);
        let _guard = telemetry::init(&observability, "chatbot", &config.environment.release_id)?;
        let app = App::new(config, "chatbot-reindex")?;
        let done = process::interruptible(Box::pin(rebuild(&app, options.all))).await?;
        output::line(&format!(
            "{} looked at, {} written anew with {}",
            counted(done.seen, "document"),
            done.written,
            counted(done.passages, "passage")
        ));
        Ok(ExitCode::SUCCESS)
    })
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    seen: u64,
    written: u64,
    passages: u64,
}

/// What it is done with.
struct Rebuild {
    db: PgPool,
    qdrant: Qdrant,
    indexer: Indexer,
    all: bool,
}

async fn rebuild(app: &App, all: bool) -> Result<Done, ReindexError> {
    let indexer = Indexer::new(app.qdrant.clone(), app.embedder.clone());
    let rebuild = Rebuild { db: app.db.clone(), qdrant: app.qdrant.clone(), indexer, all };
    rebuild.make_room(app.embedder.dimensions()).await?;
    let total = document_index::ready(&app.db).await?;
    let (mut done, mut after) = (Done::default(), Uuid::nil());
    loop {
        let batch = document_index::ready_after(&rebuild.db, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(done) };
        after = last.id;
        for document in &batch {
            let passages = rebuild.document(document).await?;
            done.seen += 1;
            done.written += u64::from(passages > 0);
            done.passages += passages;
            tell(done, total);
        }
    }
}

impl Rebuild {
    /// A collection that was made for another model gives way, when everything is written anyway.
    async fn make_room(&self, dimensions: Option<usize>) -> Result<(), ReindexError> {
        self.qdrant.ensure_collections().await?;
        let made_for = self.qdrant.layout().await?.dense;
        if self.all && made_for != dimensions {
            tracing::warn!(?made_for, configured = ?dimensions, "the index is made anew: answers have no sources meanwhile");
            self.qdrant.remove_collection().await?;
            self.qdrant.ensure_collections().await?;
        }
        Ok(())
    }

    /// How many passages were written: none when the index has them all.
    async fn document(&self, document: &Document) -> Result<u64, ReindexError> {
        let wanted = u64::try_from(document.chunk_count).unwrap_or_default();
        if !self.all && self.qdrant.count_document(document.id).await? >= wanted {
            return Ok(0);
        }
        let rows = chunks::list(&self.db, document.id).await?;
        self.indexer.write(document, &rows, &()).await?;
        let now = documents::get(&self.db, document.id).await?;
        if now.is_none_or(|now| now.is_superseded) {
            self.indexer.remove(document.id).await?;
        }
        Ok(u64::try_from(rows.len()).unwrap_or_default())
    }
}

/// A line that replaces itself on a terminal, and a log's line now and then elsewhere.
fn tell(done: Done, total: i64) {
    let Done { seen, written, passages } = done;
    if io::stderr().is_terminal() {
        output::progress(&format!("{seen} of {total} documents, {written} written anew, {passages} passages"));
    } else if seen.is_multiple_of(BATCH.unsigned_abs()) {
        tracing::info!(seen, total, written, passages, "rebuilding the index");
    }
}
