//! From pg_dump into a feed, hashed on the way.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    sync::mpsc,
    time::timeout,
};

use super::{BackupError, SILENCE, feed::Feed};
use crate::{
    config::database::Database,
    migrate::archive::{connection, piped::Piped, programs},
};

pub(super) const PROGRAM: &str = "pg_dump";
/// The dump's file in the snapshot.
pub(super) const FILE: &str = "/database.pgdump";
/// Longest wait for a table that somebody holds, in milliseconds; shorter than the silence after which we end it ourselves, so
/// that it can say which table it was.
const LOCK_WAIT: &str = "--lock-wait-timeout=45000";
/// What is compressed looks new where a row in it is: the repository compresses what it has found to be new.
const FORM: [&str; 2] = ["--format=custom", "--compress=0"];
/// Bytes that are handed on at once.
const PIECE: usize = 1 << 20;

/// What was dumped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dumped {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Dumps what `snapshot`, an exported one of the server, shows; whoever wants to see it pass by sees it as long as it looks.
pub(super) async fn run(
    database: &Database,
    snapshot: &str,
    search_path: Option<&str>,
    (feed, passing): (Feed, mpsc::Sender<Bytes>),
) -> Result<Dumped, BackupError> {
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    command.args(FORM).arg(LOCK_WAIT).arg(format!("--snapshot={snapshot}"));
    connection::set(&mut command, database);
    command.env("PGAPPNAME", "chatbot-backup");
    let mut running = Piped::start(PROGRAM, command)?;
    let (output, sent) = (running.output()?, AtomicU64::new(0));
    let work = copy(output, (&feed, passing), &sent, SILENCE);
    let dumped = running.attend(work, || sent.load(Ordering::Relaxed), std::future::pending()).await?;
    // Only now, since a program that fails may have written something before.
    feed.end().await.map_err(|_| BackupError::Unwanted)?;
    Ok(dumped)
}

/// Everything from `source` to its end; a `silence` without a byte is an error.
async fn copy(
    mut source: impl AsyncRead + Unpin,
    (feed, passing): (&Feed, mpsc::Sender<Bytes>),
    sent: &AtomicU64,
    silence: Duration,
) -> Result<Dumped, BackupError> {
    let mut hash = Sha256::new();
    loop {
        let piece = piece(&mut source, sent, silence).await?;
        if piece.is_empty() {
            return Ok(Dumped { bytes: sent.load(Ordering::Relaxed), sha256: hex::encode(hash.finalize()) });
        }
        hash.update(&piece);
        // An error is that nobody looks any more.
        drop(passing.send(piece.clone()).await);
        feed.give(piece).await.map_err(|_| BackupError::Unwanted)?;
    }
}

/// The next bytes, empty at the end. A pipe gives a few at a time; each in a buffer of its own would hold many times its size.
async fn piece(
    source: &mut (impl AsyncRead + Unpin),
    sent: &AtomicU64,
    silence: Duration,
) -> Result<Bytes, BackupError> {
    let mut buffer = BytesMut::with_capacity(PIECE).limit(PIECE);
    while buffer.has_remaining_mut() {
        let read = timeout(silence, source.read_buf(&mut buffer)).await.map_err(|_| BackupError::Silent(PROGRAM))?;
        match read.map_err(|source| BackupError::Pipe { program: PROGRAM, source })? {
            0 => break,
            count => sent.fetch_add(count as u64, Ordering::Relaxed),
        };
    }
    Ok(buffer.into_inner().freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::feed;

    #[tokio::test]
    async fn a_silent_program_is_not_waited_for_without_end() {
        let (_writer, reader) = tokio::io::duplex(1);
        let (feed, _outlet) = feed::pair();
        let (passing, _looking) = mpsc::channel(1);
        let ended = copy(reader, (&feed, passing), &AtomicU64::new(0), Duration::from_millis(20)).await;
        assert!(matches!(ended, Err(BackupError::Silent("pg_dump"))), "{ended:?}");
    }
}
