//! `kubectl chatbot ask`: one question, its answer as it is made, and the sources it cites.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::{
    PluginError,
    chatbot::{KeyOptions, Session, sse::Event},
    output::{Output, Palette},
    target::Target,
    words::name_and,
};

/// Options of `ask`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to ask, in quotes; before it the environment, which may be left out where the namespace has only one
    #[arg(value_names = ["[NAME] QUESTION"], required = true, num_args = 1..)]
    pub(super) words: Vec<String>,
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(Debug, Deserialize)]
struct Token {
    text: String,
}

#[derive(Debug, Deserialize)]
struct Sources {
    sources: Vec<Source>,
}

/// A passage that the answer may cite by its number.
#[derive(Debug, Deserialize)]
struct Source {
    number: u32,
    title: String,
    #[serde(default)]
    heading: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Done {
    #[serde(default)]
    missing: Vec<String>,
    #[serde(default)]
    cited: Vec<u32>,
}

/// A problem document (RFC 9457).
#[derive(Debug, Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: Option<String>,
}

pub(super) async fn run(target: &Target, output: &Output, arguments: Arguments) -> Result<(), PluginError> {
    let (name, question) = name_and("question", &arguments.words)?;
    let environment = target.environment(name.as_deref()).await?;
    let session = Session::open(target, &environment, &arguments.key).await?;
    let request = session.post("/api/v1/chat").json(&json!({ "message": question, "stream": true }));
    let mut events = session.events(request).await?;
    let mut sources = Vec::new();
    while let Some(event) = events.next().await? {
        match told(&event)? {
            Told::Sources(found) => sources = found,
            Told::Token(text) => output.text(&text)?,
            Told::Done(done) => return Ok(output.text(&ending(&sources, &done, output.palette()))?),
            Told::Nothing => {}
        }
    }
    Err(session.broke_off("the answer broke off"))
}

/// What an event tells.
#[derive(Debug)]
enum Told {
    Sources(Vec<Source>),
    Token(String),
    Done(Done),
    Nothing,
}

fn told(event: &Event) -> Result<Told, PluginError> {
    match event.name.as_str() {
        "sources" => Ok(Told::Sources(read::<Sources>(event)?.sources)),
        "token" => Ok(Told::Token(read::<Token>(event)?.text)),
        "done" => Ok(Told::Done(read(event)?)),
        "error" => {
            let Problem { title, detail } = read(event)?;
            Err(PluginError::Refused(detail.unwrap_or(title)))
        }
        _ => Ok(Told::Nothing),
    }
}

fn read<T: serde::de::DeserializeOwned>(event: &Event) -> Result<T, PluginError> {
    serde_json::from_str(&event.data).map_err(|error| {
        let what = &event.name;
        PluginError::Refused(format!(
            "its event {what} cannot be read ({error}): use the plugin of the operator's version"
        ))
    })
}

/// What follows the answer: the sources it cites, else those it was given, and what was missing.
fn ending(sources: &[Source], done: &Done, palette: Palette) -> String {
    let is_cited = |source: &&Source| done.cited.is_empty() || done.cited.contains(&source.number);
    let mut lines = vec![String::new()];
    let shown: Vec<_> = sources.iter().filter(is_cited).map(line).collect();
    if shown.is_empty() && done.missing.is_empty() {
        lines.extend([
            String::new(),
            palette.mind("Sources: none. No document of this user fits, so the model had only its own memory"),
        ]);
    }
    if !shown.is_empty() {
        let heading = if done.cited.is_empty() { "Sources (none cited)" } else { "Sources" };
        lines.extend([String::new(), palette.strong(heading)]);
        lines.extend(shown);
    }
    if !done.missing.is_empty() {
        lines.push(palette.mind(&format!("Answered without: {}", done.missing.join(", "))));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn line(source: &Source) -> String {
    let heading = source.heading.as_deref().filter(|heading| !heading.is_empty());
    let heading = heading.map(|heading| format!(" > {heading}")).unwrap_or_default();
    format!("  [{}] {}{heading}", source.number, source.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u32, heading: Option<&str>) -> Source {
        Source { number, title: "backups.md".to_owned(), heading: heading.map(ToOwned::to_owned) }
    }

    #[test]
    fn only_cited_sources_follow_the_answer() {
        let done = Done { missing: Vec::new(), cited: vec![2] };
        let text = ending(&[source(1, None), source(2, Some("Retention"))], &done, Palette::default());
        assert_eq!(text, "\n\nSources\n  [2] backups.md > Retention\n");
    }

    #[test]
    fn an_answer_without_any_passage_is_told_as_such() {
        let done = Done { missing: Vec::new(), cited: Vec::new() };
        assert!(ending(&[], &done, Palette::default()).contains("Sources: none."));
    }

    #[test]
    fn what_an_answer_lacked_is_said() {
        let done = Done { missing: vec!["qdrant".to_owned()], cited: Vec::new() };
        assert_eq!(ending(&[], &done, Palette::default()), "\nAnswered without: qdrant\n");
    }

    #[test]
    fn a_problem_in_the_stream_is_the_error() {
        let data = r#"{"title":"Service unavailable","detail":"the database is down"}"#.to_owned();
        let error = told(&Event { name: "error".to_owned(), data }).unwrap_err();
        assert_eq!(error.to_string(), "the chatbot refuses: the database is down");
    }
}
