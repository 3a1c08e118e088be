//! What a migration's way back takes away, told from the text of its `.down.sql`.
//!
//! A statement that is not known to lose nothing counts as one whose loss cannot be told. Whether what is told holds data is
//! a question for the database: see `lossless`.

#[cfg(test)]
mod tests;

use super::{
    river,
    scan::{self, Statement, Word, alter_table, clauses, find, name, starts_with, without},
};

/// Something that is taken away. Names are SQL, as the text spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// A table with its rows.
    Table(String),
    /// A column with its values.
    Column {
        /// Its table.
        table: String,
        /// Its name, as the catalogue has it.
        column: String,
    },
    /// Something of River's tables: its own migrations are not looked into.
    River,
    /// It cannot be told what this statement takes away.
    Unknown {
        /// Its first two words.
        statement: String,
        /// Its line in the file, from 1.
        line: usize,
    },
}

/// Statements that lose no data, whatever comes behind, CASCADE excepted: what goes with them cannot be told.
const HARMLESS: [&[&str]; 15] = [
    &["COMMENT"],
    &["CREATE"],
    &["DROP", "AGGREGATE"],
    &["DROP", "DOMAIN"],
    &["DROP", "FUNCTION"],
    &["DROP", "INDEX"],
    &["DROP", "MATERIALIZED", "VIEW"],
    &["DROP", "POLICY"],
    &["DROP", "PROCEDURE"],
    &["DROP", "SCHEMA"],
    &["DROP", "TRIGGER"],
    &["DROP", "TYPE"],
    &["DROP", "VIEW"],
    &["GRANT"],
    &["REVOKE"],
];

/// Parts of an ALTER TABLE that lose no data.
const HARMLESS_IN_ALTER: [&[&str]; 5] =
    [&["ADD"], &["DISABLE"], &["DROP", "CONSTRAINT"], &["ENABLE"], &["VALIDATE", "CONSTRAINT"]];

/// What may be done to a column without a loss.
const HARMLESS_FOR_COLUMNS: [&[&str]; 6] = [
    &["DROP", "DEFAULT"],
    &["DROP", "EXPRESSION"],
    &["DROP", "IDENTITY"],
    &["DROP", "NOT", "NULL"],
    &["SET", "DEFAULT"],
    &["SET", "NOT", "NULL"],
];

/// Everything that the text takes away, in its order.
pub(super) fn of(down: &str) -> Vec<Loss> {
    if river::range(down).is_some() {
        return vec![Loss::River];
    }
    scan::statements(down).iter().flat_map(of_statement).collect()
}

fn of_statement(statement: &Statement) -> Vec<Loss> {
    told(statement).unwrap_or_else(|| vec![unknown(statement)])
}

/// None when it cannot be told.
fn told(statement: &Statement) -> Option<Vec<Loss>> {
    if starts_with(statement, &["DROP", "TABLE"]) {
        return tables(without(statement, &["DROP", "TABLE"]));
    }
    if starts_with(statement, &["ALTER", "TABLE"]) {
        return altered(statement);
    }
    let is_harmless = HARMLESS.iter().any(|start| starts_with(statement, start)) && !drops_more(statement);
    is_harmless.then(Vec::new)
}

fn unknown(statement: &Statement) -> Loss {
    let words: Vec<&str> = statement.iter().take(2).map(|word| word.text.as_str()).collect();
    let line = statement.first().map_or(1, |word| word.line);
    Loss::Unknown { statement: words.join(" "), line }
}

fn tables(words: &[Word]) -> Option<Vec<Loss>> {
    let words = before_restrict(without(words, &["IF", "EXISTS"]));
    clauses(words).into_iter().map(|clause| alone(clause).map(Loss::Table)).collect()
}

fn altered(statement: &[Word]) -> Option<Vec<Loss>> {
    let (table, actions) = alter_table(statement)?;
    let losses: Option<Vec<_>> = actions.into_iter().map(|action| of_action(&table, action)).collect();
    losses.map(|losses| losses.concat())
}

/// None when it cannot be told.
fn of_action(table: &str, action: &[Word]) -> Option<Vec<Loss>> {
    if starts_with(action, &["ALTER"]) {
        let (_column, change) = name(without(without(action, &["ALTER"]), &["COLUMN"]))?;
        return HARMLESS_FOR_COLUMNS.iter().any(|start| starts_with(change, start)).then(Vec::new);
    }
    if HARMLESS_IN_ALTER.iter().any(|start| starts_with(action, start)) {
        return (!drops_more(action)).then(Vec::new);
    }
    if !starts_with(action, &["DROP"]) {
        return None;
    }
    let dropped = without(without(without(action, &["DROP"]), &["COLUMN"]), &["IF", "EXISTS"]);
    alone(before_restrict(dropped))?;
    let column = dropped.first()?;
    let column = if column.is_quoted { column.text.clone() } else { column.text.to_ascii_lowercase() };
    Some(vec![Loss::Column { table: table.to_owned(), column }])
}

/// A name with nothing behind it.
fn alone(words: &[Word]) -> Option<String> {
    name(words).filter(|(_, rest)| rest.is_empty()).map(|(name, _)| name)
}

/// RESTRICT is what happens without it.
fn before_restrict(words: &[Word]) -> &[Word] {
    match words.split_last() {
        Some((last, before)) if last.is("RESTRICT") => before,
        Some(_) | None => words,
    }
}

/// A DROP that takes along what depends on it. (A reference that is added may cascade, too.)
fn drops_more(words: &[Word]) -> bool {
    starts_with(words, &["DROP"]) && find(words, &["CASCADE"]).is_some()
}
