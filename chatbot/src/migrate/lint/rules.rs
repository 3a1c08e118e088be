//! What an expand migration may do: add. Statements that are not known to leave the old release alone are refused.
//!
//! Tables that the same file creates are free: the old release does not know them.

use super::{
    super::scan::{Statement, Word, find, starts_with},
    alter, held,
};

/// Line and message.
pub(super) type Hit = (usize, String);

/// Starts of statements that an expand may have: they add, and leave alone what is there.
const ALLOWED: [&[&str]; 23] = [
    &["ALTER", "TABLE"],
    &["ALTER", "TYPE"],
    &["COMMENT"],
    &["CREATE", "AGGREGATE"],
    &["CREATE", "COLLATION"],
    &["CREATE", "DOMAIN"],
    &["CREATE", "EXTENSION"],
    &["CREATE", "FUNCTION"],
    &["CREATE", "INDEX"],
    &["CREATE", "MATERIALIZED", "VIEW"],
    &["CREATE", "PROCEDURE"],
    &["CREATE", "RECURSIVE", "VIEW"],
    &["CREATE", "SCHEMA"],
    &["CREATE", "SEQUENCE"],
    &["CREATE", "STATISTICS"],
    &["CREATE", "TABLE"],
    &["CREATE", "TRIGGER"],
    &["CREATE", "TYPE"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["CREATE", "VIEW"],
    &["GRANT"],
    &["INSERT"],
    &["SELECT"],
];

/// What is said of other starts; the first that fits is taken.
const REFUSED: [(&[&str], &str); 18] = [
    (&["BEGIN"], ""),
    (&["COMMIT"], ""),
    (&["ROLLBACK"], ""),
    (&["SAVEPOINT"], ""),
    (&["TRUNCATE"], "an expand must not lose rows: TRUNCATE belongs into a contract"),
    (&["DELETE"], "an expand must not lose rows: DELETE belongs into a contract"),
    (&["UPDATE"], "an expand must not change rows that the old release works with: fill new columns from a job"),
    (&["DROP"], "an expand must not drop anything: the old release may use it; drop it in a contract"),
    (&["REVOKE"], "an expand must not take rights away: the old release may need them; do it in a contract"),
    (&["CREATE", "OR", "REPLACE"], "an expand must not replace what the old release uses: create it under a new name"),
    (
        &["LOCK"],
        "an expand must not lock a table by hand: who comes after it waits, and every statement takes the lock that it needs",
    ),
    (
        &["VACUUM"],
        "a migration is one transaction, in which VACUUM cannot run (and VACUUM FULL locks the table while it is rewritten): leave it to autovacuum",
    ),
    (&["CLUSTER"], "an expand must not lock a table while it is rewritten: CLUSTER it by hand, when nobody uses it"),
    (
        &["REINDEX"],
        "an expand must not lock a table while its index is built: REINDEX CONCURRENTLY it by hand, outside of a migration",
    ),
    (&["REFRESH"], "an expand must not lock a view while it is filled: refresh it from a job, CONCURRENTLY"),
    (&["ANALYZE"], "leave ANALYZE to autovacuum: it holds the migration's locks while it reads"),
    (&["DO"], "an expand must not run code that nobody can check: write plain statements"),
    (&["WITH"], "an expand must not hide a change behind WITH: write it as a statement of its own"),
];

/// For everything that nobody thought of.
const UNKNOWN: &str = "is not known to leave the old release alone: do it in a contract";

/// For `CREATE TRIGGER`: what its function does, words do not tell.
const TRIGGER: &str = "an expand must not put a trigger on an existing table: one that raises, or changes rows, constrains what the old release writes; do it in a contract, or say why this one does not with `-- allow: <reason>` on the line above";

/// Migrations are wrapped in a transaction by the program.
pub(super) fn transaction_control(statements: &[Statement]) -> Vec<Hit> {
    let own = |word: &str| matches!(word, "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT");
    let starts = statements.iter().filter_map(|statement| statement.first()).filter(|word| own(&word.text));
    starts
        .map(|word| (word.line, format!("{} is not allowed: every migration already is one transaction", word.text)))
        .collect()
}

/// A constraint is validated in a migration of its own: the table is read from end to end meanwhile, under every lock that the
/// transaction took before.
pub(super) fn validation(statements: &[Statement]) -> Vec<Hit> {
    const MESSAGE: &str = "VALIDATE CONSTRAINT reads the whole table, while the locks of this file's other statements are held: give it a migration of its own";
    let validates = statements.iter().filter(|statement| starts_with(statement, &["ALTER", "TABLE"]));
    let words = validates.filter_map(|statement| find(statement, &["VALIDATE", "CONSTRAINT"]));
    words.filter(|_| statements.len() > 1).map(|word| (word.line, MESSAGE.to_owned())).collect()
}

/// What is refused in an expand, but for the statements that are excused.
pub(super) fn expand(statements: &[Statement], is_excused: impl Fn(&Statement) -> bool) -> Vec<Hit> {
    let created: Vec<&str> = statements.iter().filter_map(created_table).collect();
    let is_free = |statement: &Statement| touched_table(statement).is_some_and(|table| created.contains(&table));
    let judged = statements.iter().filter(|statement| !is_free(statement) && !is_excused(statement));
    judged.flat_map(judge).chain(held::queries(statements, &created, &is_excused)).collect()
}

fn judge(statement: &Statement) -> Vec<Hit> {
    if starts_with(statement, &["ALTER"])
        && let Some(word) = find(statement, &["RENAME"])
    {
        let message = "an expand must not rename: the old release uses the old name; add a new one beside it";
        return vec![(word.line, message.to_owned())];
    }
    if !ALLOWED.iter().any(|start| starts_with(statement, start)) {
        return refuse(statement).into_iter().collect();
    }
    match statement.get(1).map(|word| word.text.as_str()) {
        Some("TABLE") if starts_with(statement, &["ALTER"]) => alter::altered(statement),
        Some("TYPE") if starts_with(statement, &["ALTER"]) => alter_type(statement).into_iter().collect(),
        Some("UNIQUE") => hit(statement.first(), "an expand must not make an existing table's column unique: the old release may write it twice; do it in a contract").into_iter().collect(),
        Some("INDEX") => hit(statement.first(), "an expand must not lock an existing table while its index is built, and CONCURRENTLY cannot run in a migration, which is one transaction: put the index on a new table, or say why the table is small with `-- allow: <reason>` on the line above").into_iter().collect(),
        Some("TRIGGER") if starts_with(statement, &["CREATE"]) => hit(statement.first(), TRIGGER).into_iter().collect(),
        Some(_) | None => overwrites(statement).into_iter().collect(),
    }
}

/// Transaction control has a rule of its own, which holds for contracts too.
fn refuse(statement: &Statement) -> Option<Hit> {
    let first = statement.first()?;
    let message = match REFUSED.iter().find(|(start, _)| starts_with(statement, start)) {
        Some((_, "")) => return None,
        Some((_, message)) => (*message).to_owned(),
        None => {
            let start: Vec<&str> = statement.iter().take(2).map(|word| word.text.as_str()).collect();
            format!("{} {UNKNOWN}", start.join(" "))
        }
    };
    Some((first.line, message))
}

/// A new value is the only change of a type that the old release does not notice.
fn alter_type(statement: &Statement) -> Option<Hit> {
    let adds = find(statement, &["ADD", "VALUE"]).is_some();
    let message = "an expand must not change a type: the old release uses it; add values, or make a new type";
    (!adds).then(|| hit(statement.first(), message)).flatten()
}

/// `INSERT … ON CONFLICT DO UPDATE` is an UPDATE, `SELECT … INTO` harmless.
fn overwrites(statement: &Statement) -> Option<Hit> {
    let word = starts_with(statement, &["INSERT"]).then(|| find(statement, &["DO", "UPDATE"])).flatten();
    hit(word, "an expand must not change rows that the old release works with: write ON CONFLICT DO NOTHING")
}

pub(super) fn hit(word: Option<&Word>, message: &str) -> Option<Hit> {
    word.map(|word| (word.line, message.to_owned()))
}

fn created_table(statement: &Statement) -> Option<&str> {
    let created =
        starts_with(statement, &["CREATE"]) && find(&statement[..statement.len().min(4)], &["TABLE"]).is_some();
    created.then(|| name_after(statement, "TABLE")).flatten()
}

/// The table that a statement is about.
pub(super) fn touched_table(statement: &Statement) -> Option<&str> {
    const BEFORE_THE_NAME: [(&[&str], &str); 11] = [
        (&["ALTER", "TABLE"], "TABLE"),
        (&["DROP", "TABLE"], "TABLE"),
        (&["CREATE", "INDEX"], "ON"),
        (&["CREATE", "UNIQUE", "INDEX"], "ON"),
        (&["CREATE", "TRIGGER"], "ON"),
        (&["CREATE", "CONSTRAINT", "TRIGGER"], "ON"),
        (&["TRUNCATE", "TABLE"], "TABLE"),
        (&["TRUNCATE"], "TRUNCATE"),
        (&["DELETE"], "FROM"),
        (&["INSERT"], "INTO"),
        (&["UPDATE"], "UPDATE"),
    ];
    let found = BEFORE_THE_NAME.iter().find(|(start, _)| starts_with(statement, start));
    found.and_then(|(_, keyword)| name_after(statement, keyword))
}

fn name_after<'a>(statement: &'a Statement, keyword: &str) -> Option<&'a str> {
    let at = statement.iter().position(|word| word.text == keyword)?;
    let noise = ["IF", "NOT", "EXISTS", "ONLY"];
    statement[at + 1..].iter().map(|word| word.text.as_str()).find(|word| !noise.contains(word))
}
