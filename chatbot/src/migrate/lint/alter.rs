//! What an expand may do to a table that is there: add columns, and what neither the old release nor its rows notice.

use super::{
    super::scan::{Statement, Word, alter_table, find, starts_with},
    columns,
    rules::{Hit, hit},
};

/// What an ALTER TABLE must not contain.
const REFUSED_IN_ALTER: [(&[&str], &str); 7] = [
    (&["DROP", "COLUMN"], "an expand must not drop a column: the old release uses it; drop it in a contract"),
    (
        &["ADD", "CONSTRAINT"],
        "an expand must not constrain what the old release writes: add the constraint in a contract",
    ),
    (&["ADD", "CHECK"], "an expand must not constrain what the old release writes: add the check in a contract"),
    (&["ADD", "UNIQUE"], "an expand must not constrain what the old release writes: make it unique in a contract"),
    (&["ADD", "FOREIGN"], "an expand must not constrain what the old release writes: add the reference in a contract"),
    (&["ADD", "PRIMARY"], "an expand must not constrain what the old release writes: add the key in a contract"),
    (&["ADD", "EXCLUDE"], "an expand must not constrain what the old release writes: add it in a contract"),
];

/// What no part of an ALTER TABLE must begin with.
const REFUSED_ACTIONS: [(&[&str], &str); 13] = [
    (&["NO", "INHERIT"], "an expand must not change what a table inherits: the old release reads other rows then"),
    (&["SET", "SCHEMA"], "an expand must not move a table: the old release looks for it where it was"),
    (&["OWNER"], "an expand must not change an owner: the old release may lose its rights"),
    (&["ENABLE"], "an expand must not enable rules, triggers or row security on what the old release uses"),
    (&["DISABLE"], "an expand must not disable rules, triggers or row security that the old release relies on"),
    (&["FORCE"], "an expand must not force row security on what the old release uses"),
    (&["INHERIT"], "an expand must not change what a table inherits: the old release reads other rows then"),
    (&["DETACH"], "an expand must not detach a partition: the old release reads it"),
    (
        &["ATTACH"],
        "an expand must not lock a table while its rows are checked: make the table a partition when it is created",
    ),
    (&["SET", "LOGGED"], "an expand must not lock a table while it is rewritten: choose LOGGED when it is created"),
    (&["SET", "UNLOGGED"], "an expand must not lock a table while it is rewritten, nor give up its rows at a crash"),
    (
        &["SET", "TABLESPACE"],
        "an expand must not lock a table while it is copied: move it by hand, when nobody uses it",
    ),
    (
        &["SET", "ACCESS", "METHOD"],
        "an expand must not lock a table while it is rewritten: choose the method when it is created",
    ),
];

/// What a part of an ALTER TABLE may begin with, beside ADD and ALTER. What it drops is judged by the words of the whole statement.
const HARMLESS_ACTIONS: [&[&str]; 6] =
    [&["DROP"], &["VALIDATE", "CONSTRAINT"], &["SET", "("], &["RESET", "("], &["CLUSTER", "ON"], &["SET", "WITHOUT"]];

/// For every other part.
const UNKNOWN_ACTION: &str =
    "an expand must not change a table in a way that is not known to leave the old release alone: do it in a contract";

/// What is refused of an ALTER TABLE of a table that is there.
pub(super) fn altered(statement: &Statement) -> Vec<Hit> {
    let mut hits: Vec<Hit> =
        REFUSED_IN_ALTER.iter().filter_map(|(words, message)| hit(find(statement, words), message)).collect();
    hits.extend(drops_implicitly(statement));
    match alter_table(statement) {
        Some((_, actions)) => hits.extend(actions.into_iter().flat_map(judge_action)),
        None => hits.extend(hit(statement.first(), "the table's name cannot be told: write it in ASCII, or in quotes")),
    }
    hits
}

fn judge_action(action: &[Word]) -> Vec<Hit> {
    if starts_with(action, &["ADD"]) {
        return columns::added(action);
    }
    if starts_with(action, &["ALTER"]) {
        return columns::changed(action).into_iter().collect();
    }
    if HARMLESS_ACTIONS.iter().any(|start| starts_with(action, start)) {
        return Vec::new();
    }
    let refused = REFUSED_ACTIONS.iter().find(|(start, _)| starts_with(action, start));
    hit(action.first(), refused.map_or(UNKNOWN_ACTION, |(_, message)| message)).into_iter().collect()
}

/// `DROP name` and `DROP IF EXISTS name` without COLUMN drop a column too.
fn drops_implicitly(statement: &Statement) -> Option<Hit> {
    const OTHERWISE: [&str; 6] = ["COLUMN", "CONSTRAINT", "NOT", "DEFAULT", "EXPRESSION", "IDENTITY"];
    let drops = statement.windows(2).find(|pair| pair[0].text == "DROP" && !OTHERWISE.contains(&pair[1].text.as_str()));
    drops.map(|pair| (pair[0].line, REFUSED_IN_ALTER[0].1.to_owned()))
}
