//! Runs one of PostgreSQL's programs, says how far it is, and keeps its last words.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, Command},
    time::{Instant, Interval, MissedTickBehavior, interval_at, timeout},
};

use super::ArchiveError;

/// Between two reports.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// Longest wait for last words after the end: a child of the program's own may keep the pipe open.
const LAST_WORDS_DEADLINE: Duration = Duration::from_secs(1);
/// Most bytes of last words.
const LAST_WORDS: usize = 2048;

/// Runs `command` until it or `stop` ends; `bytes` tells how many were written or read. How long that takes depends on the
/// database, so that there is no deadline: it reports, and can be stopped.
pub(super) async fn run(
    program: &'static str,
    mut command: Command,
    bytes: impl Fn() -> u64,
    stop: impl Future<Output = ()>,
) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Run { program, source };
    let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().map_err(failed)?;
    let mut words = LastWords::of(child.stderr.take());
    let report = |seconds| tracing::info!(program, bytes = bytes(), seconds, "working");
    let Some(status) = watch(&mut child, &mut words, report, stop).await.map_err(failed)? else {
        return Err(ArchiveError::Interrupted(program));
    };
    tracing::info!(program, bytes = bytes(), %status, "ended");
    if status.success() {
        return Ok(());
    }
    Err(failure(program, status, words).await)
}

/// A program that ended badly, with its last words.
pub(super) async fn failure(program: &'static str, status: ExitStatus, words: LastWords) -> ArchiveError {
    let said = words.finish().await;
    let next_step = next_step(&said);
    ArchiveError::Failed { program, status, said, next_step }
}

/// When to report.
pub(super) fn ticks(started: Instant) -> Interval {
    let mut ticks = interval_at(started + REPORT_EVERY, REPORT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// None when `stop` came first; the program is gone then.
async fn watch(
    child: &mut Child,
    words: &mut LastWords,
    report: impl Fn(u64),
    stop: impl Future<Output = ()>,
) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    let mut ticks = ticks(started);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => {
                child.kill().await?;
                return Ok(None);
            }
            status = child.wait() => return status.map(Some),
            () = words.read(), if words.is_open() => {}
            _ = ticks.tick() => report(started.elapsed().as_secs()),
        }
    }
}

/// The end of what the program writes to its standard error; all of it is read, so that it never waits for a reader.
pub(super) struct LastWords {
    pipe: Option<ChildStderr>,
    kept: Vec<u8>,
}

impl LastWords {
    pub(super) const fn of(pipe: Option<ChildStderr>) -> Self {
        Self { pipe, kept: Vec::new() }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    pub(super) async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut buffer = [0; 1024];
        match pipe.read(&mut buffer).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => self.kept.extend(buffer.iter().take(count)),
        }
        self.kept.drain(..self.kept.len().saturating_sub(LAST_WORDS));
    }

    async fn finish(mut self) -> String {
        let rest = async {
            while self.is_open() {
                self.read().await;
            }
        };
        drop(timeout(LAST_WORDS_DEADLINE, rest).await);
        let text = String::from_utf8_lossy(&self.kept);
        text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim_end_matches(['.', ' ']).to_owned()
    }
}

fn next_step(said: &str) -> &'static str {
    if said.contains("version mismatch") || said.contains("unsupported version") {
        return "install the client programs of the newer PostgreSQL (Debian: apt-get install postgresql-client-<major>), first on PATH";
    }
    if said.contains("valid archive") {
        return "name a file that `chatbot migrate dump` or `pg_dump --format=custom` wrote";
    }
    "mend the cause (DATABASE_URL, rights, disk) and run the command again; nothing was kept"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_failure_is_one_line_with_the_last_words_and_the_next_step() {
        let script = "i=0; while [ $i -lt 5000 ]; do echo noise $i >&2; i=$((i+1)); done; echo 'error: server version mismatch' >&2; exit 3";
        let error = run("pg_dump", shell(script), || 0, std::future::pending()).await.unwrap_err().to_string();
        assert!(error.starts_with("pg_dump failed (exit status: 3): "), "{error}");
        assert!(error.contains("server version mismatch; install the client programs"), "{error}");
        assert!(error.len() < 2500 && !error.contains('\n'), "{error}");
    }

    #[tokio::test]
    async fn a_child_that_outlives_the_program_does_not_keep_it_waiting_for_ever() {
        let error = run("pg_dump", shell("sleep 20 & echo gone >&2; exit 1"), || 0, std::future::pending()).await;
        assert!(error.unwrap_err().to_string().contains("gone"));
    }

    #[tokio::test]
    async fn a_program_that_takes_long_is_reported_on() {
        let mut child = shell("exec sleep 600").kill_on_drop(true).spawn().unwrap();
        let mut words = LastWords::of(None);
        let reported = tokio_util::sync::CancellationToken::new();
        let ended = watch(&mut child, &mut words, |_seconds| reported.cancel(), reported.cancelled()).await;
        assert_eq!(ended.unwrap(), None, "only a report ends this");
    }

    #[tokio::test]
    async fn a_signal_ends_the_program() {
        let error = run("pg_restore", shell("exec sleep 600"), || 0, std::future::ready(())).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Interrupted("pg_restore")), "{error}");
    }
}
