//! Commands that the documentation tells people to write are commands, with the options that they have.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// README and everything below docs/.
fn documents() -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root().join("docs")], vec![root().join("README.md")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            match path.extension().and_then(|end| end.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("md") => found.push(path),
                _ => {}
            }
        }
    }
    found
}

/// What stands after `$ ` in the console blocks of a document, a line that ends with `\` together with the next one.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().filter_map(|line| line.trim_start().strip_prefix("$ ")).map(str::to_owned).collect()
}

/// As a shell splits it, as far as the documentation goes: words, quotes, and nothing from a comment, a pipe or a redirection on.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    for letter in command.chars() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            ('|' | '>' | '<' | '&' | ';', None) => break,
            (' ', None) => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.into_iter().chain(word).collect()
}

/// Why a command is none; nothing for another program's.
fn mistake(words: &[String]) -> Option<String> {
    let is = |at: usize, name: &str| words.get(at).is_some_and(|word| word == name);
    let parsed = if is(0, "kubectl") && is(1, "chatbot") {
        chatbot_operator::plugin::Cli::try_parse_from(&words[1..]).map(drop)
    } else if is(0, "chatbot") {
        chatbot::cli::Cli::try_parse_from(words).map(drop)
    } else {
        let inside = words.iter().position(|word| word == "--").filter(|_| is(0, "kubectl"))? + 1;
        return mistake(&words[inside..]);
    };
    parsed.err().filter(|error| error.exit_code() != 0).map(|error| error.to_string())
}

#[test]
fn every_command_of_the_documentation_is_understood() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for document in documents() {
        for command in commands(&fs::read_to_string(&document).unwrap()) {
            let words = words(&command);
            count += usize::from(words.iter().any(|word| word == "chatbot"));
            wrong.extend(mistake(&words).map(|why| format!("{}: {command}\n{why}", document.display())));
        }
    }
    assert!(count > 50, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_command_is_seen() {
    for (command, is_one) in [
        ("kubectl chatbot restore -n a b --plan   # what would come back", true),
        ("kubectl chatbot ask -n a \"How long?\"", true),
        ("kubectl -n a exec deploy/b-app-blue -- chatbot restore drop --replaced --name 1f3a9c02", true),
        ("kubectl get chatbotrestores", true),
        ("kubectl chatbot restore --everything", false),
        ("kubectl -n a exec deploy/b -- chatbot restoer", false),
        ("chatbot backup --when now | head", false),
    ] {
        assert_eq!(mistake(&words(command)).is_none(), is_one, "{command}");
    }
}
