//! What an expand migration may do: add. Statements that are not known to leave the old release alone are refused.
//!
//! Tables that the same file creates are free: the old release does not know them.

use super::scan::{Statement, Word};

/// Line and message.
type Hit = (usize, String);

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
const REFUSED: [(&[&str], &str); 12] = [
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
    (&["DO"], "an expand must not run code that nobody can check: write plain statements"),
    (&["WITH"], "an expand must not hide a change behind WITH: write it as a statement of its own"),
];

/// For everything that nobody thought of.
const UNKNOWN: &str = "is not known to leave the old release alone: do it in a contract";

/// What an ALTER TABLE must not contain.
const REFUSED_IN_ALTER: [(&[&str], &str); 14] = [
    (&["DROP", "COLUMN"], "an expand must not drop a column: the old release uses it; drop it in a contract"),
    (&["DROP", "DEFAULT"], "an expand must not drop a default: the old release relies on it when it writes"),
    (
        &["SET", "NOT", "NULL"],
        "an expand must not narrow a column: the old release may write NULL; do it in a contract",
    ),
    (&["TYPE"], "an expand must not change a column's type: add a column of the new type, and copy in both directions"),
    (
        &["ADD", "CONSTRAINT"],
        "an expand must not constrain what the old release writes: add the constraint in a contract",
    ),
    (&["ADD", "CHECK"], "an expand must not constrain what the old release writes: add the check in a contract"),
    (&["ADD", "UNIQUE"], "an expand must not constrain what the old release writes: make it unique in a contract"),
    (&["ADD", "FOREIGN"], "an expand must not constrain what the old release writes: add the reference in a contract"),
    (&["ADD", "PRIMARY"], "an expand must not constrain what the old release writes: add the key in a contract"),
    (&["ADD", "EXCLUDE"], "an expand must not constrain what the old release writes: add it in a contract"),
    (&["SET", "SCHEMA"], "an expand must not move a table: the old release looks for it where it was"),
    (&["OWNER"], "an expand must not change an owner: the old release may lose its rights"),
    (&["ENABLE"], "an expand must not enable rules, triggers or row security on what the old release uses"),
    (&["DETACH"], "an expand must not detach a partition: the old release reads it"),
];

/// Migrations are wrapped in a transaction by the program.
pub(super) fn transaction_control(statements: &[Statement]) -> Vec<Hit> {
    let own = |word: &str| matches!(word, "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT");
    let starts = statements.iter().filter_map(|statement| statement.first()).filter(|word| own(&word.text));
    starts
        .map(|word| (word.line, format!("{} is not allowed: every migration already is one transaction", word.text)))
        .collect()
}

/// What is refused in an expand.
pub(super) fn expand(statements: &[Statement]) -> Vec<Hit> {
    let created: Vec<&str> = statements.iter().filter_map(created_table).collect();
    let judged =
        statements.iter().filter(|statement| !touched_table(statement).is_some_and(|table| created.contains(&table)));
    judged.flat_map(judge).collect()
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
        Some("TABLE") if starts_with(statement, &["ALTER"]) => alter_table(statement),
        Some("TYPE") if starts_with(statement, &["ALTER"]) => alter_type(statement).into_iter().collect(),
        Some("UNIQUE") => hit(statement.first(), "an expand must not make an existing table's column unique: the old release may write it twice; do it in a contract").into_iter().collect(),
        Some("INDEX") => hit(statement.first(), "an expand must not lock an existing table while its index is built: put the index on a new table, or say why the table is small with `-- allow: <reason>` on the line above").into_iter().collect(),
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

fn alter_table(statement: &Statement) -> Vec<Hit> {
    let mut hits: Vec<Hit> =
        REFUSED_IN_ALTER.iter().filter_map(|(words, message)| hit(find(statement, words), message)).collect();
    hits.extend(drops_implicitly(statement));
    hits.extend(required_columns(statement));
    hits
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

/// `DROP name` and `DROP IF EXISTS name` without COLUMN drop a column too.
fn drops_implicitly(statement: &Statement) -> Option<Hit> {
    const OTHERWISE: [&str; 6] = ["COLUMN", "CONSTRAINT", "NOT", "DEFAULT", "EXPRESSION", "IDENTITY"];
    let drops = statement.windows(2).find(|pair| pair[0].text == "DROP" && !OTHERWISE.contains(&pair[1].text.as_str()));
    drops.map(|pair| (pair[0].line, REFUSED_IN_ALTER[0].1.to_owned()))
}

/// An added column that must be given a value cannot be written by the old release.
fn required_columns(statement: &Statement) -> Vec<Hit> {
    let message = "an expand must not add a column that the old release has to fill: give it a DEFAULT, or allow NULL";
    let clauses = clauses(statement);
    let required = clauses
        .into_iter()
        .filter(|clause| find(clause, &["ADD"]).is_some() && find(clause, &["NOT", "NULL"]).is_some());
    let filled = |clause: &&[Word]| find(clause, &["DEFAULT"]).is_some() || find(clause, &["GENERATED"]).is_some();
    required
        .filter(|clause| !filled(clause))
        .filter_map(|clause| hit(find(clause, &["NOT", "NULL"]), message))
        .collect()
}

/// The parts between commas outside of parentheses.
fn clauses(statement: &[Word]) -> Vec<&[Word]> {
    let mut depth = 0_usize;
    let separates = |word: &Word| {
        match word.text.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.text == ","
    };
    statement.split(separates).collect()
}

fn hit(word: Option<&Word>, message: &str) -> Option<Hit> {
    word.map(|word| (word.line, message.to_owned()))
}

fn starts_with(statement: &[Word], words: &[&str]) -> bool {
    statement.len() >= words.len() && statement.iter().zip(words).all(|(word, expected)| word.text == *expected)
}

fn find<'a>(statement: &'a [Word], words: &[&str]) -> Option<&'a Word> {
    let found = statement
        .windows(words.len())
        .find(|window| window.iter().zip(words).all(|(word, expected)| word.text == *expected));
    found.and_then(<[Word]>::first)
}

fn created_table(statement: &Statement) -> Option<&str> {
    let created =
        starts_with(statement, &["CREATE"]) && find(&statement[..statement.len().min(4)], &["TABLE"]).is_some();
    created.then(|| name_after(statement, "TABLE")).flatten()
}

/// The table that a statement is about.
fn touched_table(statement: &Statement) -> Option<&str> {
    const BEFORE_THE_NAME: [(&[&str], &str); 9] = [
        (&["ALTER", "TABLE"], "TABLE"),
        (&["DROP", "TABLE"], "TABLE"),
        (&["CREATE", "INDEX"], "ON"),
        (&["CREATE", "UNIQUE", "INDEX"], "ON"),
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
