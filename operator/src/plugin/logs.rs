//! `kubectl chatbot logs`: what the pods of the active colour say, each line with its pod's name.
//!
//! A pod without a log is named with what the API server says of it, and keeps no other from being shown. While following,
//! every pod is looked at again and again: a log ends with its container, and goes on with the next one.

use std::{collections::BTreeMap, io, pin::Pin, time::Duration};

use clap::{Args, ValueEnum};
use futures::{
    AsyncBufReadExt, Stream, StreamExt,
    stream::{self, SelectAll},
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::LogParams};

use super::{
    PluginError,
    output::Output,
    target::{self, Target, within},
};
use crate::resources::labels::Component;

/// How often new pods are looked for while following.
const LOOK: Duration = Duration::from_secs(3);

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The environment; may be left out where the namespace has only one
    name: Option<String>,
    /// Whose logs
    #[arg(short, long, value_enum, default_value_t)]
    component: Which,
    /// Go on until interrupted, through releases too
    #[arg(short, long)]
    follow: bool,
    /// Lines of each pod to begin with
    #[arg(long, default_value_t = 100)]
    tail: i64,
}

/// A component with logs of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Which {
    /// HTTP servers of the active colour
    #[default]
    App,
    /// Background workers of the active colour
    Worker,
    /// The task monitor
    Monitor,
    /// Jobs that back the database up, rehearse restores, and restore
    Backup,
    /// Jobs that migrate the schema
    Migrate,
    /// Jobs that make database, role, bucket and collections on shared services
    Provision,
}

impl Which {
    const fn component(self) -> Component {
        match self {
            Self::App => Component::App,
            Self::Worker => Component::Worker,
            Self::Monitor => Component::Monitor,
            Self::Backup => Component::Backup,
            Self::Migrate => Component::Migrate,
            Self::Provision => Component::Provision,
        }
    }
}

/// A line of a pod's log; none when the log ended.
type Entry = (String, Option<io::Result<String>>);
type Lines = Pin<Box<dyn Stream<Item = Entry> + Send>>;

/// How far the log of one pod has been shown.
#[derive(Debug, Default)]
struct Progress {
    /// Whether it is being read.
    open: bool,
    /// When the last line that was shown was written.
    shown: Option<Timestamp>,
    /// The same when the log was taken up last.
    resumed: Option<Timestamp>,
    /// Why there is no log, as it was told last.
    told: Option<String>,
}

impl Progress {
    /// The text of a line, unless it was shown before: a log that is taken up again begins with the second of its last line.
    fn take<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let Some((time, text)) = line.split_once(' ').and_then(|(time, text)| Some((time.parse().ok()?, text))) else {
            return Some(line);
        };
        if self.resumed.is_some_and(|resumed| time <= resumed) {
            return None;
        }
        self.shown = Some(time);
        Some(text)
    }

    /// Whether this is news.
    fn tells(&mut self, why: &str) -> bool {
        let is_news = self.told.as_deref() != Some(why);
        self.told = Some(why.to_owned());
        is_news
    }

    fn open(&mut self) {
        (self.open, self.resumed, self.told) = (true, self.shown, None);
    }

    /// From where the log is read: from its last lines, or from where it ended.
    fn parameters(&self, arguments: &Arguments) -> LogParams {
        // The client rounds to seconds, and must not round up.
        let since_time = self.shown.and_then(|shown| Timestamp::from_second(shown.as_second()).ok());
        let tail_lines = since_time.is_none().then_some(arguments.tail);
        LogParams { follow: arguments.follow, timestamps: true, since_time, tail_lines, ..LogParams::default() }
    }
}

/// The logs of all pods.
struct Logs<'a> {
    target: &'a Target,
    output: &'a Output,
    name: String,
    arguments: Arguments,
    pods: BTreeMap<String, Progress>,
    lines: SelectAll<Lines>,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let name = target.environment(arguments.name.as_deref()).await?.name_any();
    let (pods, lines) = (BTreeMap::new(), SelectAll::new());
    Logs { target, output, name, arguments, pods, lines }.run().await
}

impl Logs<'_> {
    async fn run(mut self) -> Result<(), PluginError> {
        let news = self.look().await?;
        if self.lines.is_empty() && !self.arguments.follow {
            return Err(news.into_iter().next().unwrap_or_else(|| self.no_pod()));
        }
        self.tell(&news)?;
        let mut looks = tokio::time::interval(LOOK);
        looks.reset();
        loop {
            tokio::select! {
                Some((pod, entry)) = self.lines.next() => self.show(&pod, entry)?,
                _ = looks.tick(), if self.arguments.follow => {
                    let news = self.look().await?;
                    self.tell(&news)?;
                }
                else => return Ok(()),
            }
        }
    }

    /// Begins to read every log that is not being read. Says why one cannot be read, where that is news.
    async fn look(&mut self) -> Result<Vec<PluginError>, PluginError> {
        let found = pods(self.target, &self.name, self.arguments.component).await?;
        self.pods.retain(|name, progress| progress.open || found.iter().any(|pod| pod.name_any() == *name));
        let mut news = Vec::new();
        for pod in &found {
            let name = pod.name_any();
            let progress = self.pods.entry(name.clone()).or_default();
            if progress.open || (progress.shown.is_some() && is_over(pod)) {
                continue;
            }
            match read(self.target, &name, &progress.parameters(&self.arguments)).await {
                Ok(lines) => {
                    progress.open();
                    self.lines.push(lines);
                }
                Err(error) if progress.tells(&error.to_string()) => news.push(error),
                Err(_) => {}
            }
        }
        Ok(news)
    }

    fn tell(&self, news: &[PluginError]) -> io::Result<()> {
        news.iter().try_for_each(|error| self.output.line(&self.output.palette().mind(&error.to_string())))
    }

    /// A log that ends, or breaks off, is taken up again with the next look.
    fn show(&mut self, pod: &str, entry: Option<io::Result<String>>) -> io::Result<()> {
        let progress = self.pods.entry(pod.to_owned()).or_default();
        let Some(Ok(line)) = entry else {
            progress.open = false;
            return Ok(());
        };
        let Some(text) = progress.take(&line) else { return Ok(()) };
        self.output.line(&format!("{} {text}", self.output.palette().faint(&format!("[{pod}]"))))
    }

    fn no_pod(&self) -> PluginError {
        let wanted = self.arguments.component.component().to_string();
        PluginError::NoPod { name: self.name.clone(), namespace: self.target.namespace.clone(), wanted }
    }
}

/// Nothing more will be said by a pod whose containers ended for good.
fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The active colour is asked for each time: a release moves it.
async fn pods(target: &Target, name: &str, which: Which) -> Result<Vec<Pod>, PluginError> {
    let colour = match which {
        Which::Monitor | Which::Backup | Which::Migrate | Which::Provision => None,
        Which::App | Which::Worker => Some(target::active(&target.environment(Some(name)).await?)?),
    };
    target.pods(name, which.component(), colour).await
}

async fn read(target: &Target, pod: &str, parameters: &LogParams) -> Result<Lines, PluginError> {
    let api: Api<Pod> = target.api();
    let reader = within(&format!("read the log of pod {pod}"), api.log_stream(pod, parameters)).await?;
    let (name, ended) = (pod.to_owned(), pod.to_owned());
    let lines = reader.lines().map(move |line| (name.clone(), Some(line)));
    Ok(lines.chain(stream::once(std::future::ready((ended, None)))).boxed())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::plugin::fake::{self, Asked};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments() -> Arguments {
        Cli::parse_from(["logs", "--follow", "--tail", "7"]).arguments
    }

    /// Two servers; the log of the second one can be read as this says.
    fn cluster(second: impl Fn() -> (u16, String) + Send + 'static) -> (Target, Asked) {
        fake::cluster(move |request| match request {
            request if request.contains("/pods/one/log") => fake::refusal(400, "container \"app\" is waiting to start"),
            request if request.contains("/pods/two/log") => second(),
            request if request.contains("/pods?") => {
                fake::list(&["one", "two"].map(|name| json!({ "metadata": { "name": name } })))
            }
            _ => fake::list(&[fake::environment()]),
        })
    }

    fn of_second(asked: &Asked) -> Vec<String> {
        asked.lock().unwrap().iter().filter(|request| request.contains("/pods/two/log")).cloned().collect()
    }

    async fn logs(target: &Target, options: &[&str]) -> Result<(), PluginError> {
        let arguments = Cli::parse_from([&["logs", "dev"], options].concat()).arguments;
        run(target, &Output::stdout(), arguments).await
    }

    #[tokio::test]
    async fn a_pod_without_a_log_keeps_no_other_from_being_shown() {
        let (target, asked) = cluster(|| (200, "2026-01-01T00:00:00.6Z hello\n".to_owned()));
        logs(&target, &[]).await.unwrap();
        assert_eq!(of_second(&asked).len(), 1);
    }

    #[tokio::test]
    async fn where_no_log_can_be_read_the_api_servers_words_are_the_error() {
        let (target, _) = cluster(|| fake::refusal(403, "pods \"two\" is forbidden"));
        let error = logs(&target, &[]).await.unwrap_err().to_string();
        assert_eq!(error, "cannot read the log of pod one: container \"app\" is waiting to start");
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_ended_with_its_container_is_followed_again() {
        let (target, asked) = cluster(|| (200, "2026-01-01T00:00:00.6Z hello\n".to_owned()));
        let followed = tokio::time::timeout(LOOK * 2, logs(&target, &["--follow"])).await;
        assert!(followed.is_err(), "it goes on until it is interrupted");
        let asked = of_second(&asked);
        assert!(asked.len() > 1 && asked[0].contains("tailLines=100"), "{asked:?}");
        assert!(asked[1].contains("sinceTime=2026-01-01T00%3A00%3A00Z"), "{asked:?}");
    }

    #[test]
    fn a_log_that_is_taken_up_again_shows_each_line_once() {
        let mut progress = Progress::default();
        let parameters = progress.parameters(&arguments());
        assert_eq!((parameters.tail_lines, parameters.since_time), (Some(7), None));
        assert_eq!(progress.take("2026-01-01T00:00:00.6Z one"), Some("one"));
        assert_eq!(progress.take("2026-01-01T00:00:00.7Z two"), Some("two"));
        assert_eq!(progress.take("2026-01-01T00:00:00.7Z of the same instant"), Some("of the same instant"));
        progress.open();
        let parameters = progress.parameters(&arguments());
        let second = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!((parameters.tail_lines, parameters.since_time), (None, Some(second)), "not rounded up");
        assert_eq!(progress.take("2026-01-01T00:00:00.7Z two"), None);
        assert_eq!(progress.take("2026-01-01T00:00:00.8Z three"), Some("three"));
    }

    #[test]
    fn a_line_without_a_time_is_shown_as_it_is() {
        assert_eq!(Progress::default().take("unable to retrieve logs"), Some("unable to retrieve logs"));
    }

    #[test]
    fn why_a_pod_has_no_log_is_told_once() {
        let mut progress = Progress::default();
        assert!(progress.tells("it waits to start"));
        assert!(!progress.tells("it waits to start"));
        assert!(progress.tells("forbidden"));
    }
}
