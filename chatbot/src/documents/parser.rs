//! The worker's side of reading a document: one child process per document, fed by a pipe, read from a pipe, and killed
//! when it takes too long or the job ends.
//!
//! The child gets no variable of ours, and with them no secret. One child at a time per worker, so that the memory of a
//! worker's pod is bounded however many documents wait.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::Semaphore,
    time::timeout,
};

use super::{Kind, Limits, ParseError, parse::MAX_TEXT};

/// Children at a time.
const CHILDREN: usize = 1;
/// Most bytes of a child's last words that are kept.
const LAST_WORDS: u64 = 2048;
/// The signals by which the system ends a process that is over its limits, and one that Rust or C ends itself.
const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;
/// What Rust ends with after a panic.
const PANICKED: i32 = 101;

/// A document was not read.
#[derive(Debug, thiserror::Error)]
pub enum ParserError {
    /// It never will be.
    #[error("{error} ({cause})")]
    Document {
        /// What its owner is told.
        error: ParseError,
        /// How the child ended.
        cause: String,
    },
    /// The child did not start, or its pipes broke.
    #[error("the process that reads documents cannot be run: {0}")]
    Process(#[from] io::Error),
    /// The child did not do its work, for no fault of the document.
    #[error("the process that reads documents ended with {status}: {said}")]
    Child {
        /// How.
        status: ExitStatus,
        /// Its last words.
        said: String,
    },
}

/// Reads documents in child processes. Cheap to clone; clones share the limit of children.
#[derive(Clone, Debug)]
pub struct Parser {
    program: PathBuf,
    limits: Limits,
    children: Arc<Semaphore>,
}

impl Parser {
    /// A parser that runs `program`, which is this binary.
    #[must_use]
    pub fn new(program: PathBuf, limits: Limits) -> Self {
        Self { program, limits, children: Arc::new(Semaphore::new(CHILDREN)) }
    }

    /// The text of a document, in UTF-8.
    ///
    /// # Errors
    /// See [`ParserError`]; only `Document` is for good.
    pub async fn parse(&self, kind: Kind, charset: Option<&str>, content: Bytes) -> Result<String, ParserError> {
        // Closed only with the last clone.
        let _turn = self.children.acquire().await.map_err(io::Error::other)?;
        let child = self.command(kind, charset).spawn()?;
        // Leaving in the middle kills the child, as a cancelled job does.
        match timeout(self.limits.time, exchange(child, content)).await {
            Ok(ended) => conclude(ended?),
            Err(_elapsed) => Err(document(ParseError::TooSlow, "killed at its deadline")),
        }
    }

    fn command(&self, kind: Kind, charset: Option<&str>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["parse", "--kind", kind.name()]);
        command.args(["--memory-mib", &self.limits.memory_mib.to_string()]);
        command.args(["--cpu-seconds", &self.limits.cpu_seconds.to_string()]);
        if let Some(charset) = charset {
            command.arg(format!("--charset={charset}"));
        }
        command.env_clear().current_dir("/").process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// How a child ended, and what it wrote.
struct Ended {
    status: ExitStatus,
    text: Vec<u8>,
    said: String,
}

/// Feeds a child and listens to it at the same time, so that no pipe fills up.
async fn exchange(mut child: Child, content: Bytes) -> io::Result<Ended> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A child that ends early closes its end; how it ended says why.
            drop(stdin.write_all(&content).await);
        }
    };
    let limit = u64::try_from(MAX_TEXT).unwrap_or(u64::MAX).saturating_add(1);
    let ((), text, said) = tokio::join!(feed, listen(stdout, limit), listen(stderr, LAST_WORDS));
    let (text, said) = (text?, said?);
    if text.len() > MAX_TEXT {
        // It may still be writing.
        child.start_kill()?;
    }
    let status = child.wait().await?;
    Ok(Ended { status, text, said: String::from_utf8_lossy(&said).trim().to_owned() })
}

/// At most so many bytes; what comes after them is never asked for.
async fn listen(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit).read_to_end(&mut heard).await?;
    }
    Ok(heard)
}

fn conclude(ended: Ended) -> Result<String, ParserError> {
    let Ended { status, text, said } = ended;
    if text.len() > MAX_TEXT {
        return Err(document(ParseError::TooMuchText, "it went on writing"));
    }
    if status.success() {
        return String::from_utf8(text).map_err(|error| document(ParseError::Broken, &error.to_string()));
    }
    match fault(status) {
        Some(error) => Err(document(error, &format!("{status} {said}"))),
        None => Err(ParserError::Child { status, said }),
    }
}

/// What the document did to the child, if it was the document.
fn fault(status: ExitStatus) -> Option<ParseError> {
    match (status.code(), status.signal()) {
        (Some(PANICKED), _) => Some(ParseError::Broken),
        (Some(code), _) => ParseError::of_exit_code(code),
        (None, Some(SIGXCPU)) => Some(ParseError::TooSlow),
        (None, Some(SIGABRT | SIGBUS | SIGKILL | SIGSEGV)) => Some(ParseError::TooMuchMemory),
        (None, _) => None,
    }
}

fn document(error: ParseError, cause: &str) -> ParserError {
    ParserError::Document { error, cause: cause.to_owned() }
}
