//! What was acknowledged, to be compared with what is there in the end.

use std::cell::Cell;

use crate::Environment;
use crate::postgres::sql;

/// Documents that were uploaded, one by one, and the number of questions that were answered.
pub struct Ledger<'a> {
    environment: &'a Environment,
    database: &'static str,
    uploaded: Cell<usize>,
}

impl<'a> Ledger<'a> {
    /// An empty ledger of an environment with this database.
    #[must_use]
    pub const fn open(environment: &'a Environment, database: &'static str) -> Self {
        Self { environment, database, uploaded: Cell::new(0) }
    }

    /// Uploads a document that no other is like, and notes it once the environment has taken it: its job is one that must
    /// neither be lost nor done twice.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn write(&self) {
        let number = self.uploaded.get() + 1;
        let file = self.environment.document(&format!("ledger-{number}")).await;
        self.environment.plugin(&["upload", &file.display().to_string()]).await;
        std::fs::remove_file(file).expect("a temporary file");
        self.uploaded.set(number);
    }

    /// Compares: every document is ready, each by one job that ended well once, and every answer is kept.
    ///
    /// # Panics
    /// When something is missing, or there twice.
    pub async fn holds(&self, answered: usize) {
        let count = async |query: &str| sql(self.database, query).await.parse::<usize>().expect("a number");
        let waiting = || count("select count(*) from documents where status in ('pending', 'processing')");
        crate::until("every document is done", crate::environment::PATIENCE, waiting, |left| *left == 0).await;
        let ready = count("select count(*) from documents where status = 'ready' and title like 'ledger-%'").await;
        assert_eq!(ready, self.uploaded.get(), "documents that are ready, and that were uploaded");
        let once = "select count(*) from documents d where title like 'ledger-%' and 1 = (select count(*) from river_job j \
            where kind = 'ingest_document' and state = 'completed' and args ->> 'document_id' = d.id::text)";
        assert_eq!(
            count(once).await,
            self.uploaded.get(),
            "documents with one job that ended well, and that were uploaded"
        );
        let torn = "select count(*) from documents d \
            where status = 'ready' and chunk_count <> (select count(*) from chunks c where c.document_id = d.id)";
        assert_eq!(count(torn).await, 0, "documents with other passages than their jobs have written");
        let kept = count("select count(*) from messages where role = 'assistant'").await;
        assert!(kept >= answered, "{answered} answers were given, and {kept} are kept");
    }
}
