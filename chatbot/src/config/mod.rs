//! The chatbot's configuration: environment variables, read once at start, typed and validated.
//!
//! One topic per file, each with its variables documented at the top. A problem never stops the reading: all of them are
//! collected and told in one message that names variable and expected form, and never a value.

pub mod backup;
pub mod database;
#[cfg(test)]
mod documented;
pub mod dotenv;
pub mod embedding;
pub mod environment;
pub mod google;
pub mod langfuse;
pub mod llm;
pub mod mail;
pub mod objects;
pub mod observability;
pub mod provision;
pub mod qdrant;
mod reader;
pub mod redis;
pub mod repository;
pub mod server;
pub mod source;
#[cfg(test)]
mod tests;
pub mod worker;

pub use reader::{ConfigErrors, Problem, Reader};
use secrecy::SecretString;

/// Everything that the program is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Tier, prefix, release id, debugging.
    pub environment: environment::Environment,
    /// PostgreSQL.
    pub database: database::Database,
    /// Redis.
    pub redis: redis::Redis,
    /// Qdrant.
    pub qdrant: qdrant::Qdrant,
    /// The language model's upstream.
    pub llm: llm::Llm,
    /// Where dense vectors come from.
    pub embedding: embedding::Embedding,
    /// The object store.
    pub objects: objects::Objects,
    /// The HTTP server and its limits.
    pub server: server::Server,
    /// Queues and draining.
    pub worker: worker::Worker,
    /// Logs and traces.
    pub observability: observability::Observability,
    /// Outgoing mail, when configured.
    pub mail: Option<mail::Mail>,
    /// Langfuse, when configured.
    pub langfuse: Option<langfuse::Langfuse>,
    /// Google Cloud, when configured.
    pub google: Option<google::Google>,
    /// Signs what shows the server that the operator asks (`check_token`).
    pub secret_key: SecretString,
}

impl Config {
    /// Reads and validates every variable; `lookup` answers for one name.
    ///
    /// # Errors
    /// All problems at once.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(&lookup);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    /// Variables that are set, checked, and without an effect in this version.
    #[must_use]
    pub fn unused(&self) -> Vec<&'static str> {
        let set = [
            (self.langfuse.is_some(), "LANGFUSE_PUBLIC_KEY"),
            (self.google.is_some(), "GOOGLE_CLOUD_PROJECT_ID"),
            (self.mail.is_some(), "SMTP_HOST"),
        ];
        set.into_iter().filter_map(|(is_set, name)| is_set.then_some(name)).collect()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = environment::Environment::read(reader);
        let tier = environment.as_ref().map(|environment| environment.tier);
        let database = database::Database::read(reader, tier);
        let redis = redis::Redis::read(reader);
        let qdrant = qdrant::Qdrant::read(reader);
        let secret_key = environment::secret_key(reader);
        let llm = llm::Llm::read(reader);
        let embedding = embedding::Embedding::read(reader);
        let prefix = environment.as_ref().map_or("", |environment| environment.resource_prefix.as_str());
        let objects = objects::Objects::read(reader, prefix, tier);
        let server = server::Server::read(reader, tier);
        let worker = worker::Worker::read(reader);
        let observability = observability::Observability::read(reader, tier);
        let mail = mail::Mail::read(reader);
        let langfuse = langfuse::Langfuse::read(reader);
        let google = google::Google::read(reader);
        Some(Self {
            environment: environment?,
            database: database?,
            redis: redis?,
            qdrant: qdrant?,
            llm: llm?,
            embedding,
            objects,
            server,
            worker,
            observability,
            mail,
            langfuse,
            google,
            secret_key: secret_key?,
        })
    }
}

/// The part of the configuration that commands need which only talk to the database (`migrate`, `user`).
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Tier, prefix, release id, debugging.
    pub environment: environment::Environment,
    /// PostgreSQL.
    pub database: database::Database,
    /// Logs and traces.
    pub observability: observability::Observability,
}

impl DatabaseConfig {
    /// Reads ENVIRONMENT, DATABASE_URL and their companions.
    ///
    /// # Errors
    /// All problems at once.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(&lookup);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = environment::Environment::read(reader);
        let tier = environment.as_ref().map(|environment| environment.tier);
        let database = database::Database::read(reader, tier);
        let observability = observability::Observability::read(reader, tier);
        Some(Self { environment: environment?, database: database?, observability })
    }
}
