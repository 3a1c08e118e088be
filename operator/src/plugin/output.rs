//! What is printed, and in which colours: none unless a person looks at it.

use std::io::{self, IsTerminal, Write};

/// Standard output.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    terminal: bool,
}

impl Output {
    /// Standard output; colours only on a terminal, and not where NO_COLOR asks for none.
    #[must_use]
    pub fn stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { terminal: io::stdout().is_terminal() && wanted }
    }

    /// Whether a person looks at it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.terminal
    }

    /// The colours to use.
    #[must_use]
    pub fn palette(self) -> Palette {
        Palette { colours: self.terminal }
    }

    /// Writes text and shows it at once.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn text(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn line(self, line: &str) -> io::Result<()> {
        self.text(&format!("{line}\n"))
    }
}

/// Colours, or none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    colours: bool,
}

impl Palette {
    /// Good news.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bad news.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// Something to watch.
    #[must_use]
    pub fn mind(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A heading.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Less important.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
