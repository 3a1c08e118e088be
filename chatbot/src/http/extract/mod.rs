//! What handlers take out of a request, each with its problem when it cannot.

mod api_key;
mod body;
mod cursor;
mod page;
mod path;
mod query;

pub(super) use api_key::Caller;
pub(super) use body::Json;
pub(super) use cursor::Cursor;
pub(super) use page::{Page, PageQuery};
pub(super) use path::Id;
pub(super) use query::Query;
