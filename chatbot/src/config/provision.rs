//! What provisioning is told: the environment's own variables, and an administrator's beside them.
//!
//! | variable | form | default |
//! |---|---|---|
//! | ADMIN_DATABASE_URL | as DATABASE_URL, of a role that may create roles and databases | required |
//! | SECRET_KEY | as for the server; by it the environment knows again what it made | none: the role's password is never changed |
//! | ADMIN_QDRANT_URL | used where QDRANT_URL is not set | none |
//! | ADMIN_MINIO_URL, ADMIN_MINIO_ROOT_USER, ADMIN_MINIO_ROOT_PASSWORD | used before MINIO_*: they make the bucket | none |

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;

use super::{
    ConfigErrors, database::Database, embedding::Embedding, environment::Environment, objects::Objects,
    observability::Observability, qdrant::Qdrant, reader::Reader,
};

/// Everything that provisioning is told; it asks for nothing else, so that it can run before there are secrets.
#[derive(Clone, Debug)]
pub struct ProvisionConfig {
    /// Tier, prefix, release id.
    pub environment: Environment,
    /// The database to make.
    pub database: Database,
    /// The administrator's connection.
    pub admin: PgConnectOptions,
    /// By what the environment knows again what it made.
    pub secret_key: Option<SecretString>,
    /// Where the collection is made.
    pub qdrant: Qdrant,
    /// Decides the collection's vectors.
    pub embedding: Embedding,
    /// The bucket to make.
    pub objects: Objects,
    /// Logs.
    pub observability: Observability,
}

impl ProvisionConfig {
    /// Reads and validates.
    ///
    /// # Errors
    /// All problems at once.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let lookup = |name: &str| value(&lookup, name);
        let mut reader = Reader::new(&lookup);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = Environment::read(reader);
        let tier = environment.as_ref().map(|environment| environment.tier);
        let prefix = environment.as_ref().map_or("", |environment| environment.resource_prefix.as_str());
        let database = Database::read(reader, tier);
        let expected = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE of a role that may create roles and databases";
        let admin = reader.required(super::database::ADMINISTRATOR, expected, super::database::options);
        let secret_key = reader.secret("SECRET_KEY");
        let qdrant = Qdrant::read(reader);
        let embedding = Embedding::read(reader);
        let objects = Objects::read(reader, prefix, tier);
        let observability = Observability::read(reader, tier);
        let (environment, database, admin, qdrant) = (environment?, database?, admin?, qdrant?);
        Some(Self { environment, database, admin, secret_key, qdrant, embedding, objects, observability })
    }
}

fn value(lookup: &impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let admin = || set(&format!("ADMIN_{name}"));
    if name.starts_with("MINIO_") {
        return admin().or_else(|| set(name));
    }
    set(name).or_else(|| (name == "QDRANT_URL").then(admin).flatten())
}
