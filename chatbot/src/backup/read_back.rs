//! Reads a backup back from the store: the bytes must be those that were written, and pg_restore must find every table in them.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{BackupError, SILENCE, write::Written};
use crate::{
    migrate::archive::{ArchiveError, piped::Piped, programs},
    objects::{Objects, Reading},
};

const PROGRAM: &str = "pg_restore";
/// Most bytes of a list of what is in a backup.
const LONGEST_LIST: u64 = 256 << 20;

/// Compares what is at `key` with what was written; answers how many tables are in it.
pub(super) async fn check(
    objects: &Objects,
    key: &str,
    written: &Written,
    expected: usize,
    search_path: Option<&str>,
    stop: impl Future<Output = ()>,
) -> Result<usize, BackupError> {
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    command.arg("--list");
    let reading = objects.read(key).await?;
    let mut running = Piped::start(PROGRAM, command)?;
    let (input, output) = (running.input()?, running.output()?);
    let (read, hash) = (AtomicU64::new(0), OnceLock::new());
    let work = async { tokio::try_join!(feed(reading, input, &read, &hash), tables(output)) };
    let ended = running.attend(work, || read.load(Ordering::Relaxed), stop).await;
    // Before the program's verdict: what it says of other bytes than those that were written tells nothing.
    if hash.get().is_some_and(|hash| *hash != written.sha256) {
        let read = read.load(Ordering::Relaxed);
        return Err(BackupError::Changed { key: key.to_owned(), written: written.bytes, read });
    }
    let ((), found) = ended.map_err(|error| unreadable(key, error))?;
    if found < expected {
        return Err(BackupError::Incomplete { key: key.to_owned(), expected, found });
    }
    Ok(found)
}

/// What pg_restore says of a file is not what is to be done about a backup.
fn unreadable(key: &str, error: BackupError) -> BackupError {
    let BackupError::Archive(ArchiveError::Failed { said, .. }) = error else { return error };
    BackupError::Unreadable { key: key.to_owned(), said }
}

/// Hashes everything, and hands it to the program as long as that listens: it ends after the list of contents.
async fn feed(
    mut reading: Reading,
    input: ChildStdin,
    read: &AtomicU64,
    sha256: &OnceLock<String>,
) -> Result<(), BackupError> {
    let (mut hash, mut input) = (Sha256::new(), Some(input));
    while let Some(piece) = reading.next().await? {
        hash.update(&piece);
        read.fetch_add(piece.len() as u64, Ordering::Relaxed);
        input = hand_over(input, &piece).await?;
    }
    sha256.get_or_init(|| hex::encode(hash.finalize()));
    Ok(())
}

async fn hand_over(input: Option<ChildStdin>, piece: &Bytes) -> Result<Option<ChildStdin>, BackupError> {
    let Some(mut input) = input else { return Ok(None) };
    match timeout(SILENCE, input.write_all(piece)).await {
        Ok(Ok(())) => Ok(Some(input)),
        // It has read enough, or it says why not by its exit code.
        Ok(Err(_)) => Ok(None),
        Err(_) => Err(BackupError::Silent(PROGRAM)),
    }
}

async fn tables(output: ChildStdout) -> Result<usize, BackupError> {
    let mut lines = BufReader::new(output.take(LONGEST_LIST)).lines();
    let mut count = 0;
    loop {
        let line = timeout(SILENCE, lines.next_line()).await.map_err(|_| BackupError::Silent(PROGRAM))?;
        let Some(line) = line.map_err(|source| BackupError::Pipe { program: PROGRAM, source })? else { break };
        count += usize::from(is_table(&line));
    }
    Ok(count)
}

/// `215; 1259 16390 TABLE public users chatbot`; the rows of a table are an entry of their own, `TABLE DATA`, and so is that it is
/// a part of another, `TABLE ATTACH`.
fn is_table(line: &str) -> bool {
    let mut words = line.split(' ').skip(3);
    !line.starts_with(';') && words.next() == Some("TABLE") && !matches!(words.next(), Some("DATA" | "ATTACH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_told_from_everything_else_that_is_in_an_archive() {
        let cases = [
            ("215; 1259 16390 TABLE public users chatbot", true),
            ("3400; 0 16390 TABLE DATA public users chatbot", false),
            ("3401; 0 0 TABLE ATTACH public users_2026 chatbot", false),
            ("216; 1259 16391 INDEX public users_name_idx chatbot", false),
            ("2; 3079 16385 EXTENSION - pg_trgm ", false),
            (";     TOC Entries: 12 TABLE x", false),
            ("; 1 2 TABLE public users chatbot", false),
            ("", false),
        ];
        for (line, expected) in cases {
            assert_eq!(is_table(line), expected, "{line}");
        }
    }
}
