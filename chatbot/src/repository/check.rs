//! Looks for damage: of what is listed, and of a part of the content.

use std::{fmt, str::FromStr, sync::Arc};

use rustic_core::{CheckOptions, ReadSubsetOption};

use super::{Repository, RepositoryError, Tally};

/// Which part of the content is read: the `number`th of `of`. All of them one after the other read everything once.
/// Written as `3/7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    number: u32,
    of: u32,
}

impl Part {
    /// The `number`th of `of`, the first and only one where there is no such.
    #[must_use]
    pub const fn of(number: u32, of: u32) -> Self {
        if number == 0 || number > of { Self { number: 1, of: 1 } } else { Self { number, of } }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let part = numbers.map(|(number, of)| Self { number, of });
        part.filter(|part| (1..=part.of).contains(&part.number))
            .ok_or_else(|| "write which part of how many, such as 3/7".to_owned())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Repository {
    /// Looks whether every snapshot has all its files, every index its packs, and whether a part of the content is what was written.
    /// Blocks.
    ///
    /// # Errors
    /// `Damaged` with what was found first, or the store's.
    pub(crate) fn check(&self, part: Part, tally: &Arc<Tally>) -> Result<(), RepositoryError> {
        let options = CheckOptions::default()
            .read_data(true)
            .read_data_subset(ReadSubsetOption::IdSubSet((part.number, part.of)));
        let store = Arc::new(self.store().until_stopped(tally));
        let results = self.over(&store)?.check(options).map_err(self.failed("checking it"))?;
        if results.is_ok().is_ok() {
            return Ok(());
        }
        let (count, first) =
            (results.0.len(), results.0.first().map(|(_, error)| error.to_string()).unwrap_or_default());
        let said = first.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(RepositoryError::Damaged { location: self.location(), count, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_as_many_as_there_are() {
        for text in ["1/1", "3/7", "7/7"] {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
        for text in ["", "3", "0/7", "8/7", "1/0", "-1/7", "a/b"] {
            assert!(text.parse::<Part>().unwrap_err().contains("3/7"), "{text}");
        }
    }
}
