//! From pg_dump into the object store, hashed on the way.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

use super::{BackupError, SILENCE};
use crate::{
    config::database::Database,
    migrate::archive::{connection, piped::Piped, programs},
    objects::{Objects, Upload},
};

const PROGRAM: &str = "pg_dump";
/// Longest wait for a table that somebody holds, in milliseconds; shorter than the silence after which we end it ourselves, so
/// that it can say which table it was.
const LOCK_WAIT: &str = "--lock-wait-timeout=45000";
/// Bytes that are handed on at once.
const PIECE: usize = 1 << 20;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Dumps `database` to `key`. Whatever goes wrong, the object is not there.
pub(super) async fn dump(
    database: &Database,
    search_path: Option<&str>,
    objects: &Objects,
    key: &str,
    stop: impl Future<Output = ()>,
) -> Result<Written, BackupError> {
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    command.args(["--format=custom", LOCK_WAIT]);
    connection::set(&mut command, database);
    command.env("PGAPPNAME", "chatbot-backup");
    let mut upload = objects.upload(key).await?;
    let ended = match send(command, &mut upload, stop).await {
        Ok(written) => upload.complete().await.map(|()| written).map_err(BackupError::from),
        Err(error) => Err(error),
    };
    if ended.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::error!(key, %error, "what was sent cannot be removed: let the store remove unfinished uploads by a lifecycle rule");
    }
    ended
}

async fn send(command: Command, upload: &mut Upload, stop: impl Future<Output = ()>) -> Result<Written, BackupError> {
    let mut running = Piped::start(PROGRAM, command)?;
    let (output, sent) = (running.output()?, AtomicU64::new(0));
    running.attend(copy(output, upload, &sent, SILENCE), || sent.load(Ordering::Relaxed), stop).await
}

/// Everything from `source` to its end; a `silence` without a byte is an error.
async fn copy(
    mut source: impl AsyncRead + Unpin,
    upload: &mut Upload,
    sent: &AtomicU64,
    silence: Duration,
) -> Result<Written, BackupError> {
    let mut hash = Sha256::new();
    loop {
        let piece = piece(&mut source, sent, silence).await?;
        if piece.is_empty() {
            return Ok(Written { bytes: sent.load(Ordering::Relaxed), sha256: hex::encode(hash.finalize()) });
        }
        hash.update(&piece);
        upload.write(piece).await?;
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
    use crate::config::objects::Objects as Config;

    #[tokio::test]
    async fn what_is_copied_is_there_when_it_is_complete_and_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::for_streams(&Config::Folder(folder.path().to_owned())).unwrap();
        let mut upload = objects.upload("a/b").await.unwrap();
        let content = vec![7; PIECE * 3 + 1];
        let written = copy(content.as_slice(), &mut upload, &AtomicU64::new(0), SILENCE).await.unwrap();
        assert!(!folder.path().join("a/b").exists(), "not before it is complete");
        upload.complete().await.unwrap();
        assert_eq!(std::fs::read(folder.path().join("a/b")).unwrap(), content);
        let expected = Written { bytes: content.len() as u64, sha256: hex::encode(Sha256::digest(&content)) };
        assert_eq!(written, expected);
    }

    #[tokio::test]
    async fn a_silent_program_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::for_streams(&Config::Folder(folder.path().to_owned())).unwrap();
        let mut upload = objects.upload("a").await.unwrap();
        let (_writer, reader) = tokio::io::duplex(1);
        let ended = copy(reader, &mut upload, &AtomicU64::new(0), Duration::from_millis(20)).await;
        assert!(matches!(ended, Err(BackupError::Silent("pg_dump"))), "{ended:?}");
        upload.abort().await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written stays");
    }
}
