//! What can be wrong with a repository.

use rustic_core::RusticError;

/// A repository cannot be opened, read or written. Each message is one line and names the next step.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Nobody has made one there, and nobody asked for one to be made.
    #[error(
        "there is no backup repository in {location}: correct BACKUP_BUCKET and BACKUP_FOLDER, or make the first backup"
    )]
    Missing {
        /// Where it was looked for.
        location: String,
    },
    /// The folder has files of something else, or of a repository that lost its configuration.
    #[error(
        "{location} holds files, and no repository: name an empty folder in BACKUP_FOLDER; if the file `config` of a repository was lost here, bring it back from another copy"
    )]
    NotEmpty {
        /// The folder.
        location: String,
    },
    /// Somebody else makes it, or was killed while making it.
    #[error(
        "another process makes the repository in {location}, or one was killed while it did: run the command again in ten minutes"
    )]
    BeingMade {
        /// The folder.
        location: String,
    },
    /// No key of the repository opens with ours.
    #[error(
        "the repository in {location} does not open with this key: set BACKUP_KEY to the one that it was made with, or name that one in BACKUP_KEY_PREVIOUS and the new one in BACKUP_KEY"
    )]
    Key {
        /// Where it is.
        location: String,
    },
    /// There is no such snapshot.
    #[error("the repository in {location} has no snapshot {id} (any more): see chatbot backup list")]
    NoSnapshot {
        /// Where it is.
        location: String,
        /// The name that was asked for.
        id: String,
    },
    /// The store, or what lies in it.
    #[error(
        "the repository in {location} failed while {doing}: {said}; look at the object store, then run the command again"
    )]
    Failed {
        /// Where it is.
        location: String,
        /// What was being done.
        doing: &'static str,
        /// The library's words, in one line.
        said: String,
    },
    /// A file of it is not what its name says.
    #[error(
        "the repository in {location} is damaged: {file} came back with other bytes than were written; look at the object store and its disks, and run the command again"
    )]
    Changed {
        /// Where it is.
        location: String,
        /// The file.
        file: String,
    },
    /// Something in it is not as it was written.
    #[error(
        "the repository in {location} is damaged in {count} places, first: {said}; make a new backup into another folder (BACKUP_FOLDER), and look at the object store and its disks"
    )]
    Damaged {
        /// Where it is.
        location: String,
        /// How much was found.
        count: usize,
        /// The first of it.
        said: String,
    },
    /// Something that was to be stored could not be read to its end.
    #[error("{file} could not be read to its end: {said}")]
    Unread {
        /// The file's path in the snapshot.
        file: String,
        /// Why.
        said: String,
    },
    /// A thread panicked or was refused.
    #[error("the work on the repository was cut off: {0}; run the command again")]
    Cut(#[from] tokio::task::JoinError),
}

impl RepositoryError {
    /// What the library says, which is several lines, as one of ours.
    pub(super) fn failed(location: &str, doing: &'static str, error: &RusticError) -> Self {
        if error.is_incorrect_password() {
            return Self::Key { location: location.to_owned() };
        }
        let mut said = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        let mut source = std::error::Error::source(error);
        // The library's own text says what it did; the cause of it is at the end of the chain.
        while let Some(cause) = source {
            if cause.source().is_none() {
                said = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            }
            source = cause.source();
        }
        Self::Failed { location: location.to_owned(), doing, said }
    }
}
