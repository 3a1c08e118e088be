//! What an expand migration may do: add. Statements that are not known to leave the old release alone are refused.
//!
//! Tables that the same file creates are free: the old release does not know them.

use super::{
    super::scan::{Statement, Word, alter_table, find, starts_with},
    columns,
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

/// For `ALTER COLUMN … TYPE`; a column that is added may be called so.
const OTHER_TYPE: &str =
    "an expand must not change a column's type: add a column of the new type, and copy in both directions";

/// What an ALTER TABLE must not contain.
const REFUSED_IN_ALTER: [(&[&str], &str); 9] = [
    (&["DROP", "COLUMN"], "an expand must not drop a column: the old release uses it; drop it in a contract"),
    (&["DROP", "DEFAULT"], "an expand must not drop a default: the old release relies on it when it writes"),
    (
        &["SET", "NOT", "NULL"],
        "an expand must not narrow a column: the old release may write NULL; do it in a contract",
    ),
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
        Some("TABLE") if starts_with(statement, &["ALTER"]) => altered(statement),
        Some("TYPE") if starts_with(statement, &["ALTER"]) => alter_type(statement).into_iter().collect(),
        Some("UNIQUE") => hit(statement.first(), "an expand must not make an existing table's column unique: the old release may write it twice; do it in a contract").into_iter().collect(),
        Some("INDEX") => hit(statement.first(), "an expand must not lock an existing table while its index is built, and CONCURRENTLY cannot run in a migration, which is one transaction: put the index on a new table, or say why the table is small with `-- allow: <reason>` on the line above").into_iter().collect(),
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

fn altered(statement: &Statement) -> Vec<Hit> {
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
        return hit(find(action, &["TYPE"]), OTHER_TYPE).into_iter().collect();
    }
    let refused = REFUSED_ACTIONS.iter().find(|(start, _)| starts_with(action, start));
    refused.and_then(|(_, message)| hit(action.first(), message)).into_iter().collect()
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

pub(super) fn hit(word: Option<&Word>, message: &str) -> Option<Hit> {
    word.map(|word| (word.line, message.to_owned()))
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
