//! Search in the caller's documents.

pub(super) mod create;
