//! Dense vectors.

pub(super) mod create;
