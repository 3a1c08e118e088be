//! Questions and answers.

pub(super) mod create;
mod events;
mod memory;
mod model;

pub(in crate::http) use model::Measured;
