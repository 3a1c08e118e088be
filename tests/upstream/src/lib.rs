//! A scripted upstream that speaks the OpenAI API, for tests only: exact words, delays and faults on demand. See the
//! README beside it.

mod chat;
mod embeddings;
mod script;
mod server;

pub use script::{Script, Step};
pub use server::{Running, Settings, StartError, start};
