//! Splits SQL into statements of words, without comments, strings and function bodies.

/// One word, in upper case unless quoted, and the line it stands on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
}

/// One statement.
pub(super) type Statement = Vec<Word>;

/// The statements of `sql`.
pub(super) fn statements(sql: &str) -> Vec<Statement> {
    let mut scanner = Scanner { rest: sql, line: 1, words: Vec::new(), statements: Vec::new() };
    while scanner.step() {}
    scanner.end_statement();
    scanner.statements
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    words: Statement,
    statements: Vec<Statement>,
}

impl<'a> Scanner<'a> {
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        match first {
            '-' if self.rest.starts_with("--") => self.skip_past("\n"),
            '/' if self.rest.starts_with("/*") => self.skip_past("*/"),
            '\'' => self.quoted('\''),
            '"' => self.quoted('"'),
            '$' if self.dollar_tag().is_some() => self.dollar(),
            ';' => {
                self.take(1);
                self.end_statement();
            }
            c if is_word(c) => self.word(),
            c => {
                let mark = self.take(c.len_utf8());
                if matches!(mark, "(" | ")" | ",") {
                    self.push(mark.to_owned());
                }
            }
        }
        true
    }

    /// Consumes so many bytes, counting lines.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_past(&mut self, end: &str) {
        let length = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(length);
    }

    /// A string or a quoted name; a name counts as a word, a string as nothing.
    fn quoted(&mut self, quote: char) {
        self.take(1);
        let length = self.rest.find(quote).unwrap_or(self.rest.len());
        let line = self.line;
        let text = self.take(length).to_owned();
        self.take(usize::from(!self.rest.is_empty()));
        if quote == '"' {
            self.words.push(Word { text, line });
        }
    }

    /// `$$` or `$name$`.
    fn dollar_tag(&self) -> Option<&'a str> {
        let end = self.rest[1..].find('$')? + 2;
        let tag = &self.rest[..end];
        tag[1..end - 1].chars().all(|c| is_word(c) && c != '.').then_some(tag)
    }

    fn dollar(&mut self) {
        let Some(tag) = self.dollar_tag() else { return };
        self.take(tag.len());
        self.skip_past(tag);
    }

    fn word(&mut self) {
        let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let line = self.line;
        let text = self.take(length).to_uppercase();
        self.words.push(Word { text, line });
    }

    fn push(&mut self, text: String) {
        self.words.push(Word { text, line: self.line });
    }

    fn end_statement(&mut self) {
        if !self.words.is_empty() {
            self.statements.push(std::mem::take(&mut self.words));
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}
