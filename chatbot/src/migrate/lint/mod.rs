//! Reads migration files and refuses what would break the old release, with file and line.
//!
//! It looks at words, not at a parsed tree: enough for the rules below, and easy to know what it sees. What it cannot
//! know (a default that misleads) stays the author's duty, and so does an exception, which a
//! comment `-- allow: <reason>` on the line above a statement's first word makes.

mod alter;
mod columns;
mod held;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, io, path::Path};

use super::{
    Kind, MigrateError,
    losses::{self, Loss},
    scan,
};

/// One thing to set right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file's name.
    pub file: String,
    /// Line from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The `.sql` files of a folder, by name.
///
/// # Errors
/// The folder or a file cannot be read.
pub fn read(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}

/// Refuses expands (name → text of the `.up.sql`) of which one would break the old release, however they came into the binary.
///
/// # Errors
/// `Unsafe` with the first finding.
pub fn refuse(expands: &BTreeMap<String, String>) -> Result<(), MigrateError> {
    let first = expands.iter().find_map(|(file, text)| {
        let (line, message) = judged(file, text).into_iter().next()?;
        Some(Finding { file: file.clone(), line, message })
    });
    first.map_or(Ok(()), |finding| Err(MigrateError::Unsafe(finding)))
}

/// What was published before there was a rule against it: it is applied already, and no word of its file may change. The fence
/// judges only sessions that name a worker, which those of an older release do not.
const PUBLISHED: [(&str, &[&str]); 1] =
    [("20260101000300_job_workers.up.sql", &["CREATE", "TRIGGER", "JOB_WORKERS_FENCE"])];

/// What an expand must not do, but for the statements that give a reason why they may.
fn judged(file: &str, text: &str) -> Vec<(usize, String)> {
    let is_published = |statement: &scan::Statement| {
        PUBLISHED.iter().any(|(name, start)| *name == file && scan::starts_with(statement, start))
    };
    let is_excused = |statement: &scan::Statement| {
        is_published(statement) || statement.first().is_some_and(|word| is_allowed(text, word.line))
    };
    rules::expand(&scan::statements(text), is_excused)
}

/// Everything wrong with the files (name → text), in order.
#[must_use]
pub fn check(files: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = names(files);
    for (file, text) in files {
        let statements = scan::statements(text);
        let mut add = |line: usize, message: String| findings.push(Finding { file: file.clone(), line, message });
        let control = rules::transaction_control(&statements);
        let is_judged = control.is_empty() && is_way_back_of_an_expand(file, files);
        let lost = if is_judged { uncountable(text) } else { Vec::new() };
        for (line, message) in control.into_iter().chain(lost) {
            add(line, message);
        }
        if !file.ends_with(".up.sql") {
            continue;
        }
        for (line, message) in rules::validation(&statements) {
            add(line, message);
        }
        match text.lines().next().and_then(Kind::of) {
            None => add(1, "the first line must be `-- expand` or `-- contract`".to_owned()),
            Some(Kind::Expand) => {
                for (line, message) in judged(file, text) {
                    add(line, message);
                }
            }
            Some(Kind::Contract) => {}
        }
    }
    findings.sort();
    findings
}

/// A release that failed before its users saw it is taken back by the way back of its expands alone.
fn is_way_back_of_an_expand(file: &str, files: &BTreeMap<String, String>) -> bool {
    let up = file.strip_suffix(".down.sql").and_then(|stem| files.get(&format!("{stem}.up.sql")));
    up.and_then(|text| text.lines().next()).and_then(Kind::of) == Some(Kind::Expand)
}

/// What a way back takes away must be countable: an operator reverts only where nothing is lost.
fn uncountable(text: &str) -> Vec<(usize, String)> {
    let told = |loss| match loss {
        Loss::Unknown { statement, line } if !is_allowed(text, line) => Some((
            line,
            format!(
                "it cannot be counted what {statement} takes away, so that a failed release's schema would always stay: write DROP TABLE, \
             ALTER TABLE … DROP COLUMN, or drops of what holds no data (indexes, constraints, triggers, functions, views, types), each \
             without CASCADE"
            ),
        )),
        Loss::Unknown { .. } | Loss::Table(_) | Loss::Column { .. } | Loss::River => None,
    };
    losses::of(text).into_iter().filter_map(told).collect()
}

/// Whether the line above the statement's first says why it may be there.
fn is_allowed(text: &str, line: usize) -> bool {
    let above = line.checked_sub(2).and_then(|above| text.lines().nth(above));
    above.and_then(|line| line.trim().strip_prefix("-- allow:")).is_some_and(|reason| !reason.trim().is_empty())
}

/// File names: a valid time, no time twice, and always a pair.
fn names(files: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for file in files.keys() {
        let mut add = |message: String| findings.push(Finding { file: file.clone(), line: 1, message });
        let Some((stem, other)) = pair(file) else {
            add("the name must end with .up.sql or .down.sql".to_owned());
            continue;
        };
        if !files.contains_key(&other) {
            add(format!("{other} is missing: every migration goes both ways"));
        }
        let time = stem.split('_').next().unwrap_or_default();
        if !is_time(time) || stem.len() <= time.len() + 1 {
            add("the name must be <YYYYMMDDhhmmss>_<name>, as `migrate new` writes it: files are applied in the order of their times".to_owned());
        }
        if let Some(first) = seen.insert(time, stem).filter(|first| *first != stem) {
            add(format!("{first} has the same time: give this one a later time"));
        }
    }
    findings
}

/// The name without its ending, and the name of the way back or there.
fn pair(file: &str) -> Option<(&str, String)> {
    let up = file.strip_suffix(".up.sql").map(|stem| (stem, format!("{stem}.down.sql")));
    up.or_else(|| file.strip_suffix(".down.sql").map(|stem| (stem, format!("{stem}.up.sql"))))
}

fn is_time(text: &str) -> bool {
    text.len() == 14
        && text.bytes().all(|b| b.is_ascii_digit())
        && jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).is_ok()
}
