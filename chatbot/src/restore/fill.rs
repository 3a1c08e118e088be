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
    repository::{RepositoryError, Snapshot},
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
    let reading = spawn_blocking(move || snapshot.copy(&file, &mut Outlet(sender)));
    let (input, sent) = (running.input()?, AtomicU64::new(0));
    let work = give(pieces, input, &sent);
    let given = running.attend(work, || sent.load(Ordering::Relaxed), std::future::pending()).await;
    // Who reads says what is wrong with the repository, which a program that got the half of it does not know.
    match (reading.await?, given) {
        (Err(error), Ok(_)) => Err(error.into()),
        (Err(error), Err(_)) if !is_cut_off(&error) => Err(error.into()),
        (_, given) => given,
    }
}

fn is_cut_off(error: &RepositoryError) -> bool {
    error.to_string().contains(CUT_OFF)
}

/// How a reader says that nobody takes what it reads.
const CUT_OFF: &str = "nobody takes it any more";

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
struct Outlet(mpsc::Sender<Bytes>);

impl Write for Outlet {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(buffer));
        sent.map(|()| buffer.len()).map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, CUT_OFF))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
