//! Every variable that is read is documented, and nothing else is: in `.env.example` and in the guide.
//!
//! The program itself is asked: it reads the examples of `.env.example`, and each name that it looks up is noted.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{Config, DatabaseConfig, backup::BackupConfig, provision::ProvisionConfig};

/// Read outside of the configuration, by what tells a Job's last words.
const ELSEWHERE: [&str; 1] = ["TERMINATION_LOG"];
/// Set by Kubernetes in every pod, never by a person.
const PLATFORM: [&str; 1] = ["KUBERNETES_SERVICE_HOST"];

fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The lines `#NAME=value` of `.env.example`, read as `.env` is once the `#` is away.
fn examples() -> BTreeMap<String, String> {
    let text = file(".env.example");
    let is_example = |line: &&str| line.split_once('=').is_some_and(|(name, _)| is_name(name));
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('#')).filter(is_example).collect();
    dotenvy::from_read_iter(lines.join("\n").as_bytes()).collect::<Result<_, _>>().unwrap()
}

fn is_name(text: &str) -> bool {
    let characters = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    characters && text.starts_with(|c: char| c.is_ascii_uppercase())
}

/// What is looked up where these are set, and whether all of it could be used.
fn asked(variables: &BTreeMap<String, String>) -> (BTreeSet<String>, Result<(), String>) {
    let names = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        names.borrow_mut().insert(name.to_owned());
        variables.get(name).cloned()
    };
    let errors = [
        Config::from_env(lookup).err(),
        DatabaseConfig::from_env(lookup).err(),
        BackupConfig::from_env(lookup).err(),
        ProvisionConfig::from_env(lookup).err(),
    ];
    let first = errors.into_iter().flatten().next();
    (names.into_inner(), first.map_or(Ok(()), |error| Err(error.to_string())))
}

/// Some are looked up only where another one is absent: so each is left out once.
fn read_by_the_program() -> BTreeSet<String> {
    let all = examples();
    let mut names: BTreeSet<String> = ELSEWHERE.map(str::to_owned).into();
    names.extend(asked(&all).0);
    for left_out in all.keys() {
        let mut others = all.clone();
        others.remove(left_out);
        names.extend(asked(&others).0);
    }
    for name in PLATFORM {
        names.remove(name);
    }
    names
}

/// The names in backticks.
fn in_backticks(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).filter(|word| is_name(word) && word.len() > 3).map(str::to_owned).collect()
}

#[test]
fn every_example_can_be_used() {
    asked(&examples()).1.unwrap();
}

#[test]
fn env_example_has_the_variables_that_are_read_and_no_others() {
    let written: BTreeSet<String> = examples().into_keys().collect();
    let read = read_by_the_program();
    let missing: Vec<_> = read.difference(&written).collect();
    let unread: Vec<_> = written.difference(&read).collect();
    assert!(missing.is_empty(), "add to .env.example, as #NAME=example: {missing:?}");
    assert!(unread.is_empty(), "nothing reads these of .env.example: {unread:?}");
}

#[test]
fn the_guide_has_the_variables_that_are_read_and_no_others() {
    let page = file("docs/guide/configuration.md");
    let first_cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let documented: BTreeSet<String> = first_cells.flat_map(in_backticks).collect();
    let read = read_by_the_program();
    let everywhere: BTreeSet<String> = page.split('\n').flat_map(in_backticks).collect();
    let missing: Vec<_> = read.difference(&everywhere).collect();
    let unread: Vec<_> = documented.difference(&read).collect();
    assert!(missing.is_empty(), "add to docs/guide/configuration.md: {missing:?}");
    assert!(unread.is_empty(), "nothing reads these of docs/guide/configuration.md: {unread:?}");
}
