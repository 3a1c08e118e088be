//! What pg_restore finds in a dump, asked while the dump passes by: its list of contents stands at its beginning.

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

use super::{BackupError, SILENCE};
use crate::migrate::archive::{ArchiveError, piped::Piped, programs};

const PROGRAM: &str = "pg_restore";
/// Most bytes of a list of what is in a dump.
const LONGEST_LIST: u64 = 256 << 20;

/// How many tables pg_restore finds in what comes.
pub(super) async fn tables(pieces: mpsc::Receiver<Bytes>, search_path: Option<&str>) -> Result<usize, BackupError> {
    let mut command = Command::new(programs::find(PROGRAM, search_path)?);
    command.arg("--list");
    let mut running = Piped::start(PROGRAM, command)?;
    let (input, output) = (running.input()?, running.output()?);
    let work = async { tokio::try_join!(give(pieces, input), count(output)) };
    let ((), tables) = running.attend(work, || 0, std::future::pending()).await.map_err(unreadable)?;
    Ok(tables)
}

/// What pg_restore says of a file is not what is to be done about a backup.
fn unreadable(error: BackupError) -> BackupError {
    let BackupError::Archive(ArchiveError::Failed { said, .. }) = error else { return error };
    BackupError::Unreadable { said }
}

/// Hands everything to the program as long as that listens: it ends after the list of contents.
async fn give(mut pieces: mpsc::Receiver<Bytes>, mut input: ChildStdin) -> Result<(), BackupError> {
    while let Some(piece) = pieces.recv().await {
        match timeout(SILENCE, input.write_all(&piece)).await {
            Ok(Ok(())) => {}
            // It has read enough, or it says why not by its exit code.
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(BackupError::Silent(PROGRAM)),
        }
    }
    Ok(())
}

async fn count(output: ChildStdout) -> Result<usize, BackupError> {
    let mut lines = BufReader::new(output.take(LONGEST_LIST)).lines();
    let mut count = 0;
    while let Some(line) = lines.next_line().await.map_err(|source| BackupError::Pipe { program: PROGRAM, source })? {
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
    fn tables_are_told_from_everything_else_that_is_in_a_dump() {
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
