//! Who did what, for admins.

pub(super) mod list;
