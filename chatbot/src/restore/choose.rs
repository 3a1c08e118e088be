//! Which backup is meant.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::repository::Listed;

/// Fewest characters of a name that say which backup is meant.
const SHORTEST_NAME: usize = 4;

/// A backup, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The newest.
    Latest,
    /// The one whose name begins so.
    Name(String),
    /// The newest that is not younger.
    Time(Timestamp),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |text: &str| text.len() >= SHORTEST_NAME && text.chars().all(|c| c.is_ascii_hexdigit());
        match text {
            "latest" => Ok(Self::Latest),
            name if is_name(name) => Ok(Self::Name(name.to_ascii_lowercase())),
            time => time.parse().map(Self::Time).map_err(|_| {
                "write `latest`, the beginning of a backup's name (4 hexadecimal digits or more), or a time such as 2026-03-04T05:06:07Z".to_owned()
            }),
        }
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Name(name) => f.write_str(name),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// Why no backup is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// There is none.
    #[error(
        "there is no backup of this environment in the repository: see that RESOURCE_PREFIX is that of the environment that made them"
    )]
    Empty,
    /// None is called so.
    #[error("no backup is called so: see chatbot backup list")]
    Unknown,
    /// Several are.
    #[error("more than one backup's name begins so: write more of it")]
    Ambiguous,
    /// All are younger.
    #[error("every backup is younger than that: see chatbot backup list")]
    TooEarly,
}

/// Of `backups`, newest first, the one that is meant.
pub(crate) fn choose<'a>(backups: &'a [Listed], from: &From) -> Result<&'a Listed, NoChoice> {
    let newest = backups.first().ok_or(NoChoice::Empty)?;
    match from {
        From::Latest => Ok(newest),
        From::Time(time) => backups.iter().find(|backup| backup.time <= *time).ok_or(NoChoice::TooEarly),
        From::Name(name) => {
            let mut found = backups.iter().filter(|backup| backup.id.starts_with(name));
            let first = found.next().ok_or(NoChoice::Unknown)?;
            if found.next().is_some() { Err(NoChoice::Ambiguous) } else { Ok(first) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backups() -> Vec<Listed> {
        let backup = |id: &str, time: &str| Listed {
            id: id.to_owned(),
            time: time.parse().unwrap(),
            tags: Vec::new(),
            bytes: 0,
            new_bytes: 0,
        };
        vec![
            backup("abcd33", "2026-03-03T00:00:00Z"),
            backup("abcd22", "2026-03-02T00:00:00Z"),
            backup("ef0011", "2026-03-01T00:00:00Z"),
        ]
    }

    #[test]
    fn a_backup_is_found_by_its_age_its_name_or_a_time() {
        let cases = [
            ("latest", Ok("abcd33")),
            ("ABCD2", Ok("abcd22")),
            ("ef00", Ok("ef0011")),
            ("2026-03-02T12:00:00Z", Ok("abcd22")),
            ("2026-03-02T00:00:00+03:30", Ok("ef0011")),
            ("abcd", Err(NoChoice::Ambiguous)),
            ("dddd", Err(NoChoice::Unknown)),
            ("2026-02-01T00:00:00Z", Err(NoChoice::TooEarly)),
        ];
        let backups = backups();
        for (from, expected) in cases {
            let found = choose(&backups, &from.parse().unwrap()).map(|backup| backup.id.as_str());
            assert_eq!(found, expected, "{from}");
        }
        assert_eq!(choose(&[], &From::Latest), Err(NoChoice::Empty));
    }

    #[test]
    fn what_names_no_backup_is_refused_with_what_would() {
        for text in ["", "abc", "yesterday", "2026-03-04", "ghij"] {
            assert!(text.parse::<From>().unwrap_err().contains("latest"), "{text}");
        }
    }
}
