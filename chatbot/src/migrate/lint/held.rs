//! Locks that an expand holds: a migration is one transaction, so what one statement locks stays locked until the last one has
//! ended. A query that takes long behind it keeps everybody waiting, however short the lock's own statement is.

use super::{
    super::scan::{Statement, find, starts_with},
    rules::{Hit, touched_table},
};

/// Statements that lock a table against its writers, or against everybody.
const LOCKING: [&[&str]; 7] = [
    &["ALTER", "TABLE"],
    &["CREATE", "CONSTRAINT", "TRIGGER"],
    &["CREATE", "INDEX"],
    &["CREATE", "TRIGGER"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["DROP"],
    &["LOCK"],
];

/// Starts of statements, and what makes each one a query, which reads as many rows as there are.
const QUERIES: [(&[&str], &[&[&str]]); 6] = [
    (&["CREATE", "MATERIALIZED", "VIEW"], &[&["AS"]]),
    (&["CREATE", "TABLE"], &[&["SELECT"], &["AS", "TABLE"]]),
    (&["DELETE"], &[&["USING"], &["SELECT"]]),
    (&["INSERT"], &[&["SELECT"], &["TABLE"]]),
    (&["SELECT"], &[&["FROM"]]),
    (&["UPDATE"], &[&["FROM"], &["SELECT"]]),
];

/// Queries that run while a table is locked that the file did not create. An excused one is known to be short; an excused lock is
/// one all the same.
pub(super) fn queries(statements: &[Statement], created: &[&str], is_excused: impl Fn(&Statement) -> bool) -> Vec<Hit> {
    let Some(first) = statements.iter().position(|statement| locks(statement, created)) else { return Vec::new() };
    let (locked, behind) = statements.split_at(first + 1);
    let line = locked.last().and_then(|lock| lock.first()).map_or(1, |word| word.line);
    let held = behind.iter().filter(|statement| is_query(statement) && !is_excused(statement));
    held.filter_map(|statement| Some((statement.first()?.line, message(line)))).collect()
}

fn message(line: usize) -> String {
    format!(
        "an expand must not run a query while it holds the lock that line {line} takes on a table that is in use: everybody waits \
         until it has ended; give it a migration of its own, or say why it is short with `-- allow: <reason>` on the line above"
    )
}

/// A reference locks the table that it points to.
fn locks(statement: &Statement, created: &[&str]) -> bool {
    let is_there = |table: &str| !created.contains(&table);
    let starts = LOCKING.iter().any(|start| starts_with(statement, start));
    let mut pairs = statement.windows(2).filter(|pair| pair[0].is("REFERENCES"));
    (starts && touched_table(statement).is_none_or(is_there))
        || (starts_with(statement, &["CREATE", "TABLE"]) && pairs.any(|pair| is_there(&pair[1].text)))
}

fn is_query(statement: &Statement) -> bool {
    let has = |keywords: &&[&str]| find(statement, keywords).is_some();
    let of_its_kind = QUERIES.iter().find(|(start, _)| starts_with(statement, start));
    of_its_kind.is_some_and(|(_, marks)| marks.iter().any(has)) && !has(&&["WITH", "NO", "DATA"][..])
}
