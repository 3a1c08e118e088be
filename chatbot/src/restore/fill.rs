//! From a snapshot's dump into an empty database, hashed on the way.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::{
    io::AsyncWriteExt,
    process::{ChildStdin, Command},
    sync::mpsc,
    task::spawn_blocking,
    time::timeout,
};

use super::RestoreError;
use crate::{
    config::database::Database,
    migrate::archive::{connection, piped::Piped, programs},
    repository::Snapshot,
};

const PROGRAM: &str = "pg_restore";
/// Owners and rights are those of the role that restores: the dump's roles need not exist here.
const ARGUMENTS: [&str; 3] = ["--no-owner", "--no-privileges", "--exit-on-error"];
/// Longest wait for the program to take some bytes.
const SILENCE: Duration = Duration::from_mins(10);
/// Longest time for the indexes and constraints that are made when all rows are there.
const INDEXES: Duration = Duration::from_hours(6);
/// Pieces that are on their way at once.
const PIECES: usize = 4;

/// What went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Restores `file` of `snapshot` into `database`.
pub(super) async fn run(
    snapshot: Snapshot,
    file: String,
    database: &Database,
    search_path: Option<&str>,
) -> Result<Filled, RestoreError> {
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    command.args(ARGUMENTS);
    connection::set(&mut command, database);
    command.env("PGAPPNAME", "chatbot-restore");
    let mut running = Piped::start(PROGRAM, command)?.patient(INDEXES);
    let (sender, pieces) = mpsc::channel(PIECES);
    let reading = spawn_blocking(move || {
        let mut outlet = Outlet { pieces: sender, is_refused: false };
        (snapshot.copy(&file, &mut outlet), outlet.is_refused)
    });
    let (input, sent) = (running.input()?, AtomicU64::new(0));
    let work = give(pieces, input, &sent);
    let given = running.attend(work, || sent.load(Ordering::Relaxed), std::future::pending()).await;
    match reading.await? {
        // Who reads knows what is wrong with the repository; a program that got the half of it does not.
        (Err(error), false) => Err(error.into()),
        (Ok(()) | Err(_), _) => given,
    }
}

/// Hands everything on, and hashes it.
async fn give(
    mut pieces: mpsc::Receiver<Bytes>,
    mut input: ChildStdin,
    sent: &AtomicU64,
) -> Result<Filled, RestoreError> {
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.recv().await {
        hash.update(&piece);
        match timeout(SILENCE, input.write_all(&piece)).await {
            Ok(Ok(())) => {}
            // It says why by its exit code.
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Ok(Err(error)) => return Err(RestoreError::Pipe(error)),
            Err(_) => return Err(RestoreError::Silent),
        }
        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(Filled { bytes: sent.load(Ordering::Relaxed), sha256: hex::encode(hash.finalize()) })
}

/// Where the thread that reads writes to.
struct Outlet {
    pieces: mpsc::Sender<Bytes>,
    /// Whether nobody takes anything any more.
    is_refused: bool,
}

impl Write for Outlet {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.is_refused = self.pieces.blocking_send(Bytes::copy_from_slice(buffer)).is_err();
        if self.is_refused { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(buffer.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
