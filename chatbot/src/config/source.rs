//! Another environment, whose backup is restored here.
//!
//! | variable | form | default |
//! |---|---|---|
//! | SOURCE_PREFIX | RESOURCE_PREFIX of the environment whose backups `restore --source` reads | none: there is no such environment |
//! | SOURCE_URL, SOURCE_ACCESS_KEY, SOURCE_SECRET_KEY, SOURCE_BUCKET, SOURCE_REGION, SOURCE_FOLDER, SOURCE_KEY | its repository, as of BACKUP_URL and its kin; reading suffices | all but region and folder are required |
//! | SCRUB_SQL | the statements that remove what is personal from the restored database; required | none |

use super::{environment, reader::Reader, repository::Repository};

/// Whose backups are read, from where, and what makes them fit to be shown here.
#[derive(Clone, Debug)]
pub struct Source {
    /// The other environment's RESOURCE_PREFIX.
    pub prefix: String,
    /// Its repository.
    pub repository: Repository,
    /// SQL that removes what is personal; one or several statements.
    pub scrub: String,
}

impl Source {
    /// Reads it, where SOURCE_PREFIX names one.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let prefix = reader.optional("SOURCE_PREFIX", environment::PREFIX, environment::prefix)?;
        let repository = Repository::read_source(reader, &prefix);
        let form =
            "the SQL that removes what is personal from another environment's data: nothing is restored without it";
        let scrub = reader.required("SCRUB_SQL", form, statement);
        Some(Self { prefix, repository: repository?, scrub: scrub? })
    }
}

/// Comments alone remove nothing.
fn statement(text: &str) -> Option<String> {
    let is_empty = |line: &str| line.trim().is_empty() || line.trim_start().starts_with("--");
    (!text.lines().all(is_empty)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_says_nothing_is_none() {
        for (text, is_one) in
            [("", false), ("-- nothing yet\n\n  -- later", false), ("-- names\nUPDATE users SET name = id::text", true)]
        {
            assert_eq!(statement(text).is_some(), is_one, "{text}");
        }
    }
}
