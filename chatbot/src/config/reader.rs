//! Reads variables one by one and collects what is wrong with them.

use std::fmt;

use secrecy::SecretString;

/// What is wrong with one variable. It never holds the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// True when it is not set (or empty), false when its value cannot be used.
    pub missing: bool,
    /// What it should be.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.missing { "is missing" } else { "cannot be used" };
        write!(f, "{} {what}: expected {}", self.variable, self.expected)
    }
}

/// Every problem of a configuration, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Problem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "variable" } else { "variables" };
        write!(f, "configuration: {} {plural} to set right", self.0.len())?;
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Looks variables up and remembers the problems.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// A reader over `lookup`, which answers for one name.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// The configuration, unless there was a problem.
    ///
    /// # Errors
    /// All problems at once.
    pub fn finish<T>(self, config: Option<T>) -> Result<T, ConfigErrors> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            Some(_) | None => Err(ConfigErrors(self.problems)),
        }
    }

    /// The variable's text without surrounding space; empty counts as unset.
    #[must_use]
    pub fn text(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Remembers that the variable's value cannot be used.
    pub fn reject(&mut self, variable: &'static str, expected: impl Into<String>) {
        self.problems.push(Problem { variable, missing: false, expected: expected.into() });
    }

    /// A variable that has to be there.
    pub fn required<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(text) = self.text(variable) else {
            self.problems.push(Problem { variable, missing: true, expected: expected.to_owned() });
            return None;
        };
        self.parsed(variable, expected, &text, parse)
    }

    /// A variable that may be absent.
    pub fn optional<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        self.parsed(variable, expected, &text, parse)
    }

    /// A variable with a default.
    pub fn or<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.optional(variable, expected, parse).unwrap_or(default)
    }

    /// A secret that may be absent.
    #[must_use]
    pub fn secret(&self, variable: &str) -> Option<SecretString> {
        self.text(variable).map(SecretString::from)
    }

    fn parsed<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(text);
        if value.is_none() {
            self.reject(variable, expected);
        }
        value
    }
}

/// Parsers that several topics share.
pub(super) mod parse {
    use std::time::Duration;

    use url::Url;

    /// true/false in the spellings people use in environment files.
    pub(crate) fn boolean(text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// A number inside `range`.
    pub(crate) fn number<T: std::str::FromStr + PartialOrd>(
        range: std::ops::RangeInclusive<T>,
    ) -> impl FnOnce(&str) -> Option<T> {
        move |text| text.parse().ok().filter(|value| range.contains(value))
    }

    /// Seconds, whole or with a fraction, inside `range` (seconds).
    pub(crate) fn seconds(range: std::ops::RangeInclusive<f64>) -> impl FnOnce(&str) -> Option<Duration> {
        move |text| {
            let seconds = text.strip_suffix('s').unwrap_or(text).parse().ok().filter(|value| range.contains(value))?;
            Duration::try_from_secs_f64(seconds).ok()
        }
    }

    /// An http or https URL with a host.
    pub(crate) fn http_url(text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    }
}
