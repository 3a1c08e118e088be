//! Columns that an expand adds to a table that is there, or changes: the old release must be able to write rows without them or as
//! before, and PostgreSQL to do it without touching a row. Else the table is locked until all of it was rewritten or read.

use super::{
    super::scan::{Word, find, name, starts_with, without},
    rules::{Hit, hit},
};

const REQUIRED: &str =
    "an expand must not add a column that the old release has to fill: give it a DEFAULT, or allow NULL";
const VOLATILE: &str = "an expand must not rewrite a table under a lock, which a default does that is computed for every row: add the column without it, and fill it from a job";
const GENERATED: &str = "an expand must not rewrite a table under a lock, which a generated column does: add a plain column, and fill it from a job";
const COUNTED: &str = "an expand must not rewrite a table under a lock, which a column does that counts by itself: add a plain column, and fill it from a job";
const CHECKED: &str = "an expand must not read a whole table under a lock, which a check of a new column does: check in the program, and add the check in a contract, with NOT VALID";
const INDEXED: &str =
    "an expand must not lock an existing table while its index is built: make the column unique in a contract";
const REFERENCE: &str = "an expand must not read a whole table under a lock, which a reference with a default does: allow NULL instead of the default";

/// For a column whose name is not ASCII: how PostgreSQL folds it depends on the server.
const UNNAMED: &str = "the column's name cannot be told: write it in ASCII, or in quotes";
/// For changes that nobody thought of.
const UNKNOWN_CHANGE: &str =
    "an expand must not change a column in a way that is not known to leave the old release alone: do it in a contract";

/// Changes that the old release does not notice, and that leave the rows alone.
const HARMLESS_CHANGES: [&[&str]; 7] = [
    &["DROP", "NOT", "NULL"],
    &["RESET", "("],
    &["SET", "("],
    &["SET", "COMPRESSION"],
    &["SET", "DEFAULT"],
    &["SET", "STATISTICS"],
    &["SET", "STORAGE"],
];

/// For another type, however it is written.
const OTHER_TYPE: &str =
    "an expand must not change a column's type: add a column of the new type, and copy in both directions";

/// What is said of other changes.
const REFUSED_CHANGES: [(&[&str], &str); 8] = [
    (&["TYPE"], OTHER_TYPE),
    (&["SET", "DATA", "TYPE"], OTHER_TYPE),
    (&["DROP", "DEFAULT"], "an expand must not drop a default: the old release relies on it when it writes"),
    (
        &["SET", "NOT", "NULL"],
        "an expand must not narrow a column: the old release may write NULL; do it in a contract",
    ),
    (
        &["SET", "EXPRESSION"],
        "an expand must not rewrite a table under a lock, which another expression does: add a plain column, and fill it from a job",
    ),
    (
        &["DROP", "EXPRESSION"],
        "an expand must not stop a column from being computed: the old release does not write it, and would read NULL",
    ),
    (
        &["DROP", "IDENTITY"],
        "an expand must not stop a column from counting by itself: the old release does not write it",
    ),
    (
        &["ADD", "GENERATED"],
        "an expand must not let a column count by itself that the old release writes: add a new column",
    ),
];

/// Kinds of constraints that can be added; they have rules of their own.
const CONSTRAINTS: [&str; 6] = ["CHECK", "CONSTRAINT", "EXCLUDE", "FOREIGN", "PRIMARY", "UNIQUE"];
/// Types that take their values from a sequence.
const SERIAL: [&str; 6] = ["BIGSERIAL", "SERIAL", "SERIAL2", "SERIAL4", "SERIAL8", "SMALLSERIAL"];
/// What ends a default's expression.
const BEHIND_DEFAULT: [&str; 10] =
    ["CHECK", "COLLATE", "COMPRESSION", "CONSTRAINT", "GENERATED", "NOT", "PRIMARY", "REFERENCES", "STORAGE", "UNIQUE"];
/// Functions that give every row of one statement the same value, and types with a length in parentheses.
const STEADY: [&str; 16] = [
    "BIT",
    "CHAR",
    "CHARACTER",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "DECIMAL",
    "INTERVAL",
    "NOW",
    "NUMERIC",
    "STATEMENT_TIMESTAMP",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TRANSACTION_TIMESTAMP",
    "VARCHAR",
    "VARYING",
];

/// What is refused of a column that an ALTER TABLE adds; `action` begins with ADD.
pub(super) fn added(action: &[Word]) -> Vec<Hit> {
    let column = without(without(without(action, &["ADD"]), &["COLUMN"]), &["IF", "NOT", "EXISTS"]);
    let adds_constraint = CONSTRAINTS.iter().any(|kind| starts_with(column, &[kind]));
    let definition = name(column).filter(|_| !adds_constraint).map(|(_, definition)| definition);
    definition.map(judge).unwrap_or_default()
}

/// What is refused of a column that an ALTER TABLE changes; `action` begins with ALTER.
pub(super) fn changed(action: &[Word]) -> Option<Hit> {
    let Some((_, change)) = name(without(without(action, &["ALTER"]), &["COLUMN"])) else {
        return hit(action.first(), UNNAMED);
    };
    let begins = |start: &[&str]| starts_with(change, start);
    let refused = REFUSED_CHANGES.iter().find(|(start, _)| begins(start));
    let is_harmless = HARMLESS_CHANGES.iter().any(|start| begins(start));
    hit(change.first().filter(|_| !is_harmless), refused.map_or(UNKNOWN_CHANGE, |(_, message)| message))
}

/// `definition` begins with the type.
fn judge(definition: &[Word]) -> Vec<Hit> {
    let find = |keywords: &[&str]| find(definition, keywords);
    let serial = definition.first().filter(|word| SERIAL.iter().any(|name| word.is(name)));
    let generated = find(&["GENERATED", "ALWAYS"]).or_else(|| find(&["GENERATED", "BY", "DEFAULT"]));
    let identity = generated.filter(|_| find(&["IDENTITY"]).is_some());
    let has_default = find(&["DEFAULT"]).is_some();
    let is_filled = has_default || serial.is_some() || generated.is_some();
    let hits = [
        hit(find(&["NOT", "NULL"]).filter(|_| !is_filled), REQUIRED),
        hit(serial.or(identity), COUNTED),
        hit(generated.filter(|_| identity.is_none()), GENERATED),
        hit(volatile(definition), VOLATILE),
        hit(find(&["CHECK"]), CHECKED),
        hit(find(&["UNIQUE"]).or_else(|| find(&["PRIMARY", "KEY"])), INDEXED),
        hit(find(&["REFERENCES"]).filter(|_| has_default), REFERENCE),
    ];
    hits.into_iter().flatten().collect()
}

/// The first call in the default of a function that is not known to be steady.
fn volatile(definition: &[Word]) -> Option<&Word> {
    let at = definition.iter().position(|word| word.is("DEFAULT"))?;
    let expression = definition.get(at + 1..)?;
    let end = expression.iter().position(ends_default).unwrap_or(expression.len());
    let calls = expression.get(..end)?.windows(2).filter(|pair| starts_with(&pair[1..], &["("]));
    calls.map(|pair| &pair[0]).find(|word| !matches!(word.text.as_str(), "(" | ",") && !is_steady(word))
}

fn ends_default(word: &Word) -> bool {
    BEHIND_DEFAULT.iter().any(|keyword| word.is(keyword))
}

fn is_steady(word: &Word) -> bool {
    let name = word.text.strip_prefix("PG_CATALOG.").unwrap_or(&word.text);
    STEADY.contains(&name)
}
