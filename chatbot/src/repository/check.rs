//! Looks for damage: of what is listed, and of a part of the content.

use std::sync::Arc;

use rustic_core::{CheckOptions, ReadSubsetOption, RusticError};

use super::{Repository, RepositoryError, Tally};

/// Which part of the content is read: the `number`th of `of`. All of them one after the other read everything once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) of: u32,
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
        let failed = |error: Box<RusticError>| RepositoryError::failed(&self.location(), "checking it", &error);
        let results = self.over(&store)?.check(options).map_err(failed)?;
        if results.is_ok().is_ok() {
            return Ok(());
        }
        let (count, first) =
            (results.0.len(), results.0.first().map(|(_, error)| error.to_string()).unwrap_or_default());
        let said = first.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(RepositoryError::Damaged { location: self.location(), count, said })
    }
}
