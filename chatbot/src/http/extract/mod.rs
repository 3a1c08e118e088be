//! What handlers take out of a request, each with its problem when it cannot.

mod body;
mod caller;
mod client;
mod cursor;
mod may;
mod page;
mod path;
mod query;
mod same_origin;

pub(super) use body::Json;
pub(super) use caller::Caller;
pub(super) use client::Anybody;
pub(crate) use client::client;
pub(super) use cursor::Cursor;
pub(super) use may::{Administer, Chat, LoggedIn, May, ReadDocuments, WriteDocuments};
pub(super) use page::{Page, PageQuery};
pub(super) use path::Id;
pub(super) use query::Query;
pub(super) use same_origin::SameOrigin;
