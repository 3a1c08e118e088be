//! Runs one of PostgreSQL's programs whose input or output is the caller's work.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep_until},
};

use super::{
    ArchiveError,
    process::{LastWords, failure, ticks},
};

/// Longest wait for the program's end after its pipes were done with.
const END_DEADLINE: Duration = Duration::from_mins(1);

/// A running program.
pub(crate) struct Piped {
    program: &'static str,
    child: Child,
    words: LastWords,
    patience: Duration,
}

impl Piped {
    /// Starts it; it ends when this is dropped.
    ///
    /// # Errors
    /// `Run`.
    pub(crate) fn start(program: &'static str, mut command: Command) -> Result<Self, ArchiveError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| ArchiveError::Run { program, source })?;
        let words = LastWords::of(child.stderr.take());
        Ok(Self { program, child, words, patience: END_DEADLINE })
    }

    /// The same, which has more to do after its pipes were done with: pg_restore makes indexes then.
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Its input, once.
    ///
    /// # Errors
    /// `Run` the second time.
    pub(crate) fn input(&mut self) -> Result<ChildStdin, ArchiveError> {
        let program = self.program;
        self.child.stdin.take().ok_or_else(|| taken(program))
    }

    /// Its output, once.
    ///
    /// # Errors
    /// `Run` the second time.
    pub(crate) fn output(&mut self) -> Result<ChildStdout, ArchiveError> {
        let program = self.program;
        self.child.stdout.take().ok_or_else(|| taken(program))
    }

    /// Runs until `work`, which deals with the pipes, and then the program have ended, or until `stop` ends; `bytes` tells how
    /// many went through. How long the work takes depends on the database: it reports, and its own waits have deadlines.
    ///
    /// # Errors
    /// Those of the work; `Failed` with the program's last words, `Interrupted`.
    pub(crate) async fn attend<T, E: From<ArchiveError>>(
        mut self,
        work: impl Future<Output = Result<T, E>>,
        bytes: impl Fn() -> u64,
        stop: impl Future<Output = ()>,
    ) -> Result<T, E> {
        let (program, started) = (self.program, Instant::now());
        let (mut ticks, mut made, mut late) = (ticks(started), None, started);
        tokio::pin!(work, stop);
        let status = loop {
            tokio::select! {
                biased;
                () = &mut stop => return Err(self.interrupted().await.into()),
                () = self.words.read(), if self.words.is_open() => {}
                result = &mut work, if made.is_none() => {
                    made = Some(result?);
                    late = Instant::now() + self.patience;
                }
                status = self.child.wait(), if made.is_some() => break status,
                () = sleep_until(late), if made.is_some() => break Err(io::ErrorKind::TimedOut.into()),
                _ = ticks.tick() => tracing::info!(program, bytes = bytes(), seconds = started.elapsed().as_secs(), "working"),
            }
        };
        tracing::info!(program, bytes = bytes(), "ended");
        let ended = status.map_err(|source| ArchiveError::Run { program, source })?;
        self.ended_well(ended).await?;
        made.ok_or_else(|| taken(program).into())
    }

    async fn ended_well(self, status: ExitStatus) -> Result<(), ArchiveError> {
        if status.success() { Ok(()) } else { Err(failure(self.program, status, self.words).await) }
    }

    async fn interrupted(&mut self) -> ArchiveError {
        drop(self.child.kill().await);
        ArchiveError::Interrupted(self.program)
    }
}

fn taken(program: &'static str) -> ArchiveError {
    ArchiveError::Run { program, source: io::Error::other("its pipes are in use already") }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn shell(script: &str) -> Piped {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Piped::start("pg_dump", command).unwrap()
    }

    async fn text(mut output: ChildStdout) -> Result<String, ArchiveError> {
        let mut text = String::new();
        output.read_to_string(&mut text).await.unwrap();
        Ok(text)
    }

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let mut running = shell("cat");
        let (mut input, output) = (running.input().unwrap(), running.output().unwrap());
        let work = async {
            input.write_all(b"text").await.unwrap();
            drop(input);
            text(output).await
        };
        assert_eq!(running.attend(work, || 0, std::future::pending()).await.unwrap(), "text");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_a_failure_whatever_it_wrote_before() {
        let mut running = shell("echo half; echo 'error: server version mismatch' >&2; exit 1");
        let work = text(running.output().unwrap());
        let error = running.attend(work, || 0, std::future::pending()).await.unwrap_err().to_string();
        assert!(error.contains("server version mismatch; install the client programs"), "{error}");
    }

    #[tokio::test]
    async fn a_signal_ends_the_program_and_the_work() {
        let mut running = shell("exec sleep 600");
        let work = text(running.output().unwrap());
        let error = running.attend(work, || 0, std::future::ready(())).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Interrupted("pg_dump")), "{error}");
    }
}
