//! What a backup is told: the environment's own variables, as a server is told them.
//!
//! | variable | form | default |
//! |---|---|---|
//! | ADMIN_DATABASE_URL | as DATABASE_URL, of a role that may create databases: used by `restore` alone | DATABASE_URL |
//!
//! A folder (OBJECTS_DIR, or dev's default) counts as an object store on a person's own machine alone: the folder of a pod
//! (known by KUBERNETES_SERVICE_HOST) is gone with the pod.

use sqlx::postgres::PgConnectOptions;

use super::{
    ConfigErrors,
    database::Database,
    environment::Environment,
    objects::Objects,
    observability::Observability,
    reader::Reader,
    repository::{Repository, Retention},
    source::Source,
};

const ADMINISTRATOR: &str = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE of a role that may create databases";

/// Everything that a backup is told; it asks for nothing else, so that a broken setting of the server does not keep it away.
#[derive(Clone, Debug)]
pub struct BackupConfig {
    /// Tier, prefix, release.
    pub environment: Environment,
    /// What is backed up.
    pub database: Database,
    /// Who makes, renames and drops databases, if not the role of DATABASE_URL.
    pub administrator: Option<PgConnectOptions>,
    /// Uploaded documents, which go with the rows that refer to them.
    pub objects: Objects,
    /// Where to.
    pub repository: Repository,
    /// Where to, a second time.
    pub offsite: Option<Repository>,
    /// Another environment, whose backups may be restored here.
    pub source: Option<Source>,
    /// How many are kept.
    pub retention: Retention,
    /// Logs.
    pub observability: Observability,
}

impl BackupConfig {
    /// The same with the second repository in place of the first; None without one.
    #[must_use]
    pub fn offsite(&self) -> Option<Self> {
        Some(Self { repository: self.offsite.clone()?, offsite: None, ..self.clone() })
    }

    /// The same with another environment's repository in place of the first, for a restore from it; None where none is named.
    #[must_use]
    pub fn foreign(&self) -> Option<Self> {
        let source = self.source.as_ref()?;
        Some(Self { repository: source.repository.clone(), offsite: None, ..self.clone() })
    }

    /// The same without another environment.
    #[must_use]
    pub fn own(&self) -> Self {
        Self { source: None, ..self.clone() }
    }

    /// Reads and validates.
    ///
    /// # Errors
    /// All problems at once.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(&lookup);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let environment = Environment::read(reader);
        let tier = environment.as_ref().map(|environment| environment.tier);
        let prefix = environment.as_ref().map_or("", |environment| environment.resource_prefix.as_str());
        let database = Database::read(reader, tier);
        let administrator = reader.optional(super::database::ADMINISTRATOR, ADMINISTRATOR, super::database::options);
        let objects = match Objects::read(reader, prefix, tier) {
            Objects::Folder(_) if reader.text("KUBERNETES_SERVICE_HOST").is_some() => Objects::Disabled,
            objects @ (Objects::S3(_) | Objects::Folder(_) | Objects::Disabled) => objects,
        };
        let repository = Repository::read(reader, prefix, &objects);
        let offsite = repository.as_ref().and_then(|first| Repository::read_offsite(reader, prefix, &first.key));
        let retention = Retention::read(reader);
        let observability = Observability::read(reader, tier);
        Some(Self {
            environment: environment?,
            database: database?,
            administrator,
            objects,
            repository: repository?,
            offsite,
            source: Source::read(reader),
            retention,
            observability,
        })
    }
}
