//! What handlers take out of a request, each with its problem when it cannot.

mod api_key;
mod body;
mod page;
mod path;

pub(super) use api_key::Caller;
pub(super) use body::Json;
pub(super) use page::{Page, PageQuery};
pub(super) use path::Id;
