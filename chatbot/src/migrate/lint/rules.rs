//! What an expand migration must not do: drop, rename or narrow anything that the old release uses.
//!
//! Tables that the same file creates are free: the old release does not know them.

use super::scan::{Statement, Word};

/// Line and message.
type Hit = (usize, String);

/// A start of a statement that is refused whatever follows.
const REFUSED: [(&[&str], &str); 8] = [
    (&["TRUNCATE"], "an expand must not lose rows: TRUNCATE belongs into a contract"),
    (&["DELETE"], "an expand must not lose rows: DELETE belongs into a contract"),
    (&["DROP", "TABLE"], "an expand must not drop a table: the old release uses it; drop it in a contract"),
    (&["DROP", "VIEW"], "an expand must not drop a view: drop it in a contract"),
    (&["DROP", "TYPE"], "an expand must not drop a type: drop it in a contract"),
    (&["DROP", "SCHEMA"], "an expand must not drop a schema: drop it in a contract"),
    (&["DROP", "SEQUENCE"], "an expand must not drop a sequence: drop it in a contract"),
    (&["DROP", "FUNCTION"], "an expand must not drop a function: drop it in a contract"),
];

/// What an ALTER TABLE must not contain.
const REFUSED_IN_ALTER: [(&[&str], &str); 9] = [
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
    let mut hits: Vec<Hit> = REFUSED
        .iter()
        .filter(|(start, _)| starts_with(statement, start))
        .filter_map(|(_, message)| hit(statement.first(), message))
        .collect();
    if starts_with(statement, &["ALTER"]) {
        hits.extend(hit(
            find(statement, &["RENAME"]),
            "an expand must not rename: the old release uses the old name; add a new one beside it",
        ));
    }
    if starts_with(statement, &["ALTER", "TABLE"]) {
        hits.extend(REFUSED_IN_ALTER.iter().filter_map(|(words, message)| hit(find(statement, words), message)));
        hits.extend(drops_implicitly(statement));
        hits.extend(required_columns(statement));
    }
    if starts_with(statement, &["CREATE", "UNIQUE", "INDEX"]) {
        hits.extend(hit(statement.first(), "an expand must not make an existing table's column unique: the old release may write it twice; do it in a contract"));
    }
    hits
}

/// `DROP name` without COLUMN drops a column too.
fn drops_implicitly(statement: &Statement) -> Option<Hit> {
    const HARMLESS: [&str; 7] = ["COLUMN", "CONSTRAINT", "NOT", "DEFAULT", "EXPRESSION", "IDENTITY", "IF"];
    let drops = statement.windows(2).find(|pair| pair[0].text == "DROP" && !HARMLESS.contains(&pair[1].text.as_str()));
    drops.map(|pair| (pair[0].line, REFUSED_IN_ALTER[0].1.to_owned()))
}

/// An added column that must be given a value cannot be written by the old release.
fn required_columns(statement: &Statement) -> Vec<Hit> {
    let message = "an expand must not add a column that the old release has to fill: give it a DEFAULT, or allow NULL";
    let clauses = statement.split(|word| word.text == ",");
    let required =
        clauses.filter(|clause| find(clause, &["ADD"]).is_some() && find(clause, &["NOT", "NULL"]).is_some());
    let filled = |clause: &&[Word]| find(clause, &["DEFAULT"]).is_some() || find(clause, &["GENERATED"]).is_some();
    required
        .filter(|clause| !filled(clause))
        .filter_map(|clause| hit(find(clause, &["NOT", "NULL"]), message))
        .collect()
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

/// The table that an ALTER TABLE or a CREATE INDEX is about.
fn touched_table(statement: &Statement) -> Option<&str> {
    if starts_with(statement, &["ALTER", "TABLE"]) {
        return name_after(statement, "TABLE");
    }
    let index = starts_with(statement, &["CREATE", "UNIQUE", "INDEX"]);
    index.then(|| name_after(statement, "ON")).flatten()
}

fn name_after<'a>(statement: &'a Statement, keyword: &str) -> Option<&'a str> {
    let at = statement.iter().position(|word| word.text == keyword)?;
    let noise = ["IF", "NOT", "EXISTS", "ONLY"];
    statement[at + 1..].iter().map(|word| word.text.as_str()).find(|word| !noise.contains(word))
}
