//! Messages of a conversation.

pub(super) mod list;
