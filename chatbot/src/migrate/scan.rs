//! Splits SQL into statements of words, without comments, strings and function bodies.

/// One word, in upper case unless quoted, and the line it stands on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) is_quoted: bool,
}

impl Word {
    /// Whether it is this keyword, or a name that is written like it.
    pub(super) fn is(&self, keyword: &str) -> bool {
        !self.is_quoted && self.text == keyword
    }
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
            '/' if self.rest.starts_with("/*") => self.comment(),
            'e' | 'E' if self.rest[1..].starts_with('\'') => self.escaped(),
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

    /// Comments hold comments.
    fn comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
            } else if let Some(next) = self.rest.chars().next() {
                self.take(next.len_utf8());
            }
            if depth == 0 || self.rest.is_empty() {
                return;
            }
        }
    }

    /// A string or a quoted name; a name counts as a word, a string as nothing.
    fn quoted(&mut self, quote: char) {
        self.take(1);
        let length = self.rest.find(quote).unwrap_or(self.rest.len());
        let line = self.line;
        let text = self.take(length).to_owned();
        self.take(usize::from(!self.rest.is_empty()));
        if quote == '"' {
            self.words.push(Word { text, line, is_quoted: true });
        }
    }

    /// `E'…'`: a quote behind a backslash does not end it.
    fn escaped(&mut self) {
        self.take(2);
        let mut is_behind_backslash = false;
        let ends = |c: char| {
            let ends = c == '\'' && !is_behind_backslash;
            is_behind_backslash = c == '\\' && !is_behind_backslash;
            ends
        };
        let length = self.rest.find(ends).map_or(self.rest.len(), |at| at + 1);
        self.take(length);
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
        // Inside of a name a dollar sign begins no body.
        let length = self.rest.find(|c| !is_word(c) && c != '$').unwrap_or(self.rest.len());
        let line = self.line;
        let text = self.take(length).to_ascii_uppercase();
        self.words.push(Word { text, line, is_quoted: false });
    }

    fn push(&mut self, text: String) {
        self.words.push(Word { text, line: self.line, is_quoted: false });
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

/// Whether the words begin with these keywords.
pub(super) fn starts_with(words: &[Word], keywords: &[&str]) -> bool {
    words.len() >= keywords.len() && words.iter().zip(keywords).all(|(word, keyword)| word.is(keyword))
}

/// The first place where these keywords follow each other.
pub(super) fn find<'a>(words: &'a [Word], keywords: &[&str]) -> Option<&'a Word> {
    words.windows(keywords.len()).find(|window| starts_with(window, keywords)).and_then(<[Word]>::first)
}

/// The words without these keywords at their beginning.
pub(super) fn without<'a>(words: &'a [Word], keywords: &[&str]) -> &'a [Word] {
    if starts_with(words, keywords) { words.get(keywords.len()..).unwrap_or_default() } else { words }
}

/// The parts between commas outside of parentheses.
pub(super) fn clauses(words: &[Word]) -> Vec<&[Word]> {
    let mut depth = 0_usize;
    let separates = |word: &Word| {
        match word.text.as_str() {
            "(" if !word.is_quoted => depth += 1,
            ")" if !word.is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.is(",")
    };
    words.split(separates).collect()
}

/// The table of an ALTER TABLE, and what is done to it, part by part.
pub(super) fn alter_table(statement: &[Word]) -> Option<(String, Vec<&[Word]>)> {
    let named = without(without(without(statement, &["ALTER", "TABLE"]), &["IF", "EXISTS"]), &["ONLY"]);
    name(named).map(|(table, actions)| (table, clauses(actions)))
}

/// The name that the words begin with, as SQL that means the same, and the words behind it; None for what is no plain name.
pub(super) fn name(words: &[Word]) -> Option<(String, &[Word])> {
    let (first, mut rest) = words.split_first()?;
    let mut name = part_of_name(first)?;
    while let Some((next, behind)) = rest.split_first()
        && (name.ends_with('.') || next.text.starts_with('.'))
    {
        name.push_str(&part_of_name(next)?);
        rest = behind;
    }
    Some((name, rest))
}

/// None for what is not ASCII: how PostgreSQL folds that depends on the server.
fn part_of_name(word: &Word) -> Option<String> {
    if word.is_quoted {
        return Some(format!("\"{}\"", word.text));
    }
    let is_name = word.text.is_ascii() && word.text.chars().all(is_word);
    is_name.then(|| word.text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        let text = |statement: Statement| statement.into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
        statements(sql).into_iter().map(text).collect()
    }

    #[test]
    fn what_stands_in_strings_comments_and_bodies_is_no_statement() {
        let cases = [
            ("SELECT 'a; DROP TABLE b'; c", vec!["SELECT", "C"]),
            (r"COMMENT ON x IS E'it\'s'; DROP TABLE y; d 'z'", vec!["COMMENT ON X IS", "DROP TABLE Y", "D"]),
            (r"a E'\\'; b 'c'", vec!["A", "B"]),
            ("-- a; b\nc /* d; */ e", vec!["C E"]),
            ("/* a /* b */ don't */ DROP TABLE t; c", vec!["DROP TABLE T", "C"]),
            ("DROP INDEX a$b$c; DROP TABLE t", vec!["DROP INDEX A$B$C", "DROP TABLE T"]),
            ("DO $x$ a; b $x$; c", vec!["DO", "C"]),
            (r#"a "b; C" d"#, vec!["A b; C D"]),
        ];
        for (sql, expected) in cases {
            assert_eq!(texts(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_name_means_the_same_as_in_the_text() {
        let cases = [
            ("Users x", Some("users")),
            ("public.Users x", Some("public.users")),
            (r#""Users" x"#, Some(r#""Users""#)),
            (r#"public."Users" x"#, Some(r#"public."Users""#)),
            (r#""My Schema"."Users" x"#, Some(r#""My Schema"."Users""#)),
            (r#""a".b x"#, Some(r#""a".b"#)),
            ("straße x", None),
            ("( x", None),
            ("", None),
        ];
        for (sql, expected) in cases {
            let words = statements(sql).pop().unwrap_or_default();
            let found = name(&words);
            assert_eq!(found.as_ref().map(|(name, _)| name.as_str()), expected, "{sql}");
            assert!(found.is_none_or(|(_, rest)| rest.len() == 1), "{sql}");
        }
    }
}
