//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};
use jiff::Span;

use crate::{
    auth::{Role, Scope},
    migrate::Selection,
    repository::Part,
};

/// The chatbot server.
///
/// Configuration comes from environment variables (in dev also from `.env`); a wrong or missing one is named.
#[derive(Debug, Parser)]
#[command(name = "chatbot", version, about, long_about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the HTTP API until SIGTERM.
    Serve,
    /// Work on background jobs until SIGTERM.
    Worker,
    /// Serve the task monitor until SIGTERM.
    Monitor,
    /// Change or inspect the database's schema.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Check the configuration and every service, and say what to do.
    Doctor {
        /// One JSON document instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Users and their API keys.
    #[command(subcommand)]
    User(User),
    /// Put database and documents into the backup repository, and read them back.
    #[command(args_conflicts_with_subcommands = true)]
    Backup {
        /// Check the repository afterwards, reading a seventh of its content, and copy what the second one (OFFSITE_URL) lacks.
        #[arg(long)]
        full: bool,
        /// Make none where the database has no table and the repository has backups of it: ask instead what is meant.
        #[arg(long)]
        unless_empty: bool,
        /// Wait up to so many seconds first, by chance: many environments have the same schedule.
        #[arg(long, default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=3600))]
        jitter: u64,
        /// Something else than making one.
        #[command(subcommand)]
        command: Option<Backup>,
    },
    /// Bring a backup back beside what runs; then, in a second step, in its place.
    #[command(subcommand)]
    Restore(Restore),
    /// Print the OpenAPI document.
    Openapi,
    /// Make database, role, bucket and collections of this environment on shared services.
    Provision,
}

/// Schema commands.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply pending migrations.
    Up {
        /// Which of them.
        #[arg(long, value_enum, default_value_t)]
        kind: Selection,
    },
    /// Revert the newest migrations, so many or those of one release.
    Down {
        /// How many.
        #[arg(default_value_t = 1, conflicts_with = "of_release")]
        count: usize,
        /// Those that this release (its RELEASE_ID) applied, as long as each is the newest one and no contract.
        #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        of_release: Option<String>,
        /// Only those newer than this version, which another release needs.
        #[arg(long, value_name = "VERSION", requires = "of_release")]
        above: Option<i64>,
        /// As long as what they take away holds no data: no row, and no value but defaults.
        #[arg(long, requires = "of_release")]
        lossless: bool,
    },
    /// Undo and apply every migration: all rows are lost, objects and vectors stay (dev only).
    Reset,
    /// Write the whole database, but no objects and vectors, to a file that `restore` and pg_restore read.
    Dump {
        /// The file; dump-<UTC time>.pgdump by default. It is replaced once the dump is complete.
        file: Option<PathBuf>,
    },
    /// Restore a dump into a database without tables (dev only).
    Restore {
        /// A file that `dump` or `pg_dump --format=custom` wrote.
        file: PathBuf,
    },
    /// List migrations and where they stand.
    Status {
        /// One JSON document instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Start a new migration: an .up.sql and a .down.sql.
    New {
        /// What it does, such as add_message_feedback.
        name: String,
        /// Folder of the migrations; by default the one of this source tree.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Refuse migrations that would break the release before.
    Lint {
        /// Folder of the migrations; by default the one of this source tree.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
}

/// Backup commands.
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// List this environment's backups, newest first.
    List {
        /// One JSON document instead of a table.
        #[arg(long)]
        json: bool,
        /// Those of the second repository.
        #[arg(long)]
        offsite: bool,
    },
    /// Copy what the second repository (OFFSITE_URL) lacks into it, and read it back.
    Copy,
    /// Look for damage: every snapshot's files, every index's packs, and one part of the content.
    Check {
        /// Which part of the content is read, such as 3/7: seven runs with 1/7 to 7/7 read all of it once.
        #[arg(long, default_value = "1/1", value_name = "N/OF")]
        read: Part,
        /// The second repository.
        #[arg(long)]
        offsite: bool,
    },
}

/// Restore commands. Each can be repeated, and goes on where it was cut off.
#[derive(Debug, Subcommand)]
pub enum Restore {
    /// Say what a restore would bring back. Nothing is changed.
    Plan(FromBackup),
    /// Fill a database beside the live one, check it against the backup's manifest, and bring its schema up to date.
    Prepare {
        /// Which backup.
        #[command(flatten)]
        from: FromBackup,
        /// What the restore is called.
        #[command(flatten)]
        which: OfRestore,
    },
    /// Put the prepared database in the live one's place. Stop server and workers first: every session of both ends.
    Swap(OfRestore),
    /// Put back the documents of the backup that was swapped in, and that the object store lacks.
    Documents(Place),
    /// Give the database back that was live before the swap.
    Undo(OfRestore),
    /// Drop what a restore left beside the live database: the prepared one, which is not in its place.
    Drop {
        /// Which restore.
        #[command(flatten)]
        which: OfRestore,
        /// The one that was live before the swap, instead.
        #[arg(long)]
        replaced: bool,
    },
    /// Rehearse a restore: fill a scratch database, check it against the manifest, bring it up to date, and drop it.
    Drill(FromOwn),
}

/// Which backup, of which repository.
#[derive(Debug, Args)]
pub struct FromBackup {
    /// `latest`, the beginning of a backup's name, or a time: then the newest that is not younger.
    #[arg(long, default_value = "latest", value_name = "BACKUP")]
    pub from: crate::restore::From,
    /// Of which repository.
    #[command(flatten)]
    pub place: Place,
}

/// Which backup of the environment's own.
#[derive(Debug, Args)]
pub struct FromOwn {
    /// `latest`, the beginning of a backup's name, or a time: then the newest that is not younger.
    #[arg(long, default_value = "latest", value_name = "BACKUP")]
    pub from: crate::restore::From,
    /// From the second repository (OFFSITE_URL): the first one may be gone.
    #[arg(long)]
    pub offsite: bool,
}

/// Which repository, if not the first one.
#[derive(Clone, Copy, Debug, Args)]
pub struct Place {
    /// From the second repository (OFFSITE_URL): the first one may be gone.
    #[arg(long)]
    pub offsite: bool,
    /// From another environment's repository (SOURCE_PREFIX, SOURCE_URL and its kin): SCRUB_SQL removes what is personal first.
    #[arg(long, conflicts_with = "offsite")]
    pub source: bool,
}

/// Which restore.
#[derive(Debug, Args)]
pub struct OfRestore {
    /// Name of the restore: 8 hexadecimal digits by which its databases are called. By default those of the backup; needed
    /// where several restores stand beside the live database.
    #[arg(long, value_parser = restore_name)]
    pub name: Option<String>,
}

fn restore_name(text: &str) -> Result<String, String> {
    let is_one = text.len() == 8 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    if is_one { Ok(text.to_owned()) } else { Err("write 8 hexadecimal digits, such as 5f0c61d2".to_owned()) }
}

/// User commands.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Create a user. The first admin of an environment is made so: `chatbot user create NAME --role admin --password-stdin`.
    Create(CreateUser),
    /// List users, newest first, at most 1000.
    List {
        /// One JSON document instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Set a user's password, read from the terminal or the standard input. Their sessions end.
    Password {
        /// Whose.
        name: String,
    },
    /// Set what a user may do.
    Role {
        /// Whose.
        name: String,
        /// What they are from now on.
        #[arg(value_enum)]
        role: Role,
    },
    /// Keep a user out, at once: their keys do not work, their sessions end.
    Disable {
        /// Whom.
        name: String,
    },
    /// Let a user in again.
    Enable {
        /// Whom.
        name: String,
    },
    /// API keys.
    #[command(subcommand)]
    Key(Key),
}

/// Options of `user create`.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// A unique name without @.
    pub name: String,
    /// A unique address; they may log in by it too.
    #[arg(long)]
    pub email: Option<String>,
    /// What they may do.
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,
    /// Read their password from the standard input. Without one they come in by keys alone.
    #[arg(long)]
    pub password_stdin: bool,
}

/// API key commands.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Create a key and print it, once.
    Create(CreateKey),
    /// List keys, without their secrets.
    List {
        /// Only this user's.
        #[arg(long)]
        user: Option<String>,
        /// One JSON document instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Withdraw a key.
    Revoke {
        /// The key's id or its shown prefix.
        key: String,
    },
}

/// Options of `user key create`.
#[derive(Debug, Args)]
pub struct CreateKey {
    /// Whose key; the user is created if need be.
    #[arg(long, default_value = "admin")]
    pub user: String,
    /// What the key is for.
    #[arg(long, default_value = "default")]
    pub name: String,
    /// How long it works, such as 90d or 12h; for ever by default.
    #[arg(long)]
    pub ttl: Option<Span>,
    /// What it may be used for, separated by commas; everything but admin by default.
    #[arg(long = "scope", value_enum, value_delimiter = ',')]
    pub scopes: Vec<Scope>,
    /// One JSON document instead of the key alone.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_operator_calls_is_understood() {
        for line in [
            "serve",
            "worker",
            "monitor",
            "migrate up --kind expand",
            "migrate up --kind contract",
            "migrate down 2",
            "migrate down --of-release 0123456789",
            "migrate down --of-release 0123456789 --above 20260101000600 --lossless",
            "backup",
            "provision",
        ] {
            assert!(parses(line), "{line}");
        }
    }

    #[test]
    fn what_would_revert_something_else_than_was_meant_is_refused() {
        for line in ["migrate down --lossless", "migrate down 2 --of-release a", "migrate down --of-release="] {
            assert!(!parses(line), "{line}");
        }
    }

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(std::iter::once("chatbot").chain(line.split(' '))).is_ok()
    }
}
